"""One run of an offboarding: take over, work through the plan, look for access left, finish, start who waits, tell."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from orchestrators import step_graph
from shared.actions.plan import VERIFY, Node

if TYPE_CHECKING:
    from collections.abc import Generator

    from azure.durable_functions import DurableOrchestrationContext
    from azure.durable_functions.models.Task import TaskBase


_BROKEN_AGAIN_SECONDS: Final = (5, 20, 60, 180)


def offboard_user(context: DurableOrchestrationContext) -> Generator[TaskBase, Any, dict[str, Any]]:
    """Run the offboarding {"id", "run"}; the answer is its state, or that a later run has taken over."""
    order: dict[str, Any] = context.get_input()
    begun: dict[str, Any] = yield from _insist(context, "begin_run", order)
    stop: str | None = begun.get("stop")
    if stop is None:
        stop = yield from _work(context, order, begun)
    if stop == "superseded":
        return {"stop": stop}
    if stop is None and begun.get("check"):  # a run that began before there were checks has no word of it
        yield from _look(context, order)
    ended: dict[str, Any] = yield from _insist(context, "finish_run", {**order, "stop": stop})
    if tenant := ended.pop("next_of", ""):
        yield context.call_activity("start_next", {**order, "tenant": tenant})
    if ended.pop("deliver", False):
        yield context.call_activity("deliver", order)
    return ended


def _look(context: DurableOrchestrationContext, order: dict[str, Any]) -> Generator[TaskBase, Any, None]:
    """Look whether the person still has access; where that breaks, the timer looks again."""
    try:
        yield context.call_activity("check_access", order)
    except Exception:  # noqa: BLE001 - the SDK knows no narrower one; the activity has logged what broke
        return


def _insist(
    context: DurableOrchestrationContext, activity: str, order: dict[str, Any]
) -> Generator[TaskBase, Any, dict[str, Any]]:
    """Call what no run can do without, again when it breaks: storage that is down for a minute must not cost a run."""
    for seconds in _BROKEN_AGAIN_SECONDS:
        try:
            return (yield context.call_activity(activity, order))
        except Exception:  # noqa: BLE001 - the SDK knows no narrower one; the activity has logged what broke
            yield context.create_timer(context.current_utc_datetime + timedelta(seconds=seconds))
    return (yield context.call_activity(activity, order))


def _work(
    context: DurableOrchestrationContext, order: dict[str, Any], begun: dict[str, Any]
) -> Generator[TaskBase, Any, str | None]:
    """Work through the plan; what was written before a cancellation is proved all the same."""
    rules = step_graph.Rules(order, timedelta(seconds=begun["patience_seconds"]), "settle_step")
    nodes = [Node.from_json(node) for node in begun["nodes"]]
    cancelled = context.wait_for_external_event("cancel")
    result = yield from step_graph.run(context, nodes, begun["settled"], rules, cancelled)
    if result.stop == "cancelled":
        proof = yield from step_graph.run(context, [Node(VERIFY, is_step=False)], {}, rules)
        return proof.stop or result.stop
    return result.stop
