"""The shape of the rows: every property is made here, from records and back; `keys` has the keys."""

from __future__ import annotations

import json
from dataclasses import astuple
from typing import TYPE_CHECKING, Any, Final

from shared.access.scope import Authority
from shared.actions.outcome import Outcome, StepState
from shared.actions.reads.snapshot import Person
from shared.base import clock
from shared.jobs.delivery import Delivery
from shared.jobs.records import (
    Access,
    AccessChecks,
    Change,
    DueCheck,
    Event,
    Item,
    Offboarding,
    Reason,
    Request,
    State,
    Step,
    Tenant,
    Wake,
    Write,
)
from shared.jobs.storage import keys
from shared.jobs.storage.table import Insert, Replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from shared.jobs.storage.table import Operation, Row

MAX_PROPERTY_CHARS: Final = 30_000
MAX_ROW_CHARS: Final = 12 * MAX_PROPERTY_CHARS
"""An entity holds 1 MiB. A character takes two bytes at rest."""


def of_deleted(offboarding: Offboarding, by: str, now: datetime) -> Row:
    """Return the row of that note."""
    return {
        "id": offboarding.id,
        "tenant_id": offboarding.request.tenant.id,
        "receipt": offboarding.receipt,
        "deleted_at": clock.to_text(now),
        "by": by,
    }


def deleted_at(row: Row) -> datetime:
    """Read when an offboarding was deleted."""
    return clock.from_text(row["deleted_at"])


def of(offboarding: Offboarding) -> dict[str, Row]:
    """Return every row of `offboardings` that follows from an offboarding, by key."""
    columns = _list_columns(offboarding)
    tenant = offboarding.request.tenant.id
    rows: dict[str, Row] = {
        keys.job(offboarding.id): {**columns, **_own_columns(offboarding)},
        keys.tenant_prefix(tenant) + offboarding.id: columns,
    }
    wake = {"id": offboarding.id, "tenant_id": tenant, "state": offboarding.state.value}
    if offboarding.wake_at:
        run = offboarding.run if offboarding.state is State.running else 0
        rows[keys.wake(offboarding.wake_at, offboarding.id)] = {**wake, "run": run}
    for delivery in offboarding.deliveries:
        if delivery.next_attempt_at:
            key = keys.wake(delivery.next_attempt_at, offboarding.id, delivery.key)
            rows[key] = {**wake, "destination": delivery.key}
    for one in offboarding.access:
        rows[keys.open_access(tenant, one.until, offboarding.id, one.action)] = _of_access(offboarding, one)
        if one.wake_at:
            rows[keys.wake(one.wake_at, offboarding.id, f"access-{one.action}")] = {**wake, "access": one.action}
    for check in offboarding.checks.due[:1]:
        rows[keys.wake(check.at, offboarding.id, "check")] = {**wake, "check": True}
    if not offboarding.has_ended:
        rows[keys.person(tenant, offboarding.request.person.id)] = {"id": offboarding.id}
    if offboarding.slot is not None:
        rows[keys.slot(tenant, offboarding.slot)] = {"id": offboarding.id}
    return rows


def _of_access(offboarding: Offboarding, access: Access) -> Row:
    return {
        "id": offboarding.id,
        **_whose(offboarding.request),
        "action": access.action,
        "until": _text(access.until),
        "to": json.dumps(offboarding.request.given_to(access.action)),
    }


def _whose(request: Request) -> Row:
    return {
        "tenant_id": request.tenant.id,
        "tenant_domain": request.tenant.domain,
        "person_id": request.person.id,
        "upn": request.person.upn,
        "display_name": request.person.display_name,
    }


def _list_columns(offboarding: Offboarding) -> Row:
    request = offboarding.request
    return {
        "id": offboarding.id,
        **_whose(request),
        "reference": request.reference,
        "notify": ",".join(request.notify),
        "restores": request.restores,
        "state": offboarding.state.value,
        "reason": offboarding.reason.value if offboarding.reason else "",
        "message": offboarding.message,
        "requested_at": clock.to_text(offboarding.requested_at),
        "scheduled_for": _text(offboarding.scheduled_for),
        "started_at": _text(offboarding.started_at),
        "ended_at": _text(offboarding.ended_at),
        "warnings": json.dumps(offboarding.warnings),
        "run": offboarding.run,
        "wake_at": _text(offboarding.wake_at),
    }


