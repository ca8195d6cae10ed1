"""One attempt at one step: what every action has in common.

Judge by the snapshot, write what is open, record what Microsoft accepted, and either settle, hand over to verification,
or ask to be called again. Delivered twice or killed anywhere, it tells the same story: what counts is what was there
first and what is there now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from activities.basis import is_enough, procedure_of, tenant_of, view_of
from shared.actions.catalogue import Task
from shared.actions.outcome import Finding, Outcome, StepState
from shared.actions.reads.account import USER
from shared.actions.reads.perform import perform
from shared.actions.reads.snapshot import MoreToDoError, UnreadError
from shared.base import clock
from shared.jobs import judgement
from shared.jobs.storage.table import ConflictError
from shared.microsoft365.http.errors import Category, MicrosoftError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.actions.catalogue import Procedure, View
    from shared.actions.reads.snapshot import Read, Snapshot
    from shared.app.services import Services
    from shared.jobs.details import Details
    from shared.jobs.records import Step
    from shared.microsoft365.cloud import TenantClients
    from shared.microsoft365.http.messages import SentRequest

Answer = dict[str, Any]
"""What an activity tells the orchestrator, see `step_graph`."""

SUPERSEDED: Answer = {"stop": "superseded"}
_POLL_SECONDS = (2, 4, 8, 15)
_OTHER_DELIVERY_SECONDS = 15
_REQUEST_IDS_KEPT = 20


@dataclass(frozen=True)
class Order:
    """What the orchestrator asks of an activity; `last` means that there will be no further attempt."""

    id: str
    run: int
    attempt: int
    waited: float
    last: bool

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Order:
        """Read the activity's input."""
        return cls(data["id"], data["run"], data.get("attempt", 1), data.get("waited", 0), data.get("last", False))


@dataclass(frozen=True)
class _Again:
    """The step is not through: come back in `seconds`, or after a time of the orchestrator's choice if None."""

    seconds: float | None
    why: str
    message: str


def attempt(services: Services, name: str, order: Order) -> Answer:
    """Work on the step `name` once and record how far it came."""
    remembered = services.store.remembered(order.id)
    is_known = remembered is not None and is_enough(remembered, name, order)
    details = remembered if remembered and is_known else services.store.details_to_remember(order.id)
    step = details.steps[name]
    if over := _over(details, step, order):
        return over
    begun = replace(step, attempts=step.attempts + 1, started_at=step.started_at or clock.now())
    log: list[SentRequest] = []
    try:
        worked, answer = _work(services, details, begun, order, log)
        services.store.put_steps(order.id, [_with_requests(worked, log)], log)
    except ConflictError:
        services.store.audit_alone(order.id, step, log)
        return _after_conflict(services, name, order)
    except Exception:
        services.store.audit_alone(order.id, step, log)
        raise
    return answer


def settled(step: Step) -> Answer:
    """Tell the orchestrator how a step ended."""
    return {"settled": step.outcome or Outcome.failed}


def _after_conflict(services: Services, name: str, order: Order) -> Answer:
    """Somebody else wrote the step: a later run, another delivery of this attempt, or who cancelled the offboarding."""
    details = services.store.details_to_remember(order.id)
    return _over(details, details.steps[name], order) or {"again": _OTHER_DELIVERY_SECONDS, "why": "pending"}


def _over(details: Details, step: Step, order: Order) -> Answer | None:
    """Return the answer for a step that nothing is left to do for; None where there is."""
    if step.run != order.run:
        return SUPERSEDED
    if step.has_ended:
        return settled(step)
    if details.cancelled_by and step.state is StepState.waiting:
        return {"stop": "cancelled"}
    return None


@dataclass(frozen=True)
class _Work:
    """What a step works with."""

    services: Services
    details: Details
    order: Order
    procedure: Procedure
    clients: TenantClients


