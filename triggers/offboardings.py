"""Our REST API."""

from __future__ import annotations

import asyncio
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar, cast

import azure.durable_functions as df
import azure.functions as func

from shared.app import services
from shared.base.problems import RefusedError, refused
from shared.jobs import runs
from shared.jobs.records import Kind, Reason, State
from shared.jobs.storage import audit
from shared.offboarding.lifecycle.operations import Operations
from shared.offboarding.lookup import ListFilter, Lookup
from shared.offboarding.request.submit import Submissions
from triggers import bodies, starting
from triggers.answers import (
    IDEMPOTENCY_KEY,
    csv_answer,
    json_answer,
    moment,
    page_start,
    page_token,
    query,
    whole_number,
)
from triggers.routing import route, route_with_client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.access.caller import Caller
    from shared.offboarding.lifecycle.operations import Name, OperationResult

E = TypeVar("E", bound=StrEnum)

_PAGE = 50


@route_with_client("POST offboardings")
async def submit_offboardings(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, caller: Caller
) -> func.HttpResponse:
    """Accept offboardings, one for each user, and start those that are due."""
    from shared.offboarding.request import parsing

    submission = parsing.parse(req.get_body(), services.current().settings.max_users_per_request)
    submitted = await asyncio.to_thread(_submissions(caller).submit, submission, caller.name, _idempotency_key(req))
    await runs.start(client, submitted.to_start)
    body = {"offboardings": [bodies.accepted(o) for o in submitted.offboardings], "warnings": list(submitted.warnings)}
    location = bodies.url(submitted.offboardings[0], "/status")
    return json_answer(body, 202, {"Location": location, "Retry-After": bodies.POLL_AFTER_SECONDS})


def _lookup(caller: Caller) -> Lookup:
    return Lookup(services.current(), caller.scope)


def _submissions(caller: Caller) -> Submissions:
    return Submissions(services.current(), caller.scope)


def _operations(caller: Caller) -> Operations:
    return Operations(services.current(), caller.name, caller.scope)


def _idempotency_key(req: func.HttpRequest) -> str | None:
    key = cast("Mapping[str, str]", req.headers).get("Idempotency-Key")
    if key is not None and not re.fullmatch(IDEMPOTENCY_KEY, key):
        text = "Idempotency-Key must have 1 to 200 letters, digits and signs of ASCII, and no space."
        raise refused(400, "invalid_request", text)
    return key


