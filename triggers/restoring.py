"""Our REST API for bringing back what an offboarding changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.app import services
from shared.jobs import runs
from shared.jobs.records import State
from shared.offboarding.restoring import Restorations, Wish
from triggers import bodies
from triggers.answers import json_answer
from triggers.routing import route, route_with_client

if TYPE_CHECKING:
    import azure.durable_functions as df
    import azure.functions as func

    from shared.access.caller import Caller


@route("POST offboardings/{id}/restore/plan")
def plan_restoration(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Say what would come back; nothing is written."""
    planned = _restorations(caller).plan(req.route_params["id"], _wish(req))
    return json_answer(bodies.planned_restoration(planned))


@route_with_client("POST offboardings/{id}/restore")
async def restore_offboarding(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, caller: Caller
) -> func.HttpResponse:
    """Store a restoration and start it if it is due."""
    stored = await asyncio.to_thread(_restorations(caller).submit, req.route_params["id"], _wish(req))
    if stored.state is State.running:
        await runs.start(client, [stored])
    headers = {"Location": bodies.url(stored, "/status"), "Retry-After": bodies.POLL_AFTER_SECONDS}
    return json_answer(bodies.accepted(stored), 202, headers)


def _restorations(caller: Caller) -> Restorations:
    return Restorations(services.current(), caller.name, caller.scope)


def _wish(req: func.HttpRequest) -> Wish:
    from shared.offboarding.request import parsing

    return Wish(**parsing.parse_restore(req.get_body() or b"{}"))
