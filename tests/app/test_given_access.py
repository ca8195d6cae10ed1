"""What was given to others, over HTTP and on real storage: listed, moved, and ended by the timer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant import seed

if TYPE_CHECKING:
    from conftest import Leaver

    from dev.stack import Stack

    Front = Any

ACCESS = "grant_mailbox_access"


def _given(stack: Stack, user: str, until: str | None) -> str:
    params = {"to": [seed.BO], **({"until": until} if until else {})}
    body = {"tenant": "fabrikam.example", "users": [user], "actions": {ACCESS: params}}
    key = stack.post("/api/offboardings", body).json()["offboardings"][0]["id"]
    _wait(stack, key)
    return key


def _wait(stack: Stack, key: str) -> None:
    for _ in range(600):
        if stack.get(f"/api/offboardings/{key}/status").status_code == 200:
            return
        stack.advance(2)
    raise AssertionError("it did not end")


def _move(stack: Stack, key: str, until: str | None, action: str = ACCESS) -> Any:
    headers = {"x-functions-key": stack.key}
    return stack.send("PATCH", f"/api/offboardings/{key}/access/{action}", {"until": until}, headers)


def _restorations(stack: Stack, key: str) -> list[dict[str, Any]]:
    items = stack.get("/api/offboardings?kind=restoration&tenant=fabrikam.example").json()["items"]
    return [one for one in items if one["restores"] == key]


def test_it_is_listed_moved_and_ended_by_the_timer(stack: Stack, leaver: Leaver) -> None:
    key = _given(stack, leaver.upn, "2028-01-01T00:00:00+01:00")
    shown = [
        one for one in stack.get("/api/access?tenant=fabrikam.example").json()["items"] if one["offboarding"] == key
    ]
    assert [(one["action"], one["to"], one["until"]) for one in shown] == [
        (ACCESS, ["Bo Haugen (bo@fabrikam.example)"], "2027-12-31T23:00:00.000Z")
    ]

    assert _move(stack, key, None).json() == {"items": [{"action": ACCESS, "until": None}]}
    assert _move(stack, key, "2026-01-01T00:00:00Z").status_code == 200
    for _ in range(200):
        if _restorations(stack, key):
            break
        stack.advance(5)
    (restoration,) = _restorations(stack, key)
    _wait(stack, restoration["id"])

    told = stack.get(f"/api/offboardings/{restoration['id']}").json()
    assert (told["state"], told["requested_by"]) == ("Completed", "service")
    assert [(step["name"], step["outcome"]) for step in told["steps"]] == [(ACCESS, "done")]
    original = stack.get(f"/api/offboardings/{key}").json()
    assert original["access"] == []
    assert [event["what"] for event in original["events"]][-3:] == ["access_moved", "access_moved", "access_ended"]


def test_what_cannot_be_moved_is_told(stack: Stack, leaver: Leaver) -> None:
    key = _given(stack, leaver.upn, None)

    assert _move(stack, key, None, "forward_email").status_code == 404
    assert _move(stack, key, "2099-01-01T00:00:00Z").status_code == 422
    assert _move(stack, key, "tomorrow").status_code in {400, 422}


def test_a_reader_lists_and_moves_nothing(front: Front) -> None:
    assert front.get("access", role="readonly").status_code == 200
    assert front.get("access?tenant=fabrikam.example", role="contoso").status_code == 404
    moved = front.send("PATCH", f"offboardings/nothing/access/{ACCESS}", {"until": None}, role="readonly")
    assert moved.status_code == 403
