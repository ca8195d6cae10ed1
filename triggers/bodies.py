"""What our REST API answers about offboardings, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from shared.actions import catalogue, plan
from shared.actions.outcome import WHOLE_STEP, Outcome, StepState
from shared.app import services
from shared.base import clock
from shared.jobs import judgement
from shared.jobs.records import State, Step

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shared.actions.reads.account import User
    from shared.actions.reads.snapshot import Person
    from shared.jobs.details import Details
    from shared.jobs.records import Access, Offboarding
    from shared.offboarding.restoring import Planned


POLL_AFTER_SECONDS: Final = "5"


def url(offboarding: Offboarding, suffix: str = "") -> str:
    """Return the address of an offboarding in this API."""
    return f"{services.current().settings.public_url}/api/offboardings/{quote(offboarding.id)}{suffix}"


def accepted(offboarding: Offboarding) -> dict[str, Any]:
    """Say what was accepted, and where to ask how it goes."""
    return {
        "id": offboarding.id,
        "user": person(offboarding.request.person),
        "state": offboarding.state,
        "statusQueryGetUri": url(offboarding, "/status"),
    }


def person(one: Person | User) -> dict[str, str]:
    """Name a person."""
    return {"id": one.id, "upn": one.upn, "display_name": one.display_name}


def tenant(tenant_id: str, domain: str) -> dict[str, str]:
    """Name a tenant."""
    return {"id": tenant_id, "domain": domain}


def access(one: Access) -> dict[str, Any]:
    """Show what an action gave to others, and when that ends."""
    return {"action": one.action, "until": _moment(one.until)}


def item(offboarding: Offboarding, place: int | None) -> dict[str, Any]:
    """Show an offboarding as lists do; `place` is its own among those of its tenant that wait for room."""
    return {
        "id": offboarding.id,
        "tenant": tenant(offboarding.request.tenant.id, offboarding.request.tenant.domain),
        "user": person(offboarding.request.person),
        "kind": offboarding.request.kind,
        "restores": offboarding.request.restores or None,
        "state": offboarding.state,
        "waiting": offboarding.is_waiting(clock.now()),
        "place_in_queue": place,
        "reason": offboarding.reason,
        "scheduled_for": _moment(offboarding.scheduled_for),
        "started_at": _moment(offboarding.started_at),
        "ended_at": _moment(offboarding.ended_at),
        "reference": offboarding.request.reference,
        "warnings": list(offboarding.warnings),
    }


def details(offboarding: Offboarding, known: Details, place: int | None) -> dict[str, Any]:
    """Return everything about an offboarding in the form the API gives it."""
    actions = offboarding.request.actions
    planned = planned_steps(actions, backwards=bool(offboarding.request.restores))
    steps, first = known.steps, known.first()
    return {
        **item(offboarding, place),
        "message": offboarding.message,
        "run": offboarding.run,
        "requested_at": _moment(offboarding.requested_at),
        "requested_by": offboarding.request.requested_by,
        "planned_for": _moment(offboarding.planned_for),
        "events": [
            {"at": clock.to_text(e.at), "by": e.by, "what": e.what, "origin": e.origin} for e in offboarding.events
        ],
        "force": offboarding.request.force,
        "plan": planned,
        "steps": [
            _step(name, steps.get(name), is_over=offboarding.has_ended)
            for name in plan.in_order(actions, backwards=bool(offboarding.request.restores))
        ],
        "notifications": [one.shown(offboarding.id) for one in offboarding.deliveries],
        "access": [access(one) for one in offboarding.access],
        "access_check": _checked(offboarding, known),
        "snapshot": {"values": first.values, "errors": first.errors} if known.snapshots else None,
    }


_NOTHING_CHECKED: Final[Mapping[str, Any]] = {
    "answer": None,
    "message": "",
    "checked_at": None,
    "open": 0,
    "unknown": 0,
    "areas": [],
}


def _checked(offboarding: Offboarding, known: Details) -> dict[str, Any] | None:
    """Show the last check and when the next one is due; None where none was made, and none will be."""
    due = offboarding.checks.due
    if not known.checked and not due:
        return None
    next_at = _moment(due[0].at if due else None)
    found: dict[str, Any] = {**_NOTHING_CHECKED}
    if known.checked:
        found = {name: known.checked[name] for name in _NOTHING_CHECKED}
    return {**found, "next_at": next_at}


def planned_steps(actions: Mapping[str, Any], *, backwards: bool = False) -> list[dict[str, Any]]:
    """Show the steps of selected actions in their order, or in that in which they are undone."""
    known = [name for name in actions if name in catalogue.all_actions()]
    return [
        {
            "name": node.name,
            "title": catalogue.title_of(node.name),
            "after": [name for name in node.after if name in actions],
            "requires": [name for name in node.requires if name in actions],
            "lane": node.lane,
        }
        for node in (plan.make_back(known) if backwards else plan.make(known)).steps
    ]


def planned_restoration(planned: Planned) -> dict[str, Any]:
    """Show what a restoration would bring back; an item without an outcome comes back."""
    request = planned.original.request
    return {
        "restores": planned.original.id,
        "tenant": tenant(request.tenant.id, request.tenant.domain),
        "user": person(request.person),
        "steps": [
            {
                "name": step.name,
                "title": catalogue.title_of(step.name),
                "message": step.message,
                "items": [
                    {"id": f.item, "name": f.name, "outcome": f.outcome, "message": f.message}
                    for f in step.findings
                    if f.item != WHOLE_STEP
                ],
            }
            for step in planned.steps
        ],
    }


def _step(name: str, step: Step | None, *, is_over: bool = False) -> dict[str, Any]:
    """Show a step; one that no run ever took up was skipped if the offboarding is over."""
    if step is None and is_over:
        step = Step(name, 0, StepState.ended, Outcome.skipped, "Not begun.")
    return {
        "name": name,
        "title": catalogue.title_of(name),
        "state": step.state if step else StepState.waiting,
        "outcome": step.outcome if step else None,
        "attempts": step.attempts if step else 0,
        "started_at": _moment(step.started_at) if step else None,
        "written_at": _moment(step.written_at) if step else None,
        "ended_at": _moment(step.ended_at) if step else None,
        "message": judgement.told(step.message, step.items) if step else "",
        "items": [
            {"id": i.id, "name": i.name, "outcome": i.outcome, "message": i.message}
            for i in (step.items if step else ())
        ],
        "changes": [asdict(change) for change in step.changes] if step else [],
        "blocked_by": list(step.blocked_by) if step else [],
        "request_ids": list(step.request_ids) if step else [],
    }


_RUNTIME_STATUS = {
    State.planned: "Pending",
    State.running: "Running",
    State.completed: "Completed",
    State.failed: "Failed",
}


def status(offboarding: Offboarding, known: Details) -> dict[str, Any]:
    """Show an offboarding as Durable Functions shows an orchestration."""
    moments = [step.updated_at for step in known.steps.values() if step.updated_at]
    output = {"state": offboarding.state, "reason": offboarding.reason} if offboarding.has_ended else None
    return {
        "name": "offboard_user",
        "instanceId": offboarding.id,
        "runtimeStatus": _RUNTIME_STATUS[offboarding.state],
        "input": None,
        "customStatus": {
            name: _step(name, known.steps.get(name), is_over=offboarding.has_ended)["state"]
            for name in offboarding.request.actions
        },
        "output": output,
        "createdTime": _moment(offboarding.requested_at),
        "lastUpdatedTime": _moment(offboarding.ended_at or max(moments, default=offboarding.requested_at)),
    }


def _moment(moment: datetime | None) -> str | None:
    return clock.to_text(moment) if moment else None
