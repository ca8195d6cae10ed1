"""Taking offboardings to run them: at most so many of a tenant at a time, and each by one taker."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from shared.jobs.records import Offboarding
    from shared.jobs.storage.store import Store

FIRST_LOOK_AFTER: Final = timedelta(minutes=1)
"""From then on every tick looks whether the run is alive; before, the message that starts it may be on its way."""


def free_slots(store: Store, tenant_id: str, most: int) -> list[int]:
    """Return the places in which further offboardings of a tenant may run."""
    return free_of(store.slots_taken(tenant_id), most)


def free_of(taken: frozenset[int], most: int) -> list[int]:
    """Return the places that are not taken."""
    return [slot for slot in range(most) if slot not in taken]


def claimed(offboarding: Offboarding, now: datetime, slot: int) -> Offboarding:
    """Return the offboarding as taken for its next run; whoever stores that first starts it."""
    return offboarding.claimed(now, now + FIRST_LOOK_AFTER, slot)
