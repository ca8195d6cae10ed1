"""What the services leave to whoever has a Durable client: wake, look at and forget orchestrations."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from azure.durable_functions import OrchestrationRuntimeStatus

from shared.jobs import runs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from azure.durable_functions import DurableOrchestrationClient

    from shared.jobs.records import Offboarding, Wake
    from shared.offboarding.lifecycle.operations import OperationResult

_log = logging.getLogger(__name__)

_ASKED_AT_ONCE: Final = 20
_BEFORE_ALL_RUNS: Final = datetime(2020, 1, 1, tzinfo=UTC)
_ENDED: Final = [
    OrchestrationRuntimeStatus.Completed,
    OrchestrationRuntimeStatus.Failed,
    OrchestrationRuntimeStatus.Terminated,
    OrchestrationRuntimeStatus.Canceled,
]


async def wake(client: DurableOrchestrationClient, cancelled: Offboarding) -> None:
    """Let a cancelled run stop waiting; it would see the cancellation by itself before its next step."""
    try:
        await client.raise_event(cancelled.instance_id, "cancel", None)
    except Exception:  # noqa: BLE001 - the cancellation is stored
        _log.warning("Run %s could not be told that it was cancelled", cancelled.instance_id, exc_info=True)


async def instances(client: DurableOrchestrationClient, due: Iterable[Wake]) -> dict[str, str | None]:
    """Return the status of the instance of each run in flight, None where there is none.

    What could not be found out is left out. The SDK's `get_status` cannot tell that: it reads a hub that fails (500) as
    it reads an instance that does not exist (404). A list of the instances with a prefix is either right or raises.
    """
    in_flight = [wake.instance_id for wake in due if wake.instance_id and not wake.destination]
    slots = asyncio.Semaphore(_ASKED_AT_ONCE)

    async def status(instance_id: str) -> tuple[str, str | None] | None:
        async with slots:
            try:
                found = await client.get_status_by(instance_id_prefix=instance_id)
            except Exception:  # noqa: BLE001 - the next tick asks again
                _log.warning("Durable Functions could not be asked about run %s", instance_id, exc_info=True)
                return None
        status = next((one.runtime_status for one in found if one.instance_id == instance_id), None)
        return instance_id, status.value if status else None

    return dict(filter(None, await asyncio.gather(*map(status, in_flight))))


async def forget(client: DurableOrchestrationClient, deleted: Offboarding) -> None:
    """Remove what Durable Functions keeps of the runs of a deleted offboarding; what is left, the retention removes.

    A run that has not ended stays, such as one that was superseded and still waits: purging by id would remove it
    together with its queue messages' history, in the middle of its work.
    """
    try:
        ended = await client.get_status_by(instance_id_prefix=f"{deleted.id}-", runtime_status=_ENDED)
        await asyncio.gather(*(client.purge_instance_history(run.instance_id) for run in ended if run.instance_id))
    except Exception:  # noqa: BLE001 - the deletion is stored
        _log.warning("The history of offboarding %s could not be removed yet", deleted.id, exc_info=True)


async def forget_runs(client: DurableOrchestrationClient, begun_before: datetime) -> None:
    """Remove what Durable Functions keeps of all runs that began before a moment and have ended."""
    await client.purge_instance_history_by(_BEFORE_ALL_RUNS, begun_before, _ENDED)


async def follow_up(client: DurableOrchestrationClient, done: OperationResult) -> None:
    """Do what an operation left to be done with a Durable client."""
    if done.to_start:
        await runs.start(client, [done.to_start])
    if done.to_wake:
        await wake(client, done.to_wake)
    if done.to_forget:
        await forget(client, done.to_forget)
