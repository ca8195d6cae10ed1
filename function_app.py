"""The Azure Functions app: imports the actions, which registers them, and registers all that the host can call."""

# pyright: reportUnusedImport=false

import azure.durable_functions as df
import azure.functions as func

import activities.blueprint
import activities.convert_to_shared
import activities.disable_sign_in
import activities.forward_email
import activities.hide_from_address_lists
import activities.remove_groups
import activities.remove_licenses
import activities.reset_password
import activities.revoke_sessions
import activities.set_out_of_office
import orchestrators.blueprint
import triggers.offboardings
import triggers.portal
import triggers.schedule
from shared import logs

logs.quiet_libraries()

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
app.register_functions(triggers.offboardings.blueprint)
app.register_functions(triggers.portal.blueprint)
app.register_functions(triggers.schedule.blueprint)
app.register_functions(orchestrators.blueprint.build())
app.register_functions(activities.blueprint.build())
