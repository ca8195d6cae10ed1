"""Offboard somebody, bring it back, see what is there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from shared.offboarding.request import parsing
from shared.offboarding.restoring import Restorations, Wish

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.lab import Lab, Result

    Restore = Callable[..., Result]


@pytest.fixture
def restore(lab: Lab) -> Restore:
    """Bring back what an offboarding changed, through the parser of the API, to the end."""

    def run(left: Result, order: int = 0, **wish: Any) -> Result:
        before = lab.simulator.requests()
        parsed = Wish(**parsing.parse_restore(json.dumps(wish).encode()))
        stored = Restorations(lab.app, "operator").submit(left.offboarding.id, parsed)
        if stored.state == "Running":
            lab.start(stored)
        lab.run(order)
        return lab.result(stored.id, before[-1]["n"] if before else 0)

    return run
