"""The orchestrator function."""

from __future__ import annotations

import azure.durable_functions as df

from orchestrators.offboard_user import offboard_user


def build() -> df.Blueprint:
    """Return the orchestrators of the app."""
    blueprint = df.Blueprint()
    blueprint.orchestration_trigger(context_name="context")(offboard_user)
    return blueprint
