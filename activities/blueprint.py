"""The activity functions: one for each action, named after it, and what a run does besides."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import azure.durable_functions as df
import azure.functions as func

from activities.attempt import Answer, Order, attempt
from activities.run import access_check, begin, finish, snapshot, verify
from shared.actions import catalogue
from shared.app import services
from shared.jobs import runs, telemetry
from shared.offboarding.lifecycle import watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.app.services import Services
    from shared.base.telemetry.tracing import Invocation

    Activity = Callable[[Services, Order, dict[str, Any]], Answer]

_log = logging.getLogger(__name__)

_OF_A_RUN: dict[str, Activity] = {
    "begin_run": lambda app, order, _: begin.begin_run(app, order),
    "snapshot_directory": lambda app, order, _: snapshot.snapshot_directory(app, order),
    "snapshot_mailbox": lambda app, order, _: snapshot.snapshot_mailbox(app, order),
    "verify": lambda app, order, _: verify.verify(app, order),
    "settle_step": lambda app, order, data: finish.settle_step(app, order, data["step"], data["verdict"]),
    "check_access": lambda app, order, _: access_check.check_access(app, order),
    "finish_run": lambda app, order, data: finish.finish_run(app, order, data.get("stop")),
    "deliver": lambda app, order, _: finish.deliver(app, order),
}


def build() -> df.Blueprint:
    """Return the activity functions of every action registered so far."""
    blueprint = df.Blueprint()
    for name, activity in activities().items():
        _add(blueprint, name, activity)
    _add_start_next(blueprint)
    return blueprint


def activities() -> dict[str, Activity]:
    """Return every activity by the name it has as a function."""
    actions: dict[str, Activity] = {name: _of_action(name) for name in catalogue.all_actions()}
    return _OF_A_RUN | actions


def _of_action(name: str) -> Activity:
    return lambda app, order, _: attempt(app, name, order)


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
    with telemetry.activity("start_next", order, host):
        claimed = await asyncio.to_thread(lambda: watch.wake_next(app(), order["tenant"]))
        await runs.start(client, claimed)
        return {"started": [offboarding.instance_id for offboarding in claimed]}


def perform(
    name: str, activity: Activity, order: dict[str, Any], app: Callable[[], Services], host: Invocation | None = None
) -> Answer:
    """Do what an activity function does: seen in the trace of its offboarding, and with a log line where it breaks."""
    with telemetry.activity(name, order, host):
        try:
            answer = activity(app(), Order.from_json(order), order)
        except Exception:
            # The orchestrator repeats what breaks unexpectedly; the reason must not be lost on the way.
            _log.exception("%s broke for offboarding %s, run %s", name, order.get("id"), order.get("run"))
            raise
        telemetry.activity_answered(answer)
        return answer
