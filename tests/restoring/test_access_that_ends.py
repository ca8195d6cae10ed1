"""What was given to others ends on its day: the app takes it back, and only what this offboarding gave."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from shared.access.scope import EVERYTHING, Scope
from shared.base import clock
from shared.base.problems import RefusedError
from shared.jobs.records import State
from shared.offboarding.lifecycle import watch
from shared.offboarding.lifecycle.operations import Operations
from shared.offboarding.lookup import Lookup
from shared.offboarding.request import parsing

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.lab import Lab, Result
    from shared.jobs.records import Offboarding

END = "2030-06-30T18:00:00+02:00"
THAT_DAY = datetime.fromisoformat(END)
ACCESS = "grant_mailbox_access"
GIVEN = {"disable_sign_in": True, ACCESS: {"to": [seed.BO], "until": END}}


def openers(lab: Lab) -> list[str]:
    entries = lab.mailbox(seed.ADA)["permissions"]
    return [entry["User"] for entry in entries if entry["User"] != "NT AUTHORITY\\SELF"]


def tick(lab: Lab, moment: datetime) -> list[Offboarding]:
    """Let the timer look at a moment, and everything that it starts come to its end."""
    lab.hub.advance(moment - clock.now())
    started = lab.wake()
    for one in started:
        lab.start(one)
    lab.run()
    return started


def kept(lab: Lab, left: Result) -> Offboarding:
    stored = lab.app.store.get(left.offboarding.id)
    assert stored
    return stored


def ends(lab: Lab, left: Result) -> dict[str, datetime | None]:
    return {one.action: one.until for one in kept(lab, left).access}


def listed(lab: Lab, scope: Scope = EVERYTHING, **asked: Any) -> list[str]:
    found, _ = Lookup(lab.app, scope).open_access(asked.get("tenant"), asked.get("until"), "", 100)
    return [row["action"] for row in found]


def move(lab: Lab, left: Result, until: datetime | None, action: str = ACCESS, **who: Any) -> Offboarding | None:
    return (
        Operations(lab.app, who.get("name", "operator"), who.get("scope", EVERYTHING))
        .move_access(left.offboarding.id, action, until)
        .offboarding
    )


def test_it_ends_on_its_day_and_nothing_else_does(lab: Lab) -> None:
    before = openers(lab)
    left = lab.offboard(seed.ADA, GIVEN)
    assert openers(lab) != before
    assert ends(lab, left) == {ACCESS: THAT_DAY}

    assert tick(lab, THAT_DAY - timedelta(minutes=1)) == []
    assert openers(lab) != before
    (started,) = tick(lab, THAT_DAY)

    assert openers(lab) == before
    restoration = lab.app.store.get(started.id)
    assert restoration
    assert (restoration.state, restoration.request.restores) == (State.completed, left.offboarding.id)
    assert (restoration.request.requested_by, set(restoration.request.actions)) == ("service", {ACCESS})
    assert lab.simulator.state("fabrikam.example")["users"][seed.ADA]["accountEnabled"] is False
    assert ends(lab, left) == {}
    assert kept(lab, left).events[-1].what == "access_ended"
    assert tick(lab, THAT_DAY + timedelta(days=1)) == []


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("grant_mailbox_access", {"to": [seed.BO]}),
        ("grant_mailbox_access_automap", {"to": [seed.BO]}),
        ("grant_send_as", {"to": [seed.BO]}),
        ("grant_send_on_behalf", {"to": [seed.BO]}),
        ("grant_onedrive_access", {"to": [seed.BO]}),
        ("forward_email", {"to": seed.BO}),
        ("set_out_of_office", {"internal": "Gone."}),
    ],
)
def test_everything_that_is_given_can_end(lab: Lab, action: str, params: dict[str, Any]) -> None:
    left = lab.offboard(seed.ADA, {action: {**params, "until": END}})
    assert left.outcome(action) == "done"

    (started,) = tick(lab, THAT_DAY)

    assert lab.app.store.details(started.id).steps[action].outcome == "done"
    assert ends(lab, left) == {}


def test_who_had_it_before_keeps_it(lab: Lab) -> None:
    lab.offboard(seed.ADA, {ACCESS: {"to": [seed.BO]}})
    before = openers(lab)
    left = lab.offboard(seed.ADA, {ACCESS: {"to": [seed.BO, seed.CY], "until": END}})

    tick(lab, THAT_DAY)

    assert openers(lab) == before
    assert ends(lab, left) == {}


def test_what_it_did_not_give_does_not_end(lab: Lab) -> None:
    lab.offboard(seed.ADA, {ACCESS: {"to": [seed.BO]}})

    left = lab.offboard(seed.ADA, {ACCESS: {"to": [seed.BO], "until": END}})

    assert ends(lab, left) == {}


def test_without_a_day_it_is_listed_and_stays(lab: Lab) -> None:
    left = lab.offboard(seed.ADA, {ACCESS: {"to": [seed.BO]}})

    assert ends(lab, left) == {ACCESS: None}
    assert listed(lab) == [ACCESS]
    assert tick(lab, THAT_DAY) == []


def test_it_can_be_moved_stay_or_end_now(lab: Lab) -> None:
    before = openers(lab)
    left = lab.offboard(seed.ADA, GIVEN)

    move(lab, left, THAT_DAY + timedelta(days=30))
    assert tick(lab, THAT_DAY) == []
    move(lab, left, None)
    assert tick(lab, THAT_DAY + timedelta(days=60)) == []
    moved = move(lab, left, clock.now() - timedelta(hours=1), scope=Scope(origin="203.0.113.7"))
    assert moved
    assert (moved.events[-1].by, moved.events[-1].what, moved.events[-1].origin) == (
        "operator",
        "access_moved",
        "203.0.113.7",
    )
    assert len(tick(lab, clock.now() + timedelta(minutes=1))) == 1
    assert openers(lab) == before


@pytest.mark.parametrize(
    ("until", "action", "status"), [(timedelta(days=800), ACCESS, 422), (timedelta(days=1), "forward_email", 404)]
)
def test_what_cannot_be_moved_is_refused(lab: Lab, until: timedelta, action: str, status: int) -> None:
    left = lab.offboard(seed.ADA, GIVEN)

    with pytest.raises(RefusedError) as caught:
        move(lab, left, clock.now() + until, action)
    assert caught.value.status == status


def test_the_leaver_moves_nothing(lab: Lab) -> None:
    left = lab.offboard(seed.ADA, GIVEN)

    with pytest.raises(RefusedError) as caught:
        move(lab, left, None, scope=Scope(own_names=frozenset({"ada@fabrikam.example"})))
    assert caught.value.code == "own_account"


def test_what_lies_in_other_tenants_does_not_exist(lab: Lab) -> None:
    left = lab.offboard(seed.ADA, GIVEN)
    elsewhere = Scope(tenants=frozenset({seed.CONTOSO}))

    assert listed(lab) == [ACCESS]
    assert listed(lab, elsewhere) == []
    with pytest.raises(RefusedError) as caught:
        move(lab, left, None, scope=elsewhere)
    assert caught.value.status == 404


def test_what_ends_first_comes_first_a_page_at_a_time(lab: Lab) -> None:
    sooner = clock.to_text(THAT_DAY - timedelta(days=1))
    actions = {ACCESS: {"to": [seed.BO], "until": END}, "grant_send_as": {"to": [seed.BO], "until": sooner}}
    lab.offboard(seed.ADA, {**actions, "grant_send_on_behalf": {"to": [seed.BO]}})
    order = ["grant_send_as", ACCESS, "grant_send_on_behalf"]

    for tenant in (None, "fabrikam.example"):
        assert listed(lab, tenant=tenant) == order
        assert listed(lab, tenant=tenant, until=THAT_DAY) == ["grant_send_as"]
    for scope in (EVERYTHING, Scope(tenants=frozenset({seed.FABRIKAM, seed.CONTOSO}))):
        start: str | None = ""
        pages: list[str] = []
        while start is not None:
            page, start = Lookup(lab.app, scope).open_access(None, None, start, 1)
            pages += [row["action"] for row in page]
        assert pages == order


@pytest.mark.parametrize(
    ("until", "status"),
    [("2029-12-31T00:00:00Z", 422), ("2033-01-01T00:00:00Z", 422), ("2030-06-30T18:00:00", 422), ("tomorrow", 400)],
)
def test_a_day_that_makes_no_sense_is_refused(lab: Lab, until: str, status: int) -> None:
    with pytest.raises(RefusedError) as caught:
        lab.submit(seed.ADA, {ACCESS: {"to": [seed.BO], "until": until}})
    assert caught.value.status == status


def test_it_counts_from_when_the_offboarding_is_due(lab: Lab) -> None:
    with pytest.raises(RefusedError, match="is not after the offboarding begins"):
        lab.submit(seed.ADA, GIVEN, scheduled_for="2030-07-01T00:00:00Z")


def test_defaults_hold_no_moment() -> None:
    with pytest.raises(RefusedError, match="A moment belongs to one offboarding"):
        parsing.parse_defaults(json.dumps({"actions": {ACCESS: {"to": [seed.BO], "until": END}}}).encode())


def test_whoever_is_under_way_is_waited_for(lab: Lab) -> None:
    before = openers(lab)
    left = lab.offboard(seed.ADA, GIVEN)
    other = lab.submit(seed.ADA, {"revoke_sessions": True}, scheduled_for="2030-12-01T00:00:00Z")

    assert tick(lab, THAT_DAY) == []
    assert ends(lab, left) == {ACCESS: THAT_DAY}
    Operations(lab.app, "operator").cancel(other.id)
    assert len(tick(lab, THAT_DAY + timedelta(minutes=1))) == 1
    assert openers(lab) == before


def test_a_death_between_the_restoration_and_its_note_makes_no_second_one(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = lab.offboard(seed.ADA, GIVEN)
    lab.hub.advance(THAT_DAY - clock.now())
    with monkeypatch.context() as patch:
        patch.setattr(lab.app.store, "change", _die)
        assert lab.wake() == []
    (started,) = lab.wake()
    lab.start(started)
    lab.run()

    assert ends(lab, left) == {}
    assert tick(lab, THAT_DAY + timedelta(days=1)) == []
    everything, _ = Lookup(lab.app).page(_every(), None, 100)
    assert len([one for one in everything if one.request.restores]) == 1


def _die(*_: object) -> None:
    raise RuntimeError("The host was killed.")


def _every() -> Any:
    from shared.offboarding.lookup import ListFilter

    return ListFilter()


def test_what_was_brought_back_by_hand_is_off_the_list(lab: Lab, restore: Callable[..., Result]) -> None:
    left = lab.offboard(seed.ADA, GIVEN)

    restore(left)

    assert ends(lab, left) == {}
    assert tick(lab, THAT_DAY) == []


def test_what_somebody_changed_since_is_left_alone_and_no_longer_waited_for(lab: Lab) -> None:
    left = lab.offboard(seed.ADA, {"forward_email": {"to": "ada@private.example", "until": END}})
    changed = {"ForwardingSmtpAddress": "smtp:new@private.example"}
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=seed.ADA, set=changed)

    (started,) = tick(lab, THAT_DAY)

    assert lab.app.store.details(started.id).steps["forward_email"].outcome == "needs_attention"
    assert ends(lab, left) == {"forward_email": None}
    assert tick(lab, THAT_DAY + timedelta(days=1)) == []


def test_an_offboarding_that_is_waited_for_is_not_removed(lab: Lab) -> None:
    left = lab.offboard(seed.ADA, {ACCESS: {"to": [seed.BO], "until": "2031-12-01T00:00:00Z"}})

    with pytest.raises(RefusedError) as caught:
        Operations(lab.app, "operator").delete(left.offboarding.id)
    assert caught.value.code == "access_ends_later"
    lab.hub.advance(timedelta(days=500))
    watch.forget_old(lab.app)
    assert kept(lab, left)
    move(lab, left, None)
    watch.forget_old(lab.app)
    assert lab.app.store.get(left.offboarding.id) is None


def test_a_retry_gives_no_second_day(lab: Lab) -> None:
    rule = {"service": "graph", "match": "revokeSignIn", "kind": "status", "status": 400, "probability": 1}
    lab.simulator.faults([rule])
    left = lab.offboard(seed.ADA, {**GIVEN, "revoke_sessions": True})
    assert left.offboarding.state is State.failed
    later = THAT_DAY + timedelta(days=10)
    move(lab, left, later)
    lab.simulator.faults([])

    again = Operations(lab.app, "operator").retry(left.offboarding.id).to_start
    assert again
    lab.start(again)
    lab.run()

    assert kept(lab, left).state is State.completed
    assert ends(lab, left) == {ACCESS: later}


def test_an_end_that_failed_can_be_set_to_the_very_same_moment_again(lab: Lab) -> None:
    """What had failed would be found otherwise, and noted as the end though nothing was tried."""
    left = lab.offboard(seed.ADA, GIVEN)
    before = openers(lab)
    lab.simulator.faults(
        [{"service": "exchange", "match": "Remove-MailboxPermission", "kind": "status", "status": 403}]
    )
    (failed,) = tick(lab, THAT_DAY)
    assert lab.app.store.get(failed.id).state is State.failed  # type: ignore[union-attr]
    assert openers(lab) == before
    lab.simulator.faults([])

    move(lab, left, THAT_DAY)
    (again,) = tick(lab, THAT_DAY + timedelta(minutes=1))

    assert again.id != failed.id
    assert openers(lab) != before
    assert ends(lab, left) == {}
