"""Delivering: at least once, for a day, and never at the cost of the offboarding."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.actions.outcome import Outcome
from shared.base import clock
from shared.base.problems import RefusedError
from shared.jobs.records import Access, State
from shared.notifications import outbox
from shared.offboarding.lifecycle import recovery, watch
from shared.offboarding.lifecycle.operations import Operations

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.sinks import Sinks

FAILED = {"disable_sign_in": Outcome.done, "remove_groups": Outcome.failed}
ATTENTION = {"disable_sign_in": Outcome.done, "remove_groups": Outcome.needs_attention}


def test_the_end_and_what_it_has_to_tell_are_one_transaction(office: Any) -> None:
    office.settings(webhook=[office.standard(), office.standard(id="second")])
    running = office.run()
    office.jobs.transactions = 0

    ended = office.finish(running)

    assert office.jobs.transactions == 1
    assert ended.state == "Completed"
    assert [one.destination for one in ended.deliveries] == ["standard", "second"]
    assert office.pending() == 2
    assert office.sinks.arrived() == []


def test_an_offboarding_that_tells_nobody_reads_no_settings(office: Any) -> None:
    running = office.run(notify=())
    office.jobs.requests = 0

    ended = office.finish(running)

    assert ended.deliveries == ()
    assert office.jobs.requests == 4  # read, end, who of the tenant waits, and the read of this test


def test_the_run_delivers_and_the_timer_has_nothing_left(office: Any) -> None:
    office.settings(webhook=[office.standard()])

    ended = office.end()

    delivery = office.only(ended)
    assert (delivery.state, delivery.status, delivery.attempts) == ("delivered", 204, 1)
    assert office.pending() == 0
    (arrived,) = office.sinks.arrived()
    assert arrived["id"] == f"{ended.id}-1-webhook-standard"
    assert arrived["body"]["data"]["user"]["upn"] == "leaver1@fabrikam.example"
    assert [step["outcome"] for step in arrived["body"]["data"]["steps"]] == ["done", "done"]


def test_an_idle_tick_costs_one_request(office: Any) -> None:
    office.settings(webhook=[office.standard()])
    office.end()
    office.jobs.requests = office.details.requests = 0

    due = office.app.store.due(clock.now())
    assert watch.wake(office.app, due) == []
    outbox.deliver_due(office.app, due)

    assert office.jobs.requests + office.details.requests == 1


def test_deliveries_do_not_disturb_what_else_is_due(office: Any) -> None:
    office.settings(webhook=[office.standard()])
    ended = office.finish(office.run())
    office.clock.advance(timedelta(minutes=2))
    version = office.get(ended.id).etag

    assert watch.wake(office.app) == []

    assert office.get(ended.id).etag == version


def test_the_timer_delivers_what_the_run_did_not(office: Any) -> None:
    office.settings(webhook=[office.standard()])
    ended = office.finish(office.run())  # and the host dies

    office.tick(timedelta(seconds=30))
    assert office.sinks.arrived() == []
    office.tick()

    assert office.only(ended).state == "delivered"
    assert len(office.sinks.arrived()) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again(office: Any, status: int) -> None:
    office.settings(webhook=[office.standard()])
    office.sinks.faults({"match": "POST /standard", "kind": "status", "status": status, "count": 1})

    ended = office.end()

    assert office.only(ended).state == "pending"
    assert office.only(ended).status == status
    office.tick(timedelta(minutes=2))
    assert office.only(ended).state == "delivered"


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 410, 413])
def test_what_cannot_pass_is_given_up_at_once(office: Any, status: int) -> None:
    office.settings(webhook=[office.standard()])
    office.sinks.faults({"match": "POST /standard", "kind": "status", "status": status, "count": 1})

    ended = office.end()

    assert office.only(ended).state == "dead"
    assert str(status) in office.only(ended).message
    assert office.pending() == 0


def test_retry_after_is_honoured(office: Any) -> None:
    office.settings(webhook=[office.standard()])
    office.sinks.faults({"match": "POST /standard", "kind": "status", "status": 429, "retry_after": 1800, "count": 1})
    ended = office.end()

    office.tick(timedelta(minutes=29))
    assert office.only(ended).state == "pending"
    office.tick()

    assert office.only(ended).state == "delivered"


def test_after_a_day_a_message_is_given_up_and_can_be_sent_again(office: Any) -> None:
    office.settings(webhook=[office.standard()])
    office.sinks.faults({"match": "POST /standard", "kind": "reset"})
    ended = office.end()
    moments = [clock.now()]

    while office.only(ended).state == "pending":
        before = office.only(ended).attempts
        office.tick(timedelta(minutes=5))
        if office.only(ended).attempts > before:
            moments.append(clock.now())

    given_up = office.only(ended)
    assert given_up.state == "dead"
    assert timedelta(hours=23) < clock.now() - ended.ended_at <= timedelta(hours=24)
    assert 80 < given_up.attempts < 110
    assert given_up.message.startswith("The connection to 127.0.0.1 broke")
    assert office.get(ended.id).state == "Completed"
    office.sinks.faults()

    outbox.resend(office.app, ended.id, [], "operator")
    office.tick()

    assert office.only(ended).state == "delivered"
    assert [one["id"] for one in office.sinks.arrived()] == [f"{ended.id}-1-webhook-standard"]
    assert office.get(ended.id).events[-1].what == "resent"


def test_a_delivered_message_is_sent_again_only_where_it_is_named(office: Any) -> None:
    office.settings(webhook=[office.standard()])
    ended = office.end()

    with pytest.raises(RefusedError) as nothing:
        outbox.resend(office.app, ended.id, [], "operator")
    with pytest.raises(RefusedError) as unknown:
        outbox.resend(office.app, ended.id, ["nowhere"], "operator")
    outbox.resend(office.app, ended.id, ["standard"], "operator")
    office.tick()

    assert nothing.value.status == 409
    assert unknown.value.status == 404
    assert [one["repeat"] for one in office.sinks.arrived()] == [False, True]


def test_a_host_killed_between_delivery_and_record_repeats_that_message_with_its_id(office: Any) -> None:
    office.settings(webhook=[office.standard(), office.standard(id="second")])
    ended = office.finish(office.run())
    office.jobs.dies_on = '\\"delivered\\"'

    with pytest.raises(KeyboardInterrupt):
        office.deliver(ended)
    assert len(office.sinks.arrived()) == 1
    office.tick()

    assert {one.state for one in office.get(ended.id).deliveries} == {"delivered"}
    ids = Counter(one["id"] for one in office.sinks.arrived())
    assert ids == {f"{ended.id}-1-webhook-standard": 2, f"{ended.id}-1-webhook-second": 1}


def test_two_hundred_messages_pass_a_receiver_that_fails_four_times_out_of_five(office: Any) -> None:
    office.settings(webhook=[office.standard()])
    office.sinks.faults(
        {"match": "POST /standard", "kind": "status", "status": 503, "probability": 0.5},
        {"match": "POST /standard", "kind": "reset", "probability": 0.4},
        {"match": "POST /standard", "kind": "lost", "probability": 0.33},
        seed=7,
    )

    ended = [office.end(number) for number in range(200)]
    while office.pending():
        office.tick(timedelta(minutes=4))

    assert {office.only(one).state for one in ended} == {"delivered"}
    ids = Counter(one["id"] for one in office.sinks.arrived())
    assert set(ids) == {f"{one.id}-1-webhook-standard" for one in ended}
    assert all(one["repeat"] == (n > 0) for n, one in _numbered(office.sinks))
    tried = office.sinks.requests()
    assert 0.75 < sum(one["status"] != 204 for one in tried) / len(tried) < 0.85


def _numbered(sinks: Sinks) -> list[tuple[int, dict[str, Any]]]:
    seen: Counter[str] = Counter()
    numbered: list[tuple[int, dict[str, Any]]] = []
    for one in sinks.arrived():
        numbered.append((seen[one["id"]], one))
        seen[one["id"]] += 1
    return numbered


@pytest.mark.parametrize("fault", ["reset", "status"])
def test_a_dead_psa_neither_delays_nor_changes_an_offboarding(office: Any, fault: str) -> None:
    office.settings(webhook=[office.standard()], psa=[office.halo()])
    office.sinks.faults({"match": "/halo", "kind": fault, "status": 500})

    ended = office.end(notify=("psa", "webhook"))

    assert ended.state == "Completed"
    assert ended.ended_at == clock.now()
    states = {one.destination: one.state for one in ended.deliveries}
    assert states == {"halo": "pending", "standard": "delivered"}
    for number in range(2, 30):
        assert office.end(number, notify=("psa",)).state == "Completed"


def test_only_wanted_results_are_sent(office: Any) -> None:
    office.settings(webhook=[office.standard(send="failures_and_warnings"), office.standard(id="off", enabled=False)])

    assert office.end(1).deliveries == ()
    assert office.end(2, FAILED).deliveries[0].state == "delivered"
    assert office.end(3, ATTENTION).deliveries[0].state == "delivered"

    results = [one["body"]["data"]["result"] for one in office.sinks.arrived()]
    assert results == ["failure", "warning"]


def test_a_channel_without_a_destination_says_so(office: Any) -> None:
    ended = office.end(notify=("email",))

    assert office.only(ended).state == "dead"
    assert office.only(ended).message == "No destination is set up for this channel."


def test_a_tenant_has_destinations_of_its_own(office: Any) -> None:
    tenant = office.run(99).request.tenant.id
    office.settings(webhook=[office.standard()])
    office.settings(tenant, webhook=[office.standard(id="own")])
    assert [one.destination for one in office.end(1).deliveries] == ["own"]

    office.settings(tenant, webhook=[])
    assert office.only(office.end(2)).message == "No destination is set up for this channel."

    office.settings(tenant)
    assert [one.destination for one in office.end(3).deliveries] == ["standard"]


def test_the_same_id_in_two_channels_is_two_destinations(office: Any) -> None:
    tenant = office.run(99).request.tenant.id
    office.settings(psa=[office.halo(id="noc")])
    office.settings(tenant, webhook=[office.standard(id="noc")])

    ended = office.end(1, notify=("webhook", "psa"))

    assert [one.state for one in ended.deliveries] == ["delivered", "delivered"]
    assert {one["service"] for one in office.sinks.arrived()} == {"standard", "halo"}


def test_a_run_that_meets_many_slow_receivers_leaves_its_message_to_the_timer(office: Any) -> None:
    office.settings(webhook=[office.standard()])
    while outbox._first_attempts.acquire(blocking=False):
        pass

    ended = office.end()
    assert office.only(ended).attempts == 0
    outbox._first_attempts.release(4)
    office.tick()

    assert office.only(ended).state == "delivered"


def test_a_retry_takes_the_place_of_what_was_not_told_yet(office: Any) -> None:
    office.settings(webhook=[office.standard()])
    office.sinks.faults({"match": "POST /standard", "kind": "status", "count": 1})
    ended = office.end(1, FAILED)
    assert ended.state == "Failed"

    again = Operations(office.app, "operator").retry(ended.id).offboarding
    assert again is not None
    assert [one.state for one in again.deliveries] == ["superseded"]
    office.tick(timedelta(minutes=5))
    assert office.sinks.arrived() == []

    finished = office.deliver(office.finish(again))
    assert [(one.run, one.state) for one in finished.deliveries] == [(1, "superseded"), (2, "delivered")]
    assert [one["id"] for one in office.sinks.arrived()] == [f"{ended.id}-2-webhook-standard"]


@pytest.mark.parametrize("remove", ["delete", "forget"])
def test_deleting_removes_what_is_still_to_be_told(office: Any, remove: str) -> None:
    office.settings(webhook=[office.standard()])
    ended = office.finish(office.run())
    removals: dict[str, Callable[[], object]] = {
        "delete": lambda: Operations(office.app, "operator").delete(ended.id),
        "forget": lambda: office.app.store.forget(ended),
    }

    removals[remove]()
    office.tick(timedelta(minutes=5))

    assert office.pending() == 0
    assert office.app.store.get(ended.id) is None
    assert office.sinks.arrived() == []


def test_a_cancelled_and_an_abandoned_offboarding_are_told_too(office: Any) -> None:
    office.settings(webhook=[office.standard()])
    planned = office.run(1)
    office.app.store.change(planned, planned.planned(clock.now() + timedelta(days=1)))
    Operations(office.app, "operator").cancel(planned.id)
    lost = office.run(2)
    office.app.store.change(office.get(lost.id), _worn_out(office.get(lost.id)))
    office.clock.advance(timedelta(hours=2))
    watch.wake(office.app)

    office.tick()
    office.tick()

    reasons = {one["body"]["data"]["id"]: one["body"]["data"]["reason"] for one in office.sinks.arrived()}
    assert reasons == {planned.id: "cancelled", lost.id: "abandoned"}


def _worn_out(offboarding: Any) -> Any:
    """Return it as in the last run of too many that settled nothing."""
    return replace(offboarding, run=offboarding.run + 1, recoveries=recovery.MAX_RECOVERIES)


def test_settings_that_cannot_be_read_do_not_hold_up_the_end(office: Any) -> None:
    office.app.store.put_document("notifications", {"webhook": [{"id": "?"}]}, None)

    ended = office.end()

    assert ended.state is State.completed
    assert office.only(ended).message == "The notification settings are not valid."


def _gives(office: Any, until: timedelta, **asked: Any) -> Any:
    """Return an offboarding that has ended and gave somebody the mailbox."""
    ended = office.end(**asked)
    access = Access.ending("grant_mailbox_access", clock.now() + until, clock.now())
    office.app.store.change(ended, replace(ended, access=(access,)))
    return office.get(ended.id)


def test_a_week_before_access_ends_its_channels_are_told_once(office: Any) -> None:
    office.settings(webhook=[office.standard()])
    given = _gives(office, timedelta(days=90))
    office.clock.advance(timedelta(days=82))
    assert watch.wake(office.app) == []
    assert len(office.get(given.id).deliveries) == 1

    office.clock.advance(timedelta(days=1))
    for _ in range(3):
        assert watch.wake(office.app) == []
        office.tick()

    notice = office.get(given.id).deliveries[-1]
    assert (len(office.get(given.id).deliveries), notice.about, notice.state) == (
        2,
        "grant_mailbox_access",
        "delivered",
    )
    arrived = office.sinks.arrived()[-1]
    assert arrived["id"] == f"{given.id}-1-webhook-standard-grant_mailbox_access"
    assert arrived["body"]["type"] == "offboarding.access_ends"
    assert clock.in_words(given.access[0].until) in arrived["body"]["data"]["message"]
    assert office.get(given.id).access[0].is_told


def test_what_ends_within_a_week_is_not_told_before(office: Any) -> None:
    office.settings(webhook=[office.standard()])
    given = _gives(office, timedelta(days=5))
    office.clock.advance(timedelta(days=4))

    assert watch.wake(office.app) == []

    assert len(office.get(given.id).deliveries) == 1


def test_what_is_moved_is_told_again_a_week_before(office: Any) -> None:
    office.settings(webhook=[office.standard()])
    given = _gives(office, timedelta(days=10))
    office.clock.advance(timedelta(days=4))
    watch.wake(office.app)
    office.tick()
    later = clock.now() + timedelta(days=30)
    Operations(office.app, "operator").move_access(given.id, "grant_mailbox_access", later)
    office.clock.advance(timedelta(days=24))
    watch.wake(office.app)
    office.tick()

    told = [arrived["body"]["data"]["message"] for arrived in office.sinks.arrived()[1:]]
    assert [clock.in_words(later) in text for text in told] == [False, True]


def test_a_notice_without_a_destination_is_on_record(office: Any) -> None:
    given = _gives(office, timedelta(days=30), notify=("psa",))
    office.clock.advance(timedelta(days=24))

    watch.wake(office.app)

    notice = office.get(given.id).deliveries[-1]
    assert (notice.about, notice.state) == ("grant_mailbox_access", "dead")
    assert "No destination is set up" in notice.message
