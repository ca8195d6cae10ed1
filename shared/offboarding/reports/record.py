"""The record of one offboarding: everything that is known of it, in the order in which people want to know it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from shared.actions import catalogue, plan
from shared.actions.outcome import OPENS_GATE, Outcome, StepState
from shared.base import clock
from shared.jobs.records import State, Step

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.jobs.details import Details
    from shared.jobs.records import Offboarding
    from shared.jobs.storage.audit import Audit, Entry

Record = dict[str, Any]
"""JSON: texts, whole numbers, truth values, null, lists and objects. Moments are ISO 8601 in UTC."""

_NOT_BEGUN: Final = "Not begun."


def of(offboarding: Offboarding, details: Details, audit: Audit) -> Record:
    """Make the record of an offboarding or a restoration, at whatever point it is."""
    request = offboarding.request
    order = plan.in_order(request.actions, backwards=bool(request.restores))
    steps = [_step(name, details.steps.get(name), is_over=offboarding.has_ended) for name in order]
    writes = [entry for entry in audit.entries if entry.what == "write"]
    return {
        "id": offboarding.id,
        "kind": request.kind.value,
        "restores": request.restores or None,
        "tenant": asdict(request.tenant),
        "user": asdict(request.person),
        "state": offboarding.state.value,
        "reason": offboarding.reason.value if offboarding.reason else None,
        "message": offboarding.message,
        "result": _result(offboarding, steps),
        "left_to_do": [_left(step) for step in steps if step["outcome"] and not step["is_well"]],
        "reference": request.reference,
        "ticket": request.ticket,
        "requested_by": request.requested_by,
        "requested_at": clock.to_text(offboarding.requested_at),
        "scheduled_for": _moment(offboarding.scheduled_for),
        "planned_for": _moment(offboarding.planned_for),
        "started_at": _moment(offboarding.started_at),
        "ended_at": _moment(offboarding.ended_at),
        "run": offboarding.run,
        "warnings": list(offboarding.warnings),
        "steps": steps,
        "access_check": _checked(details.checked),
        "messages": [one.shown(offboarding.id) for one in offboarding.deliveries],
        "decisions": list(_decisions(audit.entries)),
        "writes": [_write(entry) for entry in writes],
        "permissions": _permissions(order),
    }


def _checked(found: Record | None) -> Record | None:
    """Return what the last check of the person's access found; None where there was none."""
    names = ("answer", "message", "checked_at", "areas")
    return {name: found[name] for name in names} if found else None


def digest(record: Record) -> str:
    """Return the SHA-256 of a record: of its JSON in UTF-8, keys sorted, without spaces (`jq -jcS .record`)."""
    text = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _result(offboarding: Offboarding, steps: list[Record]) -> str:
    """Say in one word how it stands: planned, running, completed, attention or failed."""
    if offboarding.state is State.completed and any(step["outcome"] and not step["is_well"] for step in steps):
        return "attention"
    return offboarding.state.value.casefold()


def _step(name: str, step: Step | None, *, is_over: bool) -> Record:
    step = step or Step(name, 0)
    is_left = is_over and not step.has_ended
    outcome = Outcome.skipped if is_left else step.outcome
    return {
        "name": name,
        "title": catalogue.title_of(name),
        "run": step.run,
        "state": StepState.ended.value if is_left else step.state.value,
        "outcome": outcome.value if outcome else None,
        "is_well": outcome in OPENS_GATE,
        "message": _NOT_BEGUN if is_left and not step.message else step.message,
        "attempts": step.attempts,
        "started_at": _moment(step.started_at),
        "written_at": _moment(step.written_at),
        "ended_at": _moment(step.ended_at),
        "items": [asdict(item) | {"is_well": item.outcome in OPENS_GATE} for item in step.items],
        "changes": [asdict(change) for change in step.changes],
        "blocked_by": [catalogue.title_of(other) for other in step.blocked_by if other in catalogue.all_actions()],
        "request_ids": list(step.request_ids),
    }


def _left(step: Record) -> Record:
    """Say what a person must still do about a step, and about which of its items."""
    items = [item for item in step["items"] if not item["is_well"]]
    return {
        "title": step["title"],
        "outcome": step["outcome"],
        "message": step["message"],
        "items": [{"name": item["name"] or item["id"], "message": item["message"]} for item in items],
    }


def _decisions(entries: Iterable[Entry]) -> Iterable[Record]:
    for entry in entries:
        if not entry.step:
            yield {"at": entry.at, "by": entry.by, "what": entry.what, "origin": entry.origin}


def _write(entry: Entry) -> Record:
    return {
        "at": entry.at,
        "run": entry.run,
        "step": catalogue.title_of(entry.step),
        "service": entry.service,
        "operation": entry.operation,
        "target": entry.target,
        "status": entry.status,
        "client_request_id": entry.client_request_id,
        "request_id": entry.request_id,
    }


def _permissions(names: Iterable[str]) -> list[Record]:
    """Return what the selected actions use, by permission."""
    used: dict[str, list[str]] = {}
    for name in names:
        if name in catalogue.all_actions():
            for permission in catalogue.get(name).permissions:
                used.setdefault(f"{permission.api}: {permission.name}", []).append(catalogue.title_of(name))
    return [{"permission": permission, "steps": steps} for permission, steps in sorted(used.items())]


def _moment(moment: datetime | None) -> str | None:
    return clock.to_text(moment) if moment else None
