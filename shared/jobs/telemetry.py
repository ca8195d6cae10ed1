"""What can be seen of offboardings: each has one trace, and each transition is counted once.

The trace begins with the request that submits an offboarding and is stored with it (`traceparent`), so that every run
finds it again. What is counted is counted when a transaction has succeeded, however often its activity is delivered: a
process that dies between the two loses the count, never doubles it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from shared.base.telemetry import logs, metrics, tracing

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Mapping
    from datetime import datetime

    from shared.base.telemetry.tracing import Invocation
    from shared.jobs.delivery import Delivery
    from shared.jobs.records import Offboarding, Step, Wake


def with_traces(new: Iterable[Offboarding]) -> list[Offboarding]:
    """Return offboardings that are about to be stored, each with the trace that everything done for it belongs to.

    One that is submitted alone goes on with the trace of its request. Where a request submits several, each has a trace
    of its own, linked to the request's: a hundred people in one trace could not be told apart.
    """
    offboardings = list(new)
    begin = tracing.span if len(offboardings) == 1 else tracing.trace_of_its_own
    for number, offboarding in enumerate(offboardings):
        with begin("offboarding.submit", attributes={"offboarding.id": offboarding.id}) as submit:
            offboardings[number] = replace(offboarding, traceparent=tracing.traceparent_of(submit))
    return offboardings


@contextmanager
def run_started(offboarding: Offboarding) -> Generator[str]:
    """Trace the start of a run, whoever starts it; yield the traceparent that the run's activities are given."""
    about = {"offboarding.id": offboarding.id, "offboarding.run": offboarding.run}
    with tracing.part_of(offboarding.traceparent, "offboarding.start", about) as start:
        yield tracing.traceparent_of(start)


@contextmanager
def activity(name: str, order: Mapping[str, Any], host: Invocation | None = None) -> Generator[None]:
    """Trace an activity of a run, and say in every log line what it works on; `order` is its input."""
    offboarding, run = str(order.get("id")), order.get("run", 0)
    about = {
        "offboarding.id": offboarding,
        "offboarding.run": run,
        "offboarding.step": name,
        "offboarding.attempt": order.get("attempt", 1),
    }
    with (
        tracing.part_of(order.get("traceparent", ""), name, about, host) as current,
        logs.about(offboarding=offboarding, run=str(run), step=name, correlation_id=tracing.trace_id_of(current)),
    ):
        yield


def activity_answered(answer: Mapping[str, Any]) -> None:
    """Note what the activity at work tells the orchestrator: how it settled, or why it comes back."""
    outcome = "written" if "written" in answer else answer.get("settled")
    told = {"outcome": outcome, "again": answer.get("why"), "stop": answer.get("stop")}
    trace.get_current_span().set_attributes({f"offboarding.{name}": str(what) for name, what in told.items() if what})


@contextmanager
def delivery(offboarding: Offboarding, attempted: Delivery) -> Generator[None]:
    """Trace an attempt to tell somebody the end of an offboarding."""
    about = {
        "offboarding.id": offboarding.id,
        "offboarding.run": offboarding.run,
        "notification.channel": attempted.channel,
        "notification.attempt": attempted.attempts + 1,
    }
    with (
        tracing.part_of(offboarding.traceparent, "notification.deliver", about) as current,
        logs.about(offboarding=offboarding.id, correlation_id=tracing.trace_id_of(current)),
    ):
        yield


def added(offboardings: int) -> None:
    """Count offboardings that are stored now."""
    metrics.submitted(offboardings)


def changed(old: Offboarding, new: Offboarding) -> None:
    """Count what became of an offboarding, and of the messages about it."""
    if new.has_ended and not old.has_ended:
        _ended(new, _begun(new))
    before = {(one.key, one.run): one for one in old.deliveries}
    for delivery in new.deliveries:
        if result := _result(before.get((delivery.key, delivery.run)), delivery):
            metrics.delivery(delivery.channel, result)


def recovered(loss: str) -> None:
    """Count a run that was lost and had to be carried on, or given up."""
    metrics.recovered(loss)


def steps_put(steps: Iterable[Step]) -> None:
    """Count the steps that have ended: a step that has is not written again by its run."""
    for step in steps:
        if step.has_ended:
            seconds = (step.ended_at - step.started_at).total_seconds() if step.started_at and step.ended_at else None
            metrics.step_ended(step.name, step.outcome.value if step.outcome else "", step.attempts, seconds)


def due(waiting: Collection[Wake], begun: Collection[Offboarding], now: datetime) -> None:
    """Measure what is due and has not begun: what a tick found, but for what it began."""
    taken = {offboarding.id for offboarding in begun}
    left = [wake for wake in waiting if wake.is_planned and not wake.destination and wake.id not in taken]
    metrics.queue(len(left), max(((now - wake.due_at).total_seconds() for wake in left), default=0))


def _ended(offboarding: Offboarding, begun: datetime | None) -> None:
    state, reason = offboarding.state.value, offboarding.reason.value if offboarding.reason else ""
    ended = offboarding.ended_at
    metrics.ended(state, reason, (ended - begun).total_seconds() if begun and ended else None)
    if begun and ended:
        about = {
            "offboarding.id": offboarding.id,
            "offboarding.run": offboarding.run,
            "offboarding.recoveries": offboarding.recoveries,
            "offboarding.state": state,
            "offboarding.reason": reason,
        }
        tracing.past(offboarding.traceparent, "offboarding.run", about, begun, ended)


def _begun(offboarding: Offboarding) -> datetime | None:
    """Return when it was last taken up: retrying it begins anew, a recovery goes on with what had begun."""
    return next((event.at for event in reversed(offboarding.events) if event.what == "claimed"), offboarding.started_at)


def _result(old: Delivery | None, new: Delivery) -> str | None:
    if old and old.state is new.state:
        return "retried" if new.attempts > old.attempts else None
    return new.state.value if new.state.value in {"delivered", "dead"} else None
