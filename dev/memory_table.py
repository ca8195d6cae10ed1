"""Table Storage in memory, for runs by the thousand; a contract test holds it equal to Azurite."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

from shared.jobs.storage.table import MAX_VALUE_CHARS, ConflictError, Delete, Insert, Page, Row, UnfitRowError, checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.jobs.storage.table import Operation


class MemoryTable:
    """One table; `requests` counts what Azure would be asked."""

    def __init__(self) -> None:
        self.requests = 0
        self._partitions: dict[str, dict[str, Row]] = {}
        self._versions = itertools.count(1)
        self._lock = threading.Lock()

    def get(self, partition: str, key: str) -> Row | None:
        """Return one row, or None."""
        with self._lock:
            self.requests += 1
            row = self._partitions.get(partition, {}).get(key)
            return dict(row) if row else None

    def range(self, partition: str, low: str, high: str, limit: int | None = None) -> Page:
        """Return the rows with low <= key < high: at most `limit`, all where it is None."""
        with self._lock:
            self.requests += 1
            rows = self._partitions.get(partition, {})
            keys = sorted(key for key in rows if low <= key < high)
            shown = keys[:limit] if limit else keys
            return Page([dict(rows[key]) for key in shown], keys[limit] if limit and len(keys) > limit else None)

    def transact(self, partition: str, operations: Sequence[Operation]) -> list[str]:
        """Write all operations or none."""
        with self._lock:
            self.requests += 1
            rows = self._partitions.setdefault(partition, {})
            if all(isinstance(o, Delete) and o.key not in rows for o in checked(operations)):
                return [""] * len(operations)
            for operation in operations:
                _check(operation, rows.get(operation.key))
            return [self._write(rows, operation) for operation in operations]

    def everything(self) -> list[tuple[str, str, Row]]:
        """Return every row with its partition and key, for a search."""
        with self._lock:
            return [(name, key, row) for name, rows in self._partitions.items() for key, row in rows.items()]

    def partitions(self) -> list[str]:
        """Return the partitions that hold a row, for assertions."""
        with self._lock:
            return [name for name, rows in self._partitions.items() if rows]

    def keys(self, partition: str) -> list[str]:
        """Return every key, for assertions."""
        with self._lock:
            return sorted(self._partitions.get(partition, {}))

    def _write(self, rows: dict[str, Row], operation: Operation) -> str:
        if isinstance(operation, Delete):
            del rows[operation.key]
            return ""
        etag = f'W/"{next(self._versions)}"'
        rows[operation.key] = {**operation.row, "key": operation.key, "etag": etag}
        return etag


def _check(operation: Operation, row: Row | None) -> None:
    values = () if isinstance(operation, Delete) else operation.row.values()
    if any(isinstance(value, str) and len(value) > MAX_VALUE_CHARS for value in values):
        raise UnfitRowError("A text has at most 64 KiB.")
    if isinstance(operation, Insert):
        fits = row is None
    elif operation.etag is None:
        fits = row is not None or not isinstance(operation, Delete)
    else:
        fits = row is not None and row["etag"] == operation.etag
    if not fits:
        raise ConflictError(f"{operation.key} is not as expected")
