"""Which role a caller needs for which route: the only place that says it.

A route that is not in this table cannot be declared, and a test walks all that are registered against it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from shared.access.policy import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUTES: Final[Mapping[str, Role | None]] = MappingProxyType(
    {
        "GET health": None,
        "GET health/detail": Role.admin,
        # Our own API.
        "GET openapi.json": Role.reader,
        "GET docs": Role.reader,
        "POST offboardings": Role.operator,
        "POST offboardings/plan": Role.reader,
        "GET offboardings": Role.reader,
        "GET offboardings/{id}": Role.reader,
        "GET offboardings/{id}/status": Role.reader,
        "GET offboardings/{id}/audit": Role.reader,
        "GET offboardings/{id}/report": Role.reader,
        "PATCH offboardings/{id}": Role.operator,
        "DELETE offboardings/{id}": Role.operator,
        "POST offboardings/{id}/run-now": Role.operator,
        "POST offboardings/{id}/retry": Role.operator,
        "POST offboardings/{id}/cancel": Role.operator,
        "POST offboardings/{id}/restore/plan": Role.reader,
        "POST offboardings/{id}/restore": Role.operator,
        "POST offboardings/bulk": Role.operator,
        "GET access": Role.reader,
        "GET tenants/{tenant}/users/{user}/access": Role.reader,
        "PATCH offboardings/{id}/access/{action}": Role.operator,
        "GET actions": Role.reader,
        "GET tenants": Role.reader,
        "GET tenants/{tenant}/check": Role.admin,
        "GET audit": Role.admin,
        "POST tick": Role.admin,  # The host reserves routes that begin with `admin` or `runtime`.
        "GET tenants/{tenant}/users": Role.reader,
        "GET tenants/{tenant}/report": Role.reader,
        "GET tenants/{tenant}/defaults": Role.reader,
        "PUT tenants/{tenant}/defaults": Role.operator,
        "GET defaults": Role.reader,
        "PUT defaults": Role.operator,
        "POST offboardings/{id}/notifications/resend": Role.operator,
        "GET settings/notifications": Role.admin,
        "PUT settings/notifications": Role.admin,
        "POST settings/notifications/test": Role.admin,
        "GET tenants/{tenant}/notifications": Role.admin,
        "PUT tenants/{tenant}/notifications": Role.admin,
        "POST tenants/{tenant}/notifications/test": Role.admin,
        # The portal's endpoints.
        "GET me": Role.nobody,
        "POST ExecOffboardUser": Role.operator,
        "GET ListScheduledItems": Role.reader,
        "GET ListScheduledItemDetails": Role.reader,
        "POST AddScheduledItem": Role.operator,
        "POST RemoveScheduledItem": Role.operator,
        "GET ListLogs": Role.reader,
        "GET,POST ListTenants": Role.reader,
        "GET ListTenantDetails": Role.reader,
        "GET ListGraphRequest": Role.reader,
        "GET ListMailboxes": Role.reader,
        "GET ListUserSettings": Role.reader,
        "POST ExecUserSettings": Role.operator,
        "POST EditTenantOffboardingDefaults": Role.operator,
        "GET ListNotificationConfig": Role.admin,
        "POST ExecNotificationConfig": Role.admin,
        "POST ExecAddAlert": Role.admin,
        "GET ListGitHubReleaseNotes": Role.reader,
        "GET ListFeatureFlags": Role.reader,
        "GET GetCippAlerts": Role.reader,
        "GET ListBrandingSettings": Role.reader,
        "GET ListGraphExplorerPresets": Role.reader,
        "GET ListUserPhoto": Role.reader,
        "POST ExecUserBookmarks": Role.reader,
        "GET ListTestResultsTenants": Role.reader,
        "GET ListDomainAnalyser": Role.reader,
        "GET ListDBCache": Role.reader,
        "GET ListSecureScoreReport": Role.reader,
        "GET ListTestReports": Role.reader,
        "GET ListTenantAlignment": Role.reader,
        "GET ListTenantGroups": Role.reader,
        "GET ExecCippReplacemap": Role.reader,
        "GET ExecPasswordConfig": Role.reader,
        "GET ExecDnsConfig": Role.reader,
        "GET ExecBackupRetentionConfig": Role.reader,
        "GET ExecLogRetentionConfig": Role.reader,
        "GET ExecJITAdminSettings": Role.reader,
        "GET ListFunctionParameters": Role.reader,
        "GET ListExtensionsConfig": Role.reader,
        "POST ExecCippReplacemap": Role.admin,
        "POST ExecDnsConfig": Role.admin,
        "POST ExecBackupRetentionConfig": Role.admin,
        "POST ExecJITAdminSettings": Role.admin,
        "POST ExecPasswordConfig": Role.admin,
        "POST ExecLogRetentionConfig": Role.admin,
        "GET ListCustomVariables": Role.reader,
        "GET GetVersion": Role.reader,
    }
)
"""By "METHOD path" as registered. None: open to everybody."""
