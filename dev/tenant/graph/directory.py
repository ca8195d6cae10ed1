"""The organisation, its domains, its roles and its deleted items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant.errors import bad_request, missing
from dev.tenant.graph import odata
from dev.tenant.graph.router import READ_DIRECTORY, READ_USERS, Ask, route
from dev.tenant.graph.schema import USER_DEFAULT, role_resource, user_resource
from dev.tenant.graph.users import DELETE, guard_sensitive

if TYPE_CHECKING:
    from dev.tenant.state import DirectoryRole, Tenant

_READ_ORGANIZATION = ("Organization.Read.All", "Directory.Read.All", "Directory.ReadWrite.All", "User.Read.All")
_READ_DOMAINS = ("Domain.Read.All", "Directory.Read.All", "Directory.ReadWrite.All")


def _domains(tenant: Tenant) -> list[tuple[str, bool, bool]]:
    return [(tenant.domain, True, False), (tenant.initial_domain, False, True)]


@route("GET", "/organization", permissions=_READ_ORGANIZATION, options="$select $top")
def organization(ask: Ask) -> dict[str, Any]:
    """Read the organisation, in a list of one."""
    tenant = ask.tenant
    resource = {
        "id": tenant.id,
        "displayName": tenant.displayName,
        "verifiedDomains": [
            {
                "name": name,
                "isDefault": default,
                "isInitial": initial,
                "type": "Federated" if tenant.federated and default else "Managed",
                "capabilities": "Email, OfficeCommunicationsOnline",
            }
            for name, default, initial in _domains(tenant)
        ],
        "onPremisesSyncEnabled": tenant.onPremisesSyncEnabled,
        "countryLetterCode": "NL",
        "createdDateTime": "2024-02-05T08:00:00Z",
        "tenantType": "AAD",
    }
    value = [odata.select(ask, resource, "organization")]
    return {"@odata.context": f"{ask.root}/$metadata#organization", "value": value}


@route("GET", "/domains", permissions=_READ_DOMAINS, options="$select $top")
def domains(ask: Ask) -> dict[str, Any]:
    """List the domains."""
    rows = [
        {"id": name, "isDefault": default, "isInitial": initial, "isVerified": True, "authenticationType": "Managed"}
        for name, default, initial in _domains(ask.tenant)
    ]
    return {
        "@odata.context": f"{ask.root}/$metadata#domains",
        "value": [odata.select(ask, row, "domain") for row in rows],
    }


@route("GET", "/directoryRoles", permissions=READ_DIRECTORY, options="$select $filter")
def directory_roles(ask: Ask) -> dict[str, Any]:
    """List the roles in use; the collection does not page."""
    rows = odata.narrow(ask, [role_resource(ask.tenant, role) for role in ask.tenant.directory_roles], "directoryRole")
    value = [odata.select(ask, row, "directoryRole") for row in rows]
    return {"@odata.context": f"{ask.root}/$metadata#directoryRoles", "value": value}


@route("GET", "/directoryRoles/{role}/members", permissions=READ_DIRECTORY, options="$select")
def role_members(ask: Ask, role: str) -> dict[str, Any]:
    """List who holds a role, by the id that the role has in this tenant."""
    if role not in ask.tenant.directory_roles:
        raise missing(role)
    return _members(ask, ask.tenant.directory_roles[role])


@route("GET", "/directoryRoles(roleTemplateId='{template}')/members", permissions=READ_DIRECTORY, options="$select")
def template_members(ask: Ask, template: str) -> dict[str, Any]:
    """List who holds a role, by the id that the role has everywhere."""
    found = next((role for role in ask.tenant.directory_roles.values() if role.roleTemplateId == template), None)
    if found is None:
        raise missing(template)
    return _members(ask, found)


def _members(ask: Ask, role: DirectoryRole) -> dict[str, Any]:
    users = [ask.tenant.users[member] for member in role.members if member in ask.tenant.users]
    rows = [odata.select(ask, user_resource(user), "user", USER_DEFAULT) for user in users]
    value = [{"@odata.type": "#microsoft.graph.user", **row} for row in rows]
    return {"@odata.context": f"{ask.root}/$metadata#directoryObjects", "value": value}


@route("GET", "/directory/deletedItems/microsoft.graph.user", permissions=READ_USERS, options=odata.LIST)
def deleted_users(ask: Ask) -> dict[str, Any]:
    """List the accounts that can be restored."""
    rows = odata.narrow(ask, [user_resource(user) for user in ask.tenant.deleted_users.values()], "user")
    body = odata.page(ask, rows, "directory/deletedItems/microsoft.graph.user")
    body["value"] = [odata.select(ask, row, "user", USER_DEFAULT) for row in body["value"]]
    return body


@route("GET", "/directory/deletedItems/{item}", permissions=READ_USERS, options="$select")
def deleted_item(ask: Ask, item: str) -> dict[str, Any]:
    """Read one deleted account."""
    if item not in ask.tenant.deleted_users:
        raise missing(item)
    default = (*USER_DEFAULT, "deletedDateTime")
    chosen = odata.select(ask, user_resource(ask.tenant.deleted_users[item]), "user", default)
    return {"@odata.type": "#microsoft.graph.user", **chosen}


@route("POST", "/directory/deletedItems/{item}/restore", permissions=DELETE)
def restore(ask: Ask, item: str) -> dict[str, Any]:
    """Bring an account back with its mailbox."""
    if item not in ask.tenant.deleted_users:
        raise missing(item)
    if unknown := set(ask.body or {}) - {"autoReconcileProxyConflict", "newUserPrincipalName"}:
        raise bad_request(f"Invalid property '{unknown.pop()}'.", unknown=True)
    user = ask.tenant.deleted_users[item]
    guard_sensitive(ask, user)
    del ask.tenant.deleted_users[item]
    user.deletedDateTime = None
    # An account whose master was deleted on-premises comes back as one of the cloud, its anchor still in place.
    user.onPremisesSyncEnabled = None
    ask.tenant.users[user.id] = user
    if user.id in ask.tenant.deleted_mailboxes:
        mailbox = ask.tenant.deleted_mailboxes.pop(user.id)
        mailbox.IsDirSynced = False
        ask.tenant.mailboxes[user.id] = mailbox
    resource = user_resource(user)
    return {"@odata.type": "#microsoft.graph.user", **{name: resource[name] for name in USER_DEFAULT}}
