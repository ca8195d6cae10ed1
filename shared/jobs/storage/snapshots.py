"""What runs read, as rows: an answer is there whole or not at all, however many transactions it takes.

What a run reads at its beginning is one row for each attempt at it, and has a row for each answer only where that is
too much. A long answer is several rows. The first of them is written last, and names who wrote it: of two who write at
the same time, or one after the other has died, the rows of one count.
"""

from __future__ import annotations

import json
import logging
import secrets
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shared.actions.catalogue import Original
from shared.actions.reads.snapshot import NOTHING_READ, Snapshot
from shared.jobs.storage import keys
from shared.jobs.storage.rows import MAX_ROW_CHARS, joined, pieces, split, write_of_step
from shared.jobs.storage.table import (
    LAST,
    MAX_OPERATIONS,
    MAX_TRANSACTION_CHARS,
    ConflictError,
    Insert,
    UnfitRowError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.jobs.records import Step
    from shared.jobs.storage.table import Operation, Row, Table

_log: Final = logging.getLogger(__name__)

ORIGINAL: Final = 0
"""Where the runs of a restoration are counted from 1: what it brings back, as the offboarding recorded it."""


class Guard:
    """The record of the step that something is kept for: written with it, over the version that was read."""

    def __init__(self, step: Step) -> None:
        """Take the step as it is to be."""
        self.step = step
        self.is_written = False

    def write(self) -> Operation:
        """Return what is refused where somebody else has written the step."""
        return write_of_step(self.step)

    def written(self, etag: str) -> None:
        """Take the version that the step has now."""
        self.step = replace(self.step, etag=etag)
        self.is_written = True


class KeptSnapshot:
    """What one run has read, as storage keeps it; with a guard, nothing is kept that it is refused with."""

    def __init__(self, table: Table, offboarding_id: str, run: int, guard: Guard | None = None) -> None:
        """Take where it is kept."""
        self._table = table
        self._offboarding_id = offboarding_id
        self._run = run
        self._guard = guard

    def keep_together(self, key: str, found: Snapshot) -> Snapshot:
        """Keep what an attempt found in a row of its own, as far as it can be; return it as it is kept."""
        kept = self._insert_together(key, found)
        rest = found.without(kept)
        return kept.with_fallback(self.keep(rest)) if rest.asked else kept

    def _insert_together(self, key: str, found: Snapshot) -> Snapshot:
        """Add the row of an attempt, with nothing in it where it cannot be one; return what is kept of the run now."""
        try:
            self._table.transact(self._offboarding_id, [Insert(key, together(self._run, found))])
        except ConflictError:
            return self._kept()
        except UnfitRowError:
            return self._insert_together(key, NOTHING_READ)
        return found

    def keep(self, found: Snapshot) -> Snapshot:
        """Keep each answer by itself; one that storage refuses counts as not read."""
        try:
            return self._insert(found)
        except UnfitRowError:
            kept = NOTHING_READ
            for part in found.one_by_one():
                kept = kept.with_fallback(self._kept_by_itself(part))
            return kept

    def _kept_by_itself(self, part: Snapshot) -> Snapshot:
        """Keep one answer; where storage refuses it, that it was not read."""
        try:
            return self._insert(part)
        except UnfitRowError:
            (name,) = (*part.values, *part.errors)
            _log.exception(
                "What offboarding %s, run %s read as %s cannot be kept", self._offboarding_id, self._run, name
            )
            unread = Snapshot({}, {name: "what Microsoft 365 answered cannot be stored"})
            with suppress(UnfitRowError):
                return self._insert(unread)
            return unread

    def _insert(self, found: Snapshot) -> Snapshot:
        """Add the rows of answers; where another delivery was first with some of them, return those in their place."""
        try:
            for operations in inserts(self._run, found):
                guarded = [self._guard.write()] if self._guard else []
                etags = self._table.transact(self._offboarding_id, [*operations, *guarded])
                if self._guard:
                    self._guard.written(etags[-1])
        except ConflictError:
            kept = self._kept()
            left = found.without(kept)
            if left == found:
                raise
            return kept.with_fallback(self._insert(left))
        return found

    def _kept(self) -> Snapshot:
        prefix = keys.snapshots_prefix(self._run)
        return read(self._table.range(self._offboarding_id, prefix, prefix + LAST).rows).get(self._run, NOTHING_READ)


def inserts(run: int, snapshot: Snapshot) -> Iterator[list[Operation]]:
    """Return the transactions that keep a snapshot: under the limits of Table Storage, with room for one more row."""
    transaction: list[Operation] = []
    chars = 0
    for name in (*snapshot.values, *snapshot.errors):
        answer = {"error": snapshot.errors[name]} if name in snapshot.errors else {"value": snapshot.values[name]}
        parts = pieces(json.dumps(answer, ensure_ascii=False), MAX_ROW_CHARS)
        writer = secrets.token_hex(4) if len(parts) > 1 else ""
        for part, piece in reversed(list(enumerate(parts))):
            if transaction and (chars + len(piece) > MAX_TRANSACTION_CHARS or len(transaction) == MAX_OPERATIONS - 1):
                yield transaction
                transaction, chars = [], 0
            row = {"read": name, "run": run, **({"writer": writer} if writer else {}), **split(piece)}
            transaction.append(Insert(keys.snapshot(run, name, part, writer if part else ""), row))
            chars += len(piece)
    if transaction:
        yield transaction


def together(run: int, snapshot: Snapshot) -> Row:
    """Return a whole snapshot as one row; raises `UnfitRowError` where it is too long for that."""
    text = json.dumps({"values": snapshot.values, "errors": snapshot.errors}, ensure_ascii=False)
    if len(text) > MAX_ROW_CHARS:
        raise UnfitRowError("What was read is too long for one row.")
    return {"read": keys.TOGETHER, "run": run, **split(text)}


def read(rows: Iterable[Row]) -> dict[int, Snapshot]:
    """Read the snapshots among the rows of an offboarding, by run; what was cut off as it was written is left out.

    Of two answers to the same question the first counts in the order of the keys: that of the earlier attempt.
    """
    places: dict[tuple[int, str], list[Row]] = {}
    snapshots: dict[int, Snapshot] = {}
    for row in rows:
        if row["key"].startswith(keys.SNAPSHOT) and row["read"] == keys.TOGETHER:
            content = json.loads(joined(row))
            one = Snapshot(content["values"], content["errors"])
            snapshots[row["run"]] = snapshots.get(row["run"], NOTHING_READ).with_fallback(one)
        elif row["key"].startswith(keys.SNAPSHOT):
            places.setdefault((row["run"], row["read"]), []).append(row)
    for (run, name), parts in places.items():
        if one := _answer(run, name, parts):
            snapshots[run] = snapshots.get(run, NOTHING_READ).with_fallback(one)
    return snapshots


def _answer(run: int, name: str, parts: list[Row]) -> Snapshot | None:
    """Read one answer, or that there is none, out of its rows; None where the first of them is missing."""
    first = next((row for row in parts if row["key"] == keys.snapshot(run, name, 0)), None)
    if first is None:
        return None
    answer = json.loads("".join(joined(row) for row in parts if row.get("writer") == first.get("writer")))
    return Snapshot({}, {name: answer["error"]}) if "error" in answer else Snapshot({name: answer["value"]}, {})


def of_original(first: Snapshot, steps: Iterable[Step]) -> Snapshot:
    """Return what was there first, and how `steps` left it, in the form in which snapshots are kept."""
    left = {
        _left(step.name): {
            "items": step.changed_items,
            "values": {change.what: change.after for change in step.changes},
        }
        for step in steps
    }
    return Snapshot({**first.values, **left}, first.errors)


def to_original(kept: Snapshot, step: str, *, overwrite: bool) -> Original:
    """Read what was there before a step, and how it left it."""
    left = kept.values.get(_left(step), {"items": {}, "values": {}})
    return Original(kept, left["items"], left["values"], overwrite)


def _left(step: str) -> str:
    return f"left by {step}"