@route("POST offboardings/plan")
def plan_offboardings(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Say what a request would do; nothing is written."""
    from shared.offboarding.request import parsing

    submission = parsing.parse(req.get_body(), services.current().settings.max_users_per_request)
    planned = _submissions(caller).plan(submission)
    return json_answer(
        {
            "tenant": bodies.tenant(planned.found.tenant.id, planned.found.tenant.domain),
            "users": [bodies.person(user) for user in planned.found.users],
            "found": list(planned.has),
            "steps": bodies.planned_steps(submission.actions),
            "warnings": list(planned.warnings),
            "refusals": list(planned.plan.refusals),
        }
    )


_LISTED = ("limit", "next", "tenant", "kind", "state", "reason", "user", "reference", "since", "until")


@route("GET offboardings", query=_LISTED)
def list_offboardings(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """List offboardings, newest first; `next` fetches the following page."""
    limit = whole_number(req, "limit", _PAGE)
    start = page_start(query(req).get("next"))
    lookup = _lookup(caller)
    found, next_id = lookup.page(_filter(req), start, limit)
    places = lookup.places_in_queue(found)
    return json_answer({"items": [bodies.item(o, places.get(o.id)) for o in found], "next": page_token(next_id)})


def _filter(req: func.HttpRequest) -> ListFilter:
    return ListFilter(
        kind=_one_of(Kind, req, "kind"),
        tenant=query(req).get("tenant"),
        state=_one_of(State, req, "state"),
        reason=_one_of(Reason, req, "reason"),
        user=query(req).get("user", ""),
        reference=query(req).get("reference", ""),
        since=moment(req, "since"),
        until=moment(req, "until"),
    )


def _one_of(kind: type[E], req: func.HttpRequest, name: str) -> E | None:
    """Read a query parameter that has one of a few values; raises `RefusedError` 400."""
    text = query(req).get(name)
    if text is None:
        return None
    try:
        return kind(text)
    except ValueError:
        raise refused(400, "invalid_request", f"{name} must be one of {', '.join(kind)}.", name) from None


@route("GET offboardings/{id}")
def get_offboarding(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Tell everything about one offboarding."""
    lookup = _lookup(caller)
    offboarding, details = lookup.details(req.route_params["id"])
    place = lookup.places_in_queue([offboarding]).get(offboarding.id)
    return json_answer(bodies.details(offboarding, details, place))


@route("GET offboardings/{id}/status")
def get_status(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Answer as Durable Functions would, for clients that poll: 202 while it has not ended, then 200."""
    offboarding, details = _lookup(caller).details(req.route_params["id"])
    body = bodies.status(offboarding, details)
    if offboarding.has_ended:
        return json_answer(body)
    headers = {"Location": bodies.url(offboarding, "/status"), "Retry-After": bodies.POLL_AFTER_SECONDS}
    return json_answer(body, 202, headers)


@route("GET offboardings/{id}/audit", query=("format",))
def get_audit(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Tell what was decided and what was written to Microsoft 365, also of an offboarding that was deleted."""
    wanted = query(req).get("format")
    if wanted not in {None, "json", "csv"}:
        raise refused(400, "invalid_request", "format must be json or csv.", "format")
    offboarding_id = req.route_params["id"]
    found = _lookup(caller).audit(offboarding_id)
    accepted = cast("Mapping[str, str]", req.headers).get("Accept", "")
    if wanted == "csv" or (wanted is None and accepted.strip().startswith("text/csv")):
        return csv_answer(audit.to_csv(offboarding_id, found), f"audit-{offboarding_id}.csv")
    return json_answer(audit.to_json(offboarding_id, found))


@route_with_client("PATCH offboardings/{id}")
async def reschedule_offboarding(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, caller: Caller
) -> func.HttpResponse:
    """Move a planned offboarding to another moment."""
    from shared.offboarding.request import parsing

    moment = parsing.parse_schedule(req.get_body())
    done = await asyncio.to_thread(_operations(caller).reschedule, req.route_params["id"], moment)
    return await _finish(client, done, 200)


@route_with_client("DELETE offboardings/{id}")
async def delete_offboarding(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, caller: Caller
) -> func.HttpResponse:
    """Remove an offboarding that does not run."""
    return await _perform(req, client, caller, "delete")


@route_with_client("POST offboardings/{id}/run-now")
async def run_offboarding_now(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, caller: Caller
) -> func.HttpResponse:
    """Start a planned offboarding before its time, or a failed one again."""
    return await _perform(req, client, caller, "run-now")


@route_with_client("POST offboardings/{id}/retry")
async def retry_offboarding(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, caller: Caller
) -> func.HttpResponse:
    """Start the next run of a failed offboarding."""
    return await _perform(req, client, caller, "retry")


@route_with_client("POST offboardings/{id}/cancel")
async def cancel_offboarding(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, caller: Caller
) -> func.HttpResponse:
    """Cancel an offboarding that has not ended."""
    return await _perform(req, client, caller, "cancel")


async def _perform(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, caller: Caller, name: Name
) -> func.HttpResponse:
    done = await asyncio.to_thread(_operations(caller).perform, name, req.route_params["id"])
    return await _finish(client, done, 202)


async def _finish(client: df.DurableOrchestrationClient, done: OperationResult, status: int) -> func.HttpResponse:
    await starting.follow_up(client, done)
    if done.offboarding is None:
        return func.HttpResponse(status_code=204)
    places = await asyncio.to_thread(Lookup(services.current()).places_in_queue, [done.offboarding])
    return json_answer(bodies.item(done.offboarding, places.get(done.offboarding.id)), status)


@route_with_client("POST offboardings/bulk")
async def change_offboardings(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, caller: Caller
) -> func.HttpResponse:
    """Do the same to many offboardings; each has a result of its own."""
    from shared.offboarding.request import parsing

    name, ids = parsing.parse_bulk(req.get_body())
    caller.scope.check_count(len(ids))
    operations = _operations(caller)
    return json_answer({"results": [await _bulk_result(client, operations, name, one) for one in ids]})


async def _bulk_result(
    client: df.DurableOrchestrationClient, operations: Operations, name: Name, offboarding_id: str
) -> dict[str, Any]:
    try:
        done = await asyncio.to_thread(operations.perform, name, offboarding_id)
    except RefusedError as error:
        problem = {"code": error.code, "message": str(error)}
        return {"id": offboarding_id, "status": error.status, "problem": problem}
    await starting.follow_up(client, done)
    return {"id": offboarding_id, "status": 204 if done.offboarding is None else 202}
