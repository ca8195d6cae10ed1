"""What can be asked of offboardings: submit, plan, look up, list, and what the timer does.

Triggers translate between HTTP and these calls. Nothing here knows Durable Functions: whoever gets offboardings to
start back starts them, and an error while starting one means "unknown", which the health check settles.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared import clock
from shared.offboarding import people, plan, rows
from shared.offboarding.problems import Problem, RefusedError, refused
from shared.offboarding.records import Offboarding, Reason, Request, State
from shared.offboarding.store import MAX_PER_TRANSACTION, receipt_ids, receipt_row
from shared.offboarding.table import ConflictError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.offboarding.people import Found
    from shared.offboarding.plan import Plan
    from shared.offboarding.request import Submission
    from shared.offboarding.store import Details
    from shared.offboarding.table import Row
    from shared.services import Services

MAX_STARTED_AT_ONCE: Final = 20
"""What a submission starts itself; the timer takes the rest."""

MAX_DUE_AT_ONCE: Final = 100
BEGIN_WITHIN: Final = timedelta(minutes=10)
PROGRESS_WITHIN: Final = timedelta(minutes=30)
MAX_RECOVERIES: Final = 5
MAX_PAGE: Final = 200


@dataclass(frozen=True)
class Submitted:
    """What a submission led to; `to_start` are the offboardings whose orchestration the caller has to start."""

    offboardings: tuple[Offboarding, ...]
    warnings: tuple[str, ...]
    to_start: tuple[Offboarding, ...] = ()


@dataclass(frozen=True)
class Planned:
    """What a submission would lead to."""

    found: Found
    plan: Plan


class Offboardings:
    """The offboardings of every tenant this service manages."""

    def __init__(self, services: Services) -> None:
        self._settings = services.settings
        self._store = services.store
        self._microsoft365 = services.microsoft365

    def submit(self, submission: Submission, operator: str, idempotency_key: str | None = None) -> Submitted:
        """Store one offboarding for each person, and claim those that are due.

        Raises:
            RefusedError: 400 protected people; 404 unknown ones or tenant; 409 somebody is being offboarded already, or
                the idempotency key came with another body; 502, 503 Microsoft did not answer. Nothing was stored.
        """
        receipt_key = _receipt_key(operator, idempotency_key) if idempotency_key else None
        body_hash = hashlib.sha256(submission.model_dump_json().encode()).hexdigest()
        earlier = self._store.receipt(receipt_key) if receipt_key else None
        if earlier and earlier["body"] != body_hash:
            text = "This Idempotency-Key was used for another request."
            raise refused(409, "idempotency_key_reused", text)
        if earlier and (known := self._known(receipt_ids(earlier))):
            return known
        planned = self.plan(submission)
        now = clock.from_text(earlier["created"]) if earlier else clock.now()
        new = self._new(submission, planned, operator, now, receipt_key)
        missing = [o for o in new if self._store.get(o.id) is None] if earlier else new
        receipt = (receipt_key, receipt_row(body_hash, [o.id for o in new], now)) if receipt_key else None
        self._add(missing, None if earlier else receipt)
        warnings = (*planned.found.warnings, *planned.plan.warnings)
        return Submitted(tuple(new), warnings, tuple(o for o in missing if o.state is State.running))

    def plan(self, submission: Submission) -> Planned:
        """Look up who is meant and plan what would happen; writes nothing. Raises `RefusedError` like `submit`."""
        tenant_id = people.tenant_id_of(submission.tenant, self._settings.tenants, self._microsoft365)
        found = people.find(tenant_id, submission.users, self._microsoft365)
        protected = [
            Problem("users", f"{user.upn} is protected and is never offboarded.")
            for user in found.users
            if {user.id.casefold(), user.upn.casefold()} & self._settings.protected_users
        ]
        if protected:
            raise RefusedError(400, "user_protected", protected)
        return Planned(found, plan.make(submission.actions))

    def _known(self, ids: Sequence[str]) -> Submitted | None:
        """Return what an earlier submission stored; None where it was cut short and has to be completed."""
        stored = [self._store.get(one) for one in ids]
        if any(o is None for o in stored):
            return None
        return Submitted(tuple(o for o in stored if o), ())

    def _new(
        self, submission: Submission, planned: Planned, operator: str, now: datetime, receipt_key: str | None
    ) -> list[Offboarding]:
        scheduled = submission.scheduled_for
        is_due = scheduled is None or scheduled <= now
        new: list[Offboarding] = []
        for number, user in enumerate(planned.found.users):
            salt = hashlib.sha256(f"{receipt_key}|{user.id}".encode()).hexdigest() if receipt_key else None
            request = Request(
                tenant=planned.found.tenant,
                person=people.person_of(user),
                actions=submission.actions,
                force=submission.force,
                notify=tuple(submission.notify),
                reference=submission.reference,
                requested_by=operator,
            )
            offboarding = Offboarding(
                id=rows.new_id(now, salt),
                request=request,
                state=State.planned,
                requested_at=now,
                scheduled_for=scheduled,
                wake_at=scheduled if scheduled and not is_due else now,
                warnings=planned.plan.warnings,
            )
            starts = is_due and number < MAX_STARTED_AT_ONCE
            new.append(_claimed(offboarding, clock.now()) if starts else offboarding)
        return new

    def _add(self, new: list[Offboarding], receipt: tuple[str, Row] | None) -> None:
        if len(new) > MAX_PER_TRANSACTION:
            self._refuse_if_under_way(new)
        try:
            for start in range(0, len(new), MAX_PER_TRANSACTION):
                self._store.add(new[start : start + MAX_PER_TRANSACTION], receipt if start == 0 else None)
        except ConflictError:
            self._refuse_if_under_way(new)
            text = "The same request is being carried out right now; ask again in a few seconds."
            raise refused(409, "request_in_progress", text) from None

    def _refuse_if_under_way(self, new: Sequence[Offboarding]) -> None:
        under_way = self._store.under_way(new[0].request.tenant.id)
        problems = [
            Problem("users", f"{o.request.person.upn} is being offboarded already, by offboarding {other}.")
            for o in new
            if (other := under_way.get(o.request.person.id)) and other != o.id
        ]
        if problems:
            raise RefusedError(409, "already_under_way", problems)

    def get(self, offboarding_id: str) -> Offboarding:
        """Return an offboarding; raises `RefusedError` 404."""
        offboarding = self._store.get(offboarding_id) if offboarding_id.isalnum() else None
        if offboarding is None:
            raise refused(404, "offboarding_not_found", "There is no such offboarding.")
        return offboarding

    def details(self, offboarding_id: str) -> tuple[Offboarding, Details]:
        """Return an offboarding and what is known of its run so far; raises `RefusedError` 404."""
        return self.get(offboarding_id), self._store.details(offboarding_id)

    def page(self, tenant: str | None, start: str | None, limit: int) -> tuple[list[Offboarding], str | None]:
        """Return offboardings, newest first, and the key to go on from; raises `RefusedError` 404 (tenant)."""
        tenant_id = people.tenant_id_of(tenant, self._settings.tenants, self._microsoft365) if tenant else None
        return self._store.page(tenant_id, start, min(limit, MAX_PAGE))

    def wake(self) -> list[Offboarding]:
        """Claim what is due and look after what runs; returns what has to be started."""
        claimed: list[Offboarding] = []
        for offboarding_id in self._store.due(clock.now(), MAX_DUE_AT_ONCE):
            offboarding = self._store.get(offboarding_id)
            if offboarding is None:
                continue
            try:
                claimed += self._look_at(offboarding)
            except ConflictError:
                continue  # another host, or the run itself, was faster
        return claimed

    def _look_at(self, offboarding: Offboarding) -> list[Offboarding]:
        now = clock.now()
        if offboarding.wake_at is None or offboarding.wake_at > now:
            return []
        if offboarding.state is State.planned:
            claimed = _claimed(offboarding, now)
            self._store.change(offboarding, claimed)
            return [claimed]
        healthy_until = self._healthy_until(offboarding)
        if healthy_until > now:
            self._store.change(offboarding, replace(offboarding, wake_at=healthy_until))
            return []
        if offboarding.recoveries >= MAX_RECOVERIES:
            text = f"No run came to an end, though it was begun {MAX_RECOVERIES + 1} times."
            self._store.change(offboarding, offboarding.ended(now, Reason.abandoned, text))
            return []
        recovered = _claimed(replace(offboarding, recoveries=offboarding.recoveries + 1), now)
        self._store.change(offboarding, recovered)
        return [recovered]

    def _healthy_until(self, offboarding: Offboarding) -> datetime:
        """Return until when the current run counts as alive: its last sign of life, and the patience for the next."""
        steps = [s for s in self._store.details(offboarding.id).steps.values() if s.run == offboarding.run]
        signs = [moment for s in steps for moment in (s.updated_at, s.next_attempt_at) if moment]
        if not steps:
            return (offboarding.claimed_at or offboarding.requested_at) + BEGIN_WITHIN
        return max(signs, default=offboarding.claimed_at or offboarding.requested_at) + PROGRESS_WITHIN


def _claimed(offboarding: Offboarding, now: datetime) -> Offboarding:
    return offboarding.claimed(now, now + BEGIN_WITHIN)


def _receipt_key(operator: str, idempotency_key: str) -> str:
    return rows.receipt_key(hashlib.sha256(json.dumps([operator, idempotency_key]).encode()).hexdigest())
