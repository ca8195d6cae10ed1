"""Runs that are lost: noticed at the next tick, carried on by the next run, given up where none gets anywhere.

A worker may die in the middle of a turn. The host then fails the turn, the Durable extension takes that for an error of
the orchestrator, and the instance has failed for good, though nothing is wrong with the offboarding. So what Durable
Functions says of an instance is compared with the row: one that has ended, or that its hub does not know, works on
nothing. One that is said to run may still hang; it has some time to show a sign of life.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from shared.actions.outcome import Finding, Outcome
from shared.jobs import judgement, slots, telemetry
from shared.jobs.records import Reason, State
from shared.jobs.storage.table import ConflictError
from shared.notifications import outbox

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shared.app.services import Services
    from shared.jobs.records import Offboarding, Step, Wake

_log = logging.getLogger(__name__)

Instances: TypeAlias = "Mapping[str, str | None]"
"""What Durable Functions says: the runtime status of each instance, None where its hub does not know it.

An instance that it could not be asked about is missing.
"""

_ENDED: Final = frozenset({None, "Completed", "Failed", "Terminated", "Canceled"})

_BEGIN_WITHIN: Final = timedelta(minutes=10)
"""A run whose instance is there, but has not begun by then, is taken for lost."""

_PROGRESS_WITHIN: Final = timedelta(minutes=30)
"""A run whose instance is there, but shows no sign of life for so long, is taken for lost."""

_PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (0, 2, 5, 10, 20))
"""How long after the claim of a lost run the next may begin, by the number of runs before it that were lost in a row.

A run that kills its worker each time would else take every other one with it, all the time.
"""

MAX_RECOVERIES: Final = len(_PAUSES)


class Loss(StrEnum):
    """How a run was lost."""

    ended = "ended"
    unknown = "unknown"
    silent = "silent"


def look_after(services: Services, due: Wake, instances: Instances, now: datetime) -> Offboarding | None:
    """Return the next run of an offboarding whose run is lost, to be started; None where there is nothing to start.

    Costs nothing where the run lives and has not gone on for long, else two requests, and one to carry on.
    """
    loss = _loss_of(due, instances)
    if loss is None and now < due.due_at - slots.FIRST_LOOK_AFTER + _BEGIN_WITHIN:
        return None
    offboarding = services.store.get(due.id)
    if offboarding is None or offboarding.state is not State.running or due.run not in {0, offboarding.run}:
        return None
    steps = list(services.store.details(offboarding.id).steps.values())
    of_this_run = [step for step in steps if step.run == offboarding.run]
    if loss is None and now >= _alive_until(offboarding, of_this_run):
        loss = Loss.silent
    if loss is None:
        return None
    lost_in_a_row = 0 if any(step.is_settled for step in of_this_run) else offboarding.recoveries
    if lost_in_a_row >= MAX_RECOVERIES:
        return _stored(services, offboarding, _abandoned(services, offboarding, steps, now), loss)
    if now < _begun(offboarding) + _PAUSES[lost_in_a_row]:
        return None
    next_run = slots.claimed(replace(offboarding, recoveries=lost_in_a_row + 1), now, offboarding.slot or 0)
    return _stored(services, offboarding, next_run, loss)


def _loss_of(due: Wake, instances: Instances) -> Loss | None:
    """Return how a run is lost by what Durable Functions says; None where it lives or could not be asked about."""
    if due.instance_id not in instances or instances[due.instance_id] not in _ENDED:
        return None
    return Loss.unknown if instances[due.instance_id] is None else Loss.ended


def _alive_until(offboarding: Offboarding, steps: list[Step]) -> datetime:
    """Return until when the current run counts as alive: its last sign of life, and the patience for the next."""
    if not steps:
        return _begun(offboarding) + _BEGIN_WITHIN
    signs = [moment for step in steps for moment in (step.updated_at, step.next_attempt_at) if moment]
    return max(signs, default=_begun(offboarding)) + _PROGRESS_WITHIN


def _begun(offboarding: Offboarding) -> datetime:
    return offboarding.claimed_at or offboarding.requested_at


def _stored(services: Services, lost: Offboarding, new: Offboarding, loss: Loss) -> Offboarding | None:
    """Store what follows a lost run; return it where it is a run to be started."""
    try:
        services.store.change(lost, new)
    except ConflictError:
        return None  # another host, or the run itself, was faster
    follows = "the offboarding is given up" if new.has_ended else f"{new.instance_id} carries on"
    _log.warning("Run %s was lost (%s); %s", lost.instance_id, loss, follows)
    telemetry.recovered(loss)
    return None if new.has_ended else new


def _abandoned(services: Services, offboarding: Offboarding, steps: list[Step], now: datetime) -> Offboarding:
    """End an offboarding that no run could end, with what was settled; what is left belongs to no run any more."""
    run = offboarding.run + 1
    finding = Finding(Outcome.failed, "No run of the offboarding came to an end.")
    open_steps = [step for step in steps if not step.has_ended]
    if open_steps:
        services.store.audit_steps(offboarding.id, open_steps)
        over = [judgement.ended(replace(step, run=run, writes=()), [finding], now) for step in open_steps]
        services.store.put_steps(offboarding.id, over)
    text = f"{MAX_RECOVERIES + 1} runs in a row were lost and settled nothing."
    return outbox.announced(services, replace(offboarding, run=run).ended(now, Reason.abandoned, text))
