"""Applications that a person may use, and what applications may do in the person's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant.belongings import taken_by
from dev.tenant.errors import bad_request, missing
from dev.tenant.graph import odata
from dev.tenant.graph.router import READ_APPLICATIONS, Ask, route
from dev.tenant.population import ident

if TYPE_CHECKING:
    from dev.tenant.belongings import Seen
    from dev.tenant.population import Organisation
    from dev.tenant.state import Tenant, User

READ_APP_ROLES = ("Directory.Read.All", "AppRoleAssignment.ReadWrite.All", "Directory.ReadWrite.All")
READ_GRANTS = ("Directory.Read.All", "DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All")
WRITE_APP_ROLES = ("AppRoleAssignment.ReadWrite.All",)
WRITE_GRANTS = ("DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All")
_ONE_GRANT = ("clientId", "principalId", "resourceId")
"""Of each combination there is one grant at most."""
_DEFAULT_ROLE = "00000000-0000-0000-0000-000000000000"
"""The role of an application that declares none."""


def _app_roles(tenant: Tenant) -> dict[str, Any]:
    return tenant.belongings.setdefault("app_role_assignments", {})


def _grants(tenant: Tenant) -> dict[str, Any]:
    return tenant.belongings.setdefault("permission_grants", {})


def _principals(tenant: Tenant) -> dict[str, str]:
    """Return what the service principals are called, by object id."""
    return tenant.belongings.setdefault("service_principals", {})


def _principal(tenant: Tenant, app: str) -> str:
    key = ident(tenant.id, "service principal", app)
    _principals(tenant)[key] = app
    return key


def _has_none(seen: Seen, person: str) -> bool:
    kinds = ("app_role_assignments", "permission_grants")
    listed = [row for kind in kinds for row in seen["belongings"].get(kind, {}).values()]
    return all(row["principalId"] != person for row in listed)


def _assign(tenant: Tenant, principal: tuple[str, str, str], app: str) -> None:
    """Let a principal (its id, name and type) use an application."""
    principal_id, name, kind = principal
    _app_roles(tenant)[ident(principal_id, "app role", app)] = {
        "deletedDateTime": None,
        "appRoleId": _DEFAULT_ROLE,
        "createdDateTime": "2025-03-03T10:00:00Z",
        "principalDisplayName": name,
        "principalId": principal_id,
        "principalType": kind,
        "resourceDisplayName": app,
        "resourceId": _principal(tenant, app),
    }


def _grant(tenant: Tenant, principal: str | None, app: str, scope: str) -> None:
    """Let an application act for a person, or for everybody."""
    row = {
        "clientId": _principal(tenant, app),
        "consentType": "Principal" if principal else "AllPrincipals",
        "principalId": principal,
        "resourceId": _principal(tenant, "Microsoft Graph"),
        "scope": scope,
    }
    _grants(tenant)[_grant_id(row)] = row


def _grant_id(row: dict[str, Any]) -> str:
    return ident("grant", *(row[name] for name in _ONE_GRANT))


@taken_by("remove_app_access", "no application is assigned and none may act in the person's name", _has_none)
def use_apps(org: Organisation, user: User) -> None:
    """Assign an application to a user and to a group of the user's, and let two act: for the user, for everybody."""
    _assign(org.tenant, (user.id, user.displayName, "User"), "Expenses")
    for group in org.tenant.groups_of(user)[:1]:
        _assign(org.tenant, (group.id, group.displayName, "Group"), "Time sheets")
    _grant(org.tenant, user.id, "Mail merge", "Mail.ReadWrite offline_access")
    _grant(org.tenant, None, "Room planner", "User.Read")


@route("GET", "/users/{user}/appRoleAssignments", permissions=READ_APP_ROLES, options=odata.LIST)
def app_role_assignments(ask: Ask, user: str) -> dict[str, Any]:
    """List what is assigned to a user and to the groups that the user is in directly ("List appRoleAssignments")."""
    found = ask.user(user)
    holders = {found.id} | {group.id for group in ask.tenant.groups_of(found)}
    rows = [{"id": key, **row} for key, row in _app_roles(ask.tenant).items() if row["principalId"] in holders]
    body = odata.page(ask, odata.narrow(ask, rows, "appRoleAssignment"), "appRoleAssignments")
    body["value"] = [odata.select(ask, row, "appRoleAssignment") for row in body["value"]]
    return body


