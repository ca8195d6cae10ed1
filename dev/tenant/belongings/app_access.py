"""Applications that a person may use, and what applications may do in the person's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant.belongings import taken_by
from dev.tenant.graph import odata
from dev.tenant.graph.router import Ask, route
from dev.tenant.population import ident

if TYPE_CHECKING:
    from dev.tenant.belongings import Seen
    from dev.tenant.population import Organisation
    from dev.tenant.state import Tenant, User

READ_APP_ROLES = ("Directory.Read.All", "AppRoleAssignment.ReadWrite.All", "Directory.ReadWrite.All")
READ_GRANTS = ("Directory.Read.All", "DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All")
_DEFAULT_ROLE = "00000000-0000-0000-0000-000000000000"
"""The role of an application that declares none."""


def _app_roles(tenant: Tenant) -> dict[str, Any]:
    return tenant.belongings.setdefault("app_role_assignments", {})


def _grants(tenant: Tenant) -> dict[str, Any]:
    return tenant.belongings.setdefault("permission_grants", {})


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
        "resourceId": ident(tenant.id, "service principal", app),
    }


def _grant(tenant: Tenant, principal: str | None, app: str, scope: str) -> None:
    """Let an application act for a person, or for everybody."""
    _grants(tenant)[ident(tenant.id, "grant", principal, app)] = {
        "clientId": ident(tenant.id, "service principal", app),
        "consentType": "Principal" if principal else "AllPrincipals",
        "principalId": principal,
        "resourceId": ident(tenant.id, "service principal", "Microsoft Graph"),
        "scope": scope,
    }


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
