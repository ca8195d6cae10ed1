"""A run that is lost is carried on by the next one; none stays running for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed
from shared.base import clock
from shared.jobs.storage.store import PARTITION
from shared.offboarding.lifecycle import watch
from shared.offboarding.lifecycle.recovery import MAX_RECOVERIES
from shared.offboarding.lookup import Lookup

if TYPE_CHECKING:
    from dev.lab import Lab
    from shared.jobs.records import Offboarding

CONTAIN = {"disable_sign_in": True, "reset_password": True, "revoke_sessions": True}
MINUTE = timedelta(minutes=1)


def lose_the_start(lab: Lab) -> Offboarding:
    """Submit, and have the message that starts the orchestration vanish."""
    offboarding = lab.submit("ada@fabrikam.example", CONTAIN)
    lab.hub.engine.store.forget(offboarding.instance_id)
    return offboarding


def fail_the_run(lab: Lab, offboarding: Offboarding) -> None:
    """Have the worker die in the next turn of the run: its instance is Failed for good."""
    while turn := next((work for work in lab.hub.ready() if work.id == offboarding.instance_id), None):
        lab.hub.execute(turn, worker_dies=True)
    assert lab.hub.status(offboarding.instance_id)["runtimeStatus"] == "Failed"


def carry_on(lab: Lab) -> Offboarding:
    (recovered,) = lab.wake()
    lab.start(recovered)
    return recovered


def test_a_run_whose_start_was_lost_is_begun_by_the_next_within_two_ticks(lab: Lab) -> None:
    offboarding = lose_the_start(lab)
    lab.hub.advance(timedelta(seconds=59))
    assert lab.wake() == []
    lab.hub.advance(timedelta(seconds=60))

    recovered = carry_on(lab)

    assert (recovered.id, recovered.run, recovered.recoveries) == (offboarding.id, 2, 1)
    lab.run()
    assert lab.result(offboarding.id).offboarding.state == "Completed"


@pytest.mark.parametrize("turn", range(1, 6))
def test_a_worker_that_dies_in_a_turn_costs_an_offboarding_two_ticks(lab: Lab, turn: int) -> None:
    offboarding = lab.submit("ada@fabrikam.example", CONTAIN)
    began = clock.now()
    for _ in range(turn - 1):
        lab.hub.execute(next(work for work in lab.hub.ready() if work.kind == "turn"))
        for activity in [work for work in lab.hub.ready() if work.kind == "activity"]:
            lab.hub.execute(activity)
    fail_the_run(lab, offboarding)
    lab.hub.advance(2 * MINUTE)

    carry_on(lab)
    lab.run()

    after = lab.result(offboarding.id)
    assert (after.offboarding.state, after.offboarding.run) == ("Completed", 2)
    assert after.steps["disable_sign_in"].ended_at - began < 3 * MINUTE


def test_a_run_that_lives_is_left_alone_and_costs_nothing(lab: Lab) -> None:
    lab.submit("ada@fabrikam.example", CONTAIN)
    lab.hub.advance(2 * MINUTE)
    lab.jobs.requests = lab.details.requests = 0

    assert lab.wake() == []
    assert lab.jobs.requests + lab.details.requests == 1


def test_nothing_is_concluded_where_durable_functions_does_not_answer(lab: Lab) -> None:
    lose_the_start(lab)
    lab.hub.advance(9 * MINUTE)
    assert watch.wake(lab.app) == []
    lab.hub.advance(2 * MINUTE)
    assert len(watch.wake(lab.app)) == 1


def test_a_run_that_is_there_but_does_not_begin_has_ten_minutes(lab: Lab) -> None:
    lab.submit("ada@fabrikam.example", CONTAIN)
    lab.hub.advance(9 * MINUTE)
    assert lab.wake() == []
    lab.hub.advance(2 * MINUTE)
    assert [recovered.run for recovered in lab.wake()] == [2]


def test_a_run_that_is_there_but_does_nothing_has_thirty_minutes(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", {"disable_sign_in": True, "convert_to_shared": True})
    while not lab.result(offboarding.id).steps:
        lab.hub.execute(lab.hub.ready()[0])
    lab.hub.advance(29 * MINUTE)
    assert lab.wake() == []
    lab.hub.advance(2 * MINUTE)

    carry_on(lab)
    lab.run()

    after = lab.result(offboarding.id).offboarding
    assert (after.state, after.recoveries) == ("Completed", 1)


def test_a_run_that_ended_itself_is_no_lost_one(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", CONTAIN)
    lab.hub.advance(2 * MINUTE)
    due = lab.app.store.due(clock.now())
    lab.run()

    assert watch.wake(lab.app, due, lab.hub.instances([offboarding.instance_id])) == []
    assert lab.result(offboarding.id).offboarding.run == 1


def test_a_run_that_kills_its_worker_each_time_is_put_off_longer_and_longer_then_abandoned(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", CONTAIN)
    began, claims = clock.now(), list[float]()
    while lab.result(offboarding.id).offboarding.state == "Running":
        current = lab.result(offboarding.id).offboarding
        if lab.hub.instances([current.instance_id])[current.instance_id] == "Pending":
            fail_the_run(lab, current)
        lab.hub.advance(MINUTE)
        for recovered in lab.wake():
            claims.append((clock.now() - began) / MINUTE)
            lab.start(recovered)

    assert claims == [1, 3, 8, 18, 38]
    after = lab.result(offboarding.id).offboarding
    assert (after.state, after.reason) == ("Failed", "abandoned")
    assert not [k for k in lab.jobs.keys(PARTITION) if k.startswith("wake|") or "|!slot" in k or "|!user" in k]


def test_what_the_last_run_wrote_is_on_record_when_an_offboarding_is_given_up(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", CONTAIN)
    lab.app.store.change(stored := lab.app.store.get(offboarding.id), replace(stored, recoveries=MAX_RECOVERIES))
    while lab.next_work().name != "verify":
        lab.hub.execute(lab.next_work())
    lab.hub.terminate(offboarding.instance_id)
    while turn := next((work for work in lab.hub.ready() if work.kind == "turn"), None):
        lab.hub.execute(turn)
    lab.hub.advance(2 * MINUTE)

    assert lab.wake() == []
    assert lab.result(offboarding.id).offboarding.reason == "abandoned"
    entries = Lookup(lab.app).audit(offboarding.id).entries
    assert {(entry.step, entry.run) for entry in entries if entry.what == "write"} == {(name, 1) for name in CONTAIN}
    assert {(entry.step, entry.run) for entry in entries if entry.what == "step"} == {(name, 2) for name in CONTAIN}


def test_a_run_that_settled_something_begins_the_count_anew(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", CONTAIN)
    lab.app.store.change(stored := lab.app.store.get(offboarding.id), replace(stored, recoveries=MAX_RECOVERIES))
    while not any(step.is_settled for step in lab.result(offboarding.id).steps.values()):
        lab.hub.execute(lab.hub.ready()[0])
    lab.hub.terminate(offboarding.instance_id)
    while turn := next((work for work in lab.hub.ready() if work.kind == "turn"), None):
        lab.hub.execute(turn)
    lab.hub.advance(2 * MINUTE)

    assert [recovered.recoveries for recovered in lab.wake()] == [1]


def test_a_late_start_of_an_old_run_changes_nothing(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", CONTAIN)
    lab.hub.advance(timedelta(minutes=11))
    recovered = lab.wake()[0]
    lab.start(recovered)

    lab.run()

    assert lab.hub.status(offboarding.instance_id)["output"] == {"stop": "superseded"}
    after = lab.result(offboarding.id)
    assert after.offboarding.state == "Completed"
    resets = [sent for sent in after.requests if "passwordProfile" in str(sent["body"])]
    assert len(resets) == 1


def test_an_old_run_in_the_middle_of_its_work_is_superseded(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", CONTAIN)
    for _ in range(4):
        lab.hub.execute(lab.hub.ready()[0])
    claimed = Lookup(lab.app).get(offboarding.id)
    lab.hub.advance(timedelta(minutes=11))
    lab.wake()
    lab.hub.advance(timedelta(minutes=40))
    recovered = lab.wake()
    for one in recovered:
        lab.start(one)

    lab.run()

    after = lab.result(offboarding.id)
    assert claimed.run == 1
    assert after.offboarding.run == 2
    assert after.offboarding.state == "Completed"
    assert lab.user(seed.ADA)["accountEnabled"] is False
