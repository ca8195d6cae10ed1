"""Where offboardings are kept: two tables, every change of state one transaction.

`offboardings` has one partition, because Azure transactions hold within one: the job row is the truth, and the rows for
listing, waking and locking are derived from it by `rows.of`, so a change writes their difference and none can be left
behind. `offboardingdetails` has a partition for each offboarding.
"""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from shared.actions.outcome import StepState
from shared.base import clock
from shared.base.telemetry import logs
from shared.jobs import telemetry
from shared.jobs.details import Details, Remembered
from shared.jobs.storage import audit, keys, rows, setting_changes, snapshots
from shared.jobs.storage.scans import KnownScans, ReadScans, Scans
from shared.jobs.storage.snapshots import Guard, KeptSnapshot
from shared.jobs.storage.table import (
    LAST,
    MAX_OPERATIONS,
    ConflictError,
    Delete,
    Insert,
    Operation,
    Replace,
    clear,
    fits_a_transaction,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from shared.actions.reads.snapshot import Snapshot
    from shared.jobs.records import Offboarding, Step, Wake
    from shared.jobs.storage.setting_changes import SettingChange
    from shared.jobs.storage.table import Row, Table
    from shared.microsoft365.http.messages import SentRequest

_log: Final = logging.getLogger(__name__)

PARTITION: Final = "offboardings"
_PAGE: Final = 100
_FEW: Final = 20
DOCUMENTS: Final = "documents"


@dataclass(frozen=True)
class Document:
    """Settings that people made, such as the defaults of a tenant, and the version that was read."""

    content: dict[str, Any]
    etag: str


@dataclass(frozen=True)
class Locks:
    """What a tenant's offboardings hold: places among its runs in flight, and people (object id -> offboarding).

    `submitted` are the moments at which its newest ones were submitted, whether they were deleted since or not;
    `cap_etag` is the version of the row that tells them, "" where there is none.
    """

    slots: frozenset[int]
    people: dict[str, str]
    submitted: tuple[datetime, ...] = ()
    cap_etag: str = ""


@dataclass(frozen=True)
class Counted:
    """What a submission leaves in the count of its tenant: the moments of the last hour, its own among them."""

    tenant_id: str
    submitted: Sequence[datetime]
    etag: str

    def operation(self) -> Operation:
        """Return what writes it over the version that was read, so that of two submissions at once one looks again."""
        key, row = keys.cap(self.tenant_id), rows.of_cap(self.submitted)
        return Replace(key, row, self.etag) if self.etag else Insert(key, row)


class Store:
    """Offboardings by id, by tenant, by the moment they have to be looked at, and their details."""

    def __init__(self, jobs: Table, details: Table) -> None:
        self._jobs = jobs
        self._details = details
        self._remembered = Remembered()
        self._read_scans = ReadScans()

    def add(
        self,
        offboardings: Sequence[Offboarding],
        receipt: tuple[str, Row] | None = None,
        counted: Counted | None = None,
    ) -> None:
        """Store new offboardings; with the first of them what answers a repeat of their submission, and the count.

        Up to 19 are one transaction, more are as few as can be.

        Raises:
            ConflictError: one of the persons has an offboarding that has not ended, the receipt exists already, or
                somebody else submitted for the tenant meanwhile.
        """
        operations: list[Operation] = [Insert(*receipt)] if receipt else []
        operations += [counted.operation()] if counted else []
        count = 0
        for offboarding in offboardings:
            inserts = [Insert(key, row) for key, row in rows.of(offboarding).items()]
            if len(operations) + len(inserts) > MAX_OPERATIONS:
                self._insert(operations, count)
                operations, count = [], 0
            operations += inserts
            count += 1
        self._insert(operations, count)

    def _insert(self, operations: Sequence[Operation], offboardings: int) -> None:
        self._jobs.transact(PARTITION, operations)
        telemetry.added(offboardings)

    def locks(self, tenant_id: str) -> Locks:
        """Return what a tenant's offboardings hold that have not ended, and when the newest were submitted."""
        locks = keys.locks_prefix(tenant_id)
        return self._locks(tenant_id, locks, locks + LAST)

    def slots_taken(self, tenant_id: str) -> frozenset[int]:
        """Return the places that a tenant's runs in flight hold."""
        slots = keys.slots_prefix(tenant_id)
        return self._locks(tenant_id, slots, slots + LAST).slots

    def _locks(self, tenant_id: str, low: str, high: str) -> Locks:
        slots, people = keys.slots_prefix(tenant_id), keys.people_prefix(tenant_id)
        found = self._jobs.range(PARTITION, low, high).rows
        held = {row["key"]: row["id"] for row in found}
        cap = next((row for row in found if row["key"] == keys.cap(tenant_id)), None)
        return Locks(
            slots=frozenset(int(key.removeprefix(slots)) for key in held if key.startswith(slots)),
            people={key.removeprefix(people): one for key, one in held.items() if key.startswith(people)},
            submitted=rows.submitted_in(cap) if cap else (),
            cap_etag=cap["etag"] if cap else "",
        )

    def receipt(self, key: str) -> Row | None:
        """Return what an earlier submission with this idempotency key left."""
        return self._jobs.get(PARTITION, key)

    def get(self, offboarding_id: str) -> Offboarding | None:
        """Return an offboarding, or None."""
        row = self._jobs.get(PARTITION, keys.job(offboarding_id))
        return rows.to_offboarding(row) if row else None

    def change(self, old: Offboarding, new: Offboarding) -> None:
        """Write `new` over `old`, and whatever is derived from it; with it, what was decided, for the audit record.

        Raises:
            ConflictError: `old` is not current, or the person's lock or the tenant's slot is taken by another.
        """
        before, after = rows.of(old), rows.of(new)
        job = keys.job(old.id)
        operations: list[Operation] = [Replace(job, after[job], old.etag)]
        for key, row in after.items():
            if key not in before:
                operations.append(Insert(key, row))
            elif key != job and before[key] != row:
                operations.append(Replace(key, row))
        operations += [Delete(key) for key in before if key not in after]
        operations += audit.of_new_decisions(old, new)
        self._jobs.transact(PARTITION, operations)
        if new.has_ended:
            self._remembered.forget(new.id)
        telemetry.changed(old, new)

    def due(self, now: datetime) -> list[Wake]:
        """Return every offboarding that has to be looked at by `now`, the longest due first."""
        return list(map(rows.to_wake, self._jobs.range(PARTITION, keys.WAKE, keys.wake_bound(now)).rows))

    def waiting_in(self, tenant_id: str, now: datetime) -> Iterator[Wake]:
        """Find the due offboardings of a tenant that wait for room, the longest due first, and read few for the first.

        A tenant may have thousands, and there is room for one.
        """
        start = keys.WAKE
        for limit in (_FEW, None):
            page = self._jobs.range(PARTITION, start, keys.wake_bound(now), limit)
            yield from (one for one in map(rows.to_wake, page.rows) if one.is_waiting_in(tenant_id))
            if page.next_key is None:
                return
            start = page.next_key

    def open_access(self, tenant_id: str, until: str, start: str, limit: int) -> tuple[list[Row], str | None]:
        """Return what was given to others, what ends first before the rest, and the key of what follows.

        Args:
            tenant_id: of one tenant, or "" of all.
            until: only what ends before this moment, as text; "" for all. Of one tenant only.
            start: the key to begin with.
            limit: how many at most.
        """
        low = keys.open_access_prefix(tenant_id)
        page = self._jobs.range(PARTITION, max(low, start), low + (until or LAST), limit)
        return page.rows, page.next_key

    def page(
        self, tenant_id: str | None, span: keys.Span, start: str | None, limit: int
    ) -> tuple[list[Offboarding], str | None]:
        """Return at most `limit` offboardings of a span of time, newest first, and where the following page begins.

        `start` is the id to begin with, as an earlier page returned it.
        """
        prefix = keys.tenant_prefix(tenant_id) if tenant_id else keys.JOB
        low = max(start or "", span.low, keys.FIRST_ID)
        page = self._jobs.range(PARTITION, prefix + low, prefix + span.high, limit)
        next_id = page.next_key.removeprefix(prefix) if page.next_key else None
        return [rows.to_offboarding(row) for row in page.rows], next_id

    def submitted_before(self, cutoff: datetime) -> Iterator[Offboarding]:
        """Return what was submitted before a moment, newest first, page by page."""
        start: str | None = None
        while True:
            page, start = self.page(None, keys.Span.between(None, cutoff), start, _PAGE)
            yield from page
            if start is None:
                return

    def delete(self, offboarding: Offboarding, by: str, now: datetime) -> None:
        """Remove an offboarding and its details; what was audited stays, and a note of who deleted it.

        Raises:
            ConflictError: the offboarding is not current.
        """
        note = rows.of_deleted(offboarding, by, now)
        self._jobs.transact(PARTITION, [*_removal(offboarding), Insert(keys.deleted(offboarding.id), note)])
        clear(self._details, offboarding.id, keys.DETAILS_LOW, keys.DETAILS_HIGH)

    def deletion(self, offboarding_id: str) -> Row | None:
        """Return the note that somebody deleted an offboarding, or None."""
        return self._jobs.get(PARTITION, keys.deleted(offboarding_id))

    def forget(self, offboarding: Offboarding) -> None:
        """Remove an offboarding and all that is known of it, what was audited and the receipt, too.

        Raises:
            ConflictError: the offboarding is not current.
        """
        clear(self._details, offboarding.id)
        self._forget_decisions(offboarding.id)
        self._forget_receipt(offboarding.receipt)
        self._jobs.transact(PARTITION, _removal(offboarding))

    def forget_deleted(self, cutoff: datetime) -> set[str]:
        """Remove what is still known of offboardings that were deleted before `cutoff`; return their tenants."""
        span = keys.Span.between(None, cutoff)
        page = self._jobs.range(PARTITION, keys.deleted(span.low), keys.deleted(span.high))
        old = [row for row in page.rows if rows.deleted_at(row) < cutoff]
        for row in old:
            clear(self._details, row["id"])
            self._forget_decisions(row["id"])
            self._forget_receipt(row["receipt"])
            self._jobs.transact(PARTITION, [Delete(row["key"])])
        return {row["tenant_id"] for row in old}

    def forget_cap(self, tenant_id: str) -> None:
        """Remove the count of what was submitted for a tenant, of which nothing is known any more; repeatable."""
        with suppress(ConflictError):
            self._jobs.transact(PARTITION, [Delete(keys.cap(tenant_id))])

    def is_empty(self, tenant_id: str) -> bool:
        """Return whether no offboarding of a tenant is known."""
        return not self.page(tenant_id, keys.Span.between(None, None), None, 1)[0]

    def _forget_decisions(self, offboarding_id: str) -> None:
        decided = keys.decided_prefix(offboarding_id)
        clear(self._jobs, PARTITION, decided, decided + LAST)

    def _forget_receipt(self, key: str) -> None:
        if key:
            with suppress(ConflictError):  # another offboarding of the same submission was forgotten before
                self._jobs.transact(PARTITION, [Delete(key)])

    def document(self, key: str) -> Document | None:
        """Return a document of settings people made, or None."""
        row = self._jobs.get(DOCUMENTS, key)
        return Document(rows.to_document(row), row["etag"]) if row else None

    def put_document(
        self, key: str, content: dict[str, Any], etag: str | None, change: SettingChange | None = None
    ) -> None:
        """Write a document over the version that was read, or as a new one; raises `ConflictError`.

        `change` is kept with it: who changed what, where the document is a setting.
        """
        row = rows.of_document(content)
        operations: list[Operation] = [Replace(key, row, etag) if etag else Insert(key, row)]
        if change and change.changes:
            operations.append(Insert(keys.setting_change(clock.now()), setting_changes.to_row(change)))
        self._jobs.transact(DOCUMENTS, operations)
        if change and change.changes:
            with logs.about(operator=change.by, tenant=change.tenant):
                _log.info("Changed: %s", change.setting)

    def setting_changes(self, start: str | None, limit: int) -> tuple[list[tuple[str, SettingChange]], str | None]:
        """Return at most `limit` changes of settings with their ids, newest first, and where the next page begins."""
        low = keys.SETTING_CHANGE + (start or "")
        page = self._jobs.range(DOCUMENTS, low, keys.SETTING_CHANGE + LAST, limit)
        found = [(row["key"].removeprefix(keys.SETTING_CHANGE), setting_changes.from_row(row)) for row in page.rows]
        return found, page.next_key.removeprefix(keys.SETTING_CHANGE) if page.next_key else None

    def forget_setting_changes(self, cutoff: datetime) -> None:
        """Remove the records of changes of settings before `cutoff`; repeatable."""
        clear(self._jobs, DOCUMENTS, keys.setting_changes_until(cutoff), keys.SETTING_CHANGE + LAST)

    def mark_cancelled(self, offboarding: Offboarding, by: str) -> None:
        """Let the steps of a run in flight know that none may begin; repeatable.

        Those that wait are written anew, so that an activity that read one before, and changes nothing yet, is refused
        when it begins to. Where the first run has not begun, it begins here, with no steps: so of a beginning and a
        cancellation the second sees the first.
        """
        while True:
            known = self.details(offboarding.id)
            begun = [] if known.request else [Insert(keys.REQUEST, rows.of_beginning(offboarding.request, ()))]
            anew = [rows.write_of_step(step) for step in known.steps.values() if step.state is StepState.waiting]
            with suppress(ConflictError):  # one of them began meanwhile, or the run
                self._details.transact(offboarding.id, [*begun, Replace(keys.CANCELLED, {"by": by}), *anew])
                self._remembered.forget(offboarding.id)
                return

    def put_check(self, offboarding_id: str, found: dict[str, Any]) -> None:
        """Keep what a check of the person's access found, in place of the one before it; repeatable."""
        self._details.transact(offboarding_id, [Replace(keys.CHECKED, rows.of_document(found))])
        self._remembered.change(offboarding_id, lambda details: replace(details, checked=found))

    def forget_check(self, offboarding_id: str) -> None:
        """Remove what a check found of an offboarding that was removed meanwhile; repeatable."""
        clear(self._details, offboarding_id, keys.CHECKED, keys.CHECKED + LAST)

    def audit_for_good(self, offboarding: Offboarding) -> None:
        """Keep what was decided about an offboarding, and what its steps did, beyond its own life; repeatable."""
        self._details.transact(offboarding.id, audit.of_decisions(offboarding))
        self.audit_steps(offboarding.id, self.steps(offboarding.id).values())

    def audit_steps(self, offboarding_id: str, steps: Iterable[Step]) -> None:
        """Keep what the attempts of a run at steps did, before they become those of another run; repeatable."""
        told: list[Operation] = [Replace(key, row) for key, row in audit.of_steps(steps).items()]
        for operations in [told] if fits_a_transaction(told) else [[one] for one in told]:
            if operations:
                self._details.transact(offboarding_id, operations)

    def audit_alone(self, offboarding_id: str, step: Step, sent: Sequence[SentRequest]) -> None:
        """Keep what was written for a step where nothing else of the step is stored with it."""
        if writes := audit.of_lost(step, sent, clock.now()):
            self._details.transact(offboarding_id, writes)

    def audited(self, offboarding_id: str) -> list[Row]:
        """Return what was audited of an offboarding, whether it was deleted or not."""
        decided = keys.decided_prefix(offboarding_id)
        return [
            *self._details.range(offboarding_id, keys.AUDIT, keys.AUDIT + LAST).rows,
            *({**row, "key": key} for key, row in audit.of_steps(self.steps(offboarding_id).values()).items()),
            *self._jobs.range(PARTITION, decided, decided + LAST).rows,
        ]

    def details(self, offboarding_id: str) -> Details:
        """Return request, snapshots and steps of an offboarding with one request."""
        page = self._details.range(offboarding_id, keys.DETAILS_LOW, keys.DETAILS_HIGH)
        request, steps, cancelled_by, checked = rows.to_details(page.rows)
        return Details(request, snapshots.read(page.rows), steps, cancelled_by, checked)

    def details_to_remember(self, offboarding_id: str) -> Details:
        """Return the details, and have `remembered` return them with what is written from now on."""
        details = self.details(offboarding_id)
        self._remembered.put(offboarding_id, details)
        return details

    def remembered(self, offboarding_id: str) -> Details | None:
        """Return the details as this process knows them without asking: others may have written since, see there."""
        return self._remembered.get(offboarding_id)

    def details_at_end(self, offboarding_id: str, run: int, *, has_looked: bool = False) -> Details:
        """Return the details of a run that is about to end, with what it found where it has looked for access.

        Where this process remembers how every step of it ended, it asks for nothing: only a later run writes such steps
        again, and then the offboarding is that run's.
        """
        known = self.remembered(offboarding_id)
        is_enough = known is not None and known.have_ended(run) and (known.has_looked(run) or not has_looked)
        return known if known and is_enough else self.details(offboarding_id)

    def steps(self, offboarding_id: str) -> dict[str, Step]:
        """Return the steps that have begun, alone, without what was read first: for whoever looks at many."""
        page = self._details.range(offboarding_id, keys.STEP, keys.STEP + LAST)
        return rows.to_details(page.rows)[1]

    def begin(self, offboarding: Offboarding, known: Details, steps: Sequence[Step]) -> None:
        """Write the steps of a run that begins.

        Those of the first run are named with the request, and get rows of their own as they begin. Of a later one, what
        an earlier run's attempts at them did is audited before its record is written over: whoever dies in between has
        said what the record says, too, and if the record changes in between, both are done again.

        Raises:
            ConflictError: another delivery did so, or the offboarding was cancelled meanwhile.
        """
        if known.request is None:
            beginning = Insert(keys.REQUEST, rows.of_beginning(offboarding.request, steps))
            self._details.transact(offboarding.id, [beginning])
            self._remembered.change(
                offboarding.id, lambda details: replace(details, request=offboarding.request).with_steps(steps)
            )
            return
        self.audit_steps(offboarding.id, [known.steps[step.name] for step in steps if step.name in known.steps])
        not_cancelled = [Replace(keys.CANCELLED, {"by": ""})] if known.cancelled_by else []
        self._details.transact(offboarding.id, [*map(rows.write_of_step, steps), *not_cancelled])
        self._remembered.forget(offboarding.id)

    def put_steps(self, offboarding_id: str, steps: Sequence[Step], sent: Sequence[SentRequest] = ()) -> list[Step]:
        """Write steps over the versions that were read, all or none, and return them as they are now.

        What was `sent` to Microsoft 365 for the first of them is audited with it.

        Raises:
            ConflictError: another delivery or a later run wrote one of them.
        """
        now = clock.now()
        first, audited = audit.noted(steps[0], sent, now)
        changed = [replace(step, updated_at=now) for step in (first, *steps[1:])]
        etags = self._details.transact(offboarding_id, [*map(rows.write_of_step, changed), *audited])
        telemetry.steps_put(changed)
        written = [replace(step, etag=etag) for step, etag in zip(changed, etags, strict=False)]
        self._remembered.change(offboarding_id, lambda details: details.with_steps(written))
        return written

    def scans(self, tenant_id: str) -> Scans:
        """Return the scans of a tenant."""
        return Scans(self._details, tenant_id, self._read_scans)

    def known_scans(self, tenant_id: str) -> KnownScans:
        """Return what the last scans of a tenant found."""
        return KnownScans(self._details, tenant_id, self._read_scans)

    def put_original(self, restoration_id: str, first: Snapshot, steps: Iterable[Step]) -> None:
        """Keep with a restoration what it brings back, so that nothing happens to it any more; repeatable."""
        self.put_snapshot(restoration_id, snapshots.ORIGINAL, snapshots.of_original(first, steps))

    def put_reading(self, offboarding_id: str, run: int, by: tuple[str, int], found: Snapshot) -> Snapshot:
        """Keep what an attempt at reading found, in one row if that can be, and return it as it is kept.

        `by` is the service that was asked, and the number of the attempt.

        What is kept already is never written over: of two deliveries that read at the same time, the second goes by
        what the first has found, which may have changed it since. So an attempt that found nothing is kept, too.
        """
        kept = KeptSnapshot(self._details, offboarding_id, run).keep_together(keys.reading(run, *by), found)
        return self._with_kept(offboarding_id, run, kept)

    def put_snapshot(self, offboarding_id: str, run: int, snapshot: Snapshot) -> Snapshot:
        """Keep in the same way what a run read, each answer by itself.

        What storage refuses to keep counts as not read, so that it costs those steps that need it, and no others.
        """
        return self._with_kept(offboarding_id, run, KeptSnapshot(self._details, offboarding_id, run).keep(snapshot))

    def put_found(self, offboarding_id: str, step: Step, found: Snapshot) -> tuple[Snapshot, Step]:
        """Keep in the same way what a step found out, and write the step; return both as they are now.

        A run that was taken over adds nothing: to the next, it would be what was there before anything was changed.

        Raises:
            ConflictError: somebody else has written the step since it was read.
        """
        guard = Guard(replace(step, updated_at=clock.now()))
        kept = KeptSnapshot(self._details, offboarding_id, step.run, guard).keep(found)
        if not guard.is_written:  # all of it was kept before, or cannot be
            guard.written(self._details.transact(offboarding_id, [guard.write()])[0])
        return self._with_kept(offboarding_id, step.run, kept, [guard.step]), guard.step

    def _with_kept(self, offboarding_id: str, run: int, kept: Snapshot, written: Sequence[Step] = ()) -> Snapshot:
        """Remember what is kept now of what a run read, and the steps that were written with it."""
        self._remembered.change(offboarding_id, lambda known: known.with_snapshot(run, kept).with_steps(written))
        return kept


def _removal(offboarding: Offboarding) -> list[Operation]:
    """Return what removes an offboarding as it was read, and all that is derived from it."""
    job = keys.job(offboarding.id)
    return [Delete(key, offboarding.etag if key == job else None) for key in rows.of(offboarding)]


def receipt_row(body_hash: str, ids: Sequence[str], created: datetime) -> Row:
    """Return what is left behind to answer a repeated submission."""
    return {"body": body_hash, "ids": json.dumps(list(ids)), "created": clock.to_text(created)}


def receipt_ids(row: Row) -> list[Any]:
    """Return the ids a submission promised."""
    return json.loads(row["ids"])
