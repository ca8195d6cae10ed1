"""Asking for offboardings: what a request would lead to, and storing what it leads to.

Triggers translate between HTTP and these calls. Nothing here knows Durable Functions: whoever gets offboardings to
start back starts them, and an error while starting one means "unknown", which the health check settles.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.access.scope import EVERYTHING, Scope
from shared.actions import permissions, plan
from shared.base import clock
from shared.base.deadline import Deadline, DeadlineError
from shared.base.problems import Problem, RefusedError, refused
from shared.jobs import slots, telemetry
from shared.jobs.records import Offboarding, Request, State
from shared.jobs.storage import keys
from shared.jobs.storage.store import Counted, receipt_ids, receipt_row
from shared.jobs.storage.table import ConflictError
from shared.offboarding.request import holdings, remarks, schedule, wishes
from shared.offboarding.tenants import people, protected_names, protection
from shared.offboarding.tenants.tenants import Tenants

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from shared.actions.plan import Plan, Selected
    from shared.app.services import Services
    from shared.jobs.storage.store import Locks, Store
    from shared.jobs.storage.table import Row
    from shared.offboarding.request.submission import Submission
    from shared.offboarding.tenants.people import Found

MAX_STARTED_AT_ONCE: Final = 18
"""What a submission starts itself; the timer takes the rest. So 20 people with a receipt and the tenant's count fit
into one transaction."""

MAX_LOOKED_UP: Final = 40
"""Of the people that actions name; whoever submits waits for it."""

REMARKS_WITHIN_SECONDS: Final = 5.0
"""What the operator should know is worth so much waiting: without it the request is as good."""

_TRIES: Final = 10
"""Of submissions for a tenant at the same moment, each try lets one through."""

_CAP_OVER: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Submitted:
    """What a submission led to; `to_start` are the offboardings whose orchestration the caller has to start.

    `remarks` are what the operator should know of single people, by object id; `general` concerns the whole request.
    """

    offboardings: tuple[Offboarding, ...]
    general: tuple[str, ...] = ()
    remarks: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    to_start: tuple[Offboarding, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """All that the operator should know."""
        return (*(text for texts in self.remarks.values() for text in texts), *self.general)


@dataclass(frozen=True)
class Planned:
    """What a submission would lead to; remarks as in `Submitted`, and in `has` what each person has, in numbers."""

    found: Found
    plan: Plan
    general: tuple[str, ...]
    remarks: Mapping[str, tuple[str, ...]]
    has: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """All that the operator should know."""
        return (*(text for texts in self.remarks.values() for text in texts), *self.general)


class Submissions:
    """What an operator asks for, in the tenants they may see: what lies outside of their scope does not exist."""

    def __init__(self, services: Services, scope: Scope = EVERYTHING) -> None:
        self._services = services
        self._settings = services.settings
        self._store = services.store
        self._microsoft365 = services.microsoft365
        self._tenants = Tenants(services, scope)
        self._scope = scope

    def submit(
        self,
        submission: Submission,
        operator: str,
        idempotency_key: str | None = None,
        *,
        looks_at_mail: bool = False,
    ) -> Submitted:
        """Store one offboarding for each person, and claim those that are due.

        `looks_at_mail` asks Exchange for what the operator should know of the mailboxes, as `plan` does: for callers
        who show nothing beforehand.

        Raises:
            RefusedError: 403 more than the operator may do; 404 unknown people or tenant; 409 somebody is being
                offboarded already, or the idempotency key came with another body; 422 protected people; 429 more than
                a tenant may have in an hour; 502, 503 Microsoft did not answer. Nothing was stored.
        """
        self._scope.check_actions(submission.actions)
        self._scope.check_count(len(submission.users))
        receipt_key = _receipt_key(self._scope.identity or operator, idempotency_key) if idempotency_key else None
        body_hash = hashlib.sha256(submission.fingerprint().encode()).hexdigest()
        earlier = self._store.receipt(receipt_key) if receipt_key else None
        if earlier and earlier["body"] != body_hash:
            text = "This Idempotency-Key was used for another request."
            raise refused(409, "idempotency_key_reused", text)
        if earlier and (known := self._known(receipt_ids(earlier))):
            return known
        if not earlier:
            schedule.refuse_past(submission.scheduled_for, clock.now())
        tenant_id = self._tenants.resolve(submission.tenant)
        with protection.watched(operator, tenant_id):
            planned = self._planned(submission, tenant_id, looks_at_mail=looks_at_mail)
            now = clock.from_text(earlier["created"]) if earlier else clock.now()
            new = self._new(submission, planned, operator, now, receipt_key)
            missing = [o for o in new if self._store.get(o.id) is None] if earlier else new
            receipt = (receipt_key, receipt_row(body_hash, [o.id for o in new], now)) if receipt_key else None
            administrators = planned.found.administrators
            stores = self.store(missing, administrators, None if earlier else receipt, is_counted=bool(earlier))
            added = {o.id: o for o in stores}
        stored = tuple(added.get(o.id, o) for o in new)
        to_start = tuple(o for o in added.values() if o.state is State.running)
        return Submitted(stored, planned.general, planned.remarks, to_start)

    def plan(self, submission: Submission) -> Planned:
        """Look up who is meant and plan what would happen; writes nothing. Raises `RefusedError` like `submit`."""
        schedule.refuse_past(submission.scheduled_for, clock.now())
        tenant_id = self._tenants.resolve(submission.tenant)
        planned = self._planned(submission, tenant_id, looks_at_mail=True)
        deadline = Deadline(REMARKS_WITHIN_SECONDS)
        return replace(planned, has=holdings.of_people(self._microsoft365, tenant_id, planned.found.users, deadline))

    def _planned(self, submission: Submission, tenant_id: str, *, looks_at_mail: bool) -> Planned:
        beside = dict.fromkeys(name for names in wishes.successors(submission.actions).values() for name in names)
        found = people.find(tenant_id, submission.users, self._microsoft365, list(beside)[:MAX_LOOKED_UP])
        wishes.refuse_leaving(submission.actions, found)
        wishes.refuse_outsiders(submission.actions, found)
        schedule.refuse_unfit_ends(submission.actions, max(submission.scheduled_for or clock.now(), clock.now()))
        protection.refuse_protected(found.users, protected_names.protected(self._services), self._scope.own_names)
        protection.refuse_last(map(people.person_of, found.users), found.administrators, ())
        planned = plan.make(submission.actions)
        actions: Selected = submission.actions if looks_at_mail else {}
        deadline = Deadline(REMARKS_WITHIN_SECONDS)
        mail, said = remarks.of_mailboxes(self._microsoft365, tenant_id, found.users, actions, deadline)
        owners, unread = remarks.of_groups(self._microsoft365, tenant_id, found.users, actions, deadline)
        by_user = {
            user.id: (*people.remarks_on(user), *mail.get(user.id, ()), *owners.get(user.id, ()))
            for user in found.users
        }
        granted = self._granted(tenant_id, submission.actions, deadline if looks_at_mail else None)
        ungranted = permissions.remarks(submission.actions, granted)
        when = schedule.remarks_on(submission.scheduled_for, clock.now())
        told = wishes.remarks_on_channels(submission.notify, found.tenant, self._store, self._settings)
        unmet = (*wishes.remarks_on_successors(submission.actions, found), *told)
        general = (*found.warnings, *when, *unmet, *ungranted, *said, *unread, *planned.warnings)
        return Planned(found, planned, general, by_user)

    def _granted(self, tenant_id: str, actions: Collection[str], deadline: Deadline | None) -> permissions.Granted:
        """Read from the app's tokens what the tenant granted; one for Graph is in memory, because people were found.

        With a deadline, tokens that are not in memory are fetched until then.
        """
        if deadline:
            with suppress(DeadlineError):
                apis = permissions.apis_of(actions)
                return deadline.run(lambda: self._microsoft365.permissions_granted(tenant_id, apis))
        return self._microsoft365.permissions_held(tenant_id)

    def _known(self, ids: Sequence[str]) -> Submitted | None:
        """Return what an earlier submission stored; None where it was cut short and has to be gone through again."""
        stored = [self._store.get(one) for one in ids]
        if any(o is None and self._store.deletion(one) for one, o in zip(ids, stored, strict=True)):
            text = "What this Idempotency-Key asked for was deleted since; to ask for it again, use another key."
            raise refused(409, "deleted", text)
        if any(o is None or not self._scope.sees(o.request.tenant.id) for o in stored):
            return None
        return Submitted(tuple(o for o in stored if o))

    def _new(
        self, submission: Submission, planned: Planned, operator: str, now: datetime, receipt_key: str | None
    ) -> list[Offboarding]:
        scheduled = submission.scheduled_for
        new: list[Offboarding] = []
        for user in planned.found.users:
            salt = hashlib.sha256(f"{receipt_key}|{user.id}".encode()).hexdigest() if receipt_key else None
            request = Request(
                tenant=planned.found.tenant,
                person=people.person_of(user),
                actions=submission.actions,
                force=submission.force,
                notify=submission.notify,
                reference=submission.reference,
                requested_by=operator,
                ticket=submission.ticket,
                named=wishes.named(planned.found),
                known_as=tuple(sorted(protection.names_of(user))),
            )
            offboarding = Offboarding(
                id=keys.new_id(now, salt),
                request=request,
                state=State.planned,
                requested_at=now,
                scheduled_for=scheduled,
                wake_at=max(scheduled or now, now),
                warnings=(*planned.remarks[user.id], *schedule.remarks_on(scheduled, now), *planned.plan.warnings),
                receipt=receipt_key or "",
                authority=self._scope.authority,
            )
            new.append(offboarding.noted(now, operator, "submitted", self._scope.origin))
        return new

    def store(
        self,
        new: list[Offboarding],
        administrators: frozenset[str],
        receipt: tuple[str, Row] | None,
        *,
        is_counted: bool = False,
    ) -> list[Offboarding]:
        """Store new jobs of one tenant, taken for their first run as far as they are due and their tenant has room.

        Of `administrators` one must remain; none are given where nobody leaves. `is_counted` tells that the first part
        of a submission has counted all of it for the tenant's cap. Raises `RefusedError` like `submit`.
        """
        for _ in range(_TRIES):
            if not new:
                return []
            now = clock.now()
            tenant_id = new[0].request.tenant.id
            locks = self._store.locks(tenant_id)
            refuse_under_way(self._store, new, locks)
            protection.refuse_last((o.request.person for o in new), administrators, locks.people)
            counted = None
            if not is_counted:
                before = [moment for moment in locks.submitted if moment > now - _CAP_OVER]
                _refuse_too_many(len(new), before, self._settings.max_per_tenant_and_hour, now)
                counted = Counted(tenant_id, [*before, *[now] * len(new)], locks.cap_etag)
            claimed = self._claimed(telemetry.with_traces(new), locks)
            try:
                self._store.add(claimed, receipt, counted)
            except ConflictError:
                # Another request was stored, or took a person or a slot, in between; or it is the same one.
                if receipt and self._store.receipt(receipt[0]):
                    break
                left = [o for o in new if self._store.get(o.id) is None]
                is_counted = is_counted or len(left) < len(new)
                new = left
            else:
                return claimed
        text = "Another request for this tenant is in progress. Try again in a few seconds."
        raise refused(409, "request_in_progress", text)

    def _claimed(self, new: list[Offboarding], locks: Locks) -> list[Offboarding]:
        now = clock.now()
        free = slots.free_of(locks.slots, self._settings.max_runs_per_tenant)[:MAX_STARTED_AT_ONCE]
        taken = [slots.claimed(o, now, slot) for o, slot in zip(new, free, strict=False) if o.is_waiting(now)]
        return [*taken, *new[len(taken) :]]


def refuse_under_way(store: Store, new: Sequence[Offboarding], locks: Locks) -> None:
    """Raise `RefusedError` 409 where somebody has another offboarding that has not ended."""
    problems = [
        Problem("users", _under_way(o.request.person.upn, other, store.get(other)))
        for o in new
        if (other := locks.people.get(o.request.person.id)) and other != o.id
    ]
    if problems:
        raise RefusedError(409, "already_under_way", problems)


def _under_way(upn: str, offboarding_id: str, other: Offboarding | None) -> str:
    is_running = other is not None and other.state is State.running
    text = f"An offboarding of {upn} is already {'running' if is_running else 'planned'}"
    if other is not None:
        text += f", submitted by {other.request.requested_by} on {clock.in_words(other.requested_at)}"
    return f"{text} (id {offboarding_id})."


def _refuse_too_many(new: int, submitted: Sequence[datetime], most: int, now: datetime) -> None:
    """Refuse what would make more offboardings of a tenant than it may have in an hour, whoever asks for them.

    It bounds what a stolen account, a mistaken script or a slip of the hand can destroy before somebody notices.
    """
    if new > most:
        text = f"At most {most} people of a tenant may be offboarded in an hour; this request names {new}."
        raise refused(422, "too_many_for_tenant", text, "users")
    over = new + len(submitted) - most
    if over > 0:
        free_at = sorted(submitted)[over - 1] + _CAP_OVER
        text = f"At most {most} people of a tenant may be offboarded in an hour, and {len(submitted)} were. Wait."
        wait = int((free_at - now).total_seconds()) + 1
        raise RefusedError(429, "too_many_for_tenant", [Problem("users", text)], retry_after=max(wait, 1))


def _receipt_key(operator: str, idempotency_key: str) -> str:
    return keys.receipt(hashlib.sha256(json.dumps([operator, idempotency_key]).encode()).hexdigest())
