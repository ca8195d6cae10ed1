"""Directory roles: held everywhere or in one administrative unit, through a group, and those that can be activated.

No single call of Graph shows all of them. Memberships leave out what is limited to an administrative unit, assignments
leave out what a group holds, and both leave out what Privileged Identity Management lets a person activate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant.belongings import taken_by
from dev.tenant.errors import GraphError, bad_request, missing
from dev.tenant.graph import odata
from dev.tenant.graph.router import READ_GROUPS, Ask, route
from dev.tenant.graph.schema import role_resource
from dev.tenant.population import HELPDESK_ADMINISTRATOR, ident
from dev.tenant.skus import E5, ENTRA_P2

if TYPE_CHECKING:
    from dev.tenant.belongings import Seen
    from dev.tenant.population import Organisation
    from dev.tenant.state import DirectoryRole, Tenant, User

READ_ASSIGNMENTS = (
    "RoleManagement.Read.Directory",
    "RoleManagement.Read.All",
    "Directory.Read.All",
    "RoleManagement.ReadWrite.Directory",
    "Directory.ReadWrite.All",
)
READ_ELIGIBILITIES = (
    "RoleEligibilitySchedule.Read.Directory",
    "RoleManagement.Read.Directory",
    "RoleManagement.Read.All",
    "RoleEligibilitySchedule.ReadWrite.Directory",
    "RoleManagement.ReadWrite.Directory",
)
WRITE = ("RoleManagement.ReadWrite.Directory",)
WRITE_ELIGIBILITIES = ("RoleEligibilitySchedule.ReadWrite.Directory", "RoleManagement.ReadWrite.Directory")
_OPTIONS = "$filter $select $expand $top $skiptoken"
_REPORTS_READER = "4a5d8f65-41da-4de4-8968-e035b65339cf"
_USER_ADMINISTRATOR = "fe930be7-5e62-47db-91af-98c3a49a38b1"
_NAMES = {HELPDESK_ADMINISTRATOR: "Helpdesk Administrator", _USER_ADMINISTRATOR: "User Administrator"}


def _rows(tenant: Tenant, kind: str) -> dict[str, Any]:
    return tenant.belongings.setdefault(kind, {})


def _has_none(seen: Seen, person: str) -> bool:
    held = any(person in role["members"] for role in seen["directory_roles"].values())
    kinds = ("scoped_role_assignments", "role_eligibilities")
    listed = [row for kind in kinds for row in seen["belongings"].get(kind, {}).values()]
    return not held and all(row["principalId"] != person for row in listed)


@taken_by("remove_directory_roles", "no directory role is held or can be activated", _has_none)
def appoint(org: Organisation, user: User) -> None:
    """Give a user a role everywhere, one in an administrative unit, and one to activate."""
    org.directory_role("Reports Reader", _REPORTS_READER, user)
    unit = f"/administrativeUnits/{ident(org.tenant.id, 'administrative unit')}"
    for kind, role, scope in (
        ("scoped_role_assignments", HELPDESK_ADMINISTRATOR, unit),
        ("role_eligibilities", _USER_ADMINISTRATOR, "/"),
    ):
        row = {"principalId": user.id, "roleDefinitionId": role, "directoryScopeId": scope}
        _rows(org.tenant, kind)[ident(*row.values())] = row


@route(
    "GET",
    "/users/{user}/transitiveMemberOf/microsoft.graph.directoryRole",
    permissions=READ_GROUPS,
    options="$select $top $skiptoken",
)
def transitive_roles(ask: Ask, user: str) -> dict[str, Any]:
    """List the roles that a user holds everywhere, also through groups ("List a user's transitive memberships")."""
    found = ask.user(user)
    holders = {found.id} | {group.id for group in ask.tenant.groups_of(found)}
    roles = [role for role in ask.tenant.directory_roles.values() if holders.intersection(role.members)]
    body = odata.page(ask, [role_resource(ask.tenant, role.id) for role in roles], "directoryRoles")
    body["value"] = [odata.select(ask, row, "directoryRole") for row in body["value"]]
    return body


@route("GET", "/roleManagement/directory/roleAssignments", permissions=READ_ASSIGNMENTS, options=_OPTIONS)
def assignments(ask: Ask) -> dict[str, Any]:
    """List who was given which role directly, with the limits ("List unifiedRoleAssignments" on Learn)."""
    rows = {key: _row(*held) for key, held in _everywhere(ask.tenant).items()}
    rows |= _rows(ask.tenant, "scoped_role_assignments")
    return _answer(ask, [{"id": key, **row} for key, row in rows.items()], "roleAssignments", "unifiedRoleAssignment")


def _everywhere(tenant: Tenant) -> dict[str, tuple[DirectoryRole, str]]:
    """Return who holds which role everywhere, by the id of the assignment."""
    return {
        ident(role.id, member): (role, member) for role in tenant.directory_roles.values() for member in role.members
    }


def _row(role: DirectoryRole, member: str) -> dict[str, Any]:
    return {"principalId": member, "roleDefinitionId": role.roleTemplateId, "directoryScopeId": "/"}


@route("DELETE", "/roleManagement/directory/roleAssignments/{assignment}", permissions=WRITE)
def unassign(ask: Ask, assignment: str) -> None:
    """Take a role away that was given directly ("Delete unifiedRoleAssignment" on Learn)."""
    held = _everywhere(ask.tenant).get(assignment)
    if held:
        role, member = held
        role.members.remove(member)
        if user := ask.tenant.users.get(member):
            user.former_administrator = ask.tenant.role_writes
    elif not _rows(ask.tenant, "scoped_role_assignments").pop(assignment, None):
        raise missing(assignment)


@route("POST", "/roleManagement/directory/roleAssignments", permissions=WRITE)
def assign(ask: Ask) -> dict[str, Any]:
    """Give a role ("Create unifiedRoleAssignment" on Learn)."""
    row = _wanted(ask, {"principalId", "roleDefinitionId", "directoryScopeId"})
    user, scope = ask.user(row["principalId"]), row["directoryScopeId"]
    role = next((r for r in ask.tenant.directory_roles.values() if r.roleTemplateId == row["roleDefinitionId"]), None)
    scoped = _rows(ask.tenant, "scoped_role_assignments")
    if (scope == "/" and role and user.id in role.members) or row in scoped.values():
        raise bad_request(
            "A conflicting object with one or more of the specified property values is present in the directory."
        )
    if scope != "/":
        scoped[ident(*row.values())] = row
    elif role:
        role.members.append(user.id)
    else:
        raise missing(row["roleDefinitionId"])
    return {"id": ident(*row.values()), **row}


@route("POST", "/roleManagement/directory/roleEligibilityScheduleRequests", permissions=WRITE_ELIGIBILITIES)
def request_eligibility(ask: Ask) -> dict[str, Any]:
    """Let somebody activate a role, or no longer ("Create roleEligibilityScheduleRequest" on Learn)."""
    _need_license(ask)
    asked = _wanted(
        ask, {"action", "principalId", "roleDefinitionId", "directoryScopeId"}, {"justification", "scheduleInfo"}
    )
    row = {name: asked[name] for name in ("principalId", "roleDefinitionId", "directoryScopeId")}
    rows = _rows(ask.tenant, "role_eligibilities")
    found = next((key for key, each in rows.items() if each == row), None)
    if asked["action"] == "adminRemove":
        if found is None:
            raise GraphError(400, "RoleAssignmentDoesNotExist", "The Role assignment does not exist.")
        del rows[found]
    elif asked["action"] == "adminAssign":
        if found:
            raise GraphError(400, "RoleAssignmentExists", "The Role assignment already exists.")
        if "scheduleInfo" not in asked:
            raise bad_request("The schedule info is required for an assignment.")
        rows[ident(*row.values())] = row
    else:
        raise bad_request(f"The action {asked['action']!r} is not supported.", unknown=True)
    return {"id": ident("request", *row.values()), "status": "Provisioned", **asked}


def _wanted(ask: Ask, needed: set[str], allowed: frozenset[str] | set[str] = frozenset()) -> dict[str, Any]:
    body = ask.object_body()
    if absent := needed - body.keys():
        raise bad_request(f"The property '{min(absent)}' is required.")
    if unknown := body.keys() - needed - allowed:
        raise bad_request(f"Invalid property '{min(unknown)}'.", unknown=True)
    return dict(body)


def _need_license(ask: Ask) -> None:
    if not {ENTRA_P2.id, E5.id} & set(ask.tenant.skus):
        raise GraphError(
            400,
            "AadPremiumLicenseRequired",
            "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.",
        )


@route(
    "GET",
    "/roleManagement/directory/roleEligibilityScheduleInstances",
    permissions=READ_ELIGIBILITIES,
    options=_OPTIONS,
)
def eligibilities(ask: Ask) -> dict[str, Any]:
    """List who can activate which role; Directory.Read.All is not enough, and the tenant needs a license for it."""
    _need_license(ask)
    extra = {"appScopeId": None, "startDateTime": "2026-01-05T09:00:00Z", "endDateTime": None, "memberType": "Direct"}
    rows = [{"id": key, **row, **extra} for key, row in _rows(ask.tenant, "role_eligibilities").items()]
    return _answer(ask, rows, "roleEligibilityScheduleInstances", "unifiedRoleEligibilityScheduleInstance")


def _answer(ask: Ask, rows: list[dict[str, Any]], collection: str, kind: str) -> dict[str, Any]:
    expanded = ask.query.get("$expand")
    if expanded not in {None, "roleDefinition"}:
        raise bad_request(f"Could not find a property named '{expanded}' on type '{kind}'.", unknown=True)
    body = odata.page(ask, odata.narrow(ask, rows, kind), f"roleManagement/directory/{collection}")
    chosen = [odata.select(ask, row, kind) for row in body["value"]]
    if expanded:
        definitions = [_definition(ask.tenant, row["roleDefinitionId"]) for row in body["value"]]
        chosen = [{**row, "roleDefinition": each} for row, each in zip(chosen, definitions, strict=True)]
    body["value"] = chosen
    return body


def _definition(tenant: Tenant, template: str) -> dict[str, Any]:
    names = _NAMES | {role.roleTemplateId: role.displayName for role in tenant.directory_roles.values()}
    return {"id": template, "templateId": template, "displayName": names[template], "isBuiltIn": True}
