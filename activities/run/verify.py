"""Proof, for all steps together that do not prove themselves: look until it shows, or time is up."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from activities.attempt import SUPERSEDED, Answer, Order, again_after
from activities.basis import is_all_through, is_superseded, procedure_of, tenant_of, view_of
from shared.actions.outcome import Finding, Outcome, StepState
from shared.actions.reads.perform import perform
from shared.base import clock
from shared.base.threads import Threads
from shared.jobs import judgement
from shared.jobs.storage.table import ConflictError
from shared.microsoft365.http.errors import MicrosoftError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.actions.catalogue import Procedure, View
    from shared.actions.reads.snapshot import Read, Snapshot
    from shared.app.services import Services
    from shared.jobs.details import Details
    from shared.jobs.records import Step
    from shared.microsoft365.graph.graph_calls import GraphCall
    from shared.microsoft365.http.messages import SentRequest

_log = logging.getLogger(__name__)


VERIFY_FOR_SECONDS: Final = 300
"""Directory reads lag behind writes by seconds, rarely minutes."""

READ_FOR_SECONDS: Final = 1200
"""What fails to be read is asked for longer, but not until the run counts as lost: nothing is wrong with the change."""

_VERIFY_AGAIN_SECONDS: Final = (2, 4, 8, 16, 30)


def verify(services: Services, order: Order) -> Answer:
    """Prove together what the actions did not prove themselves; look again until it shows or time is up."""
    remembered = services.store.remembered(order.id) if order.attempt == 1 else None
    if remembered and is_all_through(remembered, order):
        return _verify(services, order, remembered)
    return _verify(services, order, services.store.details(order.id))


def _verify(services: Services, order: Order, details: Details) -> Answer:
    if is_superseded(details, order):
        return SUPERSEDED
    claims = [step for step in details.steps.values() if step.state is StepState.verifying]
    if not claims:
        return {"settled": Outcome.done, "also": _outcomes(details)}
    try:
        looks, retryable, proven = _prove(services, order, details, claims)
    except ConflictError:
        return {"again": _VERIFY_AGAIN_SECONDS[0], "why": "pending"}
    ended = {step.name: step.outcome for step in proven}
    wanting = [(look.claim, look.insists_on()) for look in looks if look.claim.name not in ended]
    again = [(claim, calls) for claim, calls in wanting if calls]
    if again and is_superseded(services.store.details(order.id), order):
        return SUPERSEDED
    for claim, calls in again:
        _ask_again(services, order, claim, calls, tenant_of(details))
    if len(proven) == len(claims):
        return {"settled": Outcome.done, "also": _outcomes(details) | ended}
    seconds = _VERIFY_AGAIN_SECONDS[min(order.attempt, len(_VERIFY_AGAIN_SECONDS)) - 1]
    if retryable:
        seconds = max(seconds, again_after(retryable).seconds or 0)
    return {"again": seconds, "why": "pending", "also": ended, "progress": len(_outcomes(details) | ended)}


def _prove(
    services: Services, order: Order, details: Details, claims: Sequence[Step]
) -> tuple[list[_Look], list[MicrosoftError], list[Step]]:
    """Look at all claims; return the looks, the errors worth asking again, and the steps that ended, as written.

    What Graph alone shows is written while the other services, which take longer, answer.
    """
    person, clients = view_of(details, claims[0].name, order).person, services.microsoft365.tenant(tenant_of(details))
    proofs = {claim.name: _proof_of(details, claim, order) for claim in claims}
    wanted = {read.name: read for proof in proofs.values() for read in proof}.values()

    def ask(reads: Iterable[Read[Any]]) -> tuple[Snapshot, list[MicrosoftError]]:
        return perform(reads, person, clients, details.latest(order.run))

    def look(claims: Iterable[Step], seen: Snapshot) -> list[_Look]:
        return [_look(details, claim, order, seen.only(proofs[claim.name])) for claim in claims]

    with Threads(1) as threads:
        others = threads.submit(ask, [read for read in wanted if read.service != "graph"])
        seen, retryable = ask(read for read in wanted if read.service == "graph")
        is_early = {claim.name: all(read.service == "graph" for read in proofs[claim.name]) for claim in claims}
        early = look((claim for claim in claims if is_early[claim.name]), seen)
        ended = _end(services, order, early, retryable)
        more, errors = others.result()
    retryable = [*retryable, *errors]
    late = look((claim for claim in claims if not is_early[claim.name]), seen.with_fallback(more))
    return [*early, *late], retryable, [*ended, *_end(services, order, late, retryable)]


def _end(services: Services, order: Order, looks: Iterable[_Look], retryable: Sequence[MicrosoftError]) -> list[Step]:
    """Write the end of the steps that are proven, or whose time is up; return them as they are now."""
    last = order.last or order.waited >= (READ_FOR_SECONDS if retryable else VERIFY_FOR_SECONDS)
    over = [look.ended() for look in looks if last or look.is_proven]
    return services.store.put_steps(order.id, over) if over else []


@dataclass(frozen=True)
class _Look:
    """A step that was looked at once more: what is found of it now."""

    claim: Step
    procedure: Procedure
    view: View
    findings: Sequence[Finding]
    has_errors: bool

    @property
    def missing(self) -> Sequence[Finding]:
        """What was accepted and does not show."""
        return judgement.unproven(self.findings, self.claim.problems)

    @property
    def is_proven(self) -> bool:
        """Whether there is nothing left to wait for."""
        return not self.has_errors and not self.missing

    def insists_on(self) -> Sequence[GraphCall]:
        """Return what the step asks once more; nothing where it is not known what is missing."""
        return () if self.has_errors else self.procedure.insists_on(self.view, self.missing)

    def ended(self) -> Step:
        """Return the end of the step: proven, or its time is up."""
        unseen = "Microsoft accepted the change, but it was not seen when it was looked for."
        over = judgement.concluded(self.findings, self.claim.problems, unseen)
        changes = judgement.changes_of(self.procedure, self.view)
        return judgement.ended(self.claim, over, clock.now(), changes, self.procedure.words)


def _look(details: Details, claim: Step, order: Order, proof: Snapshot) -> _Look:
    procedure = procedure_of(details, claim.name)
    view = view_of(details, claim.name, order, proof.applied_to(details.latest(order.run)))
    return _Look(claim, procedure, view, judgement.findings_of(procedure, view), bool(proof.errors))


def _ask_again(services: Services, order: Order, claim: Step, calls: Sequence[GraphCall], tenant_id: str) -> None:
    """Ask again for what does not show of a step, and record what was sent."""
    log: list[SentRequest] = []
    clients = services.microsoft365.tenant(tenant_id, log)
    try:
        clients.graph.batch(calls)
    except MicrosoftError:
        _log.info("Asking again for %s of offboarding %s was refused", claim.name, order.id, exc_info=True)
    if log:
        services.store.audit_alone(order.id, claim, log)


def _proof_of(details: Details, claim: Step, order: Order) -> tuple[Read[Any], ...]:
    return procedure_of(details, claim.name).proof_for(view_of(details, claim.name, order))


def _outcomes(details: Details) -> dict[str, str]:
    return {name: step.outcome for name, step in details.steps.items() if step.outcome}
