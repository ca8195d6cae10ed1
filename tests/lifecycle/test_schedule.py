"""Planned, due, waiting for room: when an offboarding begins."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed
from shared.base import clock
from shared.base.problems import RefusedError
from shared.offboarding.lifecycle import watch
from shared.offboarding.lifecycle.operations import Operations
from shared.offboarding.lookup import ListFilter, Lookup
from shared.offboarding.request import parsing
from shared.offboarding.request.submit import Submissions

if TYPE_CHECKING:
    from dev.lab import Lab
    from shared.jobs.records import Offboarding

BLOCK = {"disable_sign_in": True}
CY = "cy@fabrikam.example"


def in_(**delta: float) -> str:
    return clock.to_text(clock.now() + timedelta(**delta))


def tick(lab: Lab) -> list[str]:
    started = watch.wake(lab.app)
    for offboarding in started:
        lab.start(offboarding)
    lab.run()
    return [offboarding.request.person.upn for offboarding in started]


def people(lab: Lab, count: int, tenant: str = "fabrikam.example") -> list[str]:
    users = lab.simulator.state(tenant)["users"].values()
    members = [u["userPrincipalName"] for u in users if u["userType"] == "Member" and u["accountEnabled"]]
    return sorted(name for name in members if not name.startswith(("admin@", "breakglass@")))[:count]


def test_a_planned_offboarding_begins_at_its_time_and_not_before(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", BLOCK, scheduled_for=in_(hours=1))

    assert offboarding.state == "Planned"
    assert tick(lab) == []
    lab.hub.advance(timedelta(minutes=59))
    assert tick(lab) == []
    lab.hub.advance(timedelta(minutes=1))
    assert tick(lab) == ["ada@fabrikam.example"]
    assert lab.result(offboarding.id).offboarding.state == "Completed"


def test_a_time_just_past_is_due_now(lab: Lab) -> None:
    assert lab.submit("ada@fabrikam.example", BLOCK, scheduled_for=in_(minutes=-9)).state == "Running"


def test_a_time_long_past_is_refused_on_every_way(lab: Lab) -> None:
    planned = lab.submit("bo@fabrikam.example", BLOCK, scheduled_for=in_(days=1))
    body = {"tenant": "fabrikam.example", "users": ["ada@fabrikam.example"], "actions": BLOCK}
    asked = parsing.parse(json.dumps({**body, "scheduled_for": in_(minutes=-11)}).encode(), max_users=100)
    ways = (
        lambda: Submissions(lab.app).submit(asked, "operator"),
        lambda: Submissions(lab.app).plan(asked),
        lambda: Operations(lab.app, "operator").reschedule(planned.id, clock.now() - timedelta(days=365)),
    )
    for way in ways:
        with pytest.raises(RefusedError, match="is in the past") as refused:
            way()
        assert refused.value.status == 422
    assert lab.user(seed.ADA)["accountEnabled"] is True


def test_a_repeated_request_is_answered_after_its_time_has_come(lab: Lab) -> None:
    body = {"tenant": "fabrikam.example", "users": ["ada@fabrikam.example"], "actions": BLOCK}
    asked = parsing.parse(json.dumps({**body, "scheduled_for": in_(minutes=5)}).encode(), max_users=100)
    (first,) = Submissions(lab.app).submit(asked, "operator", "key").offboardings
    lab.hub.advance(timedelta(hours=2))

    (again,) = Submissions(lab.app).submit(asked, "operator", "key").offboardings
    assert again.id == first.id


def test_a_time_more_than_a_year_ahead_is_warned_of_until_it_is_moved(lab: Lab) -> None:
    planned = lab.submit("ada@fabrikam.example", BLOCK, scheduled_for=in_(days=366))
    assert "more than a year ahead" in planned.warnings[0]

    operations = Operations(lab.app, "operator")
    done = operations.reschedule(planned.id, clock.now() + timedelta(days=3))
    assert done.offboarding
    assert done.offboarding.warnings == ()
    done = operations.reschedule(planned.id, clock.now() + timedelta(days=3660))
    assert done.offboarding
    assert "more than a year ahead" in done.offboarding.warnings[0]


def test_what_is_run_now_was_due_now_and_the_record_keeps_the_planned_time(lab: Lab) -> None:
    planned = lab.submit("ada@fabrikam.example", BLOCK, scheduled_for=in_(days=3))
    now = clock.now()

    Operations(lab.app, "operator").run_now(planned.id)

    after = Lookup(lab.app).get(planned.id)
    assert (after.scheduled_for, after.planned_for) == (now, planned.scheduled_for)


def test_a_host_that_was_down_starts_everything_that_fell_due_once(lab: Lab) -> None:
    upns = people(lab, 3)
    for minutes, upn in enumerate(upns):
        lab.submit(upn, BLOCK, scheduled_for=in_(minutes=minutes + 1))
    lab.hub.advance(timedelta(hours=3))

    assert tick(lab) == upns
    assert tick(lab) == []


def test_a_planned_offboarding_can_be_moved(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", BLOCK, scheduled_for=in_(hours=1))

    Operations(lab.app, "op").reschedule(offboarding.id, clock.now() + timedelta(hours=5))
    lab.hub.advance(timedelta(hours=2))

    assert tick(lab) == []
    lab.hub.advance(timedelta(hours=3))
    assert tick(lab) == ["ada@fabrikam.example"]


def test_an_offboarding_that_runs_or_has_ended_cannot_be_moved(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", BLOCK)

    for _ in ("running", "completed"):
        with pytest.raises(RefusedError) as caught:
            Operations(lab.app, "op").reschedule(offboarding.id, clock.now())
        assert caught.value.status == 409
        lab.run()


def test_at_most_three_of_a_tenant_run_at_once_and_the_rest_follow_in_order(lab: Lab) -> None:
    upns = people(lab, 7)
    submitted = [lab.submit(upn, BLOCK, scheduled_for=in_(minutes=n)) for n, upn in enumerate(upns, 1)]
    lab.hub.advance(timedelta(hours=1))

    first = watch.wake(lab.app)

    assert [o.request.person.upn for o in first] == upns[:3]
    assert watch.wake(lab.app) == []
    waiting = Lookup(lab.app).get(submitted[3].id)
    assert waiting.state == "Planned"
    assert waiting.is_waiting(clock.now())
    for offboarding in first:
        lab.start(offboarding)
    lab.run()
    begun = sorted((lab.result(one.id).offboarding for one in submitted), key=lambda one: one.claimed_at or in_())
    assert [one.request.person.upn for one in begun] == upns
    assert {one.state for one in begun} == {"Completed"}


def test_whoever_waits_for_room_begins_when_a_run_ends_without_a_tick(lab: Lab) -> None:
    submitted = [lab.submit(upn, BLOCK) for upn in people(lab, 20)]

    lab.run()

    after = [lab.result(one.id).offboarding for one in submitted]
    assert [one.id for one in after if not one.has_ended] == []
    assert {one.run for one in after} == {1}


def test_whoever_waits_for_room_knows_its_place_in_the_tenants_queue(lab: Lab) -> None:
    submitted: list[Offboarding] = []
    for upn in people(lab, 6):
        submitted.append(lab.submit(upn, BLOCK))
        lab.hub.advance(timedelta(seconds=1))
    others = [lab.submit(upn, BLOCK, "contoso.example") for upn in people(lab, 4, "contoso.example")]
    later = lab.submit(people(lab, 7)[-1], BLOCK, scheduled_for=in_(hours=1))
    lookup = Lookup(lab.app)
    everybody = [lookup.get(one.id) for one in (*submitted, *others, later)]

    places = lookup.places_in_queue(everybody)

    assert places == {submitted[3].id: 1, submitted[4].id: 2, submitted[5].id: 3, others[3].id: 1}
    lab.jobs.requests = 0
    assert lookup.places_in_queue([everybody[0], everybody[-1]]) == {}
    assert lab.jobs.requests == 0


def test_a_run_that_ends_starts_neither_another_tenants_nor_what_is_not_due(lab: Lab) -> None:
    lab.submit(CY, BLOCK)
    later = lab.submit("ada@fabrikam.example", BLOCK, scheduled_for=in_(hours=1))
    other = lab.submit(people(lab, 1, "contoso.example")[0], BLOCK, "contoso.example", scheduled_for=in_(minutes=1))
    lab.hub.advance(timedelta(minutes=2))

    lab.run()

    assert {lab.result(one.id).offboarding.state for one in (later, other)} == {"Planned"}


def test_a_place_taken_in_between_costs_nobody_who_waits_the_start(lab: Lab) -> None:
    """Another host claims the first of two who wait, after both hosts have read which places are free."""
    upns = people(lab, 2)
    for upn in upns:
        lab.submit(upn, BLOCK, scheduled_for=in_(minutes=1))
    lab.hub.advance(timedelta(minutes=2))
    now, (first, second) = clock.now(), lab.app.store.due(clock.now())
    claims = watch._start(lab.app, first.tenant_id, [first, second], now)
    one = next(claims)
    other = lab.submit(people(lab, 3)[2], BLOCK)
    assert (one.slot, other.slot) == (0, 1)

    assert [claimed.id for claimed in claims] == [second.id]


def test_a_busy_tenant_does_not_hold_up_another(lab: Lab) -> None:
    for upn in people(lab, 5):
        lab.submit(upn, BLOCK, scheduled_for=in_(minutes=1))
    lab.submit(people(lab, 1, "contoso.example")[0], BLOCK, "contoso.example", scheduled_for=in_(minutes=2))
    lab.hub.advance(timedelta(minutes=3))

    assert len([u for u in tick(lab) if u.endswith("contoso.example")]) == 1


def test_people_submitted_at_once_share_the_room_of_their_tenant(lab: Lab) -> None:
    running = [lab.submit(upn, BLOCK).state for upn in people(lab, 5)]

    assert running == ["Running"] * 3 + ["Planned"] * 2


def test_two_hosts_never_both_start_one(lab: Lab) -> None:
    upns = people(lab, 3)
    for upn in upns:
        lab.submit(upn, BLOCK, scheduled_for=in_(minutes=1))
    lab.hub.advance(timedelta(minutes=2))
    store = lab.app.store
    due = store.due(clock.now())

    first = watch.wake(lab.app)
    stale = [list(watch._start(lab.app, wake.tenant_id, [wake], clock.now())) for wake in due]

    assert len(first) == 3
    assert stale == [[], [], []]


def test_an_idle_tick_costs_one_request(lab: Lab) -> None:
    lab.submit("ada@fabrikam.example", BLOCK, scheduled_for=in_(hours=1))
    lab.jobs.requests = lab.details.requests = 0

    watch.wake(lab.app)

    assert lab.jobs.requests + lab.details.requests == 1


@pytest.mark.parametrize("due", [1, 3])
def test_a_tick_costs_at_most_three_requests_for_each_that_is_due(lab: Lab, due: int) -> None:
    for upn in people(lab, due):
        lab.submit(upn, BLOCK, scheduled_for=in_(minutes=1))
    lab.hub.advance(timedelta(minutes=2))
    lab.jobs.requests = lab.details.requests = 0

    assert len(watch.wake(lab.app)) == due
    assert lab.jobs.requests + lab.details.requests <= 1 + 3 * due


def test_those_that_wait_for_room_cost_a_tick_nothing(lab: Lab) -> None:
    for upn in people(lab, 20):
        lab.submit(upn, BLOCK, scheduled_for=in_(minutes=1))
    lab.hub.advance(timedelta(minutes=2))
    watch.wake(lab.app)
    lab.jobs.requests = lab.details.requests = 0

    watch.wake(lab.app)

    assert lab.jobs.requests + lab.details.requests <= 2


def test_the_first_who_waits_is_found_by_one_request_and_behind_another_tenants_many_by_two(lab: Lab) -> None:
    for upn in people(lab, 30):
        lab.submit(upn, BLOCK, scheduled_for=in_(minutes=1))
    last = lab.submit(people(lab, 1, "contoso.example")[0], BLOCK, "contoso.example", scheduled_for=in_(minutes=2))
    lab.hub.advance(timedelta(minutes=3))
    first, *_ = lab.app.store.due(clock.now())
    lab.jobs.requests = 0

    assert next(lab.app.store.waiting_in(seed.FABRIKAM, clock.now())) == first
    assert lab.jobs.requests == 1
    assert [one.id for one in lab.app.store.waiting_in(seed.CONTOSO, clock.now())] == [last.id]
    assert lab.jobs.requests == 3


def test_a_tenant_that_is_managed_no_more_is_not_changed_and_what_is_planned_stays_to_be_cancelled(lab: Lab) -> None:
    due, cancelled = (lab.submit(upn, BLOCK, scheduled_for=in_(hours=1)) for upn in ("ada@fabrikam.example", CY))
    lab.app = replace(lab.app, settings=replace(lab.app.settings, tenants=(seed.CONTOSO,)))

    page, _ = Lookup(lab.app).page(ListFilter(tenant="fabrikam.example"), None, 50)
    assert {one.id for one in page} == {due.id, cancelled.id}
    Operations(lab.app, "operator").cancel(cancelled.id)
    lab.hub.advance(timedelta(hours=1))
    since = len(lab.simulator.requests())
    tick(lab)

    after = lab.result(due.id).offboarding
    assert (after.state, after.reason) == ("Failed", "refused")
    assert "no longer manages the tenant" in after.message
    assert len(lab.simulator.requests()) == since
    with pytest.raises(RefusedError) as unknown:
        Lookup(lab.app).page(ListFilter(tenant="hybrid.example"), None, 50)
    assert unknown.value.status == 404
