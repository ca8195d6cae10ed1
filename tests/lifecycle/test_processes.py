"""A run on several processes: what one of them remembers may be overtaken by what another has written."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from activities.attempt import Order, attempt
from activities.run.finish import finish_run
from activities.run.verify import verify
from dev.tenant import licensing, seed
from dev.tenant.skus import TEAMS_PHONE
from shared.actions.outcome import StepState
from shared.actions.reads.snapshot import Snapshot
from shared.jobs.storage import keys
from shared.offboarding.lifecycle.operations import Operations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dev.lab import Lab
    from shared.app.services import Services
    from shared.jobs.records import Offboarding
    from shared.jobs.storage.table import Operation, Row

BLOCK: dict[str, Any] = {"disable_sign_in": True}
SHARE: dict[str, Any] = {"grant_onedrive_access": {"to": [seed.CY]}}
RIGHTS: dict[str, Any] = {"remove_calendar_permissions": True}
EVERYTHING: dict[str, Any] = {
    "disable_sign_in": True,
    "reset_password": True,
    "revoke_sessions": True,
    "remove_directory_roles": True,
    "cancel_meetings": True,
    "convert_to_shared": True,
    "forward_email": {"to": seed.CY, "keep_copy": True},
    "grant_onedrive_access": {"to": [seed.CY]},
    "hide_from_address_lists": True,
    "remove_groups": True,
    "remove_licenses": True,
    "remove_mailbox_permissions": True,
    "remove_mfa_methods": True,
}
MINUTE = timedelta(minutes=1)


def run_until(lab: Lab, name: str) -> None:
    """Let everything happen until a step is next."""
    while (work := lab.next_work()).name != name:
        lab.hub.execute(work)


def requests_of(lab: Lab, app: Services, name: str, offboarding: Offboarding) -> int:
    """Attempt a step in a process; return how often that asked storage."""
    before = lab.details.requests
    assert attempt(app, name, Order(offboarding.id, 1, 1, 0, last=False)) == {"written": True}
    return lab.details.requests - before


def cancel(app: Services, offboarding: Offboarding) -> None:
    assert Operations(app, "op").perform("cancel", offboarding.id)


def carry_on(lab: Lab, offboarding: Offboarding) -> None:
    """Have the instance vanish, and another process take the run over and begin it anew."""
    other = lab.another_process()
    lab.hub.engine.store.forget(offboarding.instance_id)
    lab.hub.advance(2 * MINUTE)
    lab.app, ours = other, lab.app
    (recovered,) = lab.wake()
    lab.start(recovered)
    for _ in range(3):  # the first turn, the beginning of the run, the turn after it
        lab.hub.execute(lab.next_work())
    lab.app = ours


def test_a_step_in_the_process_that_read_for_it_asks_storage_for_nothing(lab: Lab) -> None:
    offboarding = lab.submit(seed.ADA, BLOCK)
    run_until(lab, "disable_sign_in")

    assert requests_of(lab, lab.app, "disable_sign_in", offboarding) == 2  # that it runs, and what it has done


def test_a_step_in_another_process_reads_first(lab: Lab) -> None:
    offboarding = lab.submit(seed.ADA, BLOCK)
    run_until(lab, "disable_sign_in")

    assert requests_of(lab, lab.another_process(), "disable_sign_in", offboarding) == 3
    assert lab.user(seed.ADA)["accountEnabled"] is False


def test_what_was_read_a_minute_ago_is_read_again(lab: Lab) -> None:
    offboarding = lab.submit(seed.ADA, BLOCK)
    run_until(lab, "disable_sign_in")
    lab.hub.advance(MINUTE)

    assert requests_of(lab, lab.app, "disable_sign_in", offboarding) == 3


@pytest.mark.parametrize("seed_of_order", range(6))
def test_a_run_ends_in_several_processes_as_it_does_in_one(lab: Lab, seed_of_order: int) -> None:
    rng = random.Random(seed_of_order)
    lab.simulator.arrange("fabrikam.example", "tenant", set={"conversion_reads": 2})
    processes = [lab.app, lab.another_process()]
    offboarding = lab.submit(seed.ADA, EVERYTHING)

    while lab.hub.ready() or lab.hub.advance():
        lab.app = rng.choice(processes)
        if ready := lab.hub.ready():
            lab.hub.execute(rng.choice(ready))

    after = lab.result(offboarding.id)
    assert after.offboarding.state == "Completed", after.offboarding.message
    assert {step.outcome for step in after.steps.values()} <= {"done", "already_done", "not_applicable"}


def test_a_step_that_another_process_has_cancelled_changes_nothing(lab: Lab) -> None:
    offboarding = lab.submit(seed.ADA, BLOCK)
    run_until(lab, "disable_sign_in")
    cancel(lab.another_process(), offboarding)

    answer = attempt(lab.app, "disable_sign_in", Order(offboarding.id, 1, 1, 0, last=False))

    assert answer == {"stop": "cancelled"}
    assert lab.user(seed.ADA)["accountEnabled"] is True


def test_a_cancellation_just_before_a_run_begins_is_seen(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    offboarding = lab.submit(seed.ADA, BLOCK)
    run_until(lab, "begin_run")
    stored, is_first = lab.details.transact, iter([True])

    def late(partition: str, operations: Sequence[Operation]) -> list[str]:
        if next(is_first, False):
            cancel(lab.another_process(), offboarding)
        return stored(partition, operations)

    monkeypatch.setattr(lab.details, "transact", late)
    lab.run()

    assert lab.result(offboarding.id).offboarding.reason == "cancelled"
    assert lab.user(seed.ADA)["accountEnabled"] is True


def test_a_cancellation_that_a_run_begins_meanwhile_is_seen_by_its_steps(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    offboarding = lab.submit(seed.ADA, BLOCK)
    run_until(lab, "begin_run")
    stored, is_first = lab.details.transact, iter([True])

    def late(partition: str, operations: Sequence[Operation]) -> list[str]:
        if next(is_first, False):
            run_until(lab, "disable_sign_in")
        return stored(partition, operations)

    monkeypatch.setattr(lab.details, "transact", late)
    monkeypatch.setattr(lab.app.store, "get", lambda _: offboarding)  # as it was read before it was cancelled
    cancel(lab.another_process(), offboarding)

    answer = attempt(lab.app, "disable_sign_in", Order(offboarding.id, 1, 1, 0, last=False))

    assert answer == {"stop": "cancelled"}
    assert lab.user(seed.ADA)["accountEnabled"] is True


def test_steps_that_wait_are_named_with_the_request_and_have_no_rows(lab: Lab) -> None:
    offboarding = lab.submit(seed.ADA, EVERYTHING)
    run_until(lab, "snapshot_directory")

    steps = lab.another_process().store.details(offboarding.id).steps
    assert {step.state for step in steps.values()} == {"waiting"}
    assert steps.keys() == EVERYTHING.keys()
    assert [key for key in lab.details.keys(offboarding.id) if not key.startswith(keys.SNAPSHOT)] == [keys.REQUEST]


def test_a_step_that_another_process_has_ended_is_not_done_again(lab: Lab) -> None:
    offboarding = lab.submit(seed.ADA, BLOCK)
    run_until(lab, "disable_sign_in")
    order = Order(offboarding.id, 1, 1, 0, last=False)
    attempt(lab.another_process(), "disable_sign_in", order)
    lab.simulator.arrange("fabrikam.example", "user", user=seed.ADA, set={"accountEnabled": True})

    attempt(lab.app, "disable_sign_in", order)

    assert lab.user(seed.ADA)["accountEnabled"] is True  # as whoever enabled it since wants it


def test_a_step_whose_other_delivery_died_half_way_is_left_to_it_and_then_done(lab: Lab) -> None:
    offboarding = lab.submit(seed.ADA, BLOCK)
    run_until(lab, "disable_sign_in")
    other = lab.another_process().store
    begun = replace(other.details(offboarding.id).steps["disable_sign_in"], state=StepState.running)
    other.put_found(offboarding.id, begun, Snapshot({"more": 1}, {}))
    order = Order(offboarding.id, 1, 1, 0, last=False)

    assert attempt(lab.app, "disable_sign_in", order) == {"again": 15, "why": "pending"}
    assert attempt(lab.app, "disable_sign_in", replace(order, attempt=2)) == {"written": True}
    assert lab.user(seed.ADA)["accountEnabled"] is False


def test_a_step_that_asks_sharepoint_has_said_before_that_it_runs(lab: Lab) -> None:
    offboarding = lab.submit(seed.ADA, SHARE)
    run_until(lab, "grant_onedrive_access")

    assert requests_of(lab, lab.app, "grant_onedrive_access", offboarding) == 3  # what it found is kept, too


def test_a_step_that_was_cancelled_asks_sharepoint_for_nothing(lab: Lab) -> None:
    """SharePoint takes up whom it is asked about."""
    offboarding = lab.submit(seed.ADA, SHARE)
    run_until(lab, "grant_onedrive_access")
    cancel(lab.another_process(), offboarding)
    since = lab.simulator.requests()[-1]["n"]

    answer = attempt(lab.app, "grant_onedrive_access", Order(offboarding.id, 1, 1, 0, last=False))

    assert answer == {"stop": "cancelled"}
    assert lab.result(offboarding.id, since).requests == []


def test_what_a_step_finds_out_late_is_not_what_was_there_before_the_next_run(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.offboard(seed.BO, RIGHTS)  # which scans the tenant
    offboarding = lab.submit(seed.ADA, RIGHTS)
    run_until(lab, "remove_calendar_permissions")
    read, is_first = lab.details.get, iter([True])

    def meanwhile(partition: str, key: str) -> Row | None:
        if partition.startswith("scan|") and next(is_first, False):
            carry_on(lab, offboarding)
        return read(partition, key)

    monkeypatch.setattr(lab.details, "get", meanwhile)
    before = lab.app.store.details(offboarding.id).latest(1)

    answer = attempt(lab.app, "remove_calendar_permissions", Order(offboarding.id, 1, 1, 0, last=False))

    assert answer == {"stop": "superseded"}
    assert lab.app.store.details(offboarding.id).latest(1) == before


def test_proof_in_the_process_that_has_written_everything_asks_storage_for_nothing(lab: Lab) -> None:
    offboarding = lab.submit(seed.ADA, BLOCK)
    run_until(lab, "verify")
    before = lab.details.requests

    assert verify(lab.app, Order(offboarding.id, 1, 1, 0, last=False))["also"] == {"disable_sign_in": "done"}
    assert lab.details.requests == before + 1


def test_proof_is_written_once_for_what_graph_shows_and_once_for_the_rest(lab: Lab) -> None:
    offboarding = lab.submit(seed.ADA, BLOCK | {"reset_password": True, "hide_from_address_lists": True})
    run_until(lab, "verify")
    before = lab.details.requests

    answer = verify(lab.app, Order(offboarding.id, 1, 1, 0, last=False))

    assert set(answer["also"].values()) == {"done"}
    assert len(answer["also"]) == 3
    assert lab.details.requests == before + 2


def test_proof_that_does_not_show_yet_asks_storage_for_nothing(lab: Lab) -> None:
    offboarding = lab.submit(seed.ADA, BLOCK)
    run_until(lab, "verify")
    lab.simulator.arrange("fabrikam.example", "user", user=seed.ADA, set={"accountEnabled": True})
    before = lab.details.requests

    assert verify(lab.app, Order(offboarding.id, 1, 1, 0, last=False))["why"] == "pending"
    assert lab.details.requests == before


def test_proof_in_a_process_that_does_not_know_all_ends_reads_first(lab: Lab) -> None:
    offboarding = lab.submit(seed.ADA, BLOCK | {"reset_password": True})
    run_until(lab, "reset_password")
    attempt(lab.another_process(), "reset_password", Order(offboarding.id, 1, 1, 0, last=False))
    run_until(lab, "verify")

    also = verify(lab.app, Order(offboarding.id, 1, 1, 0, last=False))["also"]
    assert also == {"disable_sign_in": "done", "reset_password": "done"}


def test_nothing_is_asked_again_for_a_run_that_another_has_taken_over(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    offboarding = lab.submit(seed.ADA, {"convert_to_shared": True, "remove_licenses": True})
    run_until(lab, "verify")
    left = [licensing.assignment(TEAMS_PHONE.id)]
    lab.simulator.arrange("fabrikam.example", "user", user=seed.ADA, set={"licenseAssignmentStates": left})
    known = lab.app.store.remembered(offboarding.id)
    carry_on(lab, offboarding)
    monkeypatch.setattr(lab.app.store, "remembered", lambda _: known)
    since = lab.simulator.requests()[-1]["n"]

    assert verify(lab.app, Order(offboarding.id, 1, 1, 0, last=False)) == {"stop": "superseded"}
    assert lab.result(offboarding.id, since).writes() == []


def test_the_end_of_a_run_in_the_process_that_did_all_of_it_asks_for_no_details(lab: Lab) -> None:
    offboarding = lab.submit(seed.ADA, BLOCK)
    run_until(lab, "finish_run")
    before = lab.details.requests

    assert finish_run(lab.app, Order(offboarding.id, 1, 1, 0, last=False), None)["state"] == "Completed"
    assert lab.details.requests == before


def test_the_end_of_a_run_whose_last_step_another_process_did_is_as_that_has_written(lab: Lab) -> None:
    offboarding = lab.submit(seed.ADA, BLOCK)
    run_until(lab, "verify")
    lab.simulator.arrange("fabrikam.example", "user", user=seed.ADA, set={"accountEnabled": True})
    verify(lab.another_process(), Order(offboarding.id, 1, 1, 0, last=True))

    assert finish_run(lab.app, Order(offboarding.id, 1, 1, 0, last=False), None)["state"] == "Failed"
