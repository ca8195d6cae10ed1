"""Starts the orchestration of claimed offboardings."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from azure.durable_functions import DurableOrchestrationClient

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
