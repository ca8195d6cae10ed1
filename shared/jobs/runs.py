"""Starting the runs that were claimed, by whoever has a Durable client."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from shared.jobs import telemetry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.jobs.records import Offboarding

_log = logging.getLogger(__name__)


class Client(Protocol):
    """What is needed of a Durable client."""

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: object = None
    ) -> str:
        """Start an instance of an orchestrator."""
        ...


async def start(client: Client, claimed: Iterable[Offboarding]) -> None:
    """Start a run of each; where starting fails, nobody knows whether it began, and the health check looks again."""
    await asyncio.gather(*(_start(client, offboarding) for offboarding in claimed))


async def _start(client: Client, offboarding: Offboarding) -> None:
    order = {"id": offboarding.id, "run": offboarding.run}
    try:
        with telemetry.run_started(offboarding) as traceparent:
            # The SDK tells the host the trace that is current here; the order tells it to the activities in any case.
            await client.start_new("offboard_user", offboarding.instance_id, {**order, "traceparent": traceparent})
    except Exception:  # noqa: BLE001 - whatever it was, the claim stands and the timer recovers it
        _log.exception("Run %s was claimed, but may not have been started", offboarding.instance_id)
