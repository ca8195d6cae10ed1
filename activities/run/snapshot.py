"""What was there before a run changed anything: read once, judged, and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from activities.attempt import SUPERSEDED, Answer, Order, again_after
from activities.basis import is_superseded, procedure_of, tenant_of, view_of
from shared.actions.outcome import Outcome
from shared.actions.reads.account import USER
from shared.actions.reads.perform import perform
from shared.actions.reads.snapshot import Snapshot
from shared.microsoft365.graph import graph_calls
from shared.microsoft365.http.errors import Category, MicrosoftError
from shared.offboarding.tenants import protected_names, protection

if TYPE_CHECKING:
    from shared.actions.reads.snapshot import Read
    from shared.app.services import Services
    from shared.jobs.details import Details


def snapshot_directory(services: Services, order: Order) -> Answer:
    """Read the person's account and what else the directory knows; stop the run where there is no such person."""
    details = _details(services, order)
    snapshot, answer = _snapshot(services, details, order, "graph")
    if snapshot.values.get(USER.name, "unread") is not None:
        if "settled" not in answer:
            return answer
        return _refusal(services, details, snapshot) or answer
    if details.request is not None and details.request.restores:
        return {"stop": "nobody_to_restore"}
    return {"stop": "user_deleted" if _is_deleted(services, details) else "user_missing"}


def _refusal(services: Services, details: Details, snapshot: Snapshot) -> Answer | None:
    """Stop the run where the person must not be offboarded by now; nothing was changed by this run."""
    user = snapshot.get(USER) if USER.name in snapshot.values else None
    if details.request is None or user is None:
        return None  # without the account nothing is done either: each step says that it could not be read
    if user.id.casefold() != details.request.person.id.casefold():
        return {"stop": "another_person"}
    operator = {details.request.requested_by.casefold()}
    why = protection.why_protected(user, protected_names.protected(services), operator)
    if why is None and user.enabled and not details.request.restores:
        if protection.ADMINISTRATORS.name not in snapshot.values:
            why = "unprotected_unknown"
        elif user.id in (administrators := snapshot.get(protection.ADMINISTRATORS)):
            leaving = services.store.locks(tenant_of(details)).people
            why = "last_administrator" if protection.is_last(user.id, administrators, leaving) else None
    return {"stop": why} if why else None


def snapshot_mailbox(services: Services, order: Order) -> Answer:
    """Read the person's mailbox and what else Exchange knows."""
    return _snapshot(services, _details(services, order), order, "exchange")[1]


def _details(services: Services, order: Order) -> Details:
    """Return what the process that has just begun the run remembers of it; a further attempt asks storage."""
    remembered = services.store.remembered(order.id) if order.attempt == 1 else None
    if remembered and remembered.request:
        return remembered
    return services.store.details_to_remember(order.id)


def _snapshot(services: Services, details: Details, order: Order, service: str) -> tuple[Snapshot, Answer]:
    """Return what this run knows by now, and the answer; what an earlier delivery read is not read again."""
    known = details.latest(order.run)
    if is_superseded(details, order):
        return known, SUPERSEDED
    asked = known.asked
    wanted = [read for read in _unsettled_reads(details, service) if read.name not in asked]
    if not wanted:
        return known, {"settled": Outcome.done}
    view = view_of(details, next(iter(details.steps)), order)
    snapshot, retryable = perform(wanted, view.person, services.microsoft365.tenant(tenant_of(details)))
    is_through = order.last or not retryable
    new = snapshot if is_through else Snapshot(snapshot.values, {})
    kept = services.store.put_reading(order.id, order.run, (service, order.attempt), new)
    known = kept.with_fallback(snapshot).with_fallback(known)
    if is_through:
        return known, {"settled": Outcome.done}
    return known, {**_again(retryable), "progress": len(known.values)}


def _unsettled_reads(details: Details, service: str) -> list[Read[Any]]:
    always = (USER, protection.ADMINISTRATORS) if service == USER.service else ()
    wanted: dict[str, Read[Any]] = {read.name: read for read in always}
    for step in details.steps.values():
        if not step.is_settled:
            wanted |= {read.name: read for read in _reads_of(details, step.name) if read.service == service}
    return list(wanted.values())


def _reads_of(details: Details, name: str) -> tuple[Read[Any], ...]:
    procedure = procedure_of(details, name)
    return procedure.reads_for(details.request.actions[name]) if details.request else procedure.reads


def _again(errors: list[MicrosoftError]) -> Answer:
    wait = again_after(errors)
    return {"again": wait.seconds, "why": wait.why}


def _is_deleted(services: Services, details: Details) -> bool:
    if details.request is None:
        return False
    try:
        services.microsoft365.tenant(tenant_of(details)).graph.send(
            graph_calls.get_deleted_user(details.request.person.id)
        )
    except MicrosoftError as error:
        if error.category is Category.not_found:
            return False
        raise
    return True
