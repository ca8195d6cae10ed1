"""What runs read, as rows: an answer is there whole or not at all, however many transactions it takes.

A long answer is several rows. The first of them is written last, and names who wrote it: of two who write at the same
time, or one after the other has died, the rows of one count.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Final

from shared.actions.catalogue import Original
from shared.actions.reads.snapshot import NOTHING_READ, Snapshot
from shared.jobs.storage import keys
from shared.jobs.storage.rows import MAX_ROW_CHARS, joined, pieces, split
from shared.jobs.storage.table import MAX_OPERATIONS, MAX_TRANSACTION_CHARS, Insert

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.jobs.records import Step
    from shared.jobs.storage.table import Operation, Row

ORIGINAL: Final = 0
"""Where the runs of a restoration are counted from 1: what it brings back, as the offboarding recorded it."""


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


def read(rows: Iterable[Row]) -> dict[int, Snapshot]:
    """Read the snapshots among the rows of an offboarding, by run; what was cut off as it was written is left out."""
    places: dict[tuple[int, str], list[Row]] = {}
    for row in rows:
        if row["key"].startswith(keys.SNAPSHOT):
            places.setdefault((row["run"], row["read"]), []).append(row)
    snapshots: dict[int, Snapshot] = {}
    for (run, name), parts in places.items():
        first = next((row for row in parts if row["key"] == keys.snapshot(run, name, 0)), None)
        if first is None:
            continue
        answer = json.loads("".join(joined(row) for row in parts if row.get("writer") == first.get("writer")))
        one = Snapshot({}, {name: answer["error"]}) if "error" in answer else Snapshot({name: answer["value"]}, {})
        snapshots[run] = one.with_fallback(snapshots.get(run, NOTHING_READ))
    return snapshots


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
