"""What was decided and what was written, for those who ask later: append-only, and outliving a deleted offboarding.

Nothing here costs a run a request of its own: a step's writes and its end are the step's record, and get a row here
before that is written over by a later run, or removed. What was decided is kept in the transaction that carries it
out, and what was asked for stands in the offboarding, until both get rows here before it is deleted. That it was
deleted stands in the note that the deletion itself leaves: one that was refused leaves none.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, fields, replace
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

from shared.base import clock
from shared.jobs import sheets
from shared.jobs.records import Write
from shared.jobs.storage import keys, rows
from shared.jobs.storage.table import Insert, Replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from shared.jobs.records import Event, Offboarding, Step
    from shared.jobs.storage.table import Operation, Row
    from shared.microsoft365.http.messages import SentRequest


@dataclass(frozen=True)
class Entry:
    """One decision, one write to Microsoft 365, one value it changed, or the end of one step or item.

    `at` of a write is when its attempt was recorded, just after it. `status` is None where no answer came, so that it
    is not known whether the write was carried out. `origin` of a decision is from where it was asked for. `outcome`
    tells before and after: `already_done` was so before, `done` is so only now.
    """

    at: str
    by: str
    what: str
    run: int | None = None
    step: str = ""
    service: str = ""
    operation: str = ""
    target: str = ""
    before: str = ""
    after: str = ""
    status: int | None = None
    outcome: str = ""
    message: str = ""
    client_request_id: str = ""
    request_id: str = ""
    origin: str = ""


_ATTEMPT: Final = 3
_DELETED: Final = "deleted"
_OF_STEPS: Final = ("write", "change", "item", "step")
_MOST_IN_A_STEP: Final = 100
"""Writes that a step's record holds besides what it tells of its items: it is one row."""


def _place(what: str) -> int:
    """Return where something stands among what happened within the same millisecond."""
    places = {"submitted": 0, "claimed": 2, "recovered": 2, **dict.fromkeys(_OF_STEPS, _ATTEMPT), _DELETED: 9}
    return 4 if what.startswith("ended_") else places.get(what, 1)


def of_decisions(offboarding: Offboarding) -> list[Operation]:
    """Return the rows of what was asked for and decided so far; writing them again changes nothing."""
    asked = {"at": clock.to_text(offboarding.requested_at), "what": "asked", **rows.of_request(offboarding.request)}
    operations: list[Operation] = [Replace(f"{keys.AUDIT}{asked['at']}|asked", asked)]
    seen = {operations[0].key}
    for event in offboarding.events:
        at = clock.to_text(event.at)
        key = f"{keys.AUDIT}{at}|{_place(event.what)}|{event.what}"
        if key not in seen:
            seen.add(key)
            operations.append(Replace(key, _of_event(event)))
    return operations


def of_new_decisions(old: Offboarding, new: Offboarding) -> list[Operation]:
    """Return the rows of what a change decides, for its transaction: the offboarding itself lists only the newest."""
    decided = [event for event in new.events if event not in old.events]
    return [Insert(keys.decided(new.id, event.at), _of_event(event)) for event in decided]


def _of_event(event: Event) -> Row:
    return {"at": clock.to_text(event.at), "by": event.by, "what": event.what, "origin": event.origin}


def noted(step: Step, sent: Iterable[SentRequest], now: datetime) -> tuple[Step, list[Operation]]:
    """Return a step with what its attempt wrote; or the row of that, where the step's own has no room for more."""
    writes, before = _writes(sent, now), step.writes or ()
    if len(before) + len(writes) > _MOST_IN_A_STEP:
        return replace(step, writes=before), of_attempt(step, writes)
    return replace(step, writes=(*before, *writes)), []


def of_lost(step: Step, sent: Iterable[SentRequest], now: datetime) -> list[Operation]:
    """Return the row of what an attempt wrote that cannot be recorded with its step; none where it wrote nothing."""
    return of_attempt(step, _writes(sent, now))


def of_attempt(step: Step, writes: Sequence[Write]) -> list[Operation]:
    """Return the row of an attempt's writes by themselves; none where it wrote nothing."""
    if not writes:
        return []
    key = f"{keys.AUDIT}{clock.to_text(writes[-1].at)}|{_ATTEMPT}|{step.name}|{secrets.token_hex(4)}"
    return [Insert(key, _of_writes(step, writes, {}))]


def of_steps(steps: Iterable[Step]) -> dict[str, Row]:
    """Return, by key, the rows of what a run's attempts at steps wrote and how these ended, where that is something.

    They say what the steps' records say, for when those are written over by a later run, or removed. Writing them again
    changes nothing, also late: each version of a record, which only grows, has a row of its own.
    """
    told = (step for step in steps if step.writes is not None and (step.writes or step.has_ended))
    return {_key_of(step): _of_writes(step, step.writes or (), _end_of(step)) for step in told}


def _key_of(step: Step) -> str:
    return f"{keys.AUDIT}step|{step.name}|{step.run:04}|{len(step.writes or ()):03}|{step.state.value}"


def _end_of(step: Step) -> dict[str, Any]:
    if not step.has_ended:
        return {}
    return {
        "outcome": step.outcome,
        "message": step.message,
        "changes": [[c.what, c.before, c.after] for c in step.changes],
        "items": [[i.id, i.name, i.outcome, i.message] for i in step.items],
    }


