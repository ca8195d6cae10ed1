"""What the portal asks for and this backend does not have: told as it is, empty, so that no page shows an error.

The shapes are those that the portal's pages read (portal 10.9: home page, tenant page, general settings, Edit Job).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.app import services
from shared.base.problems import refused
from triggers.answers import json_answer
from triggers.portal import wire
from triggers.routing import route

if TYPE_CHECKING:
    import azure.functions as func

    from shared.access.caller import Caller

_EMPTY: Final[dict[str, Any]] = {
    "ListGitHubReleaseNotes": [],
    "GetCippAlerts": [],
    "ListBrandingSettings": {},
    "ListGraphExplorerPresets": {"Results": []},
    "ListCustomVariables": {"Results": []},
    # The home page.
    "ListTestResultsTenants": {"Results": [], "Counts": {}},
    "ListDomainAnalyser": [],
    "ListDBCache": [],
    "ListSecureScoreReport": [],
    "ListTestReports": [],
    # The tenant page.
    "ListTenantGroups": {"Results": []},
    "ExecCippReplacemap": {"Results": []},
    # General settings, besides those that say something of this app.
    "ExecDnsConfig": {"Results": {}},
    "ExecBackupRetentionConfig": {"Results": {}},
    "ExecJITAdminSettings": {},
    # Edit Job and Clone Job.
    "ListFunctionParameters": [],
    "ListExtensionsConfig": {},
}

_SAVED_NOWHERE: Final = (
    "ExecCippReplacemap",
    "ExecDnsConfig",
    "ExecBackupRetentionConfig",
    "ExecJITAdminSettings",
    "ExecPasswordConfig",
    "ExecLogRetentionConfig",
)

_PAGES: Final = (
    "/identity/administration/users",
    "/identity/administration/guest-users",
    "/identity/administration/risky-users",
    "/identity/administration/deleted-items",
    "/identity/administration/vacation-mode",
    "/identity/administration/bec",
    "/identity/reports/mfa-report",
    "/identity/reports/inactive-users-report",
    "/identity/reports/signin-report",
    "/identity/reports/azure-ad-connect-report",
    "/identity/reports/risk-detections",
    "/tenant/administration/authentication-methods",
    "/email/administration/mailboxes",
    "/email/administration/hve-accounts",
    "/email/administration/deleted-mailboxes",
    "/email/administration/mailbox-rules",
    "/email/administration/restricted-users",
    "/email/reports/mail-flow-statistics",
    "/email/reports/mailbox-statistics",
    "/email/reports/mailbox-activity",
    "/email/reports/mailbox-cas-settings",
    "/email/reports/mailbox-permissions",
    "/email/reports/calendar-permissions",
    "/email/reports/mailbox-forwarding",
    "/email/reports/SharedMailboxEnabledAccount",
    "/email/reports/activesync-devices",
    "/email/tools/message-trace",
    "/email/tools/message-viewer",
    "/email/tools/mailbox-restores",
    "/email/tools/message-encryption",
    "/cipp/custom-data/directory-extensions",
    "/onboardingv2",
)
"""Pages that the menu would offer to who may offboard, and that this backend does not have."""


def _declare_empty(name: str, answer: object) -> None:
    def run(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
        """Answer that there is nothing of this kind."""
        del req, caller
        return json_answer(answer)

    run.__name__ = run.__qualname__ = name
    route(f"GET {name}", wire.text_refused)(run)


def _declare_refused(name: str) -> None:
    def run(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
        """Refuse to save what nothing here would follow."""
        del req, caller
        raise refused(400, "not_here", "This setting has no meaning for this backend, so it was not saved.")

    run.__name__ = run.__qualname__ = f"save_{name}"
    route(f"POST {name}", wire.text_refused)(run)


for _name, _answer in _EMPTY.items():
    _declare_empty(_name, _answer)
for _name in _SAVED_NOWHERE:
    _declare_refused(_name)


@route("GET ListFeatureFlags", wire.text_refused)
def list_feature_flags(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Switch off the pages that do not exist here: the menu leaves out what a disabled flag names."""
    del req, caller
    flag = {"Id": "OtherPages", "Name": "Pages that this backend does not have", "Enabled": False}
    return json_answer([{**flag, "Pages": list(_PAGES), "Endpoints": []}])


@route("GET ListTenantAlignment", wire.text_refused)
def list_tenant_alignment(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Answer that no tenant is compared with standards: in sum for the home page, else as a list."""
    del caller
    if wire.query(req).get("summary", "").casefold() != "true":
        return json_answer([])
    counts = dict.fromkeys(("ScoredTenantCount", "Average", "PendingDeviations", "PendingTenantCount"), 0)
    return json_answer({**counts, "Buckets": {}, "Lowest": []})


@route("GET ExecPasswordConfig", wire.text_refused)
def exec_password_config(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Tell what new passwords are: random characters, which nobody learns."""
    del req, caller
    return json_answer({"Results": {"passwordType": "Classic"}})


@route("GET ExecLogRetentionConfig", wire.text_refused)
def exec_log_retention_config(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Tell how long ended offboardings are kept, which are the log."""
    del req, caller
    return json_answer({"Results": {"RetentionDays": services.current().settings.retention_days}})