def _own_columns(offboarding: Offboarding) -> Row:
    return {
        **of_request(offboarding.request),
        "recoveries": offboarding.recoveries,
        "planned_for": _text(offboarding.planned_for),
        "claimed_at": _text(offboarding.claimed_at),
        "slot": -1 if offboarding.slot is None else offboarding.slot,
        "cancelled_by": offboarding.cancelled_by,
        "receipt": offboarding.receipt,
        "traceparent": offboarding.traceparent,
        "authority": _of_authority(offboarding.authority),
        "deliveries": json.dumps([one.to_json() for one in offboarding.deliveries], ensure_ascii=False),
        "access": json.dumps([[one.action, _text(one.until), one.is_told, one.moved] for one in offboarding.access]),
        "checks": _of_checks(offboarding.checks),
        "events": json.dumps(
            [[clock.to_text(e.at), e.by, e.what, e.origin] for e in offboarding.events], ensure_ascii=False
        ),
    }


def to_offboarding(row: Row) -> Offboarding:
    """Read a job row, or the copy of one that lists a tenant's (without what only the job row knows)."""
    return Offboarding(
        id=row["id"],
        request=to_request(row),
        state=State(row["state"]),
        requested_at=clock.from_text(row["requested_at"]),
        scheduled_for=_moment(row, "scheduled_for"),
        planned_for=_moment(row, "planned_for"),
        reason=Reason(row["reason"]) if row["reason"] else None,
        message=row.get("message", ""),
        run=row["run"],
        recoveries=row.get("recoveries", 0),
        claimed_at=_moment(row, "claimed_at"),
        started_at=_moment(row, "started_at"),
        ended_at=_moment(row, "ended_at"),
        wake_at=_moment(row, "wake_at"),
        slot=row["slot"] if row.get("slot", -1) >= 0 else None,
        cancelled_by=row.get("cancelled_by", ""),
        receipt=row.get("receipt", ""),
        events=tuple(Event(clock.from_text(at), *rest) for at, *rest in json.loads(row.get("events", "[]"))),
        warnings=tuple(json.loads(row["warnings"])),
        deliveries=tuple(Delivery.from_json(one) for one in json.loads(row.get("deliveries", "[]"))),
        access=tuple(
            Access(action, clock.from_text(until) if until else None, *told)
            for action, until, *told in json.loads(row.get("access", "[]"))
        ),
        checks=_to_checks(row.get("checks", "")),
        traceparent=row.get("traceparent", ""),
        authority=_to_authority(row.get("authority", "")),
        etag=row["etag"],
    )


def _of_checks(checks: AccessChecks) -> str:
    due = [[clock.to_text(one.at), one.tries] for one in checks.due]
    return json.dumps([due, _text(checks.checked_at), checks.count]) if checks != AccessChecks() else ""


def _to_checks(text: str) -> AccessChecks:
    if not text:
        return AccessChecks()
    due, checked_at, count = json.loads(text)
    moments = tuple(DueCheck(clock.from_text(at), tries) for at, tries in due)
    return AccessChecks(moments, clock.from_text(checked_at) if checked_at else None, count)


def _of_authority(authority: Authority | None) -> str:
    return json.dumps([authority.person, authority.groups], ensure_ascii=False) if authority else ""


def _to_authority(text: str) -> Authority | None:
    """Read the authority; None of what the app itself decided, and of what was stored before it was kept."""
    return Authority(*(tuple(names) for names in json.loads(text))) if text else None


