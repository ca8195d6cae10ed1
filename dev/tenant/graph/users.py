"""Users: reading, changing, deleting, signing out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dev.tenant.errors import bad_request, denied, missing, on_premises
from dev.tenant.graph import odata
from dev.tenant.graph.router import READ_USERS, WRITE_USERS, Ask, route
from dev.tenant.graph.schema import USER_DEFAULT, user_resource
from dev.tenant.licensing import looked_at
from dev.tenant.messages import now

if TYPE_CHECKING:
    from dev.tenant.messages import Json
    from dev.tenant.state import Tenant, User

ENABLE = ("User.EnableDisableAccount.All", *WRITE_USERS)
PASSWORD = ("User-PasswordProfile.ReadWrite.All",)
DELETE = ("User.DeleteRestore.All", "User.ReadWrite.All", "Directory.ReadWrite.All")
_ADMINISTRATOR_OF_ADMINISTRATORS = "Privileged Authentication Administrator"

_WRITABLE = {
    "accountEnabled": bool,
    "passwordProfile": dict,
    "onPremisesImmutableId": (str, type(None)),
    "displayName": str,
    "givenName": (str, type(None)),
    "surname": (str, type(None)),
    "jobTitle": (str, type(None)),
    "department": (str, type(None)),
    "usageLocation": (str, type(None)),
    "userPrincipalName": str,
}
_SENSITIVE = {"accountEnabled", "passwordProfile", "onPremisesImmutableId", "userPrincipalName"}
_PASSWORD_KEYS = {"password", "forceChangePasswordNextSignIn", "forceChangePasswordNextSignInWithMfa"}


def guard_sensitive(ask: Ask, user: User) -> None:
    """Refuse sensitive changes to administrators unless the app itself holds a high enough role.

    "Who can perform sensitive actions" (working with users in Microsoft Graph, Learn): application permissions alone
    do not reach users who hold an administrator role or are in a role-assignable group, nor those in a restricted
    management administrative unit.
    """
    tenant = ask.tenant
    privileged = bool(tenant.directory_roles_of(user)) or any(
        group.isAssignableToRole for group in tenant.groups_of(user)
    )
    if privileged and _ADMINISTRATOR_OF_ADMINISTRATORS not in tenant.app.entra_roles:
        raise denied()
    if user.former_administrator:
        user.former_administrator -= 1
        raise denied()
    if user.isManagementRestricted:
        raise denied()


@route("GET", "/users", permissions=READ_USERS, options=odata.LIST)
def list_users(ask: Ask) -> dict[str, Any]:
    """List the accounts."""
    rows = odata.narrow(ask, [user_resource(user) for user in ask.tenant.users.values()], "user")
    body = odata.page(ask, rows, "users")
    body["value"] = [odata.select(ask, row, "user", USER_DEFAULT) for row in body["value"]]
    return body


@route("GET", "/users/{user}", permissions=READ_USERS, options="$select")
def get_user(ask: Ask, user: str) -> dict[str, Any]:
    """Read one account; each look brings the asynchronous loss of inherited licenses nearer."""
    found = ask.user(user)
    looked_at(ask.tenant, found)
    chosen = odata.select(ask, user_resource(found), "user", USER_DEFAULT)
    return {"@odata.context": f"{ask.root}/$metadata#users/$entity", **chosen}


@route("GET", "/users/{user}/manager", permissions=READ_USERS, options="$select")
def get_manager(ask: Ask, user: str) -> dict[str, Any]:
    """Read the manager of an account."""
    manager = ask.tenant.users.get(ask.user(user).manager or "")
    if manager is None:
        raise missing("manager")
    chosen = odata.select(ask, user_resource(manager), "user", USER_DEFAULT)
    return {
        "@odata.context": f"{ask.root}/$metadata#directoryObjects/$entity",
        "@odata.type": "#microsoft.graph.user",
        **chosen,
    }


@route("PATCH", "/users/{user}")
def patch_user(ask: Ask, user: str) -> None:
    """Change an account: all of it or nothing."""
    body = ask.object_body()
    for name in body:
        _check_right(ask, name)
    found = ask.user(user)
    if _SENSITIVE & set(body):
        guard_sensitive(ask, found)
    if "onPremisesImmutableId" in body and ask.tenant.federated and found.userPrincipalName.endswith(ask.tenant.domain):
        raise bad_request("Unable to update parameter. Parameter name: ONPREMISESIMMUTABLEID.")
    for name, value in body.items():
        _check_value(found, name, value)
    for name, value in body.items():
        if name == "passwordProfile":
            found.lastPasswordChangeDateTime = found.signInSessionsValidFromDateTime = now()
            found.password_resets += 1
        else:
            setattr(found, name, value)


def _check_right(ask: Ask, name: str) -> None:
    if name not in _WRITABLE:
        readable = name in user_resource(next(iter(ask.tenant.users.values())))
        reason = f"Property '{name}' is read-only and cannot be set." if readable else f"Invalid property '{name}'."
        raise bad_request(reason, unknown=True)
    if name == "accountEnabled":
        ask.need(*ENABLE)
    elif name == "passwordProfile":
        ask.need(*PASSWORD)
    else:
        ask.need(*WRITE_USERS)


def _check_value(user: User, name: str, value: Json) -> None:
    if not isinstance(value, _WRITABLE[name]):
        raise bad_request(f"Invalid value specified for property '{name}' of resource 'User'.")
    # The account state of a synchronised user can be changed here, and is changed back by the next sync.
    if user.onPremisesSyncEnabled and name not in {"accountEnabled", "usageLocation"}:
        raise on_premises()
    if name == "passwordProfile":
        if unknown := set(value) - _PASSWORD_KEYS:
            raise bad_request(f"Invalid property '{unknown.pop()}'.", unknown=True)
        _check_password(value.get("password"))


def _check_password(password: object) -> None:
    """Apply the password policy of Entra ID: 8 to 256 characters, three of four classes."""
    text = password if isinstance(password, str) else ""
    classes = sum(bool(re.search(kind, text)) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9]"))
    if not 8 <= len(text) <= 256 or classes < 3:  # noqa: PLR2004 - see above
        raise bad_request("The specified password does not comply with password complexity requirements.")


@route("DELETE", "/users/{user}", permissions=DELETE)
def delete_user(ask: Ask, user: str) -> None:
    """Move an account to the deleted items, with its mailbox."""
    found = ask.user(user)
    guard_sensitive(ask, found)
    if found.onPremisesSyncEnabled:
        raise on_premises()
    soft_delete(ask.tenant, found)


def soft_delete(tenant: Tenant, user: User) -> None:
    """Keep what a restore needs; memberships stay with the groups and count only while the user lives."""
    user.deletedDateTime = now()
    tenant.deleted_users[user.id] = tenant.users.pop(user.id)
    if user.id in tenant.mailboxes:
        tenant.deleted_mailboxes[user.id] = tenant.mailboxes.pop(user.id)


@route("POST", "/users/{user}/revokeSignInSessions", permissions=("User.RevokeSessions.All", *WRITE_USERS))
def revoke_sessions(ask: Ask, user: str) -> dict[str, Any]:
    """Make every refresh token issued before now worthless."""
    found = ask.user(user)
    guard_sensitive(ask, found)
    found.signInSessionsValidFromDateTime = now()
    found.session_revocations += 1
    return {"@odata.context": f"{ask.root}/$metadata#Edm.Boolean", "value": True}
