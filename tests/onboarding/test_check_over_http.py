"""The check over HTTP, and what pickers, plans and submissions say of a permission that is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed

if TYPE_CHECKING:
    from collections.abc import Iterator

    Front = Any

CONTOSO = "contoso.example"
METHODS = "UserAuthenticationMethod.ReadWrite.All"


@pytest.fixture
def without_methods(front: Front) -> Iterator[None]:
    """Contoso has not granted what removes sign-in methods, and the app's tokens show it."""
    simulator = front.stack.simulator
    simulator.arrange(CONTOSO, "revoke_permission", permission=METHODS)
    assert front.get(f"tenants/{CONTOSO}/check", role="admin").json()["ready"] is False
    yield
    simulator.arrange(CONTOSO, "grant_permission", permission=METHODS)
    assert front.get(f"tenants/{CONTOSO}/check", role="admin").json()["ready"] is True


def test_an_administrator_sees_what_works(front: Front) -> None:
    answer = front.get(f"tenants/{CONTOSO}/check", role="admin")

    assert answer.status_code == 200
    told = answer.json()
    assert list(told) == ["tenant", "checked_at", "ready", "warnings", "audiences", "actions"]
    assert (told["tenant"], told["ready"]) == (seed.CONTOSO, True)
    assert told["audiences"][0] == {"audience": "Microsoft Graph", "ok": True, "why": "", "do": ""}
    blocked = next(one for one in told["actions"] if one["name"] == "disable_sign_in")
    assert list(blocked) == ["name", "title", "ready", "missing", "why", "do"]


@pytest.mark.usefixtures("without_methods")
def test_an_administrator_sees_what_does_not(front: Front) -> None:
    told = front.get(f"tenants/{seed.CONTOSO}/check", role="admin").json()

    (one,) = [one for one in told["actions"] if not one["ready"]]
    assert one["name"] == "remove_mfa_methods"
    assert one["missing"] == [{"api": "Microsoft Graph", "name": METHODS}]
    assert f"/{seed.CONTOSO}/adminconsent?client_id={seed.CLIENT_ID}" in one["do"]


@pytest.mark.parametrize("role", ["readonly", "editor"])
def test_nobody_else_may_ask(front: Front, role: str) -> None:
    assert front.get(f"tenants/{CONTOSO}/check", role=role).status_code == 403


def test_another_administrators_tenant_does_not_exist(front: Front) -> None:
    headers = {"x-ms-client-principal": front.principal("admin", "contoso"), "x-functions-key": ""}

    for tenant, status in ((CONTOSO, 200), ("fabrikam.example", 404), (seed.FABRIKAM, 404), ("unknown.example", 404)):
        assert front.stack.send("GET", f"/api/tenants/{tenant}/check", None, headers).status_code == status


def _problems(front: Front, query: str) -> dict[str, str]:
    items = front.get(f"actions{query}").json()["items"]
    return {item["name"]: item["problem"] for item in items if item["problem"]}


@pytest.mark.usefixtures("without_methods")
def test_the_list_of_actions_marks_what_cannot_work_in_a_tenant(front: Front) -> None:
    (marked,) = _problems(front, f"?tenant={CONTOSO}").items()

    assert marked[0] == "remove_mfa_methods"
    assert METHODS in marked[1]
    assert _problems(front, "?tenant=fabrikam.example") == {}
    assert _problems(front, "") == {}


def test_the_list_of_actions_knows_no_tenant_of_others(front: Front) -> None:
    assert front.get("actions?tenant=fabrikam.example", role="contoso").status_code == 404


def test_nothing_is_marked_while_the_sign_in_does_not_answer(front: Front) -> None:
    front.stack.simulator.faults([{"service": "login", "kind": "status", "status": 500}])
    try:
        assert _problems(front, f"?tenant={seed.HYBRID}") == {}
    finally:
        front.stack.simulator.faults([])


@pytest.mark.usefixtures("without_methods")
def test_a_plan_says_what_will_fail(front: Front) -> None:
    body = {"tenant": CONTOSO, "users": [seed.LIA], "actions": {"remove_mfa_methods": True, "disable_sign_in": True}}
    warnings = front.post("offboardings/plan", body).json()["warnings"]

    (text,) = [warning for warning in warnings if METHODS in warning]
    assert text.endswith("These steps need it: Remove sign-in methods.")
    del body["actions"]["remove_mfa_methods"]
    assert METHODS not in front.post("offboardings/plan", body).text


@pytest.mark.usefixtures("without_methods")
def test_the_wizards_result_says_what_will_fail(front: Front) -> None:
    leaver = front.stack.simulator.arrange(CONTOSO, "user", create={"alias": "marked", "name": "Marked"})
    form = {
        "tenantFilter": CONTOSO,
        "user": [leaver],
        "RemoveMFADevices": True,
        "Scheduled": {"enabled": True, "date": 2208988800},
    }
    (result,) = front.post("ExecOffboardUser", form).json()["Results"]

    assert METHODS in result["resultText"]
    assert result["state"] == "warning"


def test_an_administrator_asks_what_runs_out_or_does_not_work(front: Front) -> None:
    assert front.get("health/detail", role="admin").json() == {"warnings": []}
    assert front.get("health/detail", role="readonly").status_code == 403
