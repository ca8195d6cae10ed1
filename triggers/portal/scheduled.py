"""The portal's table of offboardings, its task page, and what can be done from there."""

from __future__ import annotations

import asyncio
import fnmatch
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.actions import portal_form
from shared.app import services
from shared.base import clock
from shared.base.problems import RefusedError, refused
from shared.jobs.records import Reason, State
from shared.offboarding.lifecycle.operations import OperationResult, Operations
from shared.offboarding.lookup import MAX_PAGE, ListFilter, Lookup
from triggers import bodies, starting
from triggers.answers import json_answer
from triggers.portal import forms, wire
from triggers.portal.steps import Line, lines_of
from triggers.routing import route, route_with_client

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import azure.durable_functions as df
    import azure.functions as func

    from shared.access.caller import Caller
    from shared.jobs.records import Offboarding

_COMMAND: Final = "Invoke-CIPPOffboardingJob"
_MOST: Final = 1000
_MAX_PATTERN_CHARS: Final = 200

_REASONS: Final = {
    Reason.steps_failed: "Not every step succeeded.",
    Reason.cancelled: "It was cancelled.",
    Reason.abandoned: "No run of it came to an end.",
    Reason.refused: "It was refused.",
}


@route("GET ListScheduledItems", wire.text_refused)
def list_scheduled_items(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """List the newest 1,000 offboardings, the latest scheduled first, as the portal's rows of tasks."""
    query = wire.query(req)
    service = Lookup(services.current(), caller.scope)
    if query.get("id"):
        found = _by_id(service, query["id"])
    elif query.get("type", _COMMAND).casefold() != _COMMAND.casefold() or portal_form.is_on(query, "ShowHidden"):
        found = []
    else:
        found = [one for one in _newest(service, wire.tenant_in(query)) if _is_named(one, query)]
    places = service.places_in_queue(found)
    rows = [_task(offboarding, places.get(offboarding.id)) for offboarding in found]
    return json_answer(sorted(rows, key=lambda row: (row["ScheduledTime"], row["ExecutedTime"]), reverse=True))


def _by_id(service: Lookup, offboarding_id: str) -> list[Offboarding]:
    try:
        return [service.get(offboarding_id)]
    except RefusedError:
        return []


def _newest(service: Lookup, tenant: str) -> list[Offboarding]:
    found: list[Offboarding] = []
    start = None
    while len(found) < _MOST:
        page, start = service.page(ListFilter(tenant or None), start, MAX_PAGE)
        found += page
        if start is None:
            break
    return found


def _is_named(offboarding: Offboarding, query: dict[str, str]) -> bool:
    name = name_of(offboarding).casefold()
    wanted, pattern = query.get("name", ""), query.get("searchtitle", "")[:_MAX_PATTERN_CHARS]
    return wanted.casefold() in {"", name} and (not pattern or fnmatch.fnmatchcase(name, pattern.casefold()))


def name_of(offboarding: Offboarding) -> str:
    """Name it so that the portal's table, which shows what begins with "Offboarding", shows restorations, too."""
    restored = " (restored)" if offboarding.request.restores else ""
    return f"Offboarding{restored}: {offboarding.request.person.upn}"


def _task(offboarding: Offboarding, place: int | None) -> dict[str, Any]:
    request = offboarding.request
    scheduled = max(offboarding.scheduled_for or offboarding.requested_at, offboarding.requested_at)
    options = forms.options_of(request.actions, request.named) | {"reference": request.reference}
    return {
        "PartitionKey": "ScheduledTask",
        "RowKey": offboarding.id,
        "Timestamp": clock.to_text(offboarding.ended_at or offboarding.started_at or offboarding.requested_at),
        "Name": name_of(offboarding) + (" - needs attention" if _needs_attention(offboarding) else ""),
        "Command": _COMMAND,
        "TaskState": offboarding.state,
        "Tenant": {"label": request.tenant.domain, "value": request.tenant.domain, "type": "Tenant"},
        "Parameters": {
            "Username": request.person.upn,
            "APIName": "Scheduled Offboarding",
            "RunScheduled": True,
            "options": options,
            "Report": bodies.url(offboarding, "/report"),
        },
        "ScheduledTime": clock.to_text(scheduled),
        "ExecutedTime": _text(offboarding.ended_at if offboarding.started_at else None),
        "Recurrence": "Once",
        "PostExecution": forms.channels_text(request.notify),
        "Reference": request.reference,
        "Hidden": False,
        "Results": json.dumps([{"Results": _summary(offboarding, place)}], ensure_ascii=False),
        "excludedTenants": "",
        "excludedTenantGroups": "",
        "AdditionalProperties": "{}",
        "AlertComment": "",
        "CustomSubject": "",
        "PsaTicketStrategy": "",
    }


def _needs_attention(offboarding: Offboarding) -> bool:
    """Return whether it is completed, but somebody must still do something."""
    return offboarding.state is State.completed and bool(offboarding.message)


def _summary(offboarding: Offboarding, place: int | None) -> str:
    reason = offboarding.message or (_REASONS[offboarding.reason] if offboarding.reason else "")
    if place:
        reason = f"Number {place} in the tenant's queue: others are running."
    return f"{offboarding.state.value} - {reason}" if reason else offboarding.state.value


@route("GET ListScheduledItemDetails", wire.text_refused)
def list_scheduled_item_details(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Tell everything about one offboarding, with a row for each step and each of its items."""
    service = Lookup(services.current(), caller.scope)
    offboarding, details = service.details(_row_key(wire.query(req)))
    place = service.places_in_queue([offboarding]).get(offboarding.id)
    # Under All Tenants the task page makes its title and links of this: an object would read "[object Object]" there.
    tenant = offboarding.request.tenant.domain
    task = _task(offboarding, place) | {"Tenant": tenant, "TenantGroup": None, "Trigger": None}
    rows = [_row(line) for line in lines_of(offboarding, details)]
    answer = {"Tenant": tenant, "Timestamp": task["Timestamp"], "Results": rows}
    return json_answer({"Task": task, "Details": [answer]})


def _row_key(query: dict[str, Any], *names: str) -> str:
    key = wire.text_in(query, "rowkey", *names)
    if not key:
        raise refused(400, "invalid_request", "The RowKey of an offboarding is missing.", "RowKey")
    return key


def _row(line: Line) -> dict[str, str]:
    """Make a row of the columns that the portal gives a meaning.

    `Status` is colored, `Message` has a tooltip where it is cut, `DateTime` is shown as "5 minutes ago".
    """
    at = line.written_at or line.at
    text = line.text
    if line.at and line.written_at and clock.in_words(line.at) != clock.in_words(line.written_at):
        text = f"{text} Verified {clock.in_words(line.at)}."
    return {"Step": line.title, "Status": line.status, "Message": text, "DateTime": _text(at)}


@route_with_client("POST AddScheduledItem", wire.text_refused)
async def add_scheduled_item(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, caller: Caller
) -> func.HttpResponse:
    """Run an offboarding now. The portal's general form for tasks of any kind comes here, too, and is refused."""
    form = wire.body(req)
    if not portal_form.is_on(form, "RunNow"):
        raise refused(400, "invalid_request", "Only Run Now works here. Submit offboardings with the wizard.")
    return await _row_action(client, caller, _row_key(form), _run)


@route_with_client("POST RemoveScheduledItem", wire.text_refused)
async def remove_scheduled_item(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, caller: Caller
) -> func.HttpResponse:
    """Delete an offboarding; one that runs is cancelled first, as the portal has no other way to stop it."""
    return await _row_action(client, caller, _row_key(wire.query(req) | wire.body(req), "id"), _remove)


async def _row_action(
    client: df.DurableOrchestrationClient, caller: Caller, key: str, act: Callable[[Operations, Offboarding], _Acted]
) -> func.HttpResponse:
    """Do something to one row and say how it went, a refusal included.

    For several rows the portal sends one request after another and gives up at the first status of 400 or more: the
    rows behind it would not be tried, and nobody would learn what became of those before it. So what is wrong with one
    row is told in the result.
    """
    app = services.current()
    upn = ""
    try:
        offboarding = await asyncio.to_thread(Lookup(app, caller.scope).get, key)
        upn = offboarding.request.person.upn
        operations = Operations(app, caller.name, caller.scope)
        acted = await asyncio.to_thread(act, operations, offboarding)
    except RefusedError as error:
        text = _REFUSALS.get(error.code) or " ".join(problem.message for problem in error.problems)
        return _row_result(upn or "Offboarding", text, "error")
    await starting.follow_up(client, acted.done)
    return _row_result(upn, acted.text, acted.state)


def _row_result(who: str, text: str, state: str) -> func.HttpResponse:
    return json_answer({"Results": {"resultText": f"{who}: {text}", "state": state}})


_REFUSALS: Final = {
    "offboarding_not_found": "it is not there any more. Refresh the table.",
    "running": "it is running already.",
    "already_under_way": "another offboarding of this person is planned or running. Delete that one first.",
    "cancelled": "it was cancelled. To offboard the person after all, submit it again with the wizard.",
    "completed": "it is completed. To repeat it, submit it again with the wizard.",
    "access_ends_later": "what it gave to others has yet to end; an administrator ends that, or lets it stay, first.",
    "ended": "it ended just now. Refresh the table, then delete it again.",
    "changed": "it changed just now. Refresh the table and try again.",
    "action_forbidden": "your role may not delete users, and deleting the user is part of this offboarding.",
    "own_account": "it is your own account. Somebody else has to start this.",
}
"""By the code of a refusal: what it means to somebody who has the portal's buttons."""


@dataclass(frozen=True)
class _Acted:
    """What an operation led to, and how the portal's user is told."""

    done: OperationResult
    text: str
    state: str = "success"


def _run(operations: Operations, offboarding: Offboarding) -> _Acted:
    done = operations.run_now(offboarding.id)
    text = "is scheduled to run now." if done.to_start else "is queued: the tenant's other offboardings run first."
    return _Acted(done, text)


def _remove(operations: Operations, offboarding: Offboarding) -> _Acted:
    if offboarding.state is not State.running:
        return _Acted(operations.delete(offboarding.id), "was removed.")
    if offboarding.cancelled_by:
        text = "it is being cancelled, and a step is still at work. Delete it again when it has ended."
        return _Acted(OperationResult(offboarding), text, "warning")
    text = (
        "was running and is cancelled now: no further step begins, and what was done is not undone. "
        "View Task Details shows what was done; delete it again to remove it."
    )
    return _Acted(operations.cancel(offboarding.id), text, "warning")


def _text(moment: datetime | None) -> str:
    return clock.to_text(moment) if moment else ""