def _of_writes(step: Step, writes: Sequence[Write], ended: dict[str, Any]) -> Row:
    """Return a row; the moments of the writes stand by themselves, because earlier versions kept none."""
    at = step.ended_at if ended and step.ended_at else writes[-1].at
    told = [
        [one.service, one.operation, one.target, one.status, one.client_request_id, one.request_id] for one in writes
    ]
    content = {"writes": told, "moments": [clock.to_text(one.at) for one in writes], **ended}
    row: Row = {"at": clock.to_text(at), "what": "attempt", "step": step.name, "run": step.run}
    return row | rows.of_document(content)


def _writes(sent: Iterable[SentRequest], now: datetime) -> tuple[Write, ...]:
    return tuple(_write(one, now) for one in sent if one.is_write)


def _write(one: SentRequest, now: datetime) -> Write:
    operation = one.path if one.service == "exchange" else f"{one.method} {one.path}"
    return Write(now, one.service, operation, one.target, one.status, one.client_request_id, one.request_id)


@dataclass(frozen=True)
class Audit:
    """What is known of one offboarding, deleted or not; entries in the order in which they were recorded."""

    tenant_id: str
    tenant_domain: str
    upn: str
    person_id: str
    entries: tuple[Entry, ...]


def read(kept: Sequence[Row], offboarding: Offboarding | None, deletion: Row | None) -> Audit | None:
    """Join what was kept with what the offboarding, or the note of its deletion, says; None where nothing is known."""
    found = {row["key"]: row for row in kept if row["key"].startswith(keys.AUDIT)}
    for row in kept:
        if row["key"] not in found:
            key = f"{keys.AUDIT}{row['at']}|{_place(row['what'])}|{row['what']}"
            found[key if found.get(key, row)["by"] == row["by"] else f"{key}|{row['key']}"] = row
    if offboarding:
        for operation in of_decisions(offboarding):
            if not isinstance(operation, Replace):
                continue
            found.setdefault(operation.key, {**operation.row, "key": operation.key})
    if deletion:
        at = deletion["deleted_at"]
        found[f"{keys.AUDIT}{at}|{_place(_DELETED)}|{_DELETED}"] = {"at": at, "by": deletion["by"], "what": _DELETED}
    asked = next((row for row in found.values() if row["what"] == "asked"), None)
    if asked is None:
        return None
    by = asked["requested_by"]
    entries = sorted(_once(_entries(row, by) for _, row in sorted(found.items())), key=_moment)
    return Audit(asked["tenant_id"], asked["tenant_domain"], asked["upn"], asked["person_id"], tuple(entries))


def _moment(entry: Entry) -> tuple[str, int]:
    return entry.at, _place(entry.what)


def _once(rows_of_entries: Iterable[list[Entry]]) -> Iterator[Entry]:
    """Leave out writes that a row before tells of: storage that had not answered may have kept them all the same."""
    told: set[tuple[int | None, str, str]] = set()
    for entries in rows_of_entries:
        new = [entry for entry in entries if entry.what != "write" or _attempt_of(entry) not in told]
        told |= {_attempt_of(entry) for entry in new if entry.what == "write"}
        yield from new


def _attempt_of(write: Entry) -> tuple[int | None, str, str]:
    """Name what sent a write: a request may be a batch with the writes of several steps."""
    return write.run, write.step, write.client_request_id


def _entries(row: Row, requested_by: str) -> list[Entry]:
    if row["what"] == "asked":
        return []
    if row["what"] != "attempt":
        return [Entry(row["at"], row["by"], row["what"], origin=row.get("origin", ""))]
    at, run, step = row["at"], row["run"], row["step"]
    content = rows.to_document(row)
    entries = [
        Entry(
            moment,
            requested_by,
            "write",
            run,
            step,
            service=service,
            operation=operation,
            target=target,
            status=status,
            client_request_id=client_request_id,
            request_id=request_id,
        )
        for moment, (service, operation, target, status, client_request_id, request_id) in zip(
            content.get("moments") or repeat(at), content["writes"], strict=False
        )
    ]
    entries += [
        Entry(at, requested_by, "change", run, step, target=what, before=before, after=after)
        for what, before, after in content.get("changes", ())
    ]
    for item, name, outcome, message in content.get("items", ()):
        target = f"{name} ({item})" if name and name != item else item
        entries.append(Entry(at, requested_by, "item", run, step, target=target, outcome=outcome, message=message))
    if "outcome" in content:
        outcome, message = content["outcome"], content["message"]
        entries.append(Entry(at, requested_by, "step", run, step, outcome=outcome, message=message))
    return entries


def to_json(offboarding_id: str, audit: Audit) -> dict[str, Any]:
    """Return the record as the API gives it."""
    return {
        "id": offboarding_id,
        "tenant": {"id": audit.tenant_id, "domain": audit.tenant_domain},
        "user": {"id": audit.person_id, "upn": audit.upn},
        "entries": [asdict(entry) for entry in audit.entries],
    }


def to_csv(offboarding_id: str, audit: Audit) -> str:
    """Return the record as a table."""
    columns = [field.name for field in fields(Entry)]
    rows_ = ([offboarding_id, audit.tenant_id, audit.upn, *asdict(entry).values()] for entry in audit.entries)
    return sheets.to_csv(["offboarding", "tenant", "user", *columns], rows_)
