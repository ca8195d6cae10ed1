"""What a step goes by: the details of its offboarding, as an action looks at them, and whether they are enough."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.actions import catalogue, plan, restoration
from shared.actions.catalogue import View
from shared.actions.outcome import StepState
from shared.actions.reads.snapshot import UnreadError
from shared.base import clock

if TYPE_CHECKING:
    from activities.attempt import Order
    from shared.actions.catalogue import Procedure
    from shared.actions.reads.snapshot import Snapshot
    from shared.jobs.details import Details
    from shared.jobs.records import Request, Step

_NOTICED_WITHIN: Final = timedelta(minutes=10)
"""How late it may show that an administrator is none any more."""


def view_of(details: Details, name: str, order: Order, now: Snapshot | None = None) -> View:
    """Gather what a judgement of the step `name` rests on; `now` is the run's own snapshot unless given."""
    request = details.request
    if request is None:
        raise ValueError(f"Offboarding {order.id} has steps but no request.")
    return View(
        person=request.person,
        first=details.first(),
        now=now or details.latest(order.run),
        params=request.actions[name],
        selected=request.actions,
        force=request.force,
        outcomes={n: s.outcome for n, s in details.steps.items() if s.outcome},
        original=details.original(name),
        is_freed=_is_freed(details),
    )


def _is_freed(details: Details) -> bool:
    """Return whether a step has written, not long ago, what lets the app change the account."""
    freeing = [step.written_at for name, step in details.steps.items() if _frees_account(name) and step.written_at]
    return any(clock.now() - moment < _NOTICED_WITHIN for moment in freeing)


def _frees_account(name: str) -> bool:
    return name in catalogue.all_actions() and catalogue.get(name).frees_account


def nodes_of(request: Request) -> tuple[plan.Node, ...]:
    """Return the nodes of the run of what was asked for, forwards or backwards."""
    return plan.make_back(request.actions).nodes if request.restores else plan.nodes_of(request.actions)


def procedure_of(details: Details, name: str) -> Procedure:
    """Return what the step `name` does: an action, or how it is undone."""
    return restoration.procedure(name, backwards=details.request is not None and bool(details.request.restores))


def tenant_of(details: Details) -> str:
    """Return the id of the tenant the offboarding happens in."""
    if details.request is None:
        raise ValueError("An offboarding whose run has begun has a request.")
    return details.request.tenant.id


def is_superseded(details: Details, order: Order) -> bool:
    """Return whether a later run has taken steps of this one over: their records are never touched."""
    return any(step.run > order.run for step in details.steps.values())


def is_enough(details: Details, name: str, order: Order) -> bool:
    """Return whether a step can begin by what this process remembers of the run, without asking storage.

    It knows how all ended that comes before the step, and what of its reads comes before it. Whether the step has still
    to begin shows when it is written: nothing is changed until then.
    """
    step, request = details.steps.get(name), details.request
    if not step or not request or step.run != order.run or step.state is not StepState.waiting:
        return False
    node = next(node for node in nodes_of(request) if node.name == name)
    waits_for = [details.steps[other] for other in node.after if other in details.steps]
    rests_on = [details.steps[other] for other in node.requires if other in details.steps]
    if not all(map(_is_through, waits_for)) or not all(other.has_ended for other in rests_on):
        return False
    procedure, view = procedure_of(details, name), view_of(details, name, order)
    try:
        later = {read.name for read in procedure.reads_later(view)}
    except UnreadError:
        return False
    return all(read.name in view.now.asked or read.name in later for read in procedure.reads_for(view.params))


def is_all_through(details: Details, order: Order) -> bool:
    """Return whether every step of the run is known to have done its part, so that nothing of it changes any more."""
    return all(_is_through(step) and (step.is_settled or step.run == order.run) for step in details.steps.values())


def _is_through(step: Step) -> bool:
    """Return whether a step has done its part: it has ended, or been handed over to be verified with the others."""
    return step.has_ended or (step.state is StepState.verifying and step.next_attempt_at is None)
