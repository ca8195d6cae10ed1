"""Where offboardings are kept: two tables, every change of state one transaction.

`offboardings` has one partition, because Azure transactions hold within one: the job row is the truth, and the rows for
listing, waking and locking are derived from it by `_rows_of`, so a change writes their difference and none can be left
behind. `offboardingdetails` has a partition for each offboarding.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from shared import clock
from shared.offboarding import rows
from shared.offboarding.table import LAST, ConflictError, Delete, Insert, Operation, Replace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.offboarding.reads import Snapshot
    from shared.offboarding.records import Offboarding, Request, Step
    from shared.offboarding.table import Row, Table

PARTITION: Final = "offboardings"
MAX_PER_TRANSACTION: Final = 24


@dataclass(frozen=True)
class Details:
    """What is known of one offboarding's run so far; empty before its first run begins."""

    request: Request | None
    snapshots: dict[int, Snapshot]
    steps: dict[str, Step]

    def first(self) -> Snapshot:
        """Return what was there before anything was changed: of each read, the earliest answer there is."""
        return rows.merged(self.snapshots[run] for run in sorted(self.snapshots))

    def latest(self, run: int) -> Snapshot:
        """Return what the run `run` read at its beginning."""
        return rows.merged([self.snapshots[run]] if run in self.snapshots else [])


class Store:
    """Offboardings by id, by tenant, by the moment they have to be looked at, and their details."""

    def __init__(self, jobs: Table, details: Table) -> None:
        self._jobs = jobs
        self._details = details

    def add(self, offboardings: Sequence[Offboarding], receipt: tuple[str, Row] | None = None) -> None:
        """Store at most 24 new offboardings, and what answers a repeat of their submission, in one transaction.

        Raises:
            ConflictError: one of the persons has an offboarding that has not ended, or the receipt exists already.
        """
        operations: list[Operation] = [
            Insert(key, row) for offboarding in offboardings for key, row in rows.of(offboarding).items()
        ]
        if receipt:
            operations.append(Insert(*receipt))
        self._jobs.transact(PARTITION, operations)

    def under_way(self, tenant_id: str) -> dict[str, str]:
        """Return the offboardings of a tenant that have not ended, by the ids of their persons."""
        prefix = rows.lock_prefix(tenant_id)
        page = self._jobs.range(PARTITION, prefix, prefix + LAST)
        return {row["key"].removeprefix(prefix): row["id"] for row in page.rows}

    def receipt(self, key: str) -> Row | None:
        """Return what an earlier submission with this idempotency key left."""
        return self._jobs.get(PARTITION, key)

    def get(self, offboarding_id: str) -> Offboarding | None:
        """Return an offboarding, or None."""
        row = self._jobs.get(PARTITION, rows.job_key(offboarding_id))
        return rows.to_offboarding(row) if row else None

    def change(self, old: Offboarding, new: Offboarding) -> None:
        """Write `new` over `old`, and whatever is derived from it; raises `ConflictError` if `old` is not current."""
        before, after = rows.of(old), rows.of(new)
        job = rows.job_key(old.id)
        operations: list[Operation] = [Replace(job, after[job], old.etag)]
        operations += [Replace(key, row) for key, row in after.items() if key != job and before.get(key) != row]
        operations += [Delete(key) for key in before if key not in after]
        self._jobs.transact(PARTITION, operations)

    def due(self, now: datetime, limit: int) -> list[str]:
        """Return the ids of the offboardings that have to be looked at by `now`, the longest due first."""
        page = self._jobs.range(PARTITION, rows.WAKE, rows.wake_bound(now), limit)
        return [row["id"] for row in page.rows]

    def page(self, tenant_id: str | None, start: str | None, limit: int) -> tuple[list[Offboarding], str | None]:
        """Return at most `limit` offboardings, newest first, from the key `start`, and the key to go on from."""
        prefix = rows.tenant_prefix(tenant_id) if tenant_id else rows.JOB
        low = start if start and start.startswith(prefix) else prefix
        page = self._jobs.range(PARTITION, low, prefix + LAST, limit)
        return [rows.to_offboarding(row) for row in page.rows], page.next_key

    def details(self, offboarding_id: str) -> Details:
        """Return request, snapshots and steps of an offboarding with one request."""
        page = self._details.range(offboarding_id, rows.DETAILS_LOW, rows.DETAILS_HIGH)
        return Details(*rows.to_details(page.rows))

    def begin(self, offboarding: Offboarding, steps: Sequence[Step], *, is_first: bool) -> None:
        """Write the steps of a run that begins; raises `ConflictError` where another delivery did so."""
        request: list[Operation] = [Insert(rows.REQUEST, rows.of_request(offboarding.request))] if is_first else []
        self._details.transact(offboarding.id, request + [_step_write(step) for step in steps])

    def put_steps(self, offboarding_id: str, steps: Sequence[Step]) -> list[Step]:
        """Write steps over the versions that were read, all or none, and return them as they are now.

        Raises:
            ConflictError: another delivery or a later run wrote one of them.
        """
        changed = [replace(step, updated_at=clock.now()) for step in steps]
        etags = self._details.transact(offboarding_id, [_step_write(step) for step in changed])
        return [replace(step, etag=etag) for step, etag in zip(changed, etags, strict=True)]

    def put_snapshot(self, offboarding_id: str, run: int, snapshot: Snapshot) -> None:
        """Keep what a run read at its beginning; what is kept already is never written over."""
        for operations in rows.snapshot_inserts(run, snapshot):
            try:
                self._details.transact(offboarding_id, operations)
            except ConflictError:
                continue


def _step_write(step: Step) -> Operation:
    key, row = rows.step_key(step.name), rows.of_step(step)
    return Replace(key, row, step.etag) if step.etag else Insert(key, row)


def receipt_row(body_hash: str, ids: Sequence[str], created: datetime) -> Row:
    """Return what is left behind to answer a repeated submission."""
    return {"body": body_hash, "ids": json.dumps(list(ids)), "created": clock.to_text(created)}


def receipt_ids(row: Row) -> list[Any]:
    """Return the ids a submission promised."""
    return json.loads(row["ids"])
