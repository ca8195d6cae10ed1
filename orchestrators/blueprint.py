"""The orchestrator function. A start only indexes it: the step graph is imported by the first turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import azure.durable_functions as df

from orchestrators import event_times

if TYPE_CHECKING:
    from collections.abc import Generator

    from azure.durable_functions.models.Task import TaskBase


def build() -> df.Blueprint:
    """Return the orchestrators of the app."""
    event_times.read_iso_first()
    blueprint = df.Blueprint()
    blueprint.orchestration_trigger(context_name="context")(offboard_user)
    return blueprint


def offboard_user(context: df.DurableOrchestrationContext) -> Generator[TaskBase, Any, dict[str, Any]]:
    """Run an offboarding."""
    from orchestrators import offboard_user as run

    return (yield from run.offboard_user(context))
