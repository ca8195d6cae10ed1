"""What a run does besides its actions: begin, snapshot, verify, settle what could not run, finish, deliver.

Each is safe to repeat: it looks at what is recorded before it writes, and a record of a later run is never touched.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from activities.attempt import SUPERSEDED, Answer, Order, again_after, procedure_of, settled, tenant_of, view_of
from shared.access.caller import may_still
from shared.actions import catalogue, plan
from shared.actions.catalogue import Task
from shared.actions.outcome import Finding, Outcome, StepState
from shared.actions.reads.account import USER
from shared.actions.reads.perform import perform
from shared.actions.reads.snapshot import Snapshot
from shared.base import clock
from shared.jobs import judgement
from shared.jobs.records import ENDED, Reason, State, Step, reason_of
from shared.jobs.storage.snapshots import ORIGINAL
from shared.jobs.storage.table import ConflictError
from shared.microsoft365.graph import graph_calls
from shared.microsoft365.http.errors import Category, MicrosoftError
from shared.notifications import outbox
from shared.offboarding.lifecycle import access, access_checks
from shared.offboarding.tenants import protected_names, protection
from shared.offboarding.tenants.tenants import Tenants

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.actions.catalogue import Procedure, View
    from shared.actions.reads.snapshot import Read
    from shared.app.services import Services
    from shared.jobs.records import Offboarding, Request
    from shared.jobs.storage.store import Details
    from shared.microsoft365.http.messages import SentRequest

_log = logging.getLogger(__name__)

VERIFY_FOR_SECONDS: Final = 300
"""Directory reads lag behind writes by seconds, rarely minutes."""

READ_FOR_SECONDS: Final = 1200
"""What fails to be read is asked for longer, but not until the run counts as lost: nothing is wrong with the change."""

_VERIFY_AGAIN_SECONDS: Final = (2, 4, 8, 16, 30)


def begin_run(services: Services, order: Order) -> Answer:
    """Take over the unsettled steps for this run and return its plan; safe against a run that is not current."""
    offboarding = services.store.get(order.id)
    if offboarding is None or offboarding.state is not State.running or offboarding.run != order.run:
        return SUPERSEDED
    details = services.store.details(order.id)
    the_plan = plan_of(offboarding.request)
    taken = [
        Step(node.name, order.run, started_at=old.started_at if old else None, etag=old.etag if old else "")
        for node in the_plan.steps
        if not ((old := details.steps.get(node.name)) and (old.is_settled or old.run >= order.run))
    ]
    if _is_superseded(details, order):
        return SUPERSEDED
    if stop := _stop_at_begin(services, offboarding, details, is_any_open=bool(taken)):
        return {"stop": stop}
    if taken:
        try:
            services.store.begin(offboarding, details, taken)
        except ConflictError:
            return begin_run(services, order)
    return {
        "nodes": [node.to_json() for node in the_plan.nodes],
        "settled": {name: step.outcome for name, step in details.steps.items() if step.is_settled},
        "patience_seconds": services.settings.give_up_after_seconds,
        "check": access_checks.is_due_at_end(services, offboarding),
    }


def _stop_at_begin(services: Services, job: Offboarding, details: Details, *, is_any_open: bool) -> str | None:
    """Return why a run ends before it reads anything, one of `_STOPPED`; None where it goes on."""
    if job.cancelled_by:
        return "cancelled"
    if not Tenants(services).still_manages(job.request.tenant.id):
        return "tenant_not_managed"
    if not details.steps and not _may_still(services, job):
        return "no_longer_allowed"
    if is_any_open and not _has_original(services, job, details):
        return "original_missing"
    return None


def _may_still(services: Services, job: Offboarding) -> bool:
    """Return whether the settings still let whoever wanted this run have it; what has begun is not left half done."""
    request = job.request
    return job.authority is None or may_still(services.settings, job.authority, request.tenant.id, request.actions)


def plan_of(request: Request) -> plan.Plan:
    """Plan what was asked for, forwards or backwards."""
    return plan.make_back(request.actions) if request.restores else plan.make(request.actions)


def _has_original(services: Services, job: Offboarding, details: Details) -> bool:
    """Keep with a restoration what it brings back, unless it is; False where that is not known any more."""
    if not job.request.restores or details.snapshots.get(ORIGINAL):
        return True
    original = services.store.details(job.request.restores)
    if not original.steps:
        return False
    services.store.put_original(job.id, original.first(), original.steps.values())
    return True


def snapshot_directory(services: Services, order: Order) -> Answer:
    """Read the person's account and what else the directory knows; stop the run where there is no such person."""
    details = services.store.details(order.id)
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
    _, answer = _snapshot(services, services.store.details(order.id), order, "exchange")
    return answer