def _work(
    services: Services, details: Details, step: Step, order: Order, log: list[SentRequest]
) -> tuple[Step, Answer]:
    procedure = procedure_of(details, step.name)
    clients = services.microsoft365.tenant(tenant_of(details), log)
    work = _Work(services, details, order, procedure, clients)
    view = view_of(details, step.name, order)
    scans = services.store.scans(tenant_of(details))
    try:
        if wanted := _more_to_read(procedure, view):
            step = _marked(work, step)
            seen, unasked = perform(wanted, view.person, clients, view.now)
            if unasked and not order.last:
                return _come_back(step, again_after(unasked))
            view, step = _with_found(work, view, step, seen)
        view, step = _with_found(work, view, step, procedure.survey(view, clients, scans))
    except MoreToDoError as more:
        waiting, answer = _come_back(step, _Again(more.seconds, "pending", str(more)), more.progress)
        return replace(waiting, state=StepState.running, attempts=step.attempts - 1), answer  # a page, not a failure
    except (MicrosoftError, UnreadError) as error:
        if isinstance(error, MicrosoftError) and error.retryable and not order.last:
            return _come_back(step, again_after([error]))
        return _end(step, [Finding(Outcome.failed, str(error))], procedure, view)
    return _judge_and_write(work, view, step)


def _judge_and_write(work: _Work, view: View, step: Step) -> tuple[Step, Answer]:
    procedure, order = work.procedure, work.order
    findings = judgement.findings_of(procedure, view)
    todo = judgement.to_do(procedure, findings)
    missing = [f for f in todo if f.item not in step.accepted and f.item not in step.problems]
    if missing:
        step = _marked(work, step)
        try:
            step, again = _apply(procedure, Task(view, missing, work.clients), step, last=order.last)
        except MoreToDoError as more:
            return _come_back(step, _Again(more.seconds, "pending", str(more)), more.progress)
        if again:
            return _come_back(step, again)
    if not judgement.unproven(todo, step.problems):
        return _end(step, judgement.concluded(_with(findings, todo), step.problems, ""), procedure, view)
    if not procedure.proves_itself:
        return replace(step, state=StepState.verifying, next_attempt_at=None), {"written": True}
    seen, retryable = procedure.read_back(view, work.clients)
    if retryable and not order.last:
        return _come_back(step, again_after(retryable))
    return _read_back(procedure, replace(view, now=seen.applied_to(view.now)), step, order)


def _marked(work: _Work, step: Step) -> Step:
    """Have the record say that the step is running before it changes anything, unless it says so.

    That keeps another delivery of the attempt from changing anything, too, and tells a step that was cancelled half-way
    from one that had changed nothing. Questions to SharePoint count as changes: it takes up whom it is asked about.
    """
    begun = _running(step)
    return step if begun is step else work.services.store.put_steps(work.order.id, [begun])[0]


def _running(step: Step) -> Step:
    under_way = step.state in {StepState.running, StepState.verifying}
    return step if under_way else replace(step, state=StepState.running)


def _more_to_read(procedure: Procedure, view: View) -> list[Read[Any]]:
    """Return what the action wants to know besides the snapshot of the run."""
    asked = view.now.asked
    return [read for read in procedure.reads_later(view) if read.name not in asked]


def _with_found(work: _Work, view: View, step: Step, found: Snapshot | None) -> tuple[View, Step]:
    """Add what the step found out by itself, kept in the snapshot before anything is changed, with the mark."""
    if found is None:
        return view, step
    kept, step = work.services.store.put_found(work.order.id, _running(step), found)
    return replace(view, first=view.first.filled_with(kept), now=kept.with_fallback(view.now)), step


def _apply(procedure: Procedure, task: Task, step: Step, *, last: bool) -> tuple[Step, _Again | None]:
    """Let the action write, and note what Microsoft accepted, refused, and wants to be asked again."""
    try:
        results = procedure.apply(task)
    except MicrosoftError as error:
        results = {finding.item: error for finding in task.open}
    if results is None:
        results = dict.fromkeys((finding.item for finding in task.open), None)
    accepted, problems, retryable = list(step.accepted), dict(step.problems), list[MicrosoftError]()
    for finding in task.open:
        answer = results.get(finding.item)
        error = explained(procedure, task.view, answer) if answer else None
        if error is not None and error.retryable and not last:
            retryable.append(error)
            continue
        refused = judgement.problem(procedure, finding, error) if error else None
        if refused:
            problems[finding.item] = refused
        else:
            accepted.append(finding.item)
    written_at = clock.now() if len(accepted) > len(step.accepted) else step.written_at
    step = replace(step, accepted=tuple(accepted), problems=problems, written_at=written_at)
    return step, again_after(retryable) if retryable else None


