"""The timer: starts what is due, looks after what runs, and delivers what has to be told."""

from __future__ import annotations

import asyncio

import azure.durable_functions as df
import azure.functions as func

from shared import clock, services
from shared.notifications import outbox
from shared.offboarding import watch
from triggers import starting

blueprint = df.Blueprint()


@blueprint.timer_trigger("timer", "%TICK_SCHEDULE%")
@blueprint.durable_client_input("client")
async def wake(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Look at everything that is due; a tick that was missed is made up for by the next."""
    del timer
    app = services.current()
    due = await asyncio.to_thread(app.store.due, clock.now())
    claimed = await asyncio.to_thread(watch.wake, app, due)
    await starting.start(client, claimed)
    await asyncio.to_thread(outbox.deliver_due, app, due)


@blueprint.timer_trigger("timer", "%RETENTION_SCHEDULE%")
@blueprint.durable_client_input("client")
async def purge(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Remove offboardings that ended before the retention, with their details and Durable history."""
    del timer
    app = services.current()
    for offboarding in await asyncio.to_thread(watch.old, app):
        await starting.purge_history(client, offboarding)
        await asyncio.to_thread(app.store.forget, offboarding)
    await asyncio.to_thread(watch.forget_deleted, app)
