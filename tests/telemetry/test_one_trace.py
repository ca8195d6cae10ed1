"""One trace for each offboarding, whatever happens to it on its way."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed
from shared.base.telemetry import tracing
from shared.jobs import telemetry
from shared.offboarding.lifecycle.operations import Operations

if TYPE_CHECKING:
    from conftest import Plant, Seen

TRACE = "0af7651916cd43dd8448eb211c80319c"
INCOMING = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
ADA = "ada@fabrikam.example"
ALL_SERVICES = {
    "disable_sign_in": True,
    "remove_groups": True,
    "convert_to_shared": True,
    "remove_licenses": True,
    "disable_onedrive_sharing": True,
}
BLOCK = {"disable_sign_in": True}


def test_everything_done_for_an_offboarding_is_in_the_trace_of_its_request(plant: Plant, seen: Seen) -> None:
    (offboarding,) = plant.submit(ADA, actions=ALL_SERVICES)
    plant.run()

    assert plant.lab.result(offboarding.id).offboarding.state == "Completed"
    assert seen.traces() == {TRACE}
    assert plant.client.traceparents[0][3:35] == TRACE
    activities = {span.attributes["offboarding.step"] for span in seen.activities()}
    assert activities == {"begin_run", "snapshot_directory", "snapshot_mailbox", *ALL_SERVICES, "verify", "finish_run"}
    recorded = plant.lab.simulator.requests()
    assert len(seen.requests()) == len(recorded)
    assert {span.attributes.get("microsoft365.client_request_id") for span in seen.requests()} == {
        sent["headers"]["client-request-id"] for sent in recorded
    }
    assert {sent["service"] for sent in recorded} == {"login", "graph", "exchange", "sharepoint"}


def test_each_span_stands_under_what_it_was_done_for(plant: Plant, seen: Seen) -> None:
    (offboarding,) = plant.submit(ADA, actions=ALL_SERVICES)
    plant.run()

    (request,), (submit,), (start,), (run,) = (
        seen.named(f) for f in ("POST offboardings", "offboarding.submit", "offboarding.start", "offboarding.run")
    )
    assert request.parent == INCOMING["traceparent"].split("-")[2]
    assert submit.parent == request.id
    assert {start.parent, run.parent} <= {request.id, submit.id}
    activities = seen.activities()
    assert {span.parent for span in activities} == {start.id}
    assert {span.parent for span in seen.requests()} <= {request.id, *(span.id for span in activities)}
    assert run.attributes.get("offboarding.state") == "Completed"
    assert [span.attributes.get("offboarding.outcome") for span in seen.named("remove_groups")] == ["written"]
    assert [span.attributes.get("offboarding.outcome") for span in seen.named("convert_to_shared")][-1] == "done"
    assert len(seen.of(offboarding)) == len(activities) + 3


def test_a_run_that_a_timer_starts_days_later_goes_on_with_the_trace(plant: Plant, seen: Seen) -> None:
    (offboarding,) = plant.submit(ADA, actions=BLOCK, scheduled_for="2030-01-05T00:00:00Z")
    assert plant.tick() == []
    plant.advance(days=4)
    assert plant.tick() == [offboarding.id]
    plant.run()

    (start,), (_, tick) = seen.named("offboarding.start"), seen.named("wake")
    assert {span.trace for span in seen.of(offboarding)} == {TRACE}
    assert {span.trace for span in seen.requests()} == {TRACE}
    assert tick.trace != TRACE
    assert start.linked == {tick.trace}


def test_a_retry_and_a_recovery_go_on_with_the_trace(plant: Plant, seen: Seen) -> None:
    plant.lab.simulator.faults([{"service": "graph", "match": "^PATCH ", "kind": "status", "status": 403}])
    (offboarding,) = plant.submit(ADA, actions=BLOCK)
    plant.run()
    plant.lab.simulator.faults([])
    assert plant.lab.result(offboarding.id).offboarding.state == "Failed"

    with tracing.invocation("POST offboardings/{id}/retry", None):
        retried = Operations(plant.lab.app, "operator").retry(offboarding.id).to_start
    assert retried  # and never started: its process died
    plant.advance(minutes=2)
    assert plant.tick() == [offboarding.id]
    plant.run()

    ended = plant.lab.result(offboarding.id).offboarding
    assert (ended.state, ended.run) == ("Completed", 3)
    assert {span.trace for span in seen.of(offboarding)} == {TRACE}
    assert {span.trace for span in seen.requests()} == {TRACE}
    assert [span.attributes.get("offboarding.run") for span in seen.named("offboarding.run")] == [1, 3]


def test_people_submitted_together_have_traces_of_their_own_linked_to_the_request(plant: Plant, seen: Seen) -> None:
    together = plant.submit(ADA, "cy@fabrikam.example", "bo@fabrikam.example", actions=BLOCK)
    plant.run()

    traces = [{span.trace for span in seen.of(one)} for one in together]
    assert [len(one) for one in traces] == [1, 1, 1]
    assert len(set.union(*traces) - {TRACE}) == 3
    assert [span.linked for span in seen.named("offboarding.submit")] == [{TRACE}] * 3
    assert [span.linked for span in seen.named("offboarding.start")] == [{TRACE}] * 3


def test_an_offboarding_of_an_older_version_runs_and_is_seen_as_one(plant: Plant, seen: Seen) -> None:
    (stored,) = plant.submit(ADA, actions=BLOCK, scheduled_for="2030-01-05T00:00:00Z")
    old = plant.lab.app.store.get(stored.id)
    plant.lab.app.store.change(old, replace(old, traceparent=""))
    seen.spans.clear()
    plant.advance(days=5)
    plant.tick()
    plant.run()

    assert plant.lab.result(stored.id).offboarding.state == "Completed"
    assert len({span.trace for span in [*seen.of(stored), *seen.requests()]}) == 1


def test_an_orchestration_that_began_before_the_app_knew_of_traces_goes_on(plant: Plant, seen: Seen) -> None:
    offboarding = plant.lab.submit(ADA, BLOCK)
    plant.run()

    assert plant.lab.result(offboarding.id).offboarding.state == "Completed"
    assert len(seen.activities()) >= 4


@pytest.mark.parametrize("given", ["", "nonsense", f"00-{'0' * 32}-b7ad6b7169203331-01", f"ff-{TRACE}-b7ad-01"])
def test_a_request_without_a_usable_trace_begins_one(seen: Seen, given: str) -> None:
    with tracing.invocation("GET offboardings", None, {"traceparent": given}) as correlation_id:
        pass

    assert seen.traces() == {correlation_id}
    assert correlation_id not in {TRACE, "0" * 32}


def test_the_hosts_own_span_counts_for_more_than_the_callers_header(seen: Seen) -> None:
    class Host:
        class trace_context:  # noqa: N801 - the SDK's name
            trace_parent = f"00-{'1' * 32}-{'2' * 16}-01"

    with tracing.invocation("GET offboardings", Host(), INCOMING) as correlation_id:
        pass

    assert correlation_id == "1" * 32
    assert seen.spans[0].parent == "2" * 16


def test_an_activity_stands_under_the_hosts_span_where_durable_functions_hands_the_trace_on(seen: Seen) -> None:
    class Host:
        class trace_context:  # noqa: N801 - the SDK's name
            trace_parent = f"00-{TRACE}-{'2' * 16}-01"

    for order in ({"id": "1", "run": 1, **INCOMING}, {"id": "1", "run": 1}):
        with telemetry.activity("verify", order, Host()):
            pass
    with telemetry.activity("verify", {"id": "1", "run": 1, "traceparent": f"00-{'3' * 32}-{'4' * 16}-01"}, Host()):
        pass

    assert [(span.trace, span.parent) for span in seen.spans] == [
        (TRACE, "2" * 16),
        (TRACE, "2" * 16),
        ("3" * 32, "4" * 16),
    ]
    assert seen.spans[2].linked == {TRACE}


def test_no_span_names_a_person_or_holds_a_secret(plant: Plant, seen: Seen) -> None:
    plant.submit(ADA, actions={**ALL_SERVICES, "forward_email": {"to": "cy@fabrikam.example"}, "reset_password": True})
    plant.run()

    told = json.dumps([[span.name, span.attributes, span.raw.status.description] for span in seen.spans])
    person = plant.lab.simulator.state(seed.FABRIKAM)["users"]
    names = [str(user[name]) for user in person.values() for name in ("userPrincipalName", "displayName")]
    assert [name for name in names if name.casefold() in told.casefold()] == []
    assert [secret for secret in plant.lab.simulator.secrets() if secret in told] == []
    assert "?" not in told


def test_what_an_exception_says_stays_out_of_the_trace(seen: Seen) -> None:
    def broken() -> None:
        with telemetry.activity("verify", {"id": "1", "run": 1}):
            raise LookupError("password=Canary-Pa55word")

    with pytest.raises(LookupError):
        broken()

    (span,) = seen.spans
    assert span.attributes.get("error.type") == "LookupError"
    assert not span.raw.events
    assert "Canary" not in span.raw.to_json()
