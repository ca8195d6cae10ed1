from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed
from dev.tenant.population import ident
from dev.tenant.skus import E3, FLOW_FREE, POWER_BI, TEAMS_PHONE

if TYPE_CHECKING:
    import requests

    from dev.tenant.by_hand import Caller
    from dev.tenant.process import Simulator

EVENTUAL = {"ConsistencyLevel": "eventual"}
ADA = f"/users/{seed.ADA}"
LICENSE_GROUP = ident("fabrikam", "group", "license-e3")


def group(nickname: str, tenant: str = "fabrikam") -> str:
    return ident(tenant, "group", nickname)


def membership(nickname: str, user: str = seed.ADA, tenant: str = "fabrikam") -> str:
    return f"/groups/{group(nickname, tenant)}/members/{user}/$ref"


def error(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def skus_of(caller: Caller) -> set[tuple[str, str | None]]:
    states = caller.get(f"{ADA}?$select=licenseAssignmentStates").json()["licenseAssignmentStates"]
    return {(state["skuId"], state["assignedByGroup"]) for state in states}


def test_memberships_by_kind(caller: Caller) -> None:
    path = f"{ADA}/memberOf/microsoft.graph.group"
    assert len(caller.get(f"{path}?$select=id").json()["value"]) == 13
    assert error(caller.get(f"{path}?$count=true&$select=id")) == (400, "Request_UnsupportedQuery")
    body = caller.get(f"{path}?$count=true&$top=999&$select=id,groupTypes", headers=EVENTUAL).json()
    assert body["@odata.count"] == 13
    roles = caller.get(f"/users/{seed.ADMIN}/memberOf/microsoft.graph.directoryRole?$select=displayName").json()
    assert roles["value"] == [{"displayName": "Global Administrator"}]
    everything = caller.get(f"/users/{seed.HELPDESK}/memberOf").json()["value"]
    assert everything[-1]["@odata.type"] == "#microsoft.graph.directoryRole"


def test_hidden_memberships_show_only_to_those_who_may_see_them(caller: Caller, sim: Simulator) -> None:
    sim.arrange("fabrikam.example", "revoke_permission", permission="Member.Read.Hidden")
    sim.arrange("fabrikam.example", "group", group="ada-team-3", set={"visibility": "HiddenMembership"})
    path = f"{ADA}/memberOf/microsoft.graph.group?$select=id"
    assert len(caller.get(path).json()["value"]) == 12
    sim.arrange("fabrikam.example", "grant_permission", permission="Member.Read.Hidden")
    assert len(caller.get(path).json()["value"]) == 13


def test_owned_groups(caller: Caller) -> None:
    owned = caller.get(f"/users/{seed.CY}/ownedObjects/microsoft.graph.group?$select=id,displayName").json()["value"]
    assert group("ada-team-3") in {row["id"] for row in owned}


def test_leaving_a_group_once_and_again(caller: Caller, sim: Simulator) -> None:
    assert caller.graph("DELETE", membership("ada-team-3")).status_code == 204
    assert seed.ADA not in sim.state("fabrikam.example")["groups"][group("ada-team-3")]["members"]
    assert error(caller.graph("DELETE", membership("ada-team-3"))) == (404, "Request_ResourceNotFound")


def test_without_ref_the_user_itself_is_deleted(caller: Caller, sim: Simulator) -> None:
    path = membership("ada-team-3").removesuffix("/$ref")
    assert caller.graph("DELETE", path).status_code == 204
    state = sim.state("fabrikam.example")
    assert seed.ADA in state["deleted_users"]
    assert seed.ADA not in state["users"]


@pytest.mark.parametrize("nickname", ["ada-list-0", "ada-mail_security-2", "everyone"])
def test_kinds_that_graph_cannot_change(caller: Caller, nickname: str) -> None:
    assert error(caller.graph("DELETE", membership(nickname))) == (400, "Request_BadRequest")


def test_synchronised_groups(caller: Caller) -> None:
    hybrid = caller.in_tenant(seed.HYBRID)
    response = hybrid.graph("DELETE", membership("on-premises", seed.SYNCED, "hybrid"))
    assert error(response) == (400, "Request_BadRequest")
    assert "on-premises mastered" in response.json()["error"]["message"]


def test_role_assignable_and_restricted_groups(caller: Caller, sim: Simulator) -> None:
    sim.arrange("fabrikam.example", "revoke_permission", permission="RoleManagement.ReadWrite.Directory")
    sim.arrange("fabrikam.example", "group", group="ada-security-0", set={"isAssignableToRole": True})
    sim.arrange("fabrikam.example", "group", group="ada-security-1", set={"isManagementRestricted": True})
    assert error(caller.graph("DELETE", membership("ada-security-0")))[0] == 403
    assert error(caller.graph("DELETE", membership("ada-security-1")))[0] == 403
    sim.arrange("fabrikam.example", "grant_permission", permission="RoleManagement.ReadWrite.Directory")
    assert caller.graph("DELETE", membership("ada-security-0")).status_code == 204


def test_the_last_owner_stays(caller: Caller, sim: Simulator) -> None:
    sim.arrange("fabrikam.example", "grant_permission", permission="Group.ReadWrite.All")
    response = caller.graph("DELETE", f"/groups/{group('ada-team-3')}/owners/{seed.CY}/$ref")
    assert error(response) == (400, "Request_BadRequest")
    assert caller.get(f"/groups/{group('ada-team-3')}/owners?$select=id").json()["value"][0]["id"] == seed.CY


def test_inherited_licenses_go_only_through_their_group(caller: Caller) -> None:
    body = {"addLicenses": [], "removeLicenses": [E3.id]}
    response = caller.graph("POST", f"{ADA}/assignLicense", body)
    assert error(response) == (400, "Request_BadRequest")
    assert "inherited from a group membership" in response.json()["error"]["message"]


def test_all_direct_licenses_in_one_call(caller: Caller) -> None:
    remove = [TEAMS_PHONE.id, POWER_BI.id, FLOW_FREE.id]
    assert caller.graph("POST", f"{ADA}/assignLicense", {"addLicenses": [], "removeLicenses": remove}).ok
    assert skus_of(caller) == {(E3.id, LICENSE_GROUP)}


def test_both_lists_are_required(caller: Caller) -> None:
    assert caller.graph("POST", f"{ADA}/assignLicense", {"removeLicenses": []}).status_code == 400
    assert (
        caller.graph("POST", f"{ADA}/assignLicense", {"addLicenses": [], "removeLicenses": [], "x": 1}).status_code
        == 400
    )


def test_a_license_that_another_one_needs(caller: Caller, sim: Simulator) -> None:
    user = sim.arrange("fabrikam.example", "user", create={"alias": "dana", "licenses": ["SPE_E3", "MCOEV"]})
    body = {"addLicenses": [], "removeLicenses": [E3.id]}
    response = caller.graph("POST", f"/users/{user}/assignLicense", body)
    assert "depends on the service plan" in response.json()["error"]["message"]
    body["removeLicenses"].append(TEAMS_PHONE.id)
    assert caller.graph("POST", f"/users/{user}/assignLicense", body).ok


def without_the_phone_license(caller: Caller) -> None:
    """What the group gives is needed by a direct license, which would keep it."""
    body = {"addLicenses": [], "removeLicenses": [TEAMS_PHONE.id]}
    assert caller.graph("POST", f"{ADA}/assignLicense", body).ok


def test_a_license_that_another_needs_sticks_until_it_is_processed_again(caller: Caller, sim: Simulator) -> None:
    sim.arrange("fabrikam.example", "tenant", set={"license_reads": 0})
    caller.graph("DELETE", membership("license-e3"))
    assert (E3.id, LICENSE_GROUP) in skus_of(caller)
    without_the_phone_license(caller)
    assert (E3.id, LICENSE_GROUP) in skus_of(caller)
    caller.graph("POST", f"{ADA}/reprocessLicenseAssignment")
    assert (E3.id, LICENSE_GROUP) not in skus_of(caller)


def test_inherited_licenses_go_some_reads_after_the_membership(caller: Caller, sim: Simulator) -> None:
    without_the_phone_license(caller)
    assert caller.graph("DELETE", membership("license-e3")).status_code == 204
    seen = [(E3.id, LICENSE_GROUP) in skus_of(caller) for _ in range(4)]
    assert seen == [True, True, False, False]
    assert sim.state("fabrikam.example")["mailboxes"][seed.ADA]["mailbox_lost"] is True


def test_reprocessing_hurries_them_and_so_does_the_setting(caller: Caller, sim: Simulator) -> None:
    without_the_phone_license(caller)
    caller.graph("DELETE", membership("license-e3"))
    assert caller.graph("POST", f"{ADA}/reprocessLicenseAssignment").ok
    assert (E3.id, LICENSE_GROUP) not in skus_of(caller)
    sim.reset()
    without_the_phone_license(caller)
    sim.arrange("fabrikam.example", "tenant", set={"license_reads": 0})
    caller.graph("DELETE", membership("license-e3"))
    assert (E3.id, LICENSE_GROUP) not in skus_of(caller)


def test_a_shared_mailbox_survives_the_loss_of_its_license(caller: Caller, sim: Simulator) -> None:
    caller.invoke("Set-Mailbox", Identity=seed.BO, Type="Shared")
    kinds = [caller.rows("Get-Mailbox", Identity=seed.BO)[0]["RecipientTypeDetails"] for _ in range(3)]
    assert kinds == ["UserMailbox", "UserMailbox", "SharedMailbox"]
    body = {"addLicenses": [], "removeLicenses": [E3.id]}
    assert caller.graph("POST", f"/users/{seed.BO}/assignLicense", body).ok
    assert sim.state("fabrikam.example")["mailboxes"][seed.BO]["mailbox_lost"] is False


def test_a_conversion_that_was_not_seen_yet_does_not_save_the_mailbox(caller: Caller, sim: Simulator) -> None:
    caller.invoke("Set-Mailbox", Identity=seed.BO, Type="Shared")
    body = {"addLicenses": [], "removeLicenses": [E3.id]}
    assert caller.graph("POST", f"/users/{seed.BO}/assignLicense", body).ok
    assert sim.state("fabrikam.example")["mailboxes"][seed.BO]["mailbox_lost"] is True


def test_seats_in_use(caller: Caller) -> None:
    rows = caller.get("/subscribedSkus?$select=skuId,skuPartNumber,consumedUnits,prepaidUnits").json()["value"]
    phone = next(row for row in rows if row["skuId"] == TEAMS_PHONE.id)
    assert phone["consumedUnits"] == 1
    assert phone["prepaidUnits"]["enabled"] == 500


def test_adding_a_member_brings_the_licenses_of_the_group(caller: Caller, sim: Simulator) -> None:
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{seed.NO_MAILBOX}"}
    assert caller.graph("POST", f"/groups/{LICENSE_GROUP}/members/$ref", reference).status_code == 204
    states = sim.state("fabrikam.example")["users"][seed.NO_MAILBOX]["licenseAssignmentStates"]
    assert [state["assignedByGroup"] for state in states] == [LICENSE_GROUP]
    assert caller.graph("POST", f"/groups/{LICENSE_GROUP}/members/$ref", reference).status_code == 400
