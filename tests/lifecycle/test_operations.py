"""Run now, retry, cancel, delete: what people do to offboardings that exist."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dev.bench import scale
from dev.tenant import seed
from shared.base import clock
from shared.base.problems import RefusedError
from shared.jobs.records import State
from shared.jobs.storage.store import PARTITION
from shared.offboarding.lifecycle import watch
from shared.offboarding.lifecycle.operations import Operations
from shared.offboarding.lookup import ListFilter, Lookup

if TYPE_CHECKING:
    from dev.lab import Lab
    from shared.jobs.storage.table import Row
    from shared.offboarding.lifecycle.operations import OperationResult

BLOCK = {"disable_sign_in": True}
CONTAIN = {"disable_sign_in": True, "reset_password": True, "revoke_sessions": True}


def later() -> str:
    return clock.to_text(clock.now() + timedelta(days=1))


def do(lab: Lab, name: str, offboarding_id: str) -> OperationResult:
    done = Operations(lab.app, "op@msp.example").perform(name, offboarding_id)  # type: ignore[arg-type]
    if done.to_start:
        lab.start(done.to_start)
    if done.to_wake:
        lab.hub.raise_event(done.to_wake.instance_id, "cancel")
    return done


def refusal(lab: Lab, name: str, offboarding_id: str) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        do(lab, name, offboarding_id)
    return caught.value


def test_a_planned_offboarding_runs_now(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", BLOCK, scheduled_for=later())

    do(lab, "run-now", offboarding.id)
    lab.run()

    after = lab.result(offboarding.id).offboarding
    assert after.state == "Completed"
    assert [(event.what, event.by) for event in after.events] == [
        ("submitted", "operator"),
        ("run_now", "op@msp.example"),
        ("claimed", "service"),
        ("ended_completed", "service"),
    ]


def test_a_completed_offboarding_is_not_run_again(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", BLOCK)
    lab.run()

    for name in ("run-now", "retry"):
        error = refusal(lab, name, offboarding.id)
        assert error.status == 409
        assert "submit a new one" in str(error)


def test_a_retry_repeats_nothing_that_is_settled(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "revoke_permission", permission="User-PasswordProfile.ReadWrite.All")
    offboarding = lab.submit("ada@fabrikam.example", CONTAIN)
    lab.run()
    failed = lab.result(offboarding.id)
    assert failed.offboarding.state == "Failed"
    lab.simulator.arrange("fabrikam.example", "grant_permission", permission="User-PasswordProfile.ReadWrite.All")
    since = lab.simulator.requests()[-1]["n"]

    do(lab, "retry", offboarding.id)
    lab.run()

    after = lab.result(offboarding.id, since)
    assert after.offboarding.state == "Completed"
    assert after.offboarding.run == 2
    writes = [sent for sent in after.requests if sent["service"] == "graph" and "$batch" not in sent["url"]]
    assert [list(sent["body"]) for sent in writes] == [["passwordProfile"]]
    assert [after.outcome(name) for name in CONTAIN] == ["done"] * 3


def test_the_first_snapshot_survives_a_retry(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "revoke_permission", permission="User-PasswordProfile.ReadWrite.All")
    offboarding = lab.submit("ada@fabrikam.example", CONTAIN)
    lab.run()
    do(lab, "retry", offboarding.id)
    lab.run()

    _, details = Lookup(lab.app).details(offboarding.id)
    assert details.first().values["user"]["accountEnabled"] is True
    assert details.snapshots[2].values["user"]["accountEnabled"] is False


def test_a_planned_offboarding_is_cancelled_at_once(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", BLOCK, scheduled_for=later())

    do(lab, "cancel", offboarding.id)

    after = lab.result(offboarding.id).offboarding
    assert (after.state, after.reason) == ("Failed", "cancelled")
    assert after.wake_at is None
    assert lab.user(seed.ADA)["accountEnabled"] is True


@pytest.mark.parametrize("steps_taken", range(0, 24, 3))
def test_after_a_cancellation_no_step_begins_and_what_was_written_is_told(lab: Lab, steps_taken: int) -> None:
    actions = CONTAIN | {"remove_groups": True, "hide_from_address_lists": True}
    offboarding = lab.submit("ada@fabrikam.example", actions)
    for _ in range(steps_taken):
        if ready := lab.hub.ready():
            lab.hub.execute(ready[0])
    writes = len(written(lab))

    if Lookup(lab.app).get(offboarding.id).has_ended:
        return
    do(lab, "cancel", offboarding.id)
    in_flight = sum(work.kind == "activity" for work in lab.hub.ready())
    lab.run()

    after = lab.result(offboarding.id)
    assert after.offboarding.has_ended
    assert all(step.has_ended for step in after.steps.values())
    assert len(written(lab)) <= writes + in_flight + 1
    changed = lab.user(seed.ADA)["accountEnabled"] is False
    if after.steps:
        assert (after.outcome("disable_sign_in") == "done") == changed
    assert lab.jobs.keys(PARTITION) == [
        k
        for k in lab.jobs.keys(PARTITION)
        if k.startswith(("job|", "tenant|", "decided|")) and ("|!" not in k or k.endswith("|!cap"))
    ]


def test_a_step_that_still_reads_when_it_is_cancelled_changes_nothing(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    rights = {"remove_calendar_permissions": True}
    lab.offboard(seed.BO, rights)  # which scans the tenant
    calendars = lab.simulator.state("fabrikam.example", part="mailboxes")
    offboarding = lab.submit(seed.ADA, rights)
    read, is_first = lab.details.get, iter([True])

    def meanwhile(partition: str, key: str) -> Row | None:
        if partition.startswith("scan|") and next(is_first, False):
            do(lab, "cancel", offboarding.id)
        return read(partition, key)

    monkeypatch.setattr(lab.details, "get", meanwhile)
    lab.run()

    after = lab.result(offboarding.id)
    assert (after.offboarding.state, after.offboarding.reason) == ("Failed", "cancelled")
    assert after.outcome("remove_calendar_permissions") == "skipped"
    assert lab.simulator.state("fabrikam.example", part="mailboxes") == calendars


def written(lab: Lab) -> list[int]:
    return [r["n"] for r in lab.simulator.requests() if r["method"] in {"PATCH", "DELETE"} or "revoke" in r["url"]]


def test_a_cancelled_run_that_waits_is_woken(lab: Lab) -> None:
    rule = {"service": "graph", "match": "PATCH", "kind": "throttle", "status": 429, "retry_after": 900, "count": 99}
    lab.simulator.faults([rule])
    offboarding = lab.submit("ada@fabrikam.example", BLOCK)
    before = lab.hub.clock.now()
    while ready := lab.hub.ready():
        lab.hub.execute(ready[0])

    do(lab, "cancel", offboarding.id)
    lab.run()

    after = lab.result(offboarding.id).offboarding
    assert (after.state, after.reason) == ("Failed", "cancelled")
    assert lab.hub.clock.now() - before < timedelta(minutes=1)


@pytest.mark.parametrize("when", [None, "later"])
@pytest.mark.parametrize("name", ["retry", "run-now"])
def test_a_cancelled_offboarding_is_never_started_again(lab: Lab, name: str, when: str | None) -> None:
    more = {"scheduled_for": later()} if when else {}
    offboarding = lab.submit("ada@fabrikam.example", BLOCK, **more)
    do(lab, "cancel", offboarding.id)
    lab.run()
    assert lab.result(offboarding.id).offboarding.reason == "cancelled"

    error = refusal(lab, name, offboarding.id)

    assert (error.status, error.code) == (409, "cancelled")
    assert "submit a new offboarding" in str(error)
    assert lab.user(seed.ADA)["accountEnabled"] is True


def test_a_retry_tells_what_it_was_answered_itself(lab: Lab) -> None:
    groups = {"service": "graph", "match": "transitiveMemberOf|memberOf", "kind": "status", "status": 403, "count": 99}
    lab.simulator.faults([groups | {"body": {"error": {"code": "X", "message": "The first refusal."}}}])
    offboarding = lab.submit("ada@fabrikam.example", {"remove_groups": True})
    lab.run()
    assert "The first refusal." in lab.result(offboarding.id).message("remove_groups")

    lab.simulator.faults([groups | {"body": {"error": {"code": "X", "message": "The second refusal."}}}])
    do(lab, "retry", offboarding.id)
    lab.run()

    assert "The second refusal." in lab.result(offboarding.id).message("remove_groups")


def test_cancelling_twice_changes_nothing_more(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", BLOCK)

    do(lab, "cancel", offboarding.id)
    do(lab, "cancel", offboarding.id)
    lab.run()

    after = lab.result(offboarding.id).offboarding
    assert Counter(event.what for event in after.events)["cancelled"] == 1
    assert refusal(lab, "run-now", "no such").status == 404
    do(lab, "cancel", offboarding.id)


def test_a_running_offboarding_is_not_deleted(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", BLOCK)

    assert refusal(lab, "delete", offboarding.id).status == 409


def test_deleting_leaves_the_audit_record_alone(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", BLOCK)
    lab.run()

    do(lab, "delete", offboarding.id)

    kept = [key for key in lab.jobs.keys(PARTITION) if not key.startswith("decided|")]
    assert kept == [f"deleted|{offboarding.id}", f"tenant|{seed.FABRIKAM}|!cap"]
    assert all(key.startswith("audit|") for key in lab.details.keys(offboarding.id))
    assert refusal(lab, "delete", offboarding.id).status == 404


def test_the_deleted_offboarding_of_a_planned_leaver_frees_the_leaver(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", BLOCK, scheduled_for=later())
    do(lab, "delete", offboarding.id)

    assert lab.submit("ada@fabrikam.example", BLOCK).state == "Running"


def test_a_second_offboarding_of_somebody_who_is_leaving_is_refused_and_says_which(lab: Lab) -> None:
    first = lab.submit("ada@fabrikam.example", BLOCK, scheduled_for=later())

    with pytest.raises(RefusedError) as caught:
        lab.submit("ada@fabrikam.example", BLOCK)

    assert caught.value.status == 409
    assert first.id in str(caught.value)


def test_a_failed_one_is_not_retried_while_another_of_the_same_leaver_runs(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "revoke_permission", permission="User-PasswordProfile.ReadWrite.All")
    first = lab.submit("ada@fabrikam.example", CONTAIN)
    lab.run()
    second = lab.submit("ada@fabrikam.example", BLOCK, scheduled_for=later())

    error = refusal(lab, "retry", first.id)

    assert error.status == 409
    assert second.id in str(error)


def test_ended_offboardings_are_forgotten_after_the_retention(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", BLOCK)
    lab.run()
    planned = lab.submit("bo@fabrikam.example", BLOCK, scheduled_for=clock.to_text(clock.now() + timedelta(days=500)))
    lab.hub.advance(timedelta(days=364))
    watch.forget_old(lab.app)
    assert lab.details.keys(offboarding.id)
    lab.hub.advance(timedelta(days=2))

    watch.forget_old(lab.app)

    assert lab.details.keys(offboarding.id) == []
    found, _ = Lookup(lab.app).page(ListFilter(), None, 10)
    assert [o.id for o in found] == [planned.id]


def test_the_scans_of_a_tenant_are_forgotten_with_its_last_offboarding(lab: Lab) -> None:
    scanning = {"remove_mailbox_permissions": True, "remove_calendar_permissions": True}
    first = lab.submit("ada@fabrikam.example", scanning)
    lab.run()
    scans = {name for name in lab.details.partitions() if name.startswith("scan|")}
    assert len(scans) == 2
    lab.hub.advance(timedelta(days=200))
    second = lab.submit("bo@fabrikam.example", BLOCK)
    lab.run()

    lab.hub.advance(timedelta(days=200))
    watch.forget_old(lab.app)
    assert scans < set(lab.details.partitions())
    assert lab.details.keys(first.id) == []
    lab.hub.advance(timedelta(days=200))
    watch.forget_old(lab.app)

    assert lab.details.keys(second.id) == []
    assert lab.details.partitions() == []


def test_one_night_is_enough_for_all_that_is_old(lab: Lab) -> None:
    """Those that have not ended lie among them, and do not stand in the way."""
    ended = [scale.ended(number, clock.now()) for number in range(250)]
    for one in ended:
        lab.app.store.add([one])
    lab.submit("bo@fabrikam.example", BLOCK, scheduled_for=clock.to_text(clock.now() + timedelta(days=900)))
    lab.hub.advance(timedelta(days=366))

    watch.forget_old(lab.app)

    found, _ = Lookup(lab.app).page(ListFilter(), None, 10)
    assert [o.state for o in found] == [State.planned]
