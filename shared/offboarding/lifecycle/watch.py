"""What the timers do: start what is due, carry on what got lost, remove what is old."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.actions.outcome import Finding, Outcome
from shared.base import clock
from shared.jobs import judgement, slots
from shared.jobs.records import Reason, State
from shared.jobs.storage.table import ConflictError
from shared.notifications import outbox

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from datetime import datetime

    from shared.app.services import Services
    from shared.jobs.records import Offboarding, Wake

_log = logging.getLogger(__name__)

PROGRESS_WITHIN: Final = timedelta(minutes=30)
"""A run that shows no sign of life for so long is taken for lost."""

MAX_RECOVERIES: Final = 5


def wake(services: Services, due: Sequence[Wake] | None = None) -> list[Offboarding]:
    """Look at everything that is due (`due`, where it was read before), and return what has to be started.

    Messages that are due are left to the outbox.

    Costs one read, one more for each tenant with offboardings to start, and two or three requests for each offboarding
    that is started or looked after. Those that wait for room cost nothing.
    """
    now = clock.now()
    to_start: list[Offboarding] = []
    planned: dict[str, list[Wake]] = {}
    for one in services.store.due(now) if due is None else due:
        if one.destination:
            continue
        if one.is_planned:
            planned.setdefault(one.tenant_id, []).append(one)
        else:
            with _alone(one.id):
                to_start += _look_after(services, one.id, now)
    for tenant_id, waiting in planned.items():
        with _alone(tenant_id):
            to_start.extend(_start(services, tenant_id, waiting, now))
    return to_start


@contextmanager
def _alone(name: str) -> Generator[None]:
    """Let what goes wrong with one offboarding or tenant hold up no other, nor the start of what was claimed before."""
    try:
        yield
    except Exception:  # noqa: BLE001 - whatever it is, it concerns this one alone
        _log.exception("Could not process %s; retrying at the next tick", name)


def _start(services: Services, tenant_id: str, waiting: Sequence[Wake], now: datetime) -> Iterator[Offboarding]:
    """Claim as many of a tenant's due offboardings as it has room for, in the order in which they fell due."""
    free = slots.free_slots(services.store, tenant_id, services.settings.max_runs_per_tenant)
    for due in waiting:
        if not free:
            break
        offboarding = services.store.get(due.id)
        if offboarding is None or not offboarding.is_waiting(now):
            continue
        taken = slots.claimed(offboarding, now, free[0])
        try:
            services.store.change(offboarding, taken)
        except ConflictError:
            free = slots.free_slots(services.store, tenant_id, services.settings.max_runs_per_tenant)
        else:
            free = free[1:]
            yield taken


def _look_after(services: Services, offboarding_id: str, now: datetime) -> list[Offboarding]:
    """Look whether a run is alive; where it is not, the next one carries on."""
    offboarding = services.store.get(offboarding_id)
    if offboarding is None or offboarding.state is not State.running or (offboarding.wake_at or now) > now:
        return []
    alive_until = _alive_until(services, offboarding)
    if alive_until > now:
        next_look, to_start = replace(offboarding, wake_at=alive_until), []
    elif offboarding.recoveries >= MAX_RECOVERIES:
        next_look, to_start = _abandoned(services, offboarding, now), []
    else:
        recovery = replace(offboarding, recoveries=offboarding.recoveries + 1)
        next_look = slots.claimed(recovery, now, offboarding.slot or 0)
        to_start = [next_look]
    try:
        services.store.change(offboarding, next_look)
    except ConflictError:
        return []  # another host, or the run itself, was faster
    return to_start


def _alive_until(services: Services, offboarding: Offboarding) -> datetime:
    """Return until when the current run counts as alive: its last sign of life, and the patience for the next."""
    begun = offboarding.claimed_at or offboarding.requested_at
    steps = [s for s in services.store.details(offboarding.id).steps.values() if s.run == offboarding.run]
    if not steps:
        return begun + slots.BEGIN_WITHIN
    signs = [moment for step in steps for moment in (step.updated_at, step.next_attempt_at) if moment]
    return max(signs, default=begun) + PROGRESS_WITHIN


def _abandoned(services: Services, offboarding: Offboarding, now: datetime) -> Offboarding:
    """End an offboarding that no run could end, with what was settled; what is left belongs to no run any more."""
    run = offboarding.run + 1
    finding = Finding(Outcome.failed, "No run of the offboarding came to an end.")
    steps = [step for step in services.store.details(offboarding.id).steps.values() if not step.has_ended]
    if steps:
        over = [judgement.ended(replace(step, run=run), [finding], now) for step in steps]
        services.store.put_steps(offboarding.id, over)
    text = f"No run came to an end, though it was begun {MAX_RECOVERIES + 1} times."
    return outbox.announced(services, replace(offboarding, run=run).ended(now, Reason.abandoned, text))


def forget_old(services: Services) -> None:
    """Remove what ended before the retention, and what is still known of what was deleted before it.

    With the last offboarding of a tenant goes what scans found there.
    """
    cutoff = retained_from(services)
    tenants: set[str] = set()
    for offboarding in services.store.submitted_before(cutoff):
        if offboarding.ended_at and offboarding.ended_at < cutoff:
            with _alone(offboarding.id):
                services.store.forget(offboarding)
            tenants.add(offboarding.request.tenant.id)
    tenants |= services.store.forget_deleted(cutoff)
    for tenant_id in filter(services.store.is_empty, tenants):
        services.store.scans(tenant_id).forget()


def retained_from(services: Services) -> datetime:
    """Return the moment before which nothing that has ended is kept."""
    return clock.now() - timedelta(days=services.settings.retention_days)
