"""The end of steps that could not run, and of the run itself; then tell people, and let the next one begin."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from activities.attempt import SUPERSEDED, Answer, Order, settled
from activities.basis import is_superseded
from shared.actions import catalogue, plan
from shared.actions.outcome import Finding, Outcome
from shared.actions.reads.account import USER
from shared.base import clock
from shared.jobs import judgement
from shared.jobs.records import ENDED, Reason, reason_of
from shared.jobs.storage.table import ConflictError
from shared.notifications import outbox
from shared.offboarding.lifecycle import access, access_checks
from shared.offboarding.tenants import protection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.app.services import Services
    from shared.jobs.details import Details
    from shared.jobs.records import Offboarding, Request, Step

_log = logging.getLogger(__name__)


def settle_step(services: Services, order: Order, name: str, verdict: Mapping[str, Any]) -> Answer:
    """Record a step that could not be run: what it requires did not succeed, or its attempts kept breaking."""
    step = services.store.details(order.id).steps[name]
    if step.run != order.run:
        return SUPERSEDED
    if not step.has_ended:
        blockers = tuple(verdict.get("blocked_by", ()))
        message = f"Not begun: {_named(blockers)} did not succeed." if blockers else verdict["message"]
        finding = Finding(Outcome(verdict["outcome"]), message, blocked_by=blockers)
        try:
            step = services.store.put_steps(order.id, [judgement.ended(step, [finding], clock.now())])[0]
        except ConflictError:
            return settle_step(services, order, name, verdict)
    return settled(step)


def _named(nodes: Sequence[str]) -> str:
    """Name what a step waited for in the words of its titles."""
    return ", ".join(f'"{_READING.get(name) or catalogue.title_of(name)}"' for name in nodes)


_READING: Final = {plan.SNAPSHOT_DIRECTORY: "Read the account", plan.SNAPSHOT_MAILBOX: "Read the mailbox"}


_STOPPED: Final[Mapping[str, tuple[Reason, str]]] = {
    **protection.STOPS,
    "tenant_not_managed": (
        Reason.refused,
        "This service no longer manages the tenant: it is not in M365_TENANTS, and its GDAP relationship has ended.",
    ),
    "no_longer_allowed": (
        Reason.refused,
        "Whoever asked for it may not have it done any more. Somebody who may can retry it.",
    ),
    "user_missing": (Reason.refused, "There is no such user in the tenant any more."),
    "user_deleted": (Reason.refused, "The account was deleted before the offboarding began."),
    "cancelled": (Reason.cancelled, "It was cancelled."),
    "original_missing": (
        Reason.refused,
        "The offboarding that was to be undone was deleted with what it had recorded.",
    ),
    "nobody_to_restore": (Reason.refused, "The account does not exist now. Restore it first, with delete_user."),
}


def finish_run(services: Services, order: Order, stop: str | None) -> Answer:
    """End the offboarding as its steps ended; the state, the listing and the locks change in one transaction."""
    offboarding = services.store.get(order.id)
    if offboarding is None or offboarding.run != order.run:
        return SUPERSEDED
    if offboarding.state in ENDED:
        return _result(services, offboarding)
    looks = stop is None and access_checks.is_due_at_end(services, offboarding)
    details = services.store.details_at_end(order.id, order.run, has_looked=looks)
    steps = _all_ended(services, order, stop, details)
    if steps is None:
        return SUPERSEDED
    steps = _in_order(offboarding.request, steps)
    reason = reason_of(steps)
    message = ""
    if stop in _STOPPED and (reason or not steps):
        reason, message = _STOPPED[stop]
    message = message or _left_to_do(steps)
    if offboarding.request.restores:
        access.taken_back(services, offboarding, steps)
    over = offboarding.ended(clock.now(), reason, message)
    over = replace(over, access=access.given(over, steps))
    if stop is None and not over.request.restores:
        over = replace(over, checks=access_checks.planned(services, over, details.checked))
    attention = _attention(steps)
    over = replace(over, warnings=tuple(dict.fromkeys((*offboarding.warnings, *attention))))
    over = outbox.announced(services, over, has_attention=bool(attention))
    try:
        services.store.change(offboarding, over)
    except ConflictError:
        return finish_run(services, order, stop)
    return _result(services, over)


def _all_ended(services: Services, order: Order, stop: str | None, details: Details) -> list[Step] | None:
    """Return the steps, every one ended; None where a later run has taken them."""
    if is_superseded(details, order):
        return None
    left = [step for step in details.steps.values() if not step.has_ended]
    was_there = details.first().values.get(USER.name) is not None
    over = [judgement.ended(step, [_left_behind(step, stop, was_there=was_there)], clock.now()) for step in left]
    try:
        if over:
            services.store.put_steps(order.id, over)
    except ConflictError:
        return _all_ended(services, order, stop, services.store.details(order.id))
    return [step for step in details.steps.values() if step.has_ended] + over


def _left_behind(step: Step, stop: str | None, *, was_there: bool) -> Finding:
    if stop == "user_deleted" and catalogue.get(step.name).is_last:
        if was_there:  # it is this run's predecessor that deleted it, and died before it could say so
            return Finding(Outcome.done, "The account was deleted.")
        return Finding(Outcome.already_done, "The account had been deleted before.")
    if stop == "user_deleted":
        return Finding(Outcome.not_applicable, "The account had been deleted before.")
    if stop == "cancelled" and step.started_at:
        known = f"{len(step.accepted)} changes had been made" if step.accepted else "what it had changed is not known"
        return Finding(Outcome.failed, f"Cancelled half-way: {known}; the tenant was not looked at again.")
    if stop in _STOPPED:
        return Finding(Outcome.skipped, _STOPPED[stop][1])
    return Finding(Outcome.failed, "It did not come to an end.")


def _attention(steps: list[Step]) -> list[str]:
    return [
        f"{catalogue.title_of(step.name)}: {judgement.told(step.message, step.items)}"
        for step in steps
        if step.outcome is Outcome.needs_attention
    ]


def _in_order(request: Request, steps: list[Step]) -> list[Step]:
    """Return steps in the order of their plan, in which people are told of them."""
    by_name = {step.name: step for step in steps}
    order = plan.in_order(request.actions, backwards=bool(request.restores))
    return [by_name[name] for name in order if name in by_name]


def _left_to_do(steps: list[Step]) -> str:
    """Name the steps that a person must act on; "" where all went well."""
    parts = [
        f"{what}: {', '.join(catalogue.title_of(step.name) for step in steps if step.outcome is outcome)}."
        for outcome, what in _LEFT_TO_DO.items()
        if any(step.outcome is outcome for step in steps)
    ]
    return " ".join(parts)


_LEFT_TO_DO: Final = {
    Outcome.failed: "Did not succeed",
    Outcome.skipped: "Skipped",
    Outcome.needs_attention: "Needs attention",
}


def _result(services: Services, offboarding: Offboarding) -> Answer:
    """Tell how it ended, and what is left to do: tell people, and start who waits for the place that is free now."""
    result: Answer = {"state": offboarding.state, "reason": offboarding.reason}
    if _somebody_waits(services, offboarding):
        result["next_of"] = offboarding.request.tenant.id
    return result | {"deliver": True} if any(one.is_pending for one in offboarding.deliveries) else result


def _somebody_waits(services: Services, offboarding: Offboarding) -> bool:
    """Return whether another offboarding of the tenant is due; where that cannot be read, the timer looks again."""
    tenant_id = offboarding.request.tenant.id
    try:
        return next(services.store.waiting_in(tenant_id, clock.now()), None) is not None
    except Exception:  # noqa: BLE001 - the run has ended, whatever this is
        _log.exception("Who waits for the end of offboarding %s is left to the timer", offboarding.id)
        return False


def deliver(services: Services, order: Order) -> Answer:
    """Tell the end of the run; whatever goes wrong here is left to the timer and changes nothing of the result."""
    try:
        outbox.deliver_first(services, order.id)
    except Exception:  # noqa: BLE001 - the run has ended, whatever this is
        _log.exception("The end of offboarding %s, run %s, is left to the timer to tell", order.id, order.run)
    return {}
