"""The timer: starts what is due, looks after what runs, and delivers what has to be told.

On Flex Consumption a timer can stay dead after a deployment (Azure/azure-functions-host issue 11828), so the same can
be asked for over HTTP.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from shared.app import services
from shared.base import clock
from shared.base.telemetry import tracing
from shared.jobs import runs, telemetry
from shared.notifications import outbox
from shared.offboarding.lifecycle import access_checks, watch
from shared.offboarding.onboarding import certificate
from shared.offboarding.tenants import protected_names
from triggers import starting
from triggers.answers import json_answer
from triggers.routing import route_with_client

if TYPE_CHECKING:
    import azure.durable_functions as df
    import azure.functions as func

    from shared.access.caller import Caller

_log = logging.getLogger(__name__)


async def wake(client: df.DurableOrchestrationClient, context: func.Context) -> None:
    """Look at everything that is due; a tick that was missed is made up for by the next."""
    with tracing.invocation("wake", context):
        await _tick(client)


@route_with_client("POST tick")
async def tick(req: func.HttpRequest, client: df.DurableOrchestrationClient, caller: Caller) -> func.HttpResponse:
    """Do now what the timer does every minute, in case it has stopped."""
    del req, caller
    due, started = await _tick(client)
    return json_answer({"due": due, "started": started})


async def _tick(client: df.DurableOrchestrationClient) -> tuple[int, int]:
    """Return how much was due, and how many runs were started of it."""
    app = services.current()
    now = clock.now()
    due = await asyncio.to_thread(app.store.due, now)
    instances = await starting.instances(client, due)
    claimed = await asyncio.to_thread(watch.wake, app, due, instances)
    telemetry.due(due, claimed, now)
    await runs.start(client, claimed)
    await asyncio.to_thread(outbox.deliver_due, app, due)
    await asyncio.to_thread(access_checks.look_due, app, due)
    await asyncio.to_thread(protected_names.look_up_new, app)
    return len(due), len(claimed)


async def purge(client: df.DurableOrchestrationClient, context: func.Context) -> None:
    """Remove offboardings that ended before the retention, with their details, then the Durable history of old runs.

    Being daily, it also logs when the app's certificate is about to expire, and which protected names no account has.
    """
    with tracing.invocation("purge", context):
        app = services.current()
        if expiry := certificate.warning(app.settings, clock.now()):
            _log.warning("%s", expiry)
        await asyncio.to_thread(protected_names.look_up, app)
        await asyncio.to_thread(watch.forget_old, app)
        await starting.forget_runs(client, watch.retained_from(app))


TIMERS: Final = {"wake": wake, "purge": purge}
"""By the names of the functions."""
