"""The task hub in SQLite.

A connection belongs to the thread that made it. Callers group what must happen together with transaction(): the engine
spends exactly one on a turn.
"""

import json
import sqlite3
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

Event = dict[str, Any]
Row = sqlite3.Row

_SCHEMA = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS schedule (function TEXT PRIMARY KEY, expression TEXT, last TEXT, next TEXT, updated TEXT);
CREATE TABLE IF NOT EXISTS instance (
    id TEXT PRIMARY KEY, execution TEXT, name TEXT, status TEXT, input TEXT, output TEXT, custom_status TEXT,
    created TEXT, updated TEXT);
CREATE TABLE IF NOT EXISTS trace (instance TEXT PRIMARY KEY, traceparent TEXT);
CREATE TABLE IF NOT EXISTS history (instance TEXT, position INTEGER, event TEXT, PRIMARY KEY (instance, position));
CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT, kind TEXT, event TEXT);
CREATE INDEX IF NOT EXISTS message_instance ON message (instance);
CREATE TABLE IF NOT EXISTS timer (id INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT, task INTEGER, fire_at TEXT);
CREATE INDEX IF NOT EXISTS timer_fire_at ON timer (fire_at);
CREATE INDEX IF NOT EXISTS timer_instance ON timer (instance);
CREATE TABLE IF NOT EXISTS activity (
    id INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT, execution TEXT, task INTEGER, name TEXT, input TEXT,
    visible_at TEXT);
CREATE INDEX IF NOT EXISTS activity_visible_at ON activity (visible_at);
"""


class Store:
    """Rows and statements; what they mean is the engine's business."""

    def __init__(self, path: str = ":memory:") -> None:
        # Tests make hubs by the thousand and do not close them: whichever thread collects one, closes it.
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._connection.close)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Release the file."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block or, if it raises, nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def rows(self, statement: str, *values: object) -> list[Row]:
        """Run a query."""
        return self._connection.execute(statement, values).fetchall()

    def row(self, statement: str, *values: object) -> Row | None:
        """Run a query for at most one row."""
        return self._connection.execute(statement, values).fetchone()

    def change(self, statement: str, *values: object) -> int:
        """Run a statement and tell how many rows it changed."""
        return self._connection.execute(statement, values).rowcount

    # Settings of the hub itself

    def setting(self, name: str) -> str | None:
        """Read a value kept with the hub, such as the offset of its clock."""
        row = self.row("SELECT value FROM setting WHERE name = ?", name)
        return row["value"] if row else None

    def set_setting(self, name: str, value: str) -> None:
        """Keep a value with the hub."""
        self.change("INSERT OR REPLACE INTO setting VALUES (?, ?)", name, value)

    # Instances and their history

    def instance(self, instance_id: str) -> Row | None:
        """Read one instance."""
        return self.row("SELECT * FROM instance WHERE id = ?", instance_id)

    def history(self, instance_id: str) -> list[Event]:
        """Read what has happened to an instance, oldest first."""
        rows = self.rows("SELECT event FROM history WHERE instance = ? ORDER BY position", instance_id)
        return json.loads(f"[{','.join(row['event'] for row in rows)}]")

    def append_history(self, instance_id: str, position: int, events: Iterable[Event]) -> None:
        """Add events after the first `position`; the primary key refuses a second turn at the same place."""
        self._connection.executemany(
            "INSERT INTO history VALUES (?, ?, ?)",
            [(instance_id, index, json.dumps(event)) for index, event in enumerate(events, position)],
        )

    def forget(self, instance_id: str) -> None:
        """Remove every trace of an instance."""
        self.clear_pending(instance_id)
        self.change("DELETE FROM activity WHERE instance = ?", instance_id)
        self.change("DELETE FROM history WHERE instance = ?", instance_id)
        self.change("DELETE FROM trace WHERE instance = ?", instance_id)
        self.change("DELETE FROM instance WHERE id = ?", instance_id)

    def clear_pending(self, instance_id: str) -> None:
        """Drop what an ended instance can no longer use; queued activities stay, as Azure runs them to their end."""
        self.change("DELETE FROM message WHERE instance = ?", instance_id)
        self.change("DELETE FROM timer WHERE instance = ?", instance_id)

    # Messages waiting for a turn

    def messages(self, instance_id: str) -> list[tuple[int, Event]]:
        """Read an instance's inbox in order of arrival."""
        rows = self.rows("SELECT id, event FROM message WHERE instance = ? ORDER BY id", instance_id)
        return [(row["id"], json.loads(row["event"])) for row in rows]

    def add_message(self, instance_id: str, event: Event) -> None:
        """Put an event into an instance's inbox."""
        self.change(
            "INSERT INTO message (instance, kind, event) VALUES (?, ?, ?)",
            instance_id,
            event["EventType"],
            json.dumps(event),
        )

    def delete_messages(self, ids: Iterable[int]) -> None:
        """Take messages out of the inbox."""
        self._connection.executemany("DELETE FROM message WHERE id = ?", [(each,) for each in ids])
