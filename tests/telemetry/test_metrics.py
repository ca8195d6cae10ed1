"""What is counted and measured: the right values, each once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.base import clock
from shared.jobs.delivery import Delivery, DeliveryState
from shared.jobs.storage.table import ConflictError
from shared.microsoft365.http.telemetry import nameless
from shared.offboarding.lifecycle.operations import Operations

if TYPE_CHECKING:
    from conftest import Plant, Seen

ADA = "ada@fabrikam.example"
BLOCK = {"disable_sign_in": True}
OUTCOMES = {("disable_sign_in", "done"): 1, ("remove_groups", "needs_attention"): 1}
BLOCK_AND_GROUPS = {"disable_sign_in": True, "remove_groups": True}


def test_an_offboarding_is_counted_and_measured(plant: Plant, seen: Seen) -> None:
    (offboarding,) = plant.submit(ADA, actions=BLOCK_AND_GROUPS)
    plant.run()

    values, ended = seen.metrics(), plant.lab.result(offboarding.id)
    seconds = (ended.offboarding.ended_at - offboarding.claimed_at).total_seconds()
    assert values["offboarding.submitted"] == {(): 1}
    assert values["offboarding.ended"] == {("", "Completed"): 1}
    assert values["offboarding.duration"] == {("Completed",): (1, pytest.approx(seconds))}
    assert values["offboarding.step.outcomes"] == {
        ("disable_sign_in", "done"): 1,
        ("remove_groups", "needs_attention"): 1,
    }
    assert values["offboarding.step.attempts"] == {
        (name,): (1, ended.steps[name].attempts) for name in BLOCK_AND_GROUPS
    }
    assert values["offboarding.step.duration"] == {
        (name,): (1, pytest.approx((step.ended_at - step.started_at).total_seconds()))
        for name, step in ended.steps.items()
    }
    counted = {key: count for key, (count, _) in values["microsoft365.request.duration"].items()}
    recorded = [(sent["service"], f"{sent['status'] // 100}xx") for sent in plant.lab.simulator.requests()]
    assert counted == {key: recorded.count(key) for key in recorded}
    assert "microsoft365.throttled" not in values


def test_what_is_delivered_twice_is_counted_once(plant: Plant, seen: Seen) -> None:
    plant.submit(ADA, actions=BLOCK_AND_GROUPS)
    plant.run(deliveries=2)

    values = seen.metrics()
    assert len(seen.named("finish_run")) == 2
    assert len(seen.named("offboarding.run")) == 1
    assert values["offboarding.ended"] == {("", "Completed"): 1}
    assert values["offboarding.duration"]["Completed",][0] == 1
    assert values["offboarding.step.outcomes"] == {
        ("disable_sign_in", "done"): 1,
        ("remove_groups", "needs_attention"): 1,
    }


def test_what_a_conflict_kept_from_being_stored_is_not_counted(plant: Plant, seen: Seen) -> None:
    (offboarding,) = plant.submit(ADA, actions=BLOCK)
    store, stale = plant.lab.app.store, plant.lab.app.store.get(offboarding.id)
    plant.run()
    (step,) = plant.lab.result(offboarding.id).steps.values()
    seen.metrics()

    with pytest.raises(ConflictError):
        store.change(stale, stale.ended(clock.now(), None))
    with pytest.raises(ConflictError):
        store.put_steps(offboarding.id, [replace(step, etag="an older version")])
    with pytest.raises(ConflictError):
        store.add([offboarding])

    assert seen.metrics() == {}


def test_a_failure_its_reason_and_the_retry_that_mends_it(plant: Plant, seen: Seen) -> None:
    plant.lab.simulator.faults([{"service": "graph", "match": "^PATCH ", "kind": "status", "status": 403}])
    (offboarding,) = plant.submit(ADA, actions=BLOCK)
    plant.run()
    plant.lab.simulator.faults([])
    failed = seen.metrics()
    plant.advance(days=3)
    retried = Operations(plant.lab.app, "operator").retry(offboarding.id).to_start
    assert retried
    plant.start(retried)
    plant.run()
    mended = seen.metrics()

    assert failed["offboarding.ended"] == {("steps_failed", "Failed"): 1}
    assert failed["offboarding.step.outcomes"] == {("disable_sign_in", "failed"): 1}
    assert mended["offboarding.ended"] == {("", "Completed"): 1}
    assert mended["offboarding.duration"]["Completed",][1] < 3600
    assert "offboarding.submitted" not in mended


def test_an_offboarding_that_never_began_has_no_duration(plant: Plant, seen: Seen) -> None:
    (offboarding,) = plant.submit(ADA, actions=BLOCK, scheduled_for="2030-01-05T00:00:00Z")
    Operations(plant.lab.app, "operator").cancel(offboarding.id)

    values = seen.metrics()
    assert values["offboarding.ended"] == {("cancelled", "Failed"): 1}
    assert "offboarding.duration" not in values
    assert seen.named("offboarding.run") == []


def test_throttling_is_counted_by_service_in_batches_too(plant: Plant, seen: Seen) -> None:
    throttle = {"kind": "throttle", "retry_after": 30, "count": 1}
    plant.lab.simulator.faults(
        [{"service": "graph", "match": "^PATCH ", **throttle}, {"service": "exchange", "match": "Get-", **throttle}]
    )
    plant.submit(ADA, actions={**BLOCK, "convert_to_shared": True})
    plant.run()

    values = seen.metrics()
    requests = plant.lab.simulator.requests()
    answers = [
        one for sent in requests for one in (sent, *({**item, "service": sent["service"]} for item in sent["items"]))
    ]
    put_off = [one["service"] for one in answers if one["status"] == 429]
    assert set(put_off) == {"graph", "exchange"}
    assert values["microsoft365.throttled"] == {(service,): put_off.count(service) for service in set(put_off)}
    assert values["offboarding.step.attempts"]["disable_sign_in",] == (1, 2)
    assert len([s for s in seen.requests() if s.attributes.get("microsoft365.throttled")]) == 1


def test_a_connection_that_breaks_is_measured_and_sent_again(plant: Plant, seen: Seen) -> None:
    plant.lab.simulator.faults([{"service": "graph", "match": "batch", "kind": "reset_before", "count": 1}])
    plant.submit(ADA, actions=BLOCK)
    plant.run()

    assert seen.metrics()["microsoft365.request.duration"]["graph", "none"][0] == 1
    (broken,) = [span for span in seen.requests() if span.attributes.get("error.type")]
    again = [span for span in seen.requests() if span.attributes.get("http.request.resend_count") == 1]
    assert broken.name == "POST /v1.0/$batch"
    assert [span.name for span in again] == ["POST /v1.0/$batch"]


def test_the_queue_is_measured_at_each_tick(plant: Plant, seen: Seen) -> None:
    plant.tick()
    assert seen.metrics()["offboarding.queue.oldest_due"] == {(): 0}
    settings = replace(plant.lab.app.settings, max_runs_per_tenant=1)
    plant.lab.app = replace(plant.lab.app, settings=settings)
    due = "2030-01-01T00:10:00Z"
    plant.submit(ADA, "cy@fabrikam.example", "bo@fabrikam.example", actions=BLOCK, scheduled_for=due)
    plant.tick()
    assert seen.metrics()["offboarding.queue.due"] == {(): 0}

    plant.advance(minutes=25)
    assert len(plant.tick()) == 1
    values = seen.metrics()
    assert values["offboarding.queue.due"] == {(): 2}
    assert values["offboarding.queue.oldest_due"] == {(): 15 * 60}
    assert "offboarding.queue.oldest_due" not in seen.metrics(), "no tick, no value: another instance may tick now"

    for _ in range(3):
        plant.run()
        plant.tick()
    values = seen.metrics()
    assert values["offboarding.queue.due"] == {(): 0}
    assert values["offboarding.queue.oldest_due"] == {(): 0}
    assert values["offboarding.ended"] == {("", "Completed"): 3}


def test_each_attempt_to_deliver_is_counted_by_what_came_of_it(plant: Plant, seen: Seen) -> None:
    (offboarding,) = plant.submit(ADA, actions=BLOCK, scheduled_for="2030-01-05T00:00:00Z")
    store, now = plant.lab.app.store, clock.now()
    seen.metrics()

    def recorded(*deliveries: Delivery) -> dict[str, object]:
        old = store.get(offboarding.id)
        store.change(old, replace(old, deliveries=deliveries))
        return dict(seen.metrics().get("notification.deliveries", {}))

    new = Delivery("hook", "webhook", 1, now, next_attempt_at=now)
    lost = Delivery("email", "email", 1, now, DeliveryState.dead, ended_at=now)
    tried = new.put_off(now, 503, "Not now.")
    assert recorded(new, lost) == {("email", "dead"): 1}
    assert recorded(tried, lost) == {("webhook", "retried"): 1}
    assert recorded(tried.finished(DeliveryState.delivered, now, 200, "It was taken.", ""), lost) == {
        ("webhook", "delivered"): 1
    }
    assert recorded(tried.again(now), lost) == {}
    assert recorded(tried.again(now).finished(DeliveryState.dead, now, 400, "No."), lost) == {("webhook", "dead"): 1}


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/v1.0/users/ada@fabrikam.example/manager", "/v1.0/users/*/manager"),
        ("/v1.0/users/Ada/manager", "/v1.0/users/*/manager"),
        ("/v1.0/users/11111111-2222-3333-4444-555555555555", "/v1.0/users/11111111-2222-3333-4444-555555555555"),
        ("/v1.0/users('ada%40fabrikam.example')", "/v1.0/users(*)"),
        ("/beta/users/x/memberOf/microsoft.graph.group", "/beta/users/*/memberOf/microsoft.graph.group"),
        ("/contoso.example/oauth2/v2.0/token", "/*/oauth2/v2.0/token"),
        ("/_api/web/getuserbyid(12)", "/_api/web/getuserbyid(*)"),
        ("Remove-MailboxPermission", "Remove-MailboxPermission"),
        ("/v1.0/$batch", "/v1.0/$batch"),
    ],
)
def test_paths_are_shown_without_names(path: str, shown: str) -> None:
    assert nameless(path) == shown
