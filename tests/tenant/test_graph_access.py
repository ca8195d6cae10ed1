"""What a person can get at beside mailbox and groups, as Graph shows it to an app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from dev.tenant.skus import E3

if TYPE_CHECKING:
    import requests

    from dev.tenant.by_hand import Caller
    from dev.tenant.process import Simulator

TENANT = "fabrikam.example"
CONSENTED = (
    "Directory.Read.All",
    "AppRoleAssignment.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "RoleManagement.ReadWrite.Directory",
)
ADA = f"/users/{seed.ADA}"
ROLES = "/roleManagement/directory/roleAssignments"
ELIGIBLE = "/roleManagement/directory/roleEligibilityScheduleInstances"
REQUESTS = "/roleManagement/directory/roleEligibilityScheduleRequests"
GRANTS = "/oauth2PermissionGrants"
OF_ADA = f"$filter=principalId eq '{seed.ADA}'"
TRANSITIVE = f"{ADA}/transitiveMemberOf/microsoft.graph.directoryRole"


def error(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def give(sim: Simulator, action: str) -> None:
    sim.arrange(TENANT, "belongings", user=seed.ADA, actions=[action])


def rows(response: requests.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    return response.json()["value"]


def role_names(response: requests.Response) -> list[str]:
    return [row["roleDefinition"]["displayName"] for row in rows(response)]


def test_no_single_call_shows_every_role(caller: Caller, sim: Simulator) -> None:
    give(sim, "remove_directory_roles")
    group = sim.arrange(TENANT, "group", create={"nickname": "operators", "members": [seed.ADA]})
    sim.arrange(TENANT, "directory_role", group=group, role="Printer Administrator")
    sim.arrange(TENANT, "grant_permission", permission="RoleManagement.Read.Directory")

    held = [row["displayName"] for row in rows(caller.get(f"{TRANSITIVE}?$select=displayName"))]
    assigned = caller.get(f"{ROLES}?{OF_ADA}&$expand=roleDefinition")
    eligible = caller.get(f"{ELIGIBLE}?{OF_ADA}&$expand=roleDefinition")

    assert held == ["Reports Reader", "Printer Administrator"]
    assert role_names(assigned) == ["Reports Reader", "Helpdesk Administrator"]
    assert role_names(eligible) == ["User Administrator"]


def test_a_role_is_assigned_everywhere_or_in_an_administrative_unit(caller: Caller, sim: Simulator) -> None:
    give(sim, "remove_directory_roles")

    everywhere, limited = rows(caller.get(f"{ROLES}?{OF_ADA}&$select=directoryScopeId"))

    assert everywhere == {"directoryScopeId": "/"}
    assert limited["directoryScopeId"].startswith("/administrativeUnits/")


def test_what_can_be_activated_needs_a_permission_of_its_own_and_a_license(caller: Caller, sim: Simulator) -> None:
    for permission in ("RoleManagement.ReadWrite.Directory", "RoleEligibilitySchedule.Read.Directory"):
        sim.arrange(TENANT, "revoke_permission", permission=permission)
    assert error(caller.get(f"{ELIGIBLE}?{OF_ADA}")) == (403, "Authorization_RequestDenied")
    sim.arrange(TENANT, "grant_permission", permission="RoleEligibilitySchedule.Read.Directory")
    assert rows(caller.get(f"{ELIGIBLE}?{OF_ADA}")) == []
    sim.arrange(TENANT, "tenant", set={"skus": {E3.id: 500}})
    assert error(caller.get(f"{ELIGIBLE}?{OF_ADA}")) == (400, "AadPremiumLicenseRequired")


def test_applications_are_assigned_to_a_person_and_to_their_groups(caller: Caller, sim: Simulator) -> None:
    give(sim, "remove_app_access")

    found = rows(caller.get(f"{ADA}/appRoleAssignments?$select=resourceDisplayName,principalType"))

    assert {(row["resourceDisplayName"], row["principalType"]) for row in found} == {
        ("Expenses", "User"),
        ("Time sheets", "Group"),
    }


def test_grants_for_everybody_are_not_the_persons(caller: Caller, sim: Simulator) -> None:
    give(sim, "remove_app_access")

    assert [row["consentType"] for row in rows(caller.get(GRANTS))] == ["Principal", "AllPrincipals"]
    (own,) = rows(caller.get(f"{GRANTS}?{OF_ADA}"))
    assert own["scope"] == "Mail.ReadWrite offline_access"


def test_owned_objects_are_of_several_kinds(caller: Caller, sim: Simulator) -> None:
    give(sim, "hand_over_ownership")

    found = rows(caller.get(f"{ADA}/ownedObjects?$select=id,displayName"))

    assert [(row["@odata.type"].rpartition(".")[2], row["displayName"]) for row in found] == [
        ("group", "Project of Ada Castell"),
        ("application", "Time sheets export"),
        ("servicePrincipal", "Time sheets export"),
    ]


def test_devices_owned_and_used(caller: Caller, sim: Simulator) -> None:
    give(sim, "disable_devices")

    used = rows(caller.get(f"{ADA}/registeredDevices?$select=displayName,accountEnabled"))
    owned = rows(caller.get(f"{ADA}/ownedDevices?$select=displayName,trustType"))

    assert [(row["displayName"], row["accountEnabled"]) for row in used] == [
        ("LAPTOP of Ada Castell", True),
        ("PHONE of Ada Castell", True),
        ("DESK of Ada Castell", True),
    ]
    assert [(row["displayName"], row["trustType"]) for row in owned] == [
        ("LAPTOP of Ada Castell", "AzureAd"),
        ("PHONE of Ada Castell", "Workplace"),
    ]


@pytest.mark.parametrize(
    ("action", "relation", "hidden"),
    [
        ("hand_over_ownership", "ownedObjects", {"application", "servicePrincipal"}),
        ("disable_devices", "registeredDevices", {"device"}),
    ],
)
def test_kinds_that_the_app_may_not_read_come_without_properties(
    caller: Caller, sim: Simulator, action: str, relation: str, hidden: set[str]
) -> None:
    give(sim, action)
    for permission in ("Directory.Read.All", "Application.ReadWrite.All", "Device.ReadWrite.All"):
        sim.arrange(TENANT, "revoke_permission", permission=permission)

    found = rows(caller.get(f"{ADA}/{relation}"))

    assert {row["@odata.type"].rpartition(".")[2] for row in found if row["displayName"] is None} == hidden
    assert all(row["id"] for row in found)


@pytest.mark.parametrize("path", [f"{ADA}/appRoleAssignments", GRANTS, ROLES])
def test_reading_needs_the_directory(caller: Caller, sim: Simulator, path: str) -> None:
    for permission in CONSENTED:
        sim.arrange(TENANT, "revoke_permission", permission=permission)

    assert error(caller.get(path)) == (403, "Authorization_RequestDenied")


@pytest.mark.parametrize(
    "action", ["remove_directory_roles", "remove_app_access", "hand_over_ownership", "disable_devices"]
)
def test_a_person_has_these_only_when_given_them(sim: Simulator, action: str) -> None:
    before = sim.state(TENANT)
    give(sim, action)
    after = sim.state(TENANT)
    give(sim, action)

    assert before != after
    assert sim.state(TENANT) == after


def test_a_role_is_taken_by_the_id_of_its_assignment_once(caller: Caller, sim: Simulator) -> None:
    give(sim, "remove_directory_roles")
    everywhere, limited = (row["id"] for row in rows(caller.get(f"{ROLES}?{OF_ADA}&$select=id")))

    assert caller.graph("DELETE", f"{ROLES}/{everywhere}").status_code == 204
    assert caller.graph("DELETE", f"{ROLES}/{limited}").status_code == 204
    assert error(caller.graph("DELETE", f"{ROLES}/{limited}")) == (404, "Request_ResourceNotFound")
    assert rows(caller.get(f"{ROLES}?{OF_ADA}")) == []


@pytest.mark.parametrize("scope", ["/", "/administrativeUnits/aaaaaaaa-0000-4000-8000-000000000001"])
def test_a_role_is_given_at_a_scope_once(caller: Caller, sim: Simulator, scope: str) -> None:
    role = next(iter(sim.state(TENANT)["directory_roles"].values()))["roleTemplateId"]
    body = {"principalId": seed.ADA, "roleDefinitionId": role, "directoryScopeId": scope}

    assert caller.graph("POST", ROLES, body).status_code == 200
    again = caller.graph("POST", ROLES, body)

    assert error(again) == (400, "Request_BadRequest")
    assert "A conflicting object" in again.text
    assert [row["directoryScopeId"] for row in rows(caller.get(f"{ROLES}?{OF_ADA}"))] == [scope]


def test_what_can_be_activated_is_changed_by_requests(caller: Caller, sim: Simulator) -> None:
    give(sim, "remove_directory_roles")
    (row,) = rows(caller.get(f"{ELIGIBLE}?{OF_ADA}"))
    names = ("principalId", "roleDefinitionId", "directoryScopeId")
    body = {"action": "adminRemove", **{name: row[name] for name in names}}

    assert caller.graph("POST", REQUESTS, body).status_code == 200
    assert error(caller.graph("POST", REQUESTS, body)) == (400, "RoleAssignmentDoesNotExist")
    given = {**body, "action": "adminAssign", "scheduleInfo": {"expiration": {"type": "noExpiration"}}}
    assert caller.graph("POST", REQUESTS, given).status_code == 200
    assert error(caller.graph("POST", REQUESTS, given)) == (400, "RoleAssignmentExists")
    assert caller.graph("POST", REQUESTS, {**body, "action": "selfActivate"}).status_code == 400
    assert caller.graph("POST", REQUESTS, {"action": "adminRemove"}).status_code == 400


def test_what_a_group_is_assigned_is_not_taken_from_a_person(caller: Caller, sim: Simulator) -> None:
    give(sim, "remove_app_access")
    found = {row["principalType"]: row for row in rows(caller.get(f"{ADA}/appRoleAssignments"))}

    assert error(caller.graph("DELETE", f"{ADA}/appRoleAssignments/{found['Group']['id']}")) == (
        404,
        "Request_ResourceNotFound",
    )
    assert caller.graph("DELETE", f"{ADA}/appRoleAssignments/{found['User']['id']}").status_code == 204
    body = {name: found["User"][name] for name in ("principalId", "resourceId", "appRoleId")}
    assert caller.graph("POST", f"{ADA}/appRoleAssignments", body).status_code == 200
    assert "Permission being assigned already exists" in caller.graph("POST", f"{ADA}/appRoleAssignments", body).text


def test_a_grant_is_taken_back_and_made_again_once(caller: Caller, sim: Simulator) -> None:
    give(sim, "remove_app_access")
    (own,) = rows(caller.get(f"{GRANTS}?{OF_ADA}"))

    assert caller.get(f"/servicePrincipals/{own['clientId']}?$select=displayName").json()["displayName"] == "Mail merge"
    assert caller.graph("DELETE", f"{GRANTS}/{own['id']}").status_code == 204
    assert error(caller.graph("DELETE", f"{GRANTS}/{own['id']}")) == (404, "Request_ResourceNotFound")
    body = {name: value for name, value in own.items() if name != "id"}
    assert caller.graph("POST", GRANTS, body).status_code == 200
    assert "Permission entry already exists" in caller.graph("POST", GRANTS, body).text


@pytest.mark.parametrize("kind", ["application", "servicePrincipal"])
def test_an_application_may_lose_its_last_owner(caller: Caller, sim: Simulator, kind: str) -> None:
    give(sim, "hand_over_ownership")
    found = {row["@odata.type"].rpartition(".")[2]: row["id"] for row in rows(caller.get(f"{ADA}/ownedObjects"))}
    owners = f"/{kind}s/{found[kind]}/owners"
    other = "application" if kind == "servicePrincipal" else "servicePrincipal"

    assert caller.graph("DELETE", f"{owners}/{seed.ADA}/$ref").status_code == 204
    assert caller.graph("DELETE", f"{owners}/{seed.ADA}/$ref").status_code == 404
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{seed.CY}"}
    assert caller.graph("POST", f"{owners}/$ref", reference).status_code == 204
    assert "already exist" in caller.graph("POST", f"{owners}/$ref", reference).text
    assert caller.graph("POST", f"/{other}s/{found[kind]}/owners/$ref", reference).status_code == 404


def test_a_device_is_changed_by_its_object_id(caller: Caller, sim: Simulator) -> None:
    give(sim, "disable_devices")
    device = rows(caller.get(f"{ADA}/ownedDevices"))[0]

    assert caller.graph("PATCH", f"/devices/{device['id']}", {"accountEnabled": False}).status_code == 204
    assert caller.graph("PATCH", f"/devices/{device['deviceId']}", {"accountEnabled": False}).status_code == 404
    assert caller.graph("PATCH", f"/devices/{device['id']}", {"trustType": "Workplace"}).status_code == 400
    assert not rows(caller.get(f"{ADA}/ownedDevices"))[0]["accountEnabled"]
