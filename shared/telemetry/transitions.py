"""What is counted when a transaction has succeeded: every transition once, however often its activity is delivered.

A process that dies between the transaction and the count loses the count, never doubles it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.telemetry import metrics, tracing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.offboarding.delivery import Delivery
    from shared.offboarding.records import Offboarding, Step


def added(offboardings: int) -> None:
    """Count offboardings that are stored now."""
    metrics.submitted(offboardings)


def changed(old: Offboarding, new: Offboarding) -> None:
    """Count what became of an offboarding, and of the messages about it."""
    if new.has_ended and not old.has_ended:
        begun = _begun(new)
        metrics.ended(new, begun)
        if begun:
            tracing.run_ended(new, begun)
    before = {(one.key, one.run): one for one in old.deliveries}
    for delivery in new.deliveries:
        if result := _result(before.get((delivery.key, delivery.run)), delivery):
            metrics.delivery(delivery.channel, result)


def steps_put(steps: Iterable[Step]) -> None:
    """Count the steps that have ended: a step that has is not written again by its run."""
    for step in steps:
        if step.has_ended:
            metrics.step_ended(step)


def _begun(offboarding: Offboarding) -> datetime | None:
    """Return when it was last taken up: retrying it begins anew, a recovery goes on with what had begun."""
    return next((event.at for event in reversed(offboarding.events) if event.what == "claimed"), offboarding.started_at)


def _result(old: Delivery | None, new: Delivery) -> str | None:
    if old and old.state is new.state:
        return "retried" if new.attempts > old.attempts else None
    return new.state.value if new.state.value in {"delivered", "dead"} else None
