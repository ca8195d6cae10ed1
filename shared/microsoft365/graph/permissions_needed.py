"""Which permission a call of Microsoft Graph needs: what an administrator is told where Graph refuses it with 403.

Learn: the section "Permissions" of each call, its least privileged application permission.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.microsoft365.graph.graph_calls import GraphCall

_ROLE: Final = (
    "If the person holds an administrator role or is in a role-assignable group, also give the app's service principal "
    "the Entra role Privileged Authentication Administrator."
)
"""Learn: "Permissions and privileges for sensitive actions"."""

_BY_PATH: Final = tuple(
    (re.compile(pattern), permission)
    for pattern, permission in (
        (r"POST .*/sendMail$", "Mail.Send"),
        (r"\w+ .*/authentication/", "UserAuthenticationMethod.ReadWrite.All"),
        (r"POST .*/revokeSignInSessions$", "User.RevokeSessions.All"),
        (r"POST .*/(assignLicense|reprocessLicenseAssignment)$", "LicenseAssignment.ReadWrite.All"),
        (r"\w+ /groups/[^/]+/members", "GroupMember.ReadWrite.All"),
        (r"\w+ /groups/[^/]+/owners", "Group.ReadWrite.All"),
        (r"\w+ /admin/teams/", "TeamsTelephoneNumber.ReadWrite.All"),
        (r"\w+ .*/calendar/", "Calendars.ReadWrite"),
        (r"GET (.*/drive|/sites/)", "Files.Read.All"),
        (r"DELETE /users[/(][^/]+$|POST .*/restore$", "User.DeleteRestore.All"),
        (r"GET /tenantRelationships/delegatedAdmin", "DelegatedAdminRelationship.Read.All"),
        (r"GET /tenantRelationships/", "CrossTenantInformation.ReadBasic.All"),
        (r"GET ", "Directory.Read.All"),
    )
)
_BY_PROPERTY: Final = {
    "accountEnabled": "User.EnableDisableAccount.All",
    "passwordProfile": "User-PasswordProfile.ReadWrite.All",
}
_SENSITIVE: Final = re.compile(r"(PATCH|DELETE) /users[/(][^/]+$|DELETE .*/authentication/")


def permission_of(call: GraphCall) -> str:
    """Return the permission that a call needs; "" where it is not known."""
    if call.permission:
        return call.permission
    named = f"{call.method} {call.path.partition('?')[0]}"
    if call.method == "PATCH" and call.path.startswith("/users"):
        return next((_BY_PROPERTY[name] for name in call.body or () if name in _BY_PROPERTY), "User.ReadWrite.All")
    return next((permission for pattern, permission in _BY_PATH if pattern.match(named)), "")


def advice(call: GraphCall) -> str:
    """Say what an administrator grants so that a call is allowed; "" where it is not known."""
    permission = permission_of(call)
    if not permission:
        return ""
    granted = f"Grant the app {permission} (Microsoft Graph) in this tenant (admin consent)."
    is_sensitive = _SENSITIVE.match(f"{call.method} {call.path.partition('?')[0]}")
    return f"{granted} {_ROLE}" if is_sensitive else granted
