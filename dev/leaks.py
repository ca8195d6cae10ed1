"""Searching everything that a stack has written for its secrets, when it ends.

Tests switch it on for every stack they start, in their own process and in others: see `SWITCH`.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, Protocol

from azure.data.tables import TableServiceClient

from dev import canaries
from shared.app.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import requests

    from dev.azurite import Azurite
    from dev.host.durable.inprocess import InProcessHub
    from dev.memory_table import MemoryTable
    from dev.tenant.process import Simulator

SWITCH: Final = "OFFBOARDING_SEARCH_SECRETS"
_BELONGS_THERE: Final = ("keys.json",)
_TAKES_SECRETS: Final = ("/notifications", "/ExecNotificationConfig")


class Running(Protocol):
    """What is looked at of a stack."""

    folder: Path
    simulator: Simulator
    storage: Azurite


class Watch:
    """Keeps what a stack answered and which secrets it was given."""

    def __init__(self) -> None:
        self._answers: dict[bytes, str] = {}
        self._given: set[canaries.Canary] = set()

    def note(self, response: requests.Response) -> None:
        """Keep an answer, and the secrets in what was asked."""
        asked = response.request
        place = f"the answer to {asked.method} {(asked.path_url or '').partition('?')[0]}"
        if test := os.environ.get("PYTEST_CURRENT_TEST"):
            place += f" in {test}"
        self._answers.setdefault(str(response.headers).encode() + b"\n" + response.content, place)
        if (asked.path_url or "").endswith(_TAKES_SECRETS) and asked.body:
            try:
                self._given.update(canaries.of_destinations(json.loads(asked.body)))
            except (ValueError, RecursionError):
                return

    def check(self, stack: Running, environment: Mapping[str, str]) -> None:
        """Search everything; raises `LeakError`."""
        __tracebackhide__ = True  # pytest would show the values, and so the secrets
        settings = Settings.parse(environment)
        arrived = canaries.arrived(stack.simulator.secrets())
        known = [*canaries.ALWAYS, *self._given, *arrived, *canaries.of_settings(settings), *_keys(stack)]
        answers = ((place, text) for text, place in self._answers.items())
        mails = ((f"the mail {one['n']}", json.dumps(one).encode()) for one in _mails(stack))
        name = stack.folder.name
        written = ((f"{place} of the stack {name}", text) for place, text in everything(stack))
        canaries.check([*answers, *mails, *written], known)


def _mails(stack: Running) -> Iterator[dict[str, Any]]:
    return (one for one in stack.simulator.requests() if "sendMail" in json.dumps(one))


def everything(stack: Running) -> Iterator[tuple[str, bytes]]:
    """Return all that a stack has written and where: rows, the task hub, logs and other files."""
    yield from files(stack.folder / "host")
    yield from files(stack.folder / "storage")
    if stack.storage.child.is_alive:
        yield from rows(stack.storage.connection_string)


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Return the files below a folder; of a task hub its values as well, which pages could cut apart."""
    for file in sorted(one for one in folder.rglob("*") if one.is_file() and one.name not in _BELONGS_THERE):
        place = f"{folder.name}/{file.relative_to(folder)}"
        yield place, file.read_bytes()
        if file.suffix == ".sqlite":
            yield from _hub(file, place)


def _hub(file: Path, place: str) -> Iterator[tuple[str, bytes]]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as hub:
        tables = [name for (name,) in hub.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in hub.execute(f"SELECT * FROM {table}"):  # noqa: S608 - the hub's own names
                yield f"{place}, table {table}", _joined(row)


def rows(connection_string: str) -> Iterator[tuple[str, bytes]]:
    """Return every row of every table; texts that are split into properties are put together."""
    with TableServiceClient.from_connection_string(connection_string) as storage:
        for table in storage.list_tables():
            for row in storage.get_table_client(table.name).list_entities():
                place = f"the row {row['PartitionKey']} {row['RowKey']} of the table {table.name}"
                parts = "".join(str(row[name]) for name in sorted(row) if name.startswith("json"))
                yield place, _joined([*row.values(), parts])


def _joined(values: Any) -> bytes:  # noqa: ANN401 - a row of any kind
    return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in values)


def _keys(stack: Running) -> Iterator[canaries.Canary]:
    file = stack.folder / "host" / "keys.json"
    keys = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for kind in ("master", "default"):
        yield from canaries.named(f"the host's {kind} key", [keys.get(kind, "")])
    yield from canaries.named("a system key of the host", keys.get("system", {}).values())
    yield from canaries.named("a function's key", keys.get("functions", {}).values())


def of_laboratory(tables: Mapping[str, MemoryTable], hub: InProcessHub | None) -> Iterator[tuple[str, bytes]]:
    """Return what an app in the process of a test has written: the rows of its tables, and the values of its hub."""
    for name, table in tables.items():
        for partition, key, row in table.everything():
            parts = "".join(str(row[part]) for part in sorted(row) if part.startswith("json"))
            yield f"the row {partition} {key} of the table {name}", _joined([*row.values(), parts])
    for name in ("instance", "history", "message", "activity") if hub else ():
        for row in hub.engine.store.rows(f"SELECT * FROM {name}") if hub else ():  # noqa: S608 - the hub's own names
            yield f"the task hub, table {name}", _joined(tuple(row))
