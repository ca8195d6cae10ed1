"""The instruments of the app. Their names are fixed: alerts ask for them.

No attribute names a tenant or a person: each value of an attribute is a time series of its own, and kept for long.
Instruments are made when the first value is recorded, because a start that only indexes functions records none.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from opentelemetry.metrics import CallbackOptions, Observation

    from shared.microsoft365.errors import Service
    from shared.offboarding.records import Offboarding, Step
    from shared.offboarding.store import Wake


class _Latest:
    """A value that is exported once: a gauge of OpenTelemetry repeats its last one for as long as its process lives.

    The timer moves from one instance to another, and what the earlier one knew is not true any more.
    """

    _value: float | None = None

    def set(self, value: float) -> None:
        self._value = value

    def __call__(self, _: CallbackOptions) -> list[Observation]:
        from opentelemetry.metrics import Observation

        value, self._value = self._value, None
        return [] if value is None else [Observation(value)]


class _Instruments:
    def __init__(self) -> None:
        from opentelemetry import metrics

        meter = metrics.get_meter("offboarding")
        counter, histogram, gauge = meter.create_counter, meter.create_histogram, meter.create_observable_gauge
        self.submitted = counter("offboarding.submitted", "{offboarding}", "Offboardings that were stored")
        self.ended = counter("offboarding.ended", "{offboarding}", "Ends of offboardings, by state and reason")
        self.duration = histogram("offboarding.duration", "s", "From the claim of a run to the end")
        self.step_outcomes = counter("offboarding.step.outcomes", "{step}", "Ends of steps, by outcome")
        self.step_duration = histogram("offboarding.step.duration", "s", "From the first attempt to the end")
        self.step_attempts = histogram("offboarding.step.attempts", "{attempt}", "Attempts until the end")
        self.throttled = counter("microsoft365.throttled", "{request}", "Requests that were put off")
        self.request_duration = histogram("microsoft365.request.duration", "s", "Until the whole answer")
        self.deliveries = counter("notification.deliveries", "{attempt}", "Attempts to deliver a message")
        self.oldest_due, self.due = _Latest(), _Latest()
        gauge("offboarding.queue.oldest_due", [self.oldest_due], "s", "How long the first in line has waited")
        gauge("offboarding.queue.due", [self.due], "{offboarding}", "Due offboardings that have not begun")


@cache
def _instruments() -> _Instruments:
    return _Instruments()


def submitted(count: int) -> None:
    """Count offboardings that were stored."""
    _instruments().submitted.add(count)


def ended(offboarding: Offboarding, begun: datetime | None) -> None:
    """Count the end of an offboarding, and measure the run if one had `begun`."""
    state = offboarding.state.value
    _instruments().ended.add(1, {"state": state, "reason": offboarding.reason.value if offboarding.reason else ""})
    if begun and offboarding.ended_at:
        _instruments().duration.record((offboarding.ended_at - begun).total_seconds(), {"state": state})


def step_ended(step: Step) -> None:
    """Count how a step ended; one that was never begun took no time and no attempt."""
    _instruments().step_outcomes.add(1, {"action": step.name, "outcome": step.outcome.value if step.outcome else ""})
    if step.attempts:
        _instruments().step_attempts.record(step.attempts, {"action": step.name})
    if step.started_at and step.ended_at:
        seconds = (step.ended_at - step.started_at).total_seconds()
        _instruments().step_duration.record(seconds, {"action": step.name})


def request_answered(service: Service, status: int | None, seconds: float) -> None:
    """Measure a request to Microsoft 365; without a status, no whole answer came."""
    status_class = f"{status // 100}xx" if status else "none"
    _instruments().request_duration.record(seconds, {"service": service, "status_class": status_class})


def throttled(service: Service) -> None:
    """Count a request, or an item of a batch, that a service put off."""
    _instruments().throttled.add(1, {"service": service})


def queue(due: Collection[Wake], begun: Collection[Offboarding], now: datetime) -> None:
    """Measure what is due and has not begun: what a tick found, but for what it began."""
    taken = {offboarding.id for offboarding in begun}
    waiting = [wake for wake in due if wake.is_planned and not wake.destination and wake.id not in taken]
    oldest = max(((now - wake.due_at).total_seconds() for wake in waiting), default=0)
    _instruments().oldest_due.set(oldest)
    _instruments().due.set(len(waiting))


def delivery(channel: str, result: str) -> None:
    """Count an attempt to tell somebody: `delivered`, `retried` or `dead`."""
    _instruments().deliveries.add(1, {"channel": channel, "result": result})
