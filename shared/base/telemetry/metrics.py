"""The instruments of the app. Their names are fixed: alerts ask for them.

No attribute names a tenant or a person: each value of an attribute is a time series of its own, and kept for long.
Instruments are made when the first value is recorded, because a start that only indexes functions records none.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation


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
        self.recovered = counter("offboarding.recovered", "{run}", "Runs that were lost, by how it was noticed")
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


def ended(state: str, reason: str, seconds: float | None) -> None:
    """Count the end of an offboarding, and how long its run took, if one had begun."""
    _instruments().ended.add(1, {"state": state, "reason": reason})
    if seconds is not None:
        _instruments().duration.record(seconds, {"state": state})


def recovered(loss: str) -> None:
    """Count a run that was lost."""
    _instruments().recovered.add(1, {"loss": loss})


def step_ended(action: str, outcome: str, attempts: int, seconds: float | None) -> None:
    """Count how a step ended; one that was never begun took no time and no attempt."""
    _instruments().step_outcomes.add(1, {"action": action, "outcome": outcome})
    if attempts:
        _instruments().step_attempts.record(attempts, {"action": action})
    if seconds is not None:
        _instruments().step_duration.record(seconds, {"action": action})


def request_answered(service: str, status: int | None, seconds: float) -> None:
    """Measure a request to Microsoft 365; without a status, no whole answer came."""
    status_class = f"{status // 100}xx" if status else "none"
    _instruments().request_duration.record(seconds, {"service": service, "status_class": status_class})


def throttled(service: str) -> None:
    """Count a request, or an item of a batch, that a service put off."""
    _instruments().throttled.add(1, {"service": service})


def queue(waiting: int, oldest_seconds: float) -> None:
    """Measure how many offboardings are due and have not begun, and for how long the first of them has been due."""
    _instruments().oldest_due.set(oldest_seconds)
    _instruments().due.set(waiting)


def delivery(channel: str, result: str) -> None:
    """Count an attempt to tell somebody: `delivered`, `retried` or `dead`."""
    _instruments().deliveries.add(1, {"channel": channel, "result": result})
