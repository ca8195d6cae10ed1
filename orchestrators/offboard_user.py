"""One run of an offboarding: take over, work through the plan, finish."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from orchestrators import step_graph
from shared.offboarding.plan import Node

if TYPE_CHECKING:
    from collections.abc import Generator

    from azure.durable_functions import DurableOrchestrationContext
    from azure.durable_functions.models.Task import TaskBase


def offboard_user(context: DurableOrchestrationContext) -> Generator[TaskBase, Any, dict[str, Any]]:
    """Run the offboarding {"id", "run"}; the answer is its state, or that a later run has taken over."""
    order: dict[str, Any] = context.get_input()
    begun: dict[str, Any] = yield context.call_activity("begin_run", order)
    if "stop" in begun:
        return begun
    rules = step_graph.Rules(order, timedelta(seconds=begun["patience_seconds"]), "settle_step")
    nodes = [Node.from_json(node) for node in begun["nodes"]]
    result = yield from step_graph.run(context, nodes, begun["settled"], rules, context.set_custom_status)
    if result.stop == "superseded":
        return {"stop": result.stop}
    return (yield context.call_activity("finish_run", {**order, "stop": result.stop}))
