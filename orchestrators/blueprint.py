"""The orchestrator function."""

from __future__ import annotations

import azure.durable_functions as df

from orchestrators import event_times
from orchestrators.offboard_user import offboard_user


def build() -> df.Blueprint:
    """Return the orchestrators of the app."""
    event_times.read_iso_first()
    blueprint = df.Blueprint()
    blueprint.orchestration_trigger(context_name="context")(offboard_user)
    return blueprint
