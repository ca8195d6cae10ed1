from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed

if TYPE_CHECKING:
    import requests

    from dev.tenant.by_hand import Caller
    from dev.tenant.process import Simulator

ADA = f"/users/{seed.ADA}"
EVENTUAL = {"ConsistencyLevel": "eventual"}
PASSWORD = "Correct-Horse-7-Battery"


def user(sim: Simulator, user_id: str = seed.ADA, tenant: str = "fabrikam.example") -> dict[str, Any]:
    return sim.state(tenant)["users"][user_id]


def error(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_without_select_only_the_default_properties_come(caller: Caller) -> None:
    body = caller.get(ADA).json()
    assert body["displayName"] == "Ada Castell"
    assert "accountEnabled" not in body


def test_select_gives_what_was_named_and_refuses_what_does_not_exist(caller: Caller) -> None:
    wanted = "id,accountEnabled,isManagementRestricted,licenseAssignmentStates,lastPasswordChangeDateTime"
    body = caller.get(f"{ADA}?$select={wanted}").json()
    assert set(wanted.split(",")) == {name for name in body if not name.startswith("@")}
    assert error(caller.get(f"{ADA}?$select=id,shoeSize")) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{ADA}/shoes", 400),
        ("GET", "/shoes", 400),
        ("PUT", ADA, 405),
        ("GET", f"{ADA}?$expand=manager", 400),
        ("GET", f"{ADA}/authentication/shoes", 404),
    ],
)
def test_what_does_not_exist_is_refused_and_recorded(
    caller: Caller, sim: Simulator, method: str, path: str, status: int
) -> None:
    assert caller.graph(method, path).status_code == status
    assert sim.requests()[-1]["refused"] is True


def test_unknown_properties_and_read_only_ones_cannot_be_set(caller: Caller, sim: Simulator) -> None:
    assert error(caller.graph("PATCH", ADA, {"shoeSize": 44})) == (400, "Request_BadRequest")
    assert error(caller.graph("PATCH", ADA, {"id": "x"})) == (400, "Request_BadRequest")
    assert [entry["refused"] for entry in sim.requests() if entry["service"] == "graph"] == [True, True]


def test_missing_users(caller: Caller) -> None:
    assert error(caller.get("/users/nobody@fabrikam.example")) == (404, "Request_ResourceNotFound")


def test_a_guest_by_its_encoded_name(caller: Caller) -> None:
    name = "gil_partner.example%23EXT%23@fabrikam.onmicrosoft.example"
    assert caller.get(f"/users/{name}?$select=id,userType").json() | {"@odata.context": None} == {
        "@odata.context": None,
        "id": seed.GUEST,
        "userType": "Guest",
    }


def test_listing_pages_to_the_end(caller: Caller) -> None:
    body = caller.get("/users?$select=id&$top=90&$orderby=displayName").json()
    seen = [row["id"] for row in body["value"]]
    while "@odata.nextLink" in body:
        body = caller.session.get(body["@odata.nextLink"], headers=caller.bearer("https://graph.microsoft.com")).json()
        seen += [row["id"] for row in body["value"]]
    assert len(seen) == len(set(seen)) == 205
    assert error(caller.get("/users?$top=1000")) == (400, "Request_BadRequest")


def test_search_needs_the_advanced_query_service(caller: Caller) -> None:
    path = '/users?$search="displayName:ad" OR "mail:ad"&$select=displayName&$count=true'
    assert error(caller.get(path)) == (400, "Request_UnsupportedQuery")
    names = [row["displayName"] for row in caller.get(path, headers=EVENTUAL).json()["value"]]
    assert "Ada Castell" in names


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("userPrincipalName eq 'ADA@fabrikam.example'", 200),
        ("startswith(displayName,'Ada') and accountEnabled eq true", 200),
        ("proxyAddresses/any(p:p eq 'smtp:ada@fabrikam.onmicrosoft.example')", 200),
        (f"id in ('{seed.ADA}')", 200),
        ("displayName ne 'x'", 400),
        ("shoeSize eq 3", 400),
        ("displayName resembles 'x'", 400),
    ],
)
def test_filters(caller: Caller, condition: str, status: int) -> None:
    response = caller.get("/users", **{"$filter": condition, "$select": "id"})
    assert response.status_code == status
    if status == 200:
        assert [row["id"] for row in response.json()["value"]] == [seed.ADA]


def test_blocking_sign_in(caller: Caller, sim: Simulator) -> None:
    assert caller.graph("PATCH", ADA, {"accountEnabled": False}).status_code == 204
    assert user(sim)["accountEnabled"] is False


def test_a_new_password_shows_by_its_time_and_is_kept_nowhere(caller: Caller, sim: Simulator) -> None:
    before = user(sim)
    profile = {"password": PASSWORD, "forceChangePasswordNextSignIn": True}
    assert caller.graph("PATCH", ADA, {"passwordProfile": profile}).status_code == 204
    after = user(sim)
    assert after["lastPasswordChangeDateTime"] > before["lastPasswordChangeDateTime"]
    assert after["password_resets"] == 1
    assert sim.requests()[-1]["body"]["passwordProfile"]["password"] == "<password>"
    assert PASSWORD not in str(sim.state("fabrikam.example"))


