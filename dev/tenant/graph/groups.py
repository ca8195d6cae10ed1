"""Groups, their members and their owners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant.errors import bad_request, denied, missing, on_premises
from dev.tenant.graph import odata, users
from dev.tenant.graph.router import READ_GROUPS, Ask, route
from dev.tenant.graph.schema import GROUP_DEFAULT, USER_DEFAULT, group_resource, user_resource
from dev.tenant.licensing import joined_group, left_group

if TYPE_CHECKING:
    from dev.tenant.state import Group

WRITE_MEMBERS = ("GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All")
_WRITE_OWNERS = ("Group.ReadWrite.All", "Directory.ReadWrite.All")


@route("GET", "/groups", permissions=READ_GROUPS, options=odata.LIST)
def list_groups(ask: Ask) -> dict[str, Any]:
    """List the groups."""
    rows = odata.narrow(ask, [group_resource(group) for group in ask.tenant.groups.values()], "group")
    body = odata.page(ask, rows, "groups")
    body["value"] = [odata.select(ask, row, "group", GROUP_DEFAULT) for row in body["value"]]
    return body


@route("GET", "/groups/{group}", permissions=READ_GROUPS, options="$select")
def get_group(ask: Ask, group: str) -> dict[str, Any]:
    """Read one group."""
    return odata.select(ask, group_resource(ask.group(group)), "group", GROUP_DEFAULT)


@route("GET", "/groups/{group}/members", permissions=READ_GROUPS, options=odata.LIST)
def list_members(ask: Ask, group: str) -> dict[str, Any]:
    """List the members."""
    return _people(ask, [user.id for user in ask.tenant.live_members(ask.group(group))])


@route("GET", "/groups/{group}/owners", permissions=READ_GROUPS, options=odata.LIST)
def list_owners(ask: Ask, group: str) -> dict[str, Any]:
    """List the owners."""
    return _people(ask, [owner for owner in ask.group(group).owners if owner in ask.tenant.users])


def _people(ask: Ask, ids: list[str]) -> dict[str, Any]:
    rows = odata.narrow(ask, [user_resource(ask.tenant.users[each]) for each in ids], "user", advanced=True)
    body = odata.page(ask, rows, "directoryObjects")
    chosen = [odata.select(ask, row, "user", USER_DEFAULT) for row in body["value"]]
    body["value"] = [{"@odata.type": "#microsoft.graph.user", **row} for row in chosen]
    return body


@route("DELETE", "/groups/{group}/members/{member}/$ref", permissions=WRITE_MEMBERS)
def remove_member(ask: Ask, group: str, member: str) -> None:
    """Take a member out of a group of a kind that Graph may change."""
    found = ask.group(group)
    user = ask.tenant.users.get(member)
    if user is None or user.id not in found.members:
        raise missing(member)
    check_changeable(ask, found)
    found.members.remove(user.id)
    left_group(ask.tenant, found, user)


def check_changeable(ask: Ask, group: Group) -> None:
    """Refuse what Graph cannot or may not change the members of ("Remove member" on Learn)."""
    if "DynamicMembership" in group.groupTypes:
        raise bad_request("Membership of a dynamic group is determined by its rule and cannot be changed directly.")
    if group.onPremisesSyncEnabled:
        raise on_premises()
    if group.mailEnabled and "Unified" not in group.groupTypes:
        raise bad_request("Cannot Update a mail-enabled security groups and or distribution list.")
    if group.isAssignableToRole:
        ask.need("RoleManagement.ReadWrite.Directory")
    if group.isManagementRestricted:
        raise denied()


@route("DELETE", "/groups/{group}/members/{member}", permissions=users.DELETE)
def delete_the_member_itself(ask: Ask, group: str, member: str) -> None:
    """Delete the user: without `/$ref` the path is the account, not the membership ("Remove member" on Learn)."""
    if member not in ask.group(group).members:
        raise missing(member)
    users.delete_user(ask, member)


@route("DELETE", "/groups/{group}/owners/{owner}/$ref", permissions=_WRITE_OWNERS)
def remove_owner(ask: Ask, group: str, owner: str) -> None:
    """Take an owner off a group, unless it is the last ("Remove group owner" on Learn)."""
    found = ask.group(group)
    if owner not in found.owners:
        raise missing(owner)
    check_owned_here(found)
    if [each for each in found.owners if each in ask.tenant.users] == [owner]:
        raise bad_request("The group must have at least one owner, hence this owner cannot be removed.")
    found.owners.remove(owner)


def check_owned_here(group: Group) -> None:
    """Refuse what Graph cannot change the owners of."""
    if group.onPremisesSyncEnabled:
        raise on_premises()
    if group.mailEnabled and "Unified" not in group.groupTypes:
        raise bad_request("Cannot Update a mail-enabled security groups and or distribution list.")


@route("POST", "/groups/{group}/owners/$ref", permissions=_WRITE_OWNERS)
def add_owner(ask: Ask, group: str) -> None:
    """Make somebody an owner."""
    found = ask.group(group)
    user = ask.user(str(ask.object_body().get("@odata.id", "")).rsplit("/", 1)[-1])
    check_owned_here(found)
    if user.id in found.owners:
        raise bad_request(
            "One or more added object references already exist for the following modified properties: 'owners'."
        )
    found.owners.append(user.id)


@route("POST", "/groups/{group}/members/$ref", permissions=WRITE_MEMBERS)
def add_member(ask: Ask, group: str) -> None:
    """Put a member into a group."""
    found = ask.group(group)
    reference = str(ask.object_body().get("@odata.id", ""))
    user = ask.user(reference.rsplit("/", 1)[-1])
    check_changeable(ask, found)
    if user.id in found.members:
        raise bad_request(
            "One or more added object references already exist for the following modified properties: 'members'."
        )
    found.members.append(user.id)
    joined_group(ask.tenant, found, user)
