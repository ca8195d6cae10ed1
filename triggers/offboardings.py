"""Our REST API."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

import azure.durable_functions as df
import azure.functions as func

from shared import clock, services
from shared.offboarding import catalogue, plan
from shared.offboarding import request as requests
from shared.offboarding.operations import Operations
from shared.offboarding.outcome import Outcome, StepState
from shared.offboarding.problems import RefusedError, refused
from shared.offboarding.records import State, Step
from shared.offboarding.service import Wanted
from triggers import starting
from triggers.answers import (
    answered,
    answered_async,
    json_answer,
    moment,
    offboardings,
    operator_of,
    page_start,
    page_token,
    whole_number,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shared.offboarding.operations import Done, Name
    from shared.offboarding.records import Offboarding
    from shared.offboarding.store import Details

blueprint = df.Blueprint()

_POLL_AFTER_SECONDS = "5"
_PAGE = 50
_MAX_KEY_CHARS = 200


@blueprint.route("offboardings", methods=["POST"])
@blueprint.durable_client_input("client")
async def submit_offboardings(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Accept offboardings, one for each user, and start those that are due."""

    async def answer() -> func.HttpResponse:
        submission = requests.parse(req.get_body(), services.current().settings.max_users_per_request)
        submitted = await asyncio.to_thread(offboardings().submit, submission, operator_of(req), _idempotency_key(req))
        await starting.start(client, submitted.to_start)
        body = {"offboardings": [_accepted(o) for o in submitted.offboardings], "warnings": list(submitted.warnings)}
        location = _url(submitted.offboardings[0], "/status")
        return json_answer(body, 202, {"Location": location, "Retry-After": _POLL_AFTER_SECONDS})

    return await answered_async(answer)


def _idempotency_key(req: func.HttpRequest) -> str | None:
    key = cast("Mapping[str, str]", req.headers).get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= _MAX_KEY_CHARS and key.isprintable()):
        raise refused(400, "invalid_request", f"Idempotency-Key must have 1 to {_MAX_KEY_CHARS} printable characters.")
    return key


@blueprint.route("offboardings/plan", methods=["POST"])
def plan_offboardings(req: func.HttpRequest) -> func.HttpResponse:
    """Say what a request would do; nothing is written."""

    def answer() -> func.HttpResponse:
        submission = requests.parse(req.get_body(), services.current().settings.max_users_per_request)
        planned = offboardings().plan(submission)
        users = [{"id": u.id, "upn": u.upn, "display_name": u.display_name} for u in planned.found.users]
        return json_answer(
            {
                "tenant": _tenant(planned.found.tenant.id, planned.found.tenant.domain),
                "users": users,
                "steps": _plan(submission.actions),
                "warnings": [*planned.found.warnings, *planned.plan.warnings],
                "refusals": list(planned.plan.refusals),
            }
        )

    return answered(answer)


@blueprint.route("offboardings", methods=["GET"])
def list_offboardings(req: func.HttpRequest) -> func.HttpResponse:
    """List offboardings, newest first; `next` fetches the following page."""

    def answer() -> func.HttpResponse:
        limit = whole_number(req, "limit", _PAGE)
        start = page_start(req.params.get("next"))
        found, next_id = offboardings().page(_wanted(req), start, limit)
        return json_answer({"items": [_item(o) for o in found], "next": page_token(next_id)})

    return answered(answer)


def _wanted(req: func.HttpRequest) -> Wanted:
    state = req.params.get("state")
    if state is not None and state not in set(State):
        raise refused(400, "invalid_request", f"state must be one of {', '.join(State)}.", "state")
    return Wanted(
        tenant=req.params.get("tenant"),
        state=State(state) if state else None,
        user=req.params.get("user", ""),
        reference=req.params.get("reference", ""),
        since=moment(req, "since"),
        until=moment(req, "until"),
    )


@blueprint.route("offboardings/{id}", methods=["GET"])
def get_offboarding(req: func.HttpRequest) -> func.HttpResponse:
    """Tell everything about one offboarding."""

    def answer() -> func.HttpResponse:
        return json_answer(details_body(*offboardings().details(req.route_params["id"])))

    return answered(answer)


@blueprint.route("offboardings/{id}/status", methods=["GET"])
def get_status(req: func.HttpRequest) -> func.HttpResponse:
    """Answer as Durable Functions would, for clients that poll: 202 while it has not ended, then 200."""

    def answer() -> func.HttpResponse:
        offboarding, details = offboardings().details(req.route_params["id"])
        body = _status(offboarding, details)
        if offboarding.has_ended:
            return json_answer(body)
        headers = {"Location": _url(offboarding, "/status"), "Retry-After": _POLL_AFTER_SECONDS}
        return json_answer(body, 202, headers)

    return answered(answer)