def _snapshot(services: Services, details: Details, order: Order, service: str) -> tuple[Snapshot, Answer]:
    """Return what this run knows by now, and the answer; what an earlier delivery read is not read again."""
    known = details.latest(order.run)
    if _is_superseded(details, order):
        return known, SUPERSEDED
    answered = {*known.values, *known.errors}
    wanted = [read for read in _unsettled_reads(details, service) if read.name not in answered]
    if not wanted:
        return known, {"settled": Outcome.done}
    view = view_of(details, next(iter(details.steps)), order)
    snapshot, retryable = perform(wanted, view.person, services.microsoft365.tenant(tenant_of(details)))
    is_through = order.last or not retryable
    new = snapshot if is_through else Snapshot(snapshot.values, {})
    kept = services.store.put_snapshot(order.id, order.run, new)
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


def _is_superseded(details: Details, order: Order) -> bool:
    return any(step.run > order.run for step in details.steps.values())


def verify(services: Services, order: Order) -> Answer:
    """Prove together what the actions did not prove themselves; look again until it shows or time is up."""
    details = services.store.details(order.id)
    if _is_superseded(details, order):
        return SUPERSEDED
    claims = [step for step in details.steps.values() if step.state is StepState.verifying]
    if not claims:
        return {"settled": Outcome.done, "also": _outcomes(details)}
    proofs = {claim.name: _proof_of(details, claim, order) for claim in claims}
    wanted = {read.name: read for proof in proofs.values() for read in proof}
    person = view_of(details, claims[0].name, order).person
    clients = services.microsoft365.tenant(tenant_of(details))
    seen, retryable = perform(wanted.values(), person, clients, details.latest(order.run))
    last = order.last or order.waited >= (READ_FOR_SECONDS if retryable else VERIFY_FOR_SECONDS)
    looks = [_look(details, claim, order, seen.only(proofs[claim.name])) for claim in claims]
    proven = [look.ended() for look in looks if last or look.is_proven]
    try:
        if proven:
            services.store.put_steps(order.id, proven)
    except ConflictError:
        return {"again": _VERIFY_AGAIN_SECONDS[0], "why": "pending"}
    ended = {step.name: step.outcome for step in proven}
    for look in looks:
        if look.claim.name not in ended and not look.has_errors:
            _insist(services, order, look, tenant_of(details))
    if len(proven) == len(claims):
        return {"settled": Outcome.done, "also": _outcomes(details) | ended}
    seconds = _VERIFY_AGAIN_SECONDS[min(order.attempt, len(_VERIFY_AGAIN_SECONDS)) - 1]
    if retryable:
        seconds = max(seconds, again_after(retryable).seconds or 0)
    return {"again": seconds, "why": "pending", "also": ended, "progress": len(_outcomes(details) | ended)}


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


def _insist(services: Services, order: Order, look: _Look, tenant_id: str) -> None:
    """Let a step ask again for what does not show, and record what it sent."""
    log: list[SentRequest] = []
    clients = services.microsoft365.tenant(tenant_id, log)
    try:
        look.procedure.insist(Task(look.view, look.missing, clients))
    except MicrosoftError:
        _log.info("Asking again for %s of offboarding %s was refused", look.claim.name, order.id, exc_info=True)
    if log:
        services.store.audit_alone(order.id, look.claim, log)


def _proof_of(details: Details, claim: Step, order: Order) -> tuple[Read[Any], ...]:
    return procedure_of(details, claim.name).proof_for(view_of(details, claim.name, order))


def _outcomes(details: Details) -> dict[str, str]:
    return {name: step.outcome for name, step in details.steps.items() if step.outcome}


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
    details = services.store.details(order.id)
    steps = _all_ended(services, order, stop, details)
    if steps is None:
        return SUPERSEDED
    reason = reason_of(steps)
    message = ""
    if stop in _STOPPED and (reason or not steps):
        reason, message = _STOPPED[stop]
    message = message or _left_to_do(offboarding.request, steps)
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
    if _is_superseded(details, order):
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


def _left_to_do(request: Request, steps: list[Step]) -> str:
    """Name the steps that a person must act on; "" where all went well."""
    by_name = {step.name: step for step in steps}
    order = plan.in_order(request.actions, backwards=bool(request.restores))
    ended = [by_name[name] for name in order if name in by_name]
    parts = [
        f"{what}: {', '.join(catalogue.title_of(step.name) for step in ended if step.outcome is outcome)}."
        for outcome, what in _LEFT_TO_DO.items()
        if any(step.outcome is outcome for step in ended)
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
        return any(one.is_waiting_in(tenant_id) for one in services.store.due(clock.now()))
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
