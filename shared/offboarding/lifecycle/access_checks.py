"""Checks of whether the person still has access: at the end of a run, and again after a day and a week.

What a check found is kept with the details first, then the offboarding is written: which of its checks are still due,
and whom to tell. Killed in between, it looks again, and compares with what was open before the first try.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from shared.actions import catalogue
from shared.actions.outcome import OPENS_GATE, Outcome
from shared.base import clock
from shared.base.deadline import Deadline, DeadlineError
from shared.base.threads import Threads
from shared.jobs.records import SERVICE, AccessChecks, DueCheck
from shared.jobs.storage.table import ConflictError
from shared.notifications import outbox
from shared.offboarding.access_check.look import look
from shared.offboarding.access_check.verdict import Check, Verdict
from shared.offboarding.tenants.tenants import Tenants

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from shared.app.services import Services
    from shared.jobs.details import Details
    from shared.jobs.records import Offboarding, Step, Wake
    from shared.microsoft365.http.errors import MicrosoftError

_log = logging.getLogger(__name__)

AT_END_WITHIN_SECONDS: Final = 60.0
"""What the end of a run may wait for a look; a slow service must not hold up whom it is told."""

MOST_IN_A_TICK: Final = 20
_AT_ONCE: Final = 4
_BEGIN_WITHIN_SECONDS: Final = 10
_TRIES: Final = 5
_TRY_AGAIN: Final = timedelta(minutes=15)

AT_ONCE: Final = timedelta(0)
_BLOCK: Final = "disable_sign_in"

Found = dict[str, Any]
"""A check as it is stored: `Check.to_json`, the run it belongs to, what was open `before` it, and what is `new`."""


def is_due_at_end(services: Services, offboarding: Offboarding) -> bool:
    """Return whether a run looks before it ends."""
    return not offboarding.request.restores and AT_ONCE in services.settings.access_check_after


def look_at_end(services: Services, offboarding: Offboarding) -> Found | None:
    """Look for a run that is about to end, and keep what is found; None where that takes long, for the timer to do."""
    details = services.store.details_at_end(offboarding.id, offboarding.run)
    try:
        check, again = Deadline(AT_END_WITHIN_SECONDS).run(lambda: _look(services, offboarding, details))
    except DeadlineError:
        return None
    found = _found(check, offboarding, before=frozenset()) | {"is_partial": bool(again)}
    services.store.put_check(offboarding.id, found)
    return found


def planned(services: Services, over: Offboarding, checked: Mapping[str, Any] | None) -> AccessChecks:
    """Return the checks of an offboarding that ends now; `checked` is what its run found, if it looked."""
    now = clock.now()
    own = checked if checked and checked["run"] == over.run else None
    after = [span for span in services.settings.access_check_after if span > AT_ONCE]
    due = [DueCheck(now + span) for span in after]
    if AT_ONCE in services.settings.access_check_after and (own is None or own["is_partial"]):
        due.insert(0, DueCheck(now + _TRY_AGAIN if own else now))
    done = over.checks.checked(clock.from_text(own["checked_at"])) if own else over.checks
    return replace(done, due=tuple(due))


def look_due(services: Services, due: Sequence[Wake]) -> None:
    """Look for those offboardings whose check is due; what there is no time for stays due."""
    ids = [one.id for one in due if one.is_check][:MOST_IN_A_TICK]
    if not ids:
        return
    until = time.monotonic() + _BEGIN_WITHIN_SECONDS
    with Threads(min(_AT_ONCE, len(ids)), "check") as threads:
        list(threads.map(partial(_safely, services, until), ids))


def _safely(services: Services, until: float, offboarding_id: str) -> None:
    if time.monotonic() > until:
        return
    try:
        _check(services, offboarding_id)
    except Exception:  # noqa: BLE001 - one offboarding must not keep the others from being checked
        _log.exception("Access after offboarding %s was not checked; retrying at the next tick", offboarding_id)


def _check(services: Services, offboarding_id: str) -> None:
    offboarding = services.store.get(offboarding_id)
    now = clock.now()
    if offboarding is None or not offboarding.checks.due or offboarding.checks.due[0].at > now:
        return
    if not Tenants(services).still_manages(offboarding.request.tenant.id):
        services.store.change(offboarding, replace(offboarding, checks=replace(offboarding.checks, due=())))
        return
    details = services.store.details(offboarding_id)
    check, again = _look(services, offboarding, details)
    if again and offboarding.checks.due[0].tries < _TRIES:
        _log.info("Access after offboarding %s is checked again later: %s", offboarding_id, again[0])
        later = offboarding.checks.put_off(now + _TRY_AGAIN)
        services.store.change(offboarding, replace(offboarding, checks=later))
        return
    found = _found(check, offboarding, before=_open_before(offboarding, details.checked))
    services.store.put_check(offboarding_id, found)
    over = replace(offboarding, checks=offboarding.checks.checked(check.checked_at))
    if found["new"]:
        over = outbox.announced_check(services, over.noted(now, SERVICE, "access_open_again"))
    try:
        services.store.change(offboarding, over)
    except ConflictError:  # the next tick looks again, unless it is gone
        if services.store.get(offboarding_id) is None:
            services.store.forget_check(offboarding_id)


def _open_before(offboarding: Offboarding, kept: Found | None) -> frozenset[str]:
    """Return what was open at the last check that the offboarding knows of: what is kept may be of one cut short."""
    if kept is None:
        return frozenset()
    is_known = offboarding.checks.checked_at == clock.from_text(kept["checked_at"])
    return Check.from_json(kept).open_ids() if is_known else frozenset(kept["before"])


def _look(services: Services, offboarding: Offboarding, details: Details) -> tuple[Check, list[MicrosoftError]]:
    tenant_id = offboarding.request.tenant.id
    return look(
        offboarding.request.person,
        services.microsoft365.tenant(tenant_id),
        services.store.known_scans(tenant_id),
        since=_blocked_at(offboarding, details.steps),
        meant={name: _left_by(step, details) for name, step in details.steps.items() if step.outcome in OPENS_GATE},
    )


def _left_by(step: Step, details: Details) -> dict[str, str | None]:
    """Return the values of a step as it left them, those it had no need to change as they were."""
    if step.name not in catalogue.all_actions():
        return {}
    first, changed = details.first(), {change.what: change.after for change in step.changes}
    return {path: changed.get(path, first.shown(path)) for path in catalogue.get(step.name).changes}


def _blocked_at(offboarding: Offboarding, steps: Mapping[str, Step]) -> datetime | None:
    """Return since when nobody can have signed in: the block by this offboarding, or before it began."""
    block = steps.get(_BLOCK)
    if block is None or block.outcome not in {*OPENS_GATE, Outcome.needs_attention}:
        return None
    return block.written_at or (block.ended_at if block.has_changed else offboarding.started_at)


def _found(check: Check, offboarding: Offboarding, before: frozenset[str]) -> Found:
    new = check.only(Verdict.open, check.open_ids() - before)
    return {
        **check.to_json(),
        "run": offboarding.run,
        "before": sorted(before),
        "new": [area.told(thing) for area, thing in new],
        "is_partial": False,
    }
