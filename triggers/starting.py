"""What the services leave to whoever has a Durable client: start, wake and forget orchestrations."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from azure.durable_functions import DurableOrchestrationClient

    from shared.offboarding.operations import Done
    from shared.offboarding.records import Offboarding

_log = logging.getLogger(__name__)


async def start(client: DurableOrchestrationClient, claimed: Iterable[Offboarding]) -> None:
    """Start a run of each; where starting fails, nobody knows whether it began, and the health check looks again."""
    await asyncio.gather(*(_start(client, offboarding) for offboarding in claimed))


async def _start(client: DurableOrchestrationClient, offboarding: Offboarding) -> None:
    try:
        await client.start_new("offboard_user", offboarding.instance_id, {"id": offboarding.id, "run": offboarding.run})
    except Exception:  # noqa: BLE001 - whatever it was, the claim stands and is looked after
        _log.exception("Run %s was claimed, but may not have been started", offboarding.instance_id)


async def wake(client: DurableOrchestrationClient, cancelled: Offboarding) -> None:
    """Let a cancelled run stop waiting; it would see the cancellation by itself before its next step."""
    try:
        await client.raise_event(cancelled.instance_id, "cancel", None)
    except Exception:  # noqa: BLE001 - the cancellation is stored
        _log.warning("Run %s could not be told that it was cancelled", cancelled.instance_id, exc_info=True)


async def purge_history(client: DurableOrchestrationClient, offboarding: Offboarding) -> None:
    """Remove what Durable Functions keeps of every run."""
    for run in range(1, offboarding.run + 1):
        await client.purge_instance_history(f"{offboarding.id}-{run}")


async def follow_up(client: DurableOrchestrationClient, done: Done) -> None:
    """Start or wake what an operation left to be started or woken."""
    if done.to_start:
        await start(client, [done.to_start])
    if done.to_wake:
        await wake(client, done.to_wake)