def explained(procedure: Procedure, view: View, error: MicrosoftError) -> MicrosoftError:
    """Say what it takes to change an account that only roles for its unit reach: no permission of the app does.

    Learn: "Restricted management administrative units in Microsoft Entra ID". A former administrator's account is tried
    again: that the roles are gone shows late.
    """
    user = view.now.get(USER) if view.now.values.get(USER.name) else None
    if not procedure.changes_account or error.category is not Category.auth_permission or not user:
        return error
    if not user.is_restricted and not view.is_freed:
        return error
    if not user.is_restricted:
        why = "The person was an administrator until a moment ago, and Microsoft may not have noticed."
        text = f"{why} {error.message}"
        return MicrosoftError(error.service, Category.transient, text, status=error.status, code=error.code)
    text = (
        "The account is in a restricted management administrative unit: give the app's service principal a role in "
        f"that unit, such as User Administrator or Privileged Authentication Administrator. {error.answer}"
    )
    return MicrosoftError(error.service, error.category, text, status=error.status, code=error.code)


def again_after(errors: list[MicrosoftError]) -> _Again:
    """Wait as long as the most patient of the services asked for; throttling counts by time, faults by number.

    There is at least one error: what did not answer.
    """
    waits = [error.retry_after for error in errors if error.retry_after is not None]
    why = "throttled" if any(error.retryable == "throttled" for error in errors) else "transient"
    return _Again(max(waits, default=None), why, errors[0].message)


def _read_back(procedure: Procedure, view: View, step: Step, order: Order) -> tuple[Step, Answer]:
    findings = judgement.findings_of(procedure, view)
    if judgement.unproven(findings, step.problems) and not order.last:
        seconds = _POLL_SECONDS[min(order.attempt, len(_POLL_SECONDS)) - 1]
        return _come_back(step, _Again(seconds, "pending", "Microsoft accepted the change; it does not show yet."))
    unseen = f"Microsoft accepted the change, but it did not show within {order.waited / 60:.0f} minutes."
    return _end(step, judgement.concluded(findings, step.problems, unseen), procedure, view)


def _come_back(step: Step, again: _Again, progress: int = 0) -> tuple[Step, Answer]:
    state = StepState.verifying if again.why == "pending" else StepState.retrying
    due = clock.now() + timedelta(seconds=again.seconds or 0)
    message = again.message
    if state is StepState.retrying:
        when = f"at {due:%H:%M} UTC" if again.seconds else "soon"
        message = f"Will be retried {when}. {message}"
    waiting = replace(step, state=state, message=message, next_attempt_at=due)
    progress += len(step.accepted) + len(step.problems)
    return waiting, {"again": again.seconds, "why": again.why, "progress": progress}


def _end(step: Step, findings: list[Finding], procedure: Procedure, view: View) -> tuple[Step, Answer]:
    changes = judgement.changes_of(procedure, view)
    over = judgement.ended(step, findings, clock.now(), changes, procedure.words)
    return over, settled(over)


def _with(findings: list[Finding], todo: list[Finding]) -> list[Finding]:
    """Put what was to be done over what was found: an action that repeats itself had found it done."""
    changed = {finding.item: finding for finding in todo}
    return [changed.get(finding.item, finding) for finding in findings]


def _with_requests(step: Step, log: list[SentRequest]) -> Step:
    """Keep the ids under which Microsoft's support finds the newest requests of a step."""
    ids = tuple(dict.fromkeys((*step.request_ids, *(sent.client_request_id for sent in log))))
    return replace(step, request_ids=ids[-_REQUEST_IDS_KEPT:])
