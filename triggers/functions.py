"""The functions of the REST API, the portal and the timers: what the host indexes, and where each one's code is.

A start only indexes. What a function does is imported when it is called first, so that none waits for the code of all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import azure.durable_functions as df
import azure.functions as func

from shared.access.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

HANDLERS: Final[Mapping[str, Mapping[str, str]]] = {
    "triggers.directory": {
        "GET health": "get_health",
        "GET health/detail": "get_health_detail",
        "GET actions": "list_actions",
        "GET tenants": "list_tenants",
        "GET tenants/{tenant}/check": "check_tenant",
        "GET tenants/{tenant}/users": "list_users",
        "GET tenants/{tenant}/defaults": "get_tenant_defaults",
        "PUT tenants/{tenant}/defaults": "put_tenant_defaults",
        "GET defaults": "get_own_defaults",
        "PUT defaults": "put_own_defaults",
    },
    "triggers.openapi": {
        "GET openapi.json": "describe_api",
        "GET docs": "show_api",
    },
    "triggers.offboardings": {
        "POST offboardings": "submit_offboardings",
        "POST offboardings/plan": "plan_offboardings",
        "GET offboardings": "list_offboardings",
        "GET offboardings/{id}": "get_offboarding",
        "GET offboardings/{id}/status": "get_status",
        "GET offboardings/{id}/audit": "get_audit",
        "PATCH offboardings/{id}": "reschedule_offboarding",
        "DELETE offboardings/{id}": "delete_offboarding",
        "POST offboardings/{id}/run-now": "run_offboarding_now",
        "POST offboardings/{id}/retry": "retry_offboarding",
        "POST offboardings/{id}/cancel": "cancel_offboarding",
        "POST offboardings/bulk": "change_offboardings",
    },
    "triggers.reports": {
        "GET offboardings/{id}/report": "get_report",
        "GET tenants/{tenant}/report": "get_tenant_report",
    },
    "triggers.restoring": {
        "POST offboardings/{id}/restore/plan": "plan_restoration",
        "POST offboardings/{id}/restore": "restore_offboarding",
    },
    "triggers.given_access": {
        "GET access": "list_access",
        "PATCH offboardings/{id}/access/{action}": "move_access",
    },
    "triggers.access_check": {
        "GET tenants/{tenant}/users/{user}/access": "get_user_access",
    },
    "triggers.setting_changes": {
        "GET audit": "list_setting_changes",
    },
    "triggers.schedule": {
        "POST tick": "tick",
    },
    "triggers.notifications": {
        "POST offboardings/{id}/notifications/resend": "resend_notifications",
        "GET settings/notifications": "get_notifications",
        "PUT settings/notifications": "put_notifications",
        "POST settings/notifications/test": "test_notifications",
        "GET tenants/{tenant}/notifications": "get_tenant_notifications",
        "PUT tenants/{tenant}/notifications": "put_tenant_notifications",
        "POST tenants/{tenant}/notifications/test": "test_tenant_notifications",
    },
    "triggers.portal.start_up": {
        "GET me": "me",
        "GET ListUserPhoto": "list_user_photo",
        "GET GetVersion": "get_version",
    },
    "triggers.portal.wizard": {
        "POST ExecOffboardUser": "exec_offboard_user",
    },
    "triggers.portal.scheduled": {
        "GET ListScheduledItems": "list_scheduled_items",
        "GET ListScheduledItemDetails": "list_scheduled_item_details",
        "POST AddScheduledItem": "add_scheduled_item",
        "POST RemoveScheduledItem": "remove_scheduled_item",
    },
    "triggers.portal.log_book": {
        "GET ListLogs": "list_logs",
    },
    "triggers.portal.pickers": {
        "GET,POST ListTenants": "list_portal_tenants",
        "GET ListTenantDetails": "list_tenant_details",
        "GET ListGraphRequest": "list_graph_request",
        "GET ListMailboxes": "list_mailboxes",
    },
    "triggers.portal.preferences": {
        "GET ListUserSettings": "list_user_settings",
        "POST ExecUserSettings": "exec_user_settings",
        "POST EditTenantOffboardingDefaults": "edit_tenant_offboarding_defaults",
        "POST ExecUserBookmarks": "exec_user_bookmarks",
    },
    "triggers.portal.notifications": {
        "GET ListNotificationConfig": "list_notification_config",
        "POST ExecNotificationConfig": "exec_notification_config",
        "POST ExecAddAlert": "exec_add_alert",
    },
    "triggers.portal.absent": {
        "GET ListGitHubReleaseNotes": "ListGitHubReleaseNotes",
        "GET ListFeatureFlags": "list_feature_flags",
        "GET GetCippAlerts": "GetCippAlerts",
        "GET ListBrandingSettings": "ListBrandingSettings",
        "GET ListGraphExplorerPresets": "ListGraphExplorerPresets",
        "GET ListTestResultsTenants": "ListTestResultsTenants",
        "GET ListDomainAnalyser": "ListDomainAnalyser",
        "GET ListDBCache": "ListDBCache",
        "GET ListSecureScoreReport": "ListSecureScoreReport",
        "GET ListTestReports": "ListTestReports",
        "GET ListTenantAlignment": "list_tenant_alignment",
        "GET ListTenantGroups": "ListTenantGroups",
        "GET ExecCippReplacemap": "ExecCippReplacemap",
        "GET ExecPasswordConfig": "exec_password_config",
        "GET ExecDnsConfig": "ExecDnsConfig",
        "GET ExecBackupRetentionConfig": "ExecBackupRetentionConfig",
        "GET ExecLogRetentionConfig": "exec_log_retention_config",
        "GET ExecJITAdminSettings": "ExecJITAdminSettings",
        "GET ListFunctionParameters": "ListFunctionParameters",
        "GET ListExtensionsConfig": "ListExtensionsConfig",
        "POST ExecCippReplacemap": "save_ExecCippReplacemap",
        "POST ExecDnsConfig": "save_ExecDnsConfig",
        "POST ExecBackupRetentionConfig": "save_ExecBackupRetentionConfig",
        "POST ExecJITAdminSettings": "save_ExecJITAdminSettings",
        "POST ExecPasswordConfig": "save_ExecPasswordConfig",
        "POST ExecLogRetentionConfig": "save_ExecLogRetentionConfig",
        "GET ListCustomVariables": "ListCustomVariables",
    },
}
"""By module and route (as in `ROUTES`), the name of the function; what the host calls it, too."""

WITH_CLIENT: Final = frozenset(
    {
        "POST offboardings",
        "PATCH offboardings/{id}",
        "DELETE offboardings/{id}",
        "POST offboardings/{id}/run-now",
        "POST offboardings/{id}/retry",
        "POST offboardings/{id}/cancel",
        "POST offboardings/{id}/restore",
        "POST offboardings/bulk",
        "POST tick",
        "POST ExecOffboardUser",
        "POST AddScheduledItem",
        "POST RemoveScheduledItem",
    }
)
"""Routes whose functions start or wake orchestrations."""

MODULE_OF: Final[Mapping[str, str]] = {route: module for module, routes in HANDLERS.items() for route in routes}


def build() -> df.Blueprint:
    """Return the functions: one for each route, and the timers."""
    blueprint = df.Blueprint()
    for routes in HANDLERS.values():
        for route, name in routes.items():
            _declare(blueprint, route, name)
    _declare_timer(blueprint, "wake", "%TICK_SCHEDULE%")
    _declare_timer(blueprint, "purge", "%RETENTION_SCHEDULE%")
    return blueprint


def _declare(blueprint: df.Blueprint, route: str, name: str) -> None:
    """Declare a function. With a client it runs on the worker's one loop, else on a thread, where it may block."""

    def run(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        from triggers import routing

        return routing.answer(route, req, context)

    async def run_with_client(
        req: func.HttpRequest, client: df.DurableOrchestrationClient, context: func.Context
    ) -> func.HttpResponse:
        from triggers import routing

        return await routing.answer_with_client(route, req, client, context)

    has_client = route in WITH_CLIENT
    function: Callable[..., Any] = run_with_client if has_client else run
    function.__name__ = name
    methods, _, path = route.partition(" ")
    level = func.AuthLevel.ANONYMOUS if ROUTES[route] is None else None
    if has_client:
        function = blueprint.durable_client_input("client")(function)
    blueprint.route(path, methods=methods.split(","), auth_level=level)(function)


def _declare_timer(blueprint: df.Blueprint, name: str, schedule: str) -> None:
    async def run(timer: func.TimerRequest, client: df.DurableOrchestrationClient, context: func.Context) -> None:
        from triggers import schedule

        del timer
        await schedule.TIMERS[name](client, context)

    run.__name__ = name
    blueprint.timer_trigger("timer", schedule)(blueprint.durable_client_input("client")(run))