def test_weak_passwords_are_refused(caller: Caller) -> None:
    for weak in ("short1A", "alllowercaseletters", ""):
        assert error(caller.graph("PATCH", ADA, {"passwordProfile": {"password": weak}}))[0] == 400


def test_a_password_needs_a_permission_of_its_own_and_a_merged_change_fails_as_a_whole(
    caller: Caller, sim: Simulator
) -> None:
    sim.arrange("fabrikam.example", "revoke_permission", permission="User-PasswordProfile.ReadWrite.All")
    both = {"accountEnabled": False, "passwordProfile": {"password": PASSWORD}}
    assert error(caller.graph("PATCH", ADA, both)) == (403, "Authorization_RequestDenied")
    assert user(sim)["accountEnabled"] is True
    assert caller.graph("PATCH", ADA, {"accountEnabled": False}).status_code == 204


def test_revoking_sessions_moves_the_time_they_are_valid_from(caller: Caller, sim: Simulator) -> None:
    response = caller.graph("POST", f"{ADA}/revokeSignInSessions")
    assert response.json()["value"] is True
    assert user(sim)["signInSessionsValidFromDateTime"] > "2026-02"
    assert user(sim)["session_revocations"] == 1


def test_synchronised_users_can_be_blocked_but_not_changed(caller: Caller, sim: Simulator) -> None:
    hybrid = caller.in_tenant(seed.HYBRID)
    path = f"/users/{seed.SYNCED}"
    assert hybrid.graph("PATCH", path, {"accountEnabled": False}).status_code == 204
    for change in ({"onPremisesImmutableId": None}, {"passwordProfile": {"password": PASSWORD}}):
        response = hybrid.graph("PATCH", path, change)
        assert error(response) == (400, "Request_BadRequest")
        assert "on-premises mastered" in response.json()["error"]["message"]
    assert hybrid.graph("DELETE", path).status_code == 400
    assert seed.SYNCED in sim.state("hybrid.example")["users"]


def test_an_anchor_left_over_can_be_cleared(caller: Caller, sim: Simulator) -> None:
    hybrid = caller.in_tenant(seed.HYBRID)
    path = f"/users/{seed.LEFTOVER_ANCHOR}"
    assert hybrid.graph("PATCH", path, {"onPremisesImmutableId": None}).status_code == 204
    assert user(sim, seed.LEFTOVER_ANCHOR, "hybrid.example")["onPremisesImmutableId"] is None


@pytest.mark.parametrize("target", [seed.ADMIN, seed.HELPDESK, seed.RESTRICTED])
def test_administrators_and_restricted_users_are_out_of_reach(caller: Caller, target: str) -> None:
    for method, path, body in (
        ("PATCH", f"/users/{target}", {"accountEnabled": False}),
        ("POST", f"/users/{target}/revokeSignInSessions", None),
        ("DELETE", f"/users/{target}", None),
    ):
        assert error(caller.graph(method, path, body)) == (403, "Authorization_RequestDenied")


def test_a_privileged_app_reaches_administrators(caller: Caller, sim: Simulator) -> None:
    role = "Privileged Authentication Administrator"
    sim.arrange("fabrikam.example", "grant_entra_role", role=role)
    assert caller.graph("PATCH", f"/users/{seed.ADMIN}", {"accountEnabled": False}).status_code == 204


def test_delete_and_restore(caller: Caller, sim: Simulator) -> None:
    assert caller.graph("DELETE", ADA).status_code == 204
    assert error(caller.get(ADA)) == (404, "Request_ResourceNotFound")
    assert error(caller.graph("DELETE", ADA)) == (404, "Request_ResourceNotFound")
    deleted = caller.get(f"/directory/deletedItems/{seed.ADA}?$select=id,deletedDateTime").json()
    assert deleted["deletedDateTime"]
    assert seed.ADA in sim.state("fabrikam.example")["deleted_mailboxes"]
    assert caller.graph("POST", f"/directory/deletedItems/{seed.ADA}/restore").status_code == 200
    assert caller.get(ADA).status_code == 200
    assert caller.get(f"/directory/deletedItems/{seed.ADA}").status_code == 404
    assert seed.ADA in sim.state("fabrikam.example")["mailboxes"]


def test_roles_are_checked_before_anything_else(caller: Caller, sim: Simulator) -> None:
    sim.arrange("fabrikam.example", "revoke_permission", permission="User.DeleteRestore.All")
    sim.arrange("fabrikam.example", "revoke_permission", permission="User.ReadWrite.All")
    assert error(caller.graph("DELETE", ADA)) == (403, "Authorization_RequestDenied")
    assert error(caller.graph("DELETE", "/users/nobody")) == (403, "Authorization_RequestDenied")
