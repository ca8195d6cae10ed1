"""The activity functions: one for each action, named after it, and what a run does besides.

A start only indexes. What a function does is imported when it is called first, so that none waits for the code of all.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import TYPE_CHECKING, Any

import azure.durable_functions as df
import azure.functions as func

from activities import ACTIONS, import_all
from shared.actions import loader
from shared.app import services

if TYPE_CHECKING:
    from collections.abc import Callable

    from activities.attempt import Answer, Order
    from shared.app.services import Services
    from shared.base.telemetry.tracing import Invocation
    from shared.jobs import runs

    Activity = Callable[[Services, Order, dict[str, Any]], Answer]

_log = logging.getLogger(__name__)


def _begin_run(app: Services, order: Order, _: dict[str, Any]) -> Answer:
    from activities.run import begin

    return begin.begin_run(app, order)


def _snapshot_directory(app: Services, order: Order, _: dict[str, Any]) -> Answer:
    from activities.run import snapshot

    return snapshot.snapshot_directory(app, order)


def _snapshot_mailbox(app: Services, order: Order, _: dict[str, Any]) -> Answer:
    from activities.run import snapshot

    return snapshot.snapshot_mailbox(app, order)


def _verify(app: Services, order: Order, _: dict[str, Any]) -> Answer:
    from activities.run import verify

    return verify.verify(app, order)


def _settle_step(app: Services, order: Order, data: dict[str, Any]) -> Answer:
    from activities.run import finish

    return finish.settle_step(app, order, data["step"], data["verdict"])


def _check_access(app: Services, order: Order, _: dict[str, Any]) -> Answer:
    from activities.run import access_check

    return access_check.check_access(app, order)


def _finish_run(app: Services, order: Order, data: dict[str, Any]) -> Answer:
    from activities.run import finish

    return finish.finish_run(app, order, data.get("stop"))


def _deliver(app: Services, order: Order, _: dict[str, Any]) -> Answer:
    from activities.run import finish

    return finish.deliver(app, order)


_OF_A_RUN: dict[str, Activity] = {
    "begin_run": _begin_run,
    "snapshot_directory": _snapshot_directory,
    "snapshot_mailbox": _snapshot_mailbox,
    "verify": _verify,
    "settle_step": _settle_step,
    "check_access": _check_access,
    "finish_run": _finish_run,
    "deliver": _deliver,
}


def build() -> df.Blueprint:
    """Return the activity functions; from now on, whoever asks the catalogue has the actions imported."""
    loader.when_asked(_import_for_good)
    blueprint = df.Blueprint()
    for name, activity in activities().items():
        _add(blueprint, name, activity)
    _add_start_next(blueprint)
    return blueprint


def _import_for_good() -> None:
    """Import the actions, with which nearly all code is there: from now on the garbage collector passes over it.

    It would take 50 ms for going through that each time, while steps wait (Python's documentation: "gc.freeze").
    """
    import_all()
    gc.freeze()


def activities() -> dict[str, Activity]:
    """Return every activity by the name it has as a function."""
    return _OF_A_RUN | {name: _of_action(name) for name in ACTIONS}


def _of_action(name: str) -> Activity:
    def run(app: Services, order: Order, _: dict[str, Any]) -> Answer:
        from activities.attempt import attempt

        return attempt(app, name, order)

    return run


def _add(blueprint: df.Blueprint, name: str, activity: Activity) -> None:
    def run(order: Any, context: func.Context) -> Any:  # noqa: ANN401 - Azure's worker refuses dict[str, Any]
        return perform(name, activity, order, services.current, context)

    run.__name__ = name
    blueprint.activity_trigger(input_name="order")(run)


def _add_start_next(blueprint: df.Blueprint) -> None:
    """Add what alone has a Durable client: such a function is a coroutine, and must not block the worker's loop."""

    async def run(order: Any, client: df.DurableOrchestrationClient, context: func.Context) -> Any:  # noqa: ANN401 - as above
        return await start_next(order, services.current, client, context)

    run.__name__ = "start_next"
    blueprint.activity_trigger(input_name="order")(blueprint.durable_client_input("client")(run))


async def start_next(
    order: dict[str, Any], app: Callable[[], Services], client: runs.Client, host: Invocation | None = None
) -> Answer:
    """Start who waits for the place that a run has left: the claim comes first, so the timer recovers it."""
    from shared.jobs import runs, telemetry
    from shared.offboarding.lifecycle import watch

    with telemetry.activity("start_next", order, host):
        claimed = await asyncio.to_thread(lambda: watch.wake_next(app(), order["tenant"]))
        await runs.start(client, claimed)
        return {"started": [offboarding.instance_id for offboarding in claimed]}


def perform(
    name: str, activity: Activity, order: dict[str, Any], app: Callable[[], Services], host: Invocation | None = None
) -> Answer:
    """Do what an activity function does: seen in the trace of its offboarding, and with a log line where it breaks."""
    from activities.attempt import Order
    from shared.jobs import telemetry

    with telemetry.activity(name, order, host):
        try:
            answer = activity(app(), Order.from_json(order), order)
        except Exception:
            # The orchestrator repeats what breaks unexpectedly; the reason must not be lost on the way.
            _log.exception("%s broke for offboarding %s, run %s", name, order.get("id"), order.get("run"))
            raise
        telemetry.activity_answered(answer)
        return answer