def of_request(request: Request) -> Row:
    """Return the columns of what was asked for."""
    return {
        **_whose(request),
        "actions": json.dumps(request.actions, ensure_ascii=False),
        "force": request.force,
        "notify": ",".join(request.notify),
        "reference": request.reference,
        "requested_by": request.requested_by,
        "ticket": request.ticket,
        "restores": request.restores,
        "overwrite": request.overwrite,
        "named": json.dumps(request.named, ensure_ascii=False),
        "known_as": json.dumps(_fitting(request.known_as), ensure_ascii=False),
    }


def to_wake(row: Row) -> Wake:
    """Read when an offboarding has to be looked at, and why."""
    return Wake(
        row["id"],
        row["tenant_id"],
        is_planned=row["state"] == State.planned,
        due_at=keys.wake_moment(row["key"]),
        destination=row.get("destination", ""),
        run=row.get("run", 0),
        access=row.get("access", ""),
        is_check=row.get("check", False),
    )


def of_beginning(request: Request, steps: Sequence[Step]) -> Row:
    """Return the row of what was asked for, with the steps that wait when the first run begins: they need no rows."""
    return {**of_request(request), "steps": ",".join(step.name for step in steps), "run": steps[0].run if steps else 0}


def _waiting(row: Row) -> dict[str, Step]:
    """Read those steps, as they stand where there is no row of theirs; none from an older version, which wrote rows."""
    return {name: Step(name, row["run"]) for name in filter(None, row.get("steps", "").split(","))}


def _fitting(names: Sequence[str]) -> list[str]:
    """Return as many names as a property holds: those of 300 addresses, the most that a mailbox has, do."""
    fitting: list[str] = []
    chars = 0
    for name in names:
        chars += len(name) + 4
        if chars > MAX_PROPERTY_CHARS:
            break
        fitting.append(name)
    return fitting


def of_cap(submitted: Iterable[datetime]) -> Row:
    """Return the row that tells when a tenant's offboardings of the last hour were submitted."""
    return {"id": "", **split(json.dumps([clock.to_text(moment) for moment in submitted]))}


def submitted_in(row: Row) -> tuple[datetime, ...]:
    """Read that row."""
    return tuple(clock.from_text(text) for text in json.loads(joined(row)))


def to_request(row: Row) -> Request:
    """Read the columns of what was asked for."""
    return Request(
        tenant=Tenant(row["tenant_id"], row["tenant_domain"]),
        person=Person(row["person_id"], row["upn"], row["display_name"]),
        actions=json.loads(row.get("actions", "{}")),
        force=row.get("force", False),
        notify=tuple(filter(None, row.get("notify", "").split(","))),
        reference=row["reference"],
        requested_by=row.get("requested_by", ""),
        ticket=row.get("ticket", ""),
        restores=row.get("restores", ""),
        overwrite=row.get("overwrite", False),
        named=json.loads(row.get("named", "{}")),
        known_as=tuple(json.loads(row.get("known_as", "[]"))),
    )


def of_step(step: Step) -> Row:
    """Return the row of a step; long lists of items are split into properties of at most 30,000 characters."""
    work = {
        "items": [[i.id, i.name, i.outcome, i.message] for i in step.items],
        "changes": [[c.what, c.before, c.after] for c in step.changes],
        "accepted": step.accepted,
        "problems": step.problems,
        "request_ids": step.request_ids,
        "writes": [of_write(write) for write in step.writes or ()],
    }
    return {
        "name": step.name,
        "run": step.run,
        "state": step.state.value,
        "outcome": step.outcome.value if step.outcome else "",
        "message": step.message,
        "attempts": step.attempts,
        "started_at": _text(step.started_at),
        "updated_at": _text(step.updated_at),
        "written_at": _text(step.written_at),
        "next_attempt_at": _text(step.next_attempt_at),
        "ended_at": _text(step.ended_at),
        "blocked_by": ",".join(step.blocked_by),
        **split(json.dumps(work, ensure_ascii=False)),
    }


def write_of_step(step: Step) -> Operation:
    """Return what writes a step over the version that was read, or as a new row where there was none."""
    key, row = keys.step(step.name), of_step(step)
    return Replace(key, row, step.etag) if step.etag else Insert(key, row)


