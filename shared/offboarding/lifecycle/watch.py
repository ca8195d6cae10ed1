"""What the timers do: start what is due, carry on what got lost, remove what is old."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from shared.base import clock
from shared.jobs import slots
from shared.jobs.storage.table import ConflictError
from shared.offboarding.lifecycle import access, recovery

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from datetime import datetime

    from shared.app.services import Services
    from shared.jobs.records import Offboarding, Wake

_log = logging.getLogger(__name__)

_TRIES: Final = 5


def wake(
    services: Services, due: Sequence[Wake] | None = None, instances: recovery.Instances = MappingProxyType({})
) -> list[Offboarding]:
    """Look at everything that is due (`due`, where it was read before), and return what has to be started.

    `instances` is what Durable Functions says of the runs in flight. Messages and checks of access that are due are
    left to the outbox and to `access_checks`.

    Costs one read, one more for each tenant with offboardings to start, and two or three requests for each offboarding
    that is started or carried on. Those that wait for room, and runs that live, cost nothing.
    """
    now = clock.now()
    to_start: list[Offboarding] = []
    planned: dict[str, list[Wake]] = {}
    for one in services.store.due(now) if due is None else due:
        if one.destination or one.is_check:
            continue
        if one.access:
            with _alone(one.id):
                to_start += filter(None, [access.end(services, one)])
        elif one.is_planned:
            planned.setdefault(one.tenant_id, []).append(one)
        else:
            with _alone(one.id):
                to_start += filter(None, [recovery.look_after(services, one, instances, now)])
    for tenant_id, waiting in planned.items():
        with _alone(tenant_id):
            to_start.extend(_start(services, tenant_id, waiting, now))
    return to_start


def wake_next(services: Services, tenant_id: str) -> list[Offboarding]:
    """Claim what waits for the room that a run of the tenant has left, and return what has to be started.

    Safe to repeat: who was claimed waits no more, and a place that is taken is not free.
    """
    now = clock.now()
    to_start: list[Offboarding] = []
    with _alone(tenant_id):
        to_start.extend(_start(services, tenant_id, services.store.waiting_in(tenant_id, now), now))
    return to_start


@contextmanager
def _alone(name: str) -> Generator[None]:
    """Let what goes wrong with one offboarding or tenant hold up no other, nor the start of what was claimed before."""
    try:
        yield
    except Exception:  # noqa: BLE001 - whatever it is, it concerns this one alone
        _log.exception("Could not process %s; retrying at the next tick", name)


def _start(services: Services, tenant_id: str, waiting: Iterable[Wake], now: datetime) -> Iterator[Offboarding]:
    """Claim as many of a tenant's due offboardings as it has room for, in the order in which they fell due."""
    free = slots.free_slots(services.store, tenant_id, services.settings.max_runs_per_tenant)
    for due in waiting:
        for _ in range(_TRIES):  # a conflict may be about the place, which another has taken, and not about this one
            offboarding = services.store.get(due.id) if free else None
            if offboarding is None or not offboarding.is_waiting(now):
                break
            taken = slots.claimed(offboarding, now, free[0])
            try:
                services.store.change(offboarding, taken)
            except ConflictError:
                free = slots.free_slots(services.store, tenant_id, services.settings.max_runs_per_tenant)
            else:
                free = free[1:]
                yield taken
                break
        if not free:
            break


def forget_old(services: Services) -> None:
    """Remove what ended before the retention, and what is still known of what was deleted before it.

    With the last offboarding of a tenant goes what scans found there.
    """
    cutoff = retained_from(services)
    tenants: set[str] = set()
    for offboarding in services.store.submitted_before(cutoff):
        is_waited_for = any(one.until for one in offboarding.access)
        if offboarding.ended_at and offboarding.ended_at < cutoff and not is_waited_for:
            with _alone(offboarding.id):
                _forget(services, offboarding)
            tenants.add(offboarding.request.tenant.id)
    tenants |= services.store.forget_deleted(cutoff)
    services.store.forget_setting_changes(cutoff)
    for tenant_id in filter(services.store.is_empty, tenants):
        services.store.scans(tenant_id).forget()
        services.store.forget_cap(tenant_id)


def _forget(services: Services, offboarding: Offboarding) -> None:
    """Remove an offboarding, whoever else writes it meanwhile, such as the timer that looks after it."""
    current: Offboarding | None = offboarding
    for _ in range(_TRIES):
        if current is None:
            return
        try:
            services.store.forget(current)
        except ConflictError:
            current = services.store.get(offboarding.id)
        else:
            return
    raise ConflictError


def retained_from(services: Services) -> datetime:
    """Return the moment before which nothing that has ended is kept."""
    return clock.now() - timedelta(days=services.settings.retention_days)
