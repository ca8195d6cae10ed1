"""What a user is a member of, and the groups that a user owns."""

from __future__ import annotations

from typing import Any

from dev.tenant.errors import GraphError
from dev.tenant.graph import odata
from dev.tenant.graph.router import READ_DIRECTORY, READ_GROUPS, Ask, route
from dev.tenant.graph.schema import GROUP_DEFAULT, group_resource, role_resource


@route("GET", "/users/{user}/memberOf", permissions=READ_GROUPS, options="$top $skiptoken $select $count")
def member_of(ask: Ask, user: str) -> dict[str, Any]:
    """List groups and directory roles together."""
    found = ask.user(user)
    groups = [
        {"@odata.type": "#microsoft.graph.group", **group_resource(group)} for group in ask.tenant.groups_of(found)
    ]
    roles = [
        {"@odata.type": "#microsoft.graph.directoryRole", **role_resource(ask.tenant, role.id)}
        for role in ask.tenant.directory_roles_of(found)
    ]
    body = odata.page(ask, groups + roles, "directoryObjects")
    body["value"] = [odata.select(ask, row, "directoryObject") for row in body["value"]]
    return body


@route("GET", "/users/{user}/memberOf/{cast}", permissions=READ_GROUPS, options=odata.LIST)
def member_of_kind(ask: Ask, user: str, cast: str) -> dict[str, Any]:
    """List the groups or the directory roles.

    The cast with anything but $select and $top is an advanced query ("List a user's direct memberships" on Learn).
    """
    found = ask.user(user)
    if cast == "microsoft.graph.directoryRole":
        rows = [role_resource(ask.tenant, role.id) for role in ask.tenant.directory_roles_of(found)]
        return {
            "@odata.context": f"{ask.root}/$metadata#directoryRoles",
            "value": [odata.select(ask, row, "directoryRole") for row in rows],
        }
    if cast != "microsoft.graph.group":
        raise GraphError(400, "BadRequest", f"Resource not found for the segment '{cast}'.", unknown=True)
    groups = ask.tenant.groups_of(found)
    if not ask.allows("Member.Read.Hidden"):
        groups = [group for group in groups if group.visibility != "HiddenMembership"]
    rows = odata.narrow(ask, [group_resource(group) for group in groups], "group", advanced=True)
    return _groups(ask, rows)


@route("GET", "/users/{user}/ownedObjects/microsoft.graph.group", permissions=READ_DIRECTORY, options=odata.LIST)
def owned_groups(ask: Ask, user: str) -> dict[str, Any]:
    """List the groups that the user owns."""
    owner = ask.user(user)
    rows = [group_resource(group) for group in ask.tenant.groups.values() if owner.id in group.owners]
    return _groups(ask, odata.narrow(ask, rows, "group", advanced=True))


def _groups(ask: Ask, rows: list[dict[str, Any]]) -> dict[str, Any]:
    body = odata.page(ask, rows, "groups")
    body["value"] = [odata.select(ask, row, "group", GROUP_DEFAULT) for row in body["value"]]
    return body