def _to_step(row: Row) -> Step:
    work = json.loads(joined(row))
    return Step(
        name=row["name"],
        run=row["run"],
        state=StepState(row["state"]),
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        message=row["message"],
        attempts=row["attempts"],
        started_at=_moment(row, "started_at"),
        updated_at=_moment(row, "updated_at"),
        written_at=_moment(row, "written_at"),
        next_attempt_at=_moment(row, "next_attempt_at"),
        ended_at=_moment(row, "ended_at"),
        items=tuple(Item(i, name, Outcome(outcome), message) for i, name, outcome, message in work["items"]),
        changes=tuple(Change(what, before, after) for what, before, after in work.get("changes", ())),
        blocked_by=tuple(filter(None, row["blocked_by"].split(","))),
        accepted=tuple(work["accepted"]),
        problems={item: (Outcome(outcome), text) for item, (outcome, text) in work["problems"].items()},
        request_ids=tuple(work["request_ids"]),
        writes=tuple(map(to_write, work["writes"])) if "writes" in work else None,
        etag=row["etag"],
    )


def of_write(write: Write) -> list[Any]:
    """Return a write as it is kept among others."""
    return [clock.to_text(write.at), *astuple(write)[1:]]


def to_write(kept: Sequence[Any]) -> Write:
    """Read a write that was kept so."""
    at, *rest = kept
    return Write(clock.from_text(at), *rest)


def to_details(
    rows: Iterable[Row],
) -> tuple[Request | None, dict[str, Step], str, dict[str, Any] | None]:
    """Read the details but for snapshots: request, steps by name, who cancelled ("" for nobody), and the last check."""
    request: Request | None = None
    checked: dict[str, Any] | None = None
    steps: dict[str, Step] = {}
    cancelled_by = ""
    for row in rows:
        if row["key"] == keys.REQUEST:
            request = to_request(row)
            steps = _waiting(row) | steps
        elif row["key"] == keys.CANCELLED:
            cancelled_by = row["by"]
        elif row["key"] == keys.CHECKED:
            checked = to_document(row)
        elif row["key"].startswith(keys.STEP):
            steps[row["name"]] = _to_step(row)
    return request, steps, cancelled_by, checked


def scan_inserts(key: str, value: object) -> list[Operation]:
    """Return what keeps a part of a scan, in rows under the limits of Table Storage."""
    text = json.dumps(value, ensure_ascii=False)
    return [Insert(f"{key}|{n:02}", split(piece)) for n, piece in enumerate(pieces(text, MAX_ROW_CHARS))]


def scan_parts(rows: Iterable[Row]) -> dict[int, Any]:
    """Read the parts of a scan, by the positions at which they begin."""
    texts: dict[int, str] = {}
    for row in rows:
        position = int(row["key"].split("|")[-2])
        texts[position] = texts.get(position, "") + joined(row)
    return {position: json.loads(text) for position, text in texts.items()}


def of_document(content: Mapping[str, Any]) -> Row:
    """Return the row of a document."""
    return split(json.dumps(content, ensure_ascii=False))


def to_document(row: Row) -> dict[str, Any]:
    """Read the row of a document."""
    return json.loads(joined(row))


def pieces(text: str, most: int) -> list[str]:
    """Return a text in pieces of at most so many characters; at least one."""
    return [text[start : start + most] for start in range(0, max(len(text), 1), most)]


def split(text: str) -> Row:
    """Return the properties that hold a text, each with at most 30,000 characters of it."""
    return {f"json{n:02}": piece for n, piece in enumerate(pieces(text, MAX_PROPERTY_CHARS))}


def joined(row: Row) -> str:
    """Read that text."""
    return "".join(row[name] for name in sorted(row) if name.startswith("json"))


def _text(moment: datetime | None) -> str:
    return clock.to_text(moment) if moment else ""


def _moment(row: Mapping[str, Any], name: str) -> datetime | None:
    return clock.from_text(row[name]) if row.get(name) else None
