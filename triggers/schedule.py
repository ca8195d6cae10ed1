"""The timer: starts what is due, looks after what runs, and delivers what has to be told."""

from __future__ import annotations

import asyncio

import azure.durable_functions as df
import azure.functions as func

from shared.app import services
from shared.base import clock, tracing
from shared.jobs import telemetry
from shared.notifications import outbox
from shared.offboarding.lifecycle import watch
from triggers import starting

blueprint = df.Blueprint()


@blueprint.timer_trigger("timer", "%TICK_SCHEDULE%")
@blueprint.durable_client_input("client")
async def wake(timer: func.TimerRequest, client: df.DurableOrchestrationClient, context: func.Context) -> None:
    """Look at everything that is due; a tick that was missed is made up for by the next."""
    del timer
    with tracing.invocation("wake", context):
        app = services.current()
        now = clock.now()
        due = await asyncio.to_thread(app.store.due, now)
        instances = await starting.instances(client, due)
        claimed = await asyncio.to_thread(watch.wake, app, due, instances)
        telemetry.due(due, claimed, now)
        await starting.start(client, claimed)
        await asyncio.to_thread(outbox.deliver_due, app, due)


@blueprint.timer_trigger("timer", "%RETENTION_SCHEDULE%")
@blueprint.durable_client_input("client")
async def purge(timer: func.TimerRequest, client: df.DurableOrchestrationClient, context: func.Context) -> None:
    """Remove offboardings that ended before the retention, with their details, then the Durable history of old runs."""
    del timer
    with tracing.invocation("purge", context):
        app = services.current()
        await asyncio.to_thread(watch.forget_old, app)
        await starting.forget_runs(client, watch.retained_from(app))
