"""Many people of one tenant, three at a time, without the timer: each run that ends has to start the next."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from dev.bench.offboarding import OPTIONS, completed, newcomers, offboard, submit, wait, without_delays
from dev.tenant import seed

if TYPE_CHECKING:
    from dev.stack import Stack

PLACES: Final = 3
OPTIONS_OF_QUEUE: Final = replace(OPTIONS, settings={**OPTIONS.settings, "MAX_RUNS_PER_TENANT": str(PLACES)})
_LEAVERS: Final = 100
_ALONE: Final = 5
_LATENCY_MS: Final = 500
"""So long that the machine waits more than it works, and the figure is about places and not about processors."""
_ACTIONS: Final[dict[str, Any]] = {"disable_sign_in": True, "reset_password": True, "revoke_sessions": True}
AIM: Final = 1.15


def measure(stack: Stack) -> dict[str, float]:
    """Compare the seconds of all with those of one, times how many follow one another in a place."""
    stack.simulator.reset()
    without_delays(stack, seed.FABRIKAM)
    first, *others = newcomers(stack, seed.FABRIKAM, 1 + _ALONE + _LEAVERS)
    loners, people = others[:_ALONE], others[_ALONE:]
    offboard(stack, seed.FABRIKAM, first, _ACTIONS)  # fetches tokens, opens connections
    stack.simulator.latency(graph=_LATENCY_MS, exchange=_LATENCY_MS)
    alone = median(_seconds(completed(stack, offboard(stack, seed.FABRIKAM, one, _ACTIONS))) for one in loners)
    began = time.monotonic()
    for one in (offboardings := submit(stack, seed.FABRIKAM, people, _ACTIONS)):
        wait(stack, one)
    seconds = time.monotonic() - began
    for one in offboardings:
        completed(stack, one)
    return {
        "queued_leavers": _LEAVERS,
        "queued_seconds": round(seconds, 2),
        "one_alone_s": round(alone, 2),
        "times_places": round(seconds / (alone * _LEAVERS / PLACES), 2),
        "times_places_aim": AIM,
    }


def _seconds(details: dict[str, str]) -> float:
    began, ended = (datetime.fromisoformat(details[name]) for name in ("requested_at", "ended_at"))
    return (ended - began).total_seconds()
