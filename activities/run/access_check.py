"""What a run does before it ends: look whether the person still has access. It changes nothing of the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from activities.attempt import SUPERSEDED, Answer, Order
from shared.jobs.records import State
from shared.offboarding.lifecycle import access_checks

if TYPE_CHECKING:
    from shared.app.services import Services


def check_access(services: Services, order: Order) -> Answer:
    """Look, and keep what is found; safe to repeat."""
    offboarding = services.store.get(order.id)
    if offboarding is None or offboarding.state is not State.running or offboarding.run != order.run:
        return SUPERSEDED
    found = access_checks.look_at_end(services, offboarding)
    return {"answer": found["answer"] if found else None}
