"""What people do to offboardings that exist: run now, retry, cancel, move, delete. Each is safe to repeat."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from shared.access.scope import EVERYTHING, Scope
from shared.base import clock
from shared.base.problems import RefusedError, refused
from shared.jobs import slots
from shared.jobs.records import Reason, State
from shared.jobs.storage.table import ConflictError
from shared.notifications import outbox
from shared.offboarding.lifecycle import access
from shared.offboarding.request import schedule
from shared.offboarding.request.submit import refuse_under_way
from shared.offboarding.tenants import protection

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.app.services import Services
    from shared.jobs.records import Offboarding

Name = Literal["run-now", "retry", "cancel", "delete"]

_TRIES: Final = 5


@dataclass(frozen=True)
class OperationResult:
    """What an operation led to.

    `to_start` has to be started, `to_wake` told that it was cancelled, the history of `to_forget` removed, all by
    whoever has a Durable client; an offboarding that is gone is None.
    """

    offboarding: Offboarding | None
    to_start: Offboarding | None = None
    to_wake: Offboarding | None = None
    to_forget: Offboarding | None = None


class Operations:
    """Operations on the offboardings of the tenants an operator may see.

    Each raises `RefusedError`: 403 where it would do what the operator may not have done, 404 for an offboarding that
    does not exist, 409 for one that is not in a state for it.
    """

    def __init__(self, services: Services, operator: str, scope: Scope = EVERYTHING) -> None:
        self._services = services
        self._store = services.store
        self._scope = scope
        self._room = services.settings.max_runs_per_tenant
        self._operator = operator

    def perform(self, name: Name, offboarding_id: str) -> OperationResult:
        """Do what is called `name`."""
        operations: dict[Name, Callable[[str], OperationResult]] = {
            "run-now": self.run_now,
            "retry": self.retry,
            "cancel": self.cancel,
            "delete": self.delete,
        }
        return operations[name](offboarding_id)

    def run_now(self, offboarding_id: str) -> OperationResult:
        """Start a planned offboarding before its time, or a failed one again."""
        return self._changed(offboarding_id, lambda o: self._taken(_may_run(o), "run_now"))

    def retry(self, offboarding_id: str) -> OperationResult:
        """Start the next run of a failed offboarding: it repeats nothing that is settled."""
        return self._changed(offboarding_id, lambda o: self._taken(_may_be_retried(o), "retried"))

    def reschedule(self, offboarding_id: str, scheduled_for: datetime | None) -> OperationResult:
        """Move a planned offboarding to another moment; None or a moment just past is due at once.

        Raises `RefusedError` 422, too, for one long past.
        """
        return self._changed(offboarding_id, lambda o: self._moved(o, scheduled_for))

    def cancel(self, offboarding_id: str) -> OperationResult:
        """End a planned offboarding at once; of a running one, no further step begins and what is in flight ends."""
        done = self._changed(offboarding_id, self._cancelled)
        if done.offboarding and done.offboarding.state is State.running:
            self._store.mark_cancelled(done.offboarding, self._operator)
            return OperationResult(done.offboarding, to_wake=done.offboarding)
        return done

    def move_access(self, offboarding_id: str, action: str, until: datetime | None) -> OperationResult:
        """Let what an action gave to others end at another moment, or (None) stay; a moment that is past means now.

        Raises `RefusedError` 404, too, for what it did not give, and 422 for a moment too far ahead.
        """
        now = clock.now()
        return self._changed(
            offboarding_id,
            lambda o: access.moved(o, action, until, now).noted(
                now, self._operator, "access_moved", self._scope.origin
            ),
        )

    def delete(self, offboarding_id: str) -> OperationResult:
        """Remove an offboarding that does not run; what was audited stays until its retention ends."""
        offboarding = self._existing(offboarding_id)
        self._refuse_own(offboarding)
        if offboarding.state is State.running:
            raise refused(409, "running", "The offboarding is running. Cancel it, or wait until it ends.")
        if ends := [one.until for one in offboarding.access if one.until]:
            text = f"What it gave to others ends {clock.in_words(min(ends))}. End it first, or let it stay for good."
            raise refused(409, "access_ends_later", text)
        self._store.audit_for_good(offboarding)
        try:
            self._store.delete(offboarding, self._operator, clock.now())
        except ConflictError:
            raise refused(409, "changed", "The offboarding changed just now; look at it again.") from None
        return OperationResult(None, to_forget=offboarding)

    def _existing(self, offboarding_id: str) -> Offboarding:
        offboarding = self._store.get(offboarding_id) if offboarding_id.isalnum() else None
        if offboarding is None or not self._scope.sees(offboarding.request.tenant.id):
            raise refused(404, "offboarding_not_found", "There is no such offboarding.")
        return offboarding

    def _refuse_own(self, offboarding: Offboarding) -> None:
        """Keep people from deciding about their own offboarding: also from moving, cancelling and deleting it."""
        protection.refuse_own(offboarding.request, self._scope.own_names, self._operator)

    def _changed(self, offboarding_id: str, change: Callable[[Offboarding], Offboarding]) -> OperationResult:
        for _ in range(_TRIES):
            old = self._existing(offboarding_id)
            self._refuse_own(old)
            new = change(old)
            if new is old:
                return OperationResult(old)
            try:
                self._store.change(old, new)
            except ConflictError:
                self._refuse_if_replaced(old)
                continue
            return OperationResult(new, to_start=new if new.run > old.run else None)
        raise refused(409, "changed", "The offboarding keeps changing; look at it again.")

    def _refuse_if_replaced(self, offboarding: Offboarding) -> None:
        refuse_under_way(self._store, [offboarding], self._store.locks(offboarding.request.tenant.id))

    def _taken(self, offboarding: Offboarding, what: str) -> Offboarding:
        self._scope.check_actions(offboarding.request.actions)
        now = clock.now()
        planned = (
            self._decided(offboarding).planned(now).due_by(now).noted(now, self._operator, what, self._scope.origin)
        )
        free = slots.free_slots(self._store, offboarding.request.tenant.id, self._room)
        return slots.claimed(planned, now, free[0]) if free else planned

    def _moved(self, offboarding: Offboarding, scheduled_for: datetime | None) -> Offboarding:
        if offboarding.state is not State.planned:
            raise refused(
                409, "not_planned", f"The offboarding is {offboarding.state}; only a planned one can be moved."
            )
        self._scope.check_actions(offboarding.request.actions)
        now = clock.now()
        schedule.refuse_past(scheduled_for, now)
        moved = (
            self._decided(offboarding)
            .moved(scheduled_for, max(scheduled_for or now, now))
            .noted(now, self._operator, "scheduled", self._scope.origin)
        )
        warnings = (*schedule.without_remarks(moved.warnings), *schedule.remarks_on(scheduled_for, now))
        return replace(moved, warnings=warnings)

    def _decided(self, offboarding: Offboarding) -> Offboarding:
        """Return it as one that the operator wants to run, by their own right."""
        return replace(offboarding, authority=self._scope.authority)

    def _cancelled(self, offboarding: Offboarding) -> Offboarding:
        if offboarding.has_ended:
            if offboarding.reason is Reason.cancelled:
                return offboarding
            raise refused(409, "ended", f"The offboarding is {offboarding.state}; there is nothing to cancel.")
        if offboarding.cancelled_by:
            return offboarding
        now = clock.now()
        cancelled = offboarding.cancelled(self._operator).noted(now, self._operator, "cancelled", self._scope.origin)
        if offboarding.state is State.running:
            return cancelled
        over = cancelled.ended(now, Reason.cancelled, f"Cancelled by {self._operator} before it began.")
        return outbox.announced(self._services, over)


def _may_run(offboarding: Offboarding) -> Offboarding:
    if offboarding.state is State.planned:
        return offboarding
    return _may_be_retried(offboarding)


def _may_be_retried(offboarding: Offboarding) -> Offboarding:
    if offboarding.reason is Reason.cancelled or (offboarding.state is State.failed and offboarding.cancelled_by):
        upn = offboarding.request.person.upn
        raise refused(409, "cancelled", f"It was cancelled. To offboard {upn} after all, submit a new offboarding.")
    if offboarding.state is State.failed:
        return offboarding
    raise _cannot_run(offboarding)


def _cannot_run(offboarding: Offboarding) -> RefusedError:
    if offboarding.state is State.completed:
        return refused(409, "completed", "The offboarding is completed; to repeat it, submit a new one.")
    if offboarding.state is State.running:
        return refused(409, "running", "The offboarding is running already.")
    return refused(409, "planned", "The offboarding has not run yet; run it now instead.")
