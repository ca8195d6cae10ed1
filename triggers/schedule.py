"""The timer: starts what is due and looks after what runs."""

from __future__ import annotations

import asyncio

import azure.durable_functions as df
import azure.functions as func

from shared import services
from shared.offboarding.service import Offboardings
from triggers import starting

blueprint = df.Blueprint()


@blueprint.timer_trigger("timer", "%TICK_SCHEDULE%")
@blueprint.durable_client_input("client")
async def wake(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Look at everything that is due; a tick that was missed is made up for by the next."""
    del timer
    claimed = await asyncio.to_thread(Offboardings(services.current()).wake)
    await starting.start(client, claimed)