@route("GET", "/oauth2PermissionGrants", permissions=READ_GRANTS, options="$filter $select $top $skiptoken")
def permission_grants(ask: Ask) -> dict[str, Any]:
    """List all grants; Learn offers the list of one user's to signed-in people only, so that this needs a filter."""
    rows = [{"id": key, **row} for key, row in _grants(ask.tenant).items()]
    body = odata.page(ask, odata.narrow(ask, rows, "oAuth2PermissionGrant"), "oauth2PermissionGrants")
    body["value"] = [odata.select(ask, row, "oAuth2PermissionGrant") for row in body["value"]]
    return body


@route("GET", "/servicePrincipals/{principal}", permissions=READ_APPLICATIONS, options="$select")
def service_principal(ask: Ask, principal: str) -> dict[str, Any]:
    """Read what an application is called in the tenant."""
    if principal not in _principals(ask.tenant):
        raise missing(principal)
    row = {"id": principal, "displayName": _principals(ask.tenant)[principal], "accountEnabled": True}
    return odata.select(ask, row, "servicePrincipal")


@route("DELETE", "/users/{user}/appRoleAssignments/{assignment}", permissions=WRITE_APP_ROLES)
def unassign_app(ask: Ask, user: str, assignment: str) -> None:
    """Take an application from a user; what a group has is not the user's ("Delete appRoleAssignment" on Learn)."""
    found = ask.user(user)
    row = _app_roles(ask.tenant).get(assignment)
    if row is None or row["principalId"] != found.id:
        raise missing(assignment)
    del _app_roles(ask.tenant)[assignment]


@route("POST", "/users/{user}/appRoleAssignments", permissions=WRITE_APP_ROLES)
def assign_app(ask: Ask, user: str) -> dict[str, Any]:
    """Let a user use an application ("Grant an appRoleAssignment to a user" on Learn)."""
    found, body = ask.user(user), ask.object_body()
    if body.keys() != {"principalId", "resourceId", "appRoleId"} or body["principalId"] != found.id:
        raise bad_request("One or more properties are invalid.", unknown=True)
    if body["resourceId"] not in _principals(ask.tenant):
        raise missing(str(body["resourceId"]))
    same = ("principalId", "resourceId", "appRoleId")
    if any(all(row[name] == body[name] for name in same) for row in _app_roles(ask.tenant).values()):
        raise bad_request("Permission being assigned already exists on the object")
    app = _principals(ask.tenant)[body["resourceId"]]
    _assign(ask.tenant, (found.id, found.displayName, "User"), app)
    key = ident(found.id, "app role", app)
    _app_roles(ask.tenant)[key]["appRoleId"] = body["appRoleId"]
    return {"id": key, **_app_roles(ask.tenant)[key]}


@route("DELETE", "/oauth2PermissionGrants/{grant}", permissions=WRITE_GRANTS)
def revoke_grant(ask: Ask, grant: str) -> None:
    """Take back what an application may do ("Delete oAuth2PermissionGrant" on Learn)."""
    if not _grants(ask.tenant).pop(grant, None):
        raise missing(grant)


@route("POST", "/oauth2PermissionGrants", permissions=WRITE_GRANTS)
def create_grant(ask: Ask) -> dict[str, Any]:
    """Let an application act for a person ("Create oAuth2PermissionGrant" on Learn)."""
    body = ask.object_body()
    if body.keys() != {"clientId", "consentType", "principalId", "resourceId", "scope"}:
        raise bad_request("One or more properties are invalid.", unknown=True)
    key = _grant_id(body)
    if key in _grants(ask.tenant):
        raise bad_request("Permission entry already exists.")
    _grants(ask.tenant)[key] = dict(body)
    return {"id": key, **body}
