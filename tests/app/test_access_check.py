"""Whether somebody is out, over HTTP: asked for now, and kept with an offboarding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.stack import Stack
from dev.tenant import seed

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Leaver

    Front = Any

pytestmark = pytest.mark.long


def _verdicts(found: dict[str, Any]) -> dict[str, str]:
    return {area["area"]: area["verdict"] for area in found["areas"]}


def _wait(stack: Stack, key: str) -> dict[str, Any]:
    for _ in range(600):
        if stack.get(f"/api/offboardings/{key}/status").status_code == 200:
            return stack.details(key)
        stack.advance(2)
    raise AssertionError("it did not end")


def _offboarded(stack: Stack, upn: str) -> dict[str, Any]:
    body = {"tenant": "fabrikam.example", "users": [upn], "actions": {"disable_sign_in": True}}
    return _wait(stack, stack.post("/api/offboardings", body).json()["offboardings"][0]["id"])


def test_it_is_looked_now_and_nothing_is_kept(stack: Stack, leaver: Leaver) -> None:
    before = stack.simulator.state(seed.FABRIKAM)

    answer = stack.get(f"/api/tenants/fabrikam.example/users/{leaver.upn}/access")

    assert answer.status_code == 200
    found = answer.json()
    assert (found["user"]["id"], found["tenant"]["domain"]) == (leaver.id, "fabrikam.example")
    assert found["answer"] == "open"
    assert _verdicts(found)["Sign-in"] == "open"
    assert next(area["action"] for area in found["areas"] if area["area"] == "Sign-in") == "disable_sign_in"
    assert stack.simulator.state(seed.FABRIKAM) == before


def test_an_offboarding_keeps_what_it_found_and_says_when_it_looks_again(stack: Stack, leaver: Leaver) -> None:
    details = _offboarded(stack, leaver.upn)

    found = details["access_check"]
    assert found["answer"] == "open"
    assert _verdicts(found)["Sign-in"] == "closed"
    assert found["next_at"] > details["ended_at"]
    record = stack.get(f"/api/offboardings/{details['id']}/report?format=json").json()["record"]
    assert record["access_check"]["answer"] == "open"
    page = stack.get(f"/api/offboardings/{details['id']}/report").text
    assert "What the person can still get at" in page
    assert found["message"] in page


def test_a_sync_that_enables_the_account_again_is_seen_after_a_day(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        details = _offboarded(stack, "bo@fabrikam.example")
        stack.simulator.arrange(seed.FABRIKAM, "user", user=seed.BO, set={"accountEnabled": True})

        stack.advance(24 * 3600 + 60)
        for _ in range(200):
            if stack.details(details["id"])["events"][-1]["what"] == "access_open_again":
                break
            stack.advance(5)

        after = stack.details(details["id"])
    assert _verdicts(after["access_check"])["Sign-in"] == "open"
    assert [event["what"] for event in after["events"]][-1] == "access_open_again"


def test_a_restoration_is_not_looked_after(stack: Stack, leaver: Leaver) -> None:
    details = _offboarded(stack, leaver.upn)
    key = stack.post(f"/api/offboardings/{details['id']}/restore", {}).json()["id"]

    assert _wait(stack, key)["access_check"] is None


@pytest.mark.parametrize("name", ["nobody@fabrikam.example", "%20", "$a", "0", "'", "a%20b", seed.FABRIKAM])
def test_nobody_of_that_name_is_not_taken_for_somebody_who_is_out(stack: Stack, name: str) -> None:
    answer = stack.get(f"/api/tenants/fabrikam.example/users/{name}/access")

    assert answer.status_code == 404
    assert answer.json()["code"] == "user_not_found"


@pytest.mark.parametrize(
    ("role", "tenant", "status"),
    [
        ("readonly", "fabrikam.example", 200),
        ("contoso", "fabrikam.example", 404),
        ("nowhere", "fabrikam.example", 404),
        ("nobody", "fabrikam.example", 403),
    ],
)
def test_readers_of_that_tenant_may_look_and_nobody_else(front: Front, role: str, tenant: str, status: int) -> None:
    assert front.get(f"tenants/{tenant}/users/{seed.CY}/access", role=role).status_code == status


def test_the_task_page_tells_what_is_left(front: Front) -> None:
    who = front.stack.simulator.arrange(seed.FABRIKAM, "user", create={"alias": "taskpage", "name": "Task Page"})
    body = {"tenant": "fabrikam.example", "users": [who], "actions": {"disable_sign_in": True}}
    key = front.post("offboardings", body).json()["offboardings"][0]["id"]
    for _ in range(600):
        if front.get(f"offboardings/{key}/status").status_code == 200:
            break
        front.stack.advance(2)

    rows = front.get(f"ListScheduledItemDetails?RowKey={key}").json()["Details"][0]["Results"]

    told = [(row["Status"], row["Message"]) for row in rows if row["Step"] == "Access left"]
    assert told[0][0] == "warning"
    assert "still open" in told[0][1]
    assert any(status == "warning" and "Remove licenses closes it." in text for status, text in told[1:])
