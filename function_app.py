"""The Azure Functions app: imports the actions, which registers them, and registers all that the host can call."""

# pyright: reportUnusedImport=false

import logging
import os

import azure.durable_functions as df
import azure.functions as func

import activities.blueprint
import activities.cancel_meetings
import activities.clear_immutable_id
import activities.convert_to_shared
import activities.delete_user
import activities.disable_devices
import activities.disable_forwarding
import activities.disable_onedrive_sharing
import activities.disable_sign_in
import activities.forward_email
import activities.grant_mailbox_access
import activities.grant_mailbox_access_automap
import activities.grant_onedrive_access
import activities.grant_send_as
import activities.grant_send_on_behalf
import activities.hand_over_ownership
import activities.hide_from_address_lists
import activities.remove_app_access
import activities.remove_calendar_permissions
import activities.remove_directory_roles
import activities.remove_groups
import activities.remove_inbox_rules
import activities.remove_licenses
import activities.remove_mailbox_permissions
import activities.remove_mfa_methods
import activities.remove_mobile_devices
import activities.remove_teams_number
import activities.reset_password
import activities.revoke_sessions
import activities.set_out_of_office
import orchestrators.blueprint
import triggers.access_check
import triggers.directory
import triggers.given_access
import triggers.notifications
import triggers.offboardings
import triggers.openapi
import triggers.portal
import triggers.reports
import triggers.restoring
import triggers.schedule
import triggers.setting_changes
from shared.app import host_settings, settings
from shared.base.telemetry import logs

logs.quiet_libraries()
logs.set_up(settings.secret_values(os.environ))
if logging.root.handlers and (problem := host_settings.host_problem(os.environ)):
    logging.getLogger("triggers").error(problem)

asked = func.AuthLevel.FUNCTION if settings.requires_function_key(os.environ) else func.AuthLevel.ANONYMOUS
app = df.DFApp(http_auth_level=asked)
app.register_functions(triggers.access_check.blueprint)
app.register_functions(triggers.directory.blueprint)
app.register_functions(triggers.given_access.blueprint)
app.register_functions(triggers.notifications.blueprint)
app.register_functions(triggers.offboardings.blueprint)
app.register_functions(triggers.openapi.blueprint)
app.register_functions(triggers.portal.blueprint)
app.register_functions(triggers.reports.blueprint)
app.register_functions(triggers.restoring.blueprint)
app.register_functions(triggers.schedule.blueprint)
app.register_functions(triggers.setting_changes.blueprint)
app.register_functions(orchestrators.blueprint.build())
app.register_functions(activities.blueprint.build())
