"""The port to Table Storage: rows in one partition, key ranges, transactions. Nothing else is used.

Azure Table Storage scans a whole partition or table for every filter that is not a key range, so this port can only
express key ranges (Learn: "Design Azure Table storage for queries").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = dict[str, Any]

WRITE_ID = "write_id"
"""Property that tells a writer its own write: the SDK repeats a write that timed out, though it was made."""


class ConflictError(Exception):
    """A row changed since it was read, exists already, or is gone: nothing of the transaction was written."""


class UnfitRowError(ValueError):
    """Storage takes no such row, however often it is written: nothing of the transaction was."""


@dataclass(frozen=True)
class Insert:
    """Add a row that must not exist."""

    key: str
    row: Row


@dataclass(frozen=True)
class Replace:
    """Write a whole row: over the version `etag`, or whatever is there where it is None."""

    key: str
    row: Row
    etag: str | None = None


@dataclass(frozen=True)
class Delete:
    """Remove a row that must exist: the version `etag`, or whatever is there where it is None."""

    key: str
    etag: str | None = None


Operation = Insert | Replace | Delete

MAX_OPERATIONS = 100
MAX_VALUE_CHARS = 32 * 1024
MAX_TRANSACTION_CHARS = 600_000
"""A transaction holds 4 MiB. A character takes up to six bytes on its way."""
NOT_IN_KEYS: Final = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")
MAX_KEY_CHARS = 512
"""Learn: "Understanding the Table service data model": a key has up to 1 KiB, a text 64 KiB, in UTF-16; no key holds a
slash, a backslash, #, ? or a control character."""


def checked(operations: Sequence[Operation]) -> Sequence[Operation]:
    """Return `operations` if they can be one transaction; Azure would refuse others with errors that name no row."""
    if not 0 < len(operations) <= MAX_OPERATIONS or len({o.key for o in operations}) != len(operations):
        raise ValueError("A transaction has 1 to 100 operations, each on a row of its own.")
    if any(len(o.key) > MAX_KEY_CHARS for o in operations):
        raise UnfitRowError(f"A key has at most {MAX_KEY_CHARS} characters.")
    if unfit := [o.key for o in operations if NOT_IN_KEYS.search(o.key)]:
        raise UnfitRowError(f"The key {unfit[0]!r} holds a character that no key may hold.")
    return operations


def fits_a_transaction(operations: Sequence[Operation]) -> bool:
    """Return whether operations of several requests can be one transaction.

    It has at most 100 of them, no two on a row, and 4 MiB (Learn: "Performing entity group transactions").
    """
    if len(operations) > MAX_OPERATIONS or len({o.key for o in operations}) != len(operations):
        return False
    values = (value for o in operations if not isinstance(o, Delete) for value in o.row.values())
    return sum(len(value) for value in values if isinstance(value, str)) <= MAX_TRANSACTION_CHARS


LAST = "~"
"""Above every key: keys are made of ASCII below it."""


@dataclass(frozen=True)
class Page:
    """Rows in order of their keys; `etag` of each under the key "etag", its key under "key"."""

    rows: list[Row]
    next_key: str | None
    """Where the following page begins; None on the last one."""


class Table(Protocol):
    """One table."""

    def get(self, partition: str, key: str) -> Row | None:
        """Return one row, or None."""
        ...

    def range(self, partition: str, low: str, high: str, limit: int | None = None) -> Page:
        """Return the rows with low <= key < high: at most `limit`, all where it is None."""
        ...

    def transact(self, partition: str, operations: Sequence[Operation]) -> list[str]:
        """Write all of at most 100 operations or none; returns the new ETags ("" for a deleted row).

        Removing nothing but rows that are all gone is success: it cannot be told from a repetition by the SDK.

        Raises:
            ConflictError: a row is not as the operations expect it.
            ValueError: they are none, too many, or name a row twice.
        """
        ...


def clear(table: Table, partition: str, low: str = "", high: str = LAST) -> None:
    """Remove the rows of a key range, a transaction for every hundred: who is interrupted begins again."""
    found = table.range(partition, low, high).rows
    for start in range(0, len(found), MAX_OPERATIONS):
        chunk = found[start : start + MAX_OPERATIONS]
        table.transact(partition, [Delete(row["key"]) for row in chunk])