@blueprint.route("offboardings/{id}", methods=["PATCH"])
@blueprint.durable_client_input("client")
async def reschedule_offboarding(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Move a planned offboarding to another moment."""

    async def answer() -> func.HttpResponse:
        moment = requests.parse_schedule(req.get_body())
        operations = Operations(services.current(), operator_of(req))
        done = await asyncio.to_thread(operations.reschedule, req.route_params["id"], moment)
        return await _finish(client, done, 200)

    return await answered_async(answer)


@blueprint.route("offboardings/{id}", methods=["DELETE"])
@blueprint.durable_client_input("client")
async def delete_offboarding(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Remove an offboarding that does not run."""
    return await _perform(req, client, "delete", 204)


@blueprint.route("offboardings/{id}/run-now", methods=["POST"])
@blueprint.durable_client_input("client")
async def run_offboarding_now(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Start a planned offboarding before its time, or a failed one again."""
    return await _perform(req, client, "run-now", 202)


@blueprint.route("offboardings/{id}/retry", methods=["POST"])
@blueprint.durable_client_input("client")
async def retry_offboarding(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Start the next run of a failed offboarding."""
    return await _perform(req, client, "retry", 202)


@blueprint.route("offboardings/{id}/cancel", methods=["POST"])
@blueprint.durable_client_input("client")
async def cancel_offboarding(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Cancel an offboarding that has not ended."""
    return await _perform(req, client, "cancel", 202)


async def _perform(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, name: Name, status: int
) -> func.HttpResponse:
    async def answer() -> func.HttpResponse:
        operations = Operations(services.current(), operator_of(req))
        done = await asyncio.to_thread(operations.perform, name, req.route_params["id"])
        return await _finish(client, done, status)

    return await answered_async(answer)


async def _finish(client: df.DurableOrchestrationClient, done: Done, status: int) -> func.HttpResponse:
    await starting.follow_up(client, done)
    if done.offboarding is None:
        return func.HttpResponse(status_code=204)
    return json_answer(_item(done.offboarding), status)


@blueprint.route("offboardings/bulk", methods=["POST"])
@blueprint.durable_client_input("client")
async def change_offboardings(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Do the same to many offboardings; each has a result of its own."""

    async def answer() -> func.HttpResponse:
        name, ids = requests.parse_bulk(req.get_body())
        operations = Operations(services.current(), operator_of(req))
        results = [await _bulk_result(client, operations, name, one) for one in ids]
        return json_answer({"results": results})

    return await answered_async(answer)


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


def _url(offboarding: Offboarding, suffix: str = "") -> str:
    return f"{services.current().settings.public_url}/api/offboardings/{quote(offboarding.id)}{suffix}"


def _accepted(offboarding: Offboarding) -> dict[str, Any]:
    return {
        "id": offboarding.id,
        "user": _user(offboarding),
        "state": offboarding.state,
        "statusQueryGetUri": _url(offboarding, "/status"),
    }


def _user(offboarding: Offboarding) -> dict[str, str]:
    person = offboarding.request.person
    return {"id": person.id, "upn": person.upn, "display_name": person.display_name}


def _tenant(tenant_id: str, domain: str) -> dict[str, str]:
    return {"id": tenant_id, "domain": domain}


def _item(offboarding: Offboarding) -> dict[str, Any]:
    return {
        "id": offboarding.id,
        "tenant": _tenant(offboarding.request.tenant.id, offboarding.request.tenant.domain),
        "user": _user(offboarding),
        "state": offboarding.state,
        "waiting": offboarding.is_waiting(clock.now()),
        "reason": offboarding.reason,
        "scheduled_for": _moment(offboarding.scheduled_for),
        "started_at": _moment(offboarding.started_at),
        "ended_at": _moment(offboarding.ended_at),
        "reference": offboarding.request.reference,
        "warnings": list(offboarding.warnings),
    }


def details_body(offboarding: Offboarding, details: Details) -> dict[str, Any]:
    """Return everything about an offboarding in the form the API gives it."""
    actions = offboarding.request.actions
    steps = details.steps
    first = details.first()
    return {
        **_item(offboarding),
        "message": offboarding.message,
        "run": offboarding.run,
        "requested_at": _moment(offboarding.requested_at),
        "requested_by": offboarding.request.requested_by,
        "events": [{"at": clock.to_text(e.at), "by": e.by, "what": e.what} for e in offboarding.events],
        "force": offboarding.request.force,
        "plan": _plan(actions),
        "steps": [_step(name, steps.get(name), is_over=offboarding.has_ended) for name in _order(actions)],
        "notifications": [],
        "snapshot": {"values": first.values, "errors": first.errors} if details.snapshots else None,
    }


def _order(actions: Mapping[str, Any]) -> list[str]:
    known = [name for name in actions if name in catalogue.all_actions()]
    return [node.name for node in plan.make(known).steps] + [name for name in actions if name not in known]


def _plan(actions: Mapping[str, Any]) -> list[dict[str, Any]]:
    known = [name for name in actions if name in catalogue.all_actions()]
    return [
        {
            "name": node.name,
            "title": catalogue.title_of(node.name),
            "after": [name for name in node.after if name in actions],
            "requires": [name for name in node.requires if name in actions],
            "lane": node.lane,
        }
        for node in plan.make(known).steps
    ]


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
        "ended_at": _moment(step.ended_at) if step else None,
        "message": step.message if step else "",
        "items": [
            {"id": i.id, "name": i.name, "outcome": i.outcome, "message": i.message}
            for i in (step.items if step else ())
        ],
        "blocked_by": list(step.blocked_by) if step else [],
        "request_ids": list(step.request_ids) if step else [],
    }


_RUNTIME_STATUS = {
    State.planned: "Pending",
    State.running: "Running",
    State.completed: "Completed",
    State.failed: "Failed",
}


def _status(offboarding: Offboarding, details: Details) -> dict[str, Any]:
    moments = [step.updated_at for step in details.steps.values() if step.updated_at]
    output = {"state": offboarding.state, "reason": offboarding.reason} if offboarding.has_ended else None
    return {
        "name": "offboard_user",
        "instanceId": offboarding.id,
        "runtimeStatus": _RUNTIME_STATUS[offboarding.state],
        "input": None,
        "customStatus": {
            name: _step(name, details.steps.get(name), is_over=offboarding.has_ended)["state"]
            for name in offboarding.request.actions
        },
        "output": output,
        "createdTime": _moment(offboarding.requested_at),
        "lastUpdatedTime": _moment(offboarding.ended_at or max(moments, default=offboarding.requested_at)),
    }


def _moment(moment: datetime | None) -> str | None:
    return clock.to_text(moment) if moment else None
