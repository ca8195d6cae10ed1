"""Access that ends: what an offboarding gave to others, and taking it back at its moment.

An offboarding carries what it gave, with the moment at which that ends; from it follow the row that wakes the timer
and the row by which it is listed. Ending it is a restoration of the one step that gave it.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shared.actions import catalogue
from shared.actions.outcome import OPENS_GATE
from shared.base import clock
from shared.base.identifiers import shown
from shared.base.problems import RefusedError, refused
from shared.jobs.records import SERVICE, Access, State
from shared.jobs.storage.table import ConflictError
from shared.notifications import outbox
from shared.offboarding.request import schedule
from shared.offboarding.restoring import Restorations, Wish

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.app.services import Services
    from shared.jobs.records import Offboarding, Step, Wake

_log = logging.getLogger(__name__)

_TRIES: Final = 5
_COMES_LATER: Final = frozenset({"already_under_way", "request_in_progress", "not_ended"})
"""Refusals of a restoration that pass: the next tick tries again."""


def given(offboarding: Offboarding, steps: Iterable[Step]) -> tuple[Access, ...]:
    """Return what an offboarding has given to others by now; what was moved before stays as it was moved."""
    if offboarding.request.restores:
        return ()
    known = {one.action for one in offboarding.access}
    now = clock.now()
    new = [
        Access.ending(step.name, schedule.until_in(offboarding.request.actions[step.name]), now)
        for step in steps
        if step.name not in known and step.has_changed and _can_end(step.name)
    ]
    return (*offboarding.access, *sorted(new, key=lambda one: one.action))


def _can_end(action: str) -> bool:
    return action in catalogue.all_actions() and catalogue.get(action).can_end


def taken_back(services: Services, restoration: Offboarding, steps: Iterable[Step]) -> None:
    """Take what a restoration brought back off the list of its offboarding; safe to repeat."""
    done = {step.name for step in steps if step.outcome in OPENS_GATE}
    for _ in range(_TRIES):
        original = services.store.get(restoration.request.restores)
        left = tuple(one for one in original.access if one.action not in done) if original else ()
        if original is None or left == original.access:
            return
        try:
            services.store.change(original, replace(original, access=left))
        except ConflictError:
            continue
        return


def end(services: Services, due: Wake) -> Offboarding | None:
    """Tell people what ends soon, then submit the restoration that ends it; returns it where it has to be started.

    The restoration has an id that follows from what it ends: a repetition after a crash finds it.
    """
    offboarding = services.store.get(due.id)
    entry = _entry(offboarding, due.access) if offboarding else None
    if offboarding is None or entry is None or entry.until is None or entry.wake_at is None:
        return None
    now = clock.now()
    if not entry.is_told and entry.wake_at <= now < entry.until:
        told = replace(offboarding, access=_replaced(offboarding.access, replace(entry, is_told=True)))
        services.store.change(offboarding, outbox.announced_notice(services, told, entry.action))
        return None
    if entry.until > now:
        return None
    ends = f"{offboarding.id}|{entry.action}|{clock.to_text(entry.until)}|{entry.moved}"
    salt = hashlib.sha256(ends.encode()).hexdigest()
    wish = Wish(steps=(entry.action,), notify=offboarding.request.notify, reference=offboarding.request.reference)
    stored: Offboarding | None = None
    what = "access_ended"
    try:
        stored = Restorations(services, SERVICE).submit(offboarding.id, wish, (entry.until, salt))
    except RefusedError as error:
        if error.code in _COMES_LATER or error.retry_after:
            return None
        what = "access_not_ended"
        _log.warning("Access that offboarding %s gave by %s was not ended: %s", offboarding.id, entry.action, error)
    over = replace(offboarding, access=_replaced(offboarding.access, replace(entry, until=None)))
    with suppress(ConflictError):  # the next tick finds the restoration by its id
        services.store.change(offboarding, over.noted(clock.now(), SERVICE, what))
    return stored if stored and stored.state is State.running else None


def moved(offboarding: Offboarding, action: str, until: datetime | None, now: datetime) -> Offboarding:
    """Return it with access that ends at another moment, or (None) stays; one that is past ends at the next tick.

    Raises `RefusedError`: 404 it gave nothing by that action that is still there; 422 more than two years ahead.
    """
    entry = _entry(offboarding, action)
    if entry is None:
        text = f"Nothing that {shown(action)} gave is on the list of this offboarding."
        raise refused(404, "access_not_found", text)
    if until and until > now and (why := schedule.unfit_end(until, now)):
        raise refused(422, "until_unfit", why, "until")
    new = Access.ending(action, until, now, entry.moved + 1)
    return replace(offboarding, access=_replaced(offboarding.access, new))


def _entry(offboarding: Offboarding, action: str) -> Access | None:
    return next((one for one in offboarding.access if one.action == action), None)


def _replaced(access: Iterable[Access], new: Access) -> tuple[Access, ...]:
    return tuple(new if one.action == new.action else one for one in access)
