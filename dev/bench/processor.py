"""The processor time that offboardings take in the host and in the worker that runs the app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import psutil

from dev.bench.offboarding import completed, newcomers, offboard, without_delays
from dev.tenant import seed

if TYPE_CHECKING:
    from dev.stack import Stack

_LEAVERS: Final = 5
AIM_SECONDS: Final = 0.9


def measure(stack: Stack) -> dict[str, float]:
    """Return the mean of people who leave one after another, with Microsoft answering at once."""
    stack.simulator.reset()
    without_delays(stack, seed.FABRIKAM)
    first, *people = newcomers(stack, seed.FABRIKAM, _LEAVERS + 1)
    completed(stack, offboard(stack, seed.FABRIKAM, first, ACTIONS))  # fetches tokens, opens connections
    before = _seconds(stack)
    for one in people:
        completed(stack, offboard(stack, seed.FABRIKAM, one, ACTIONS))
    return {
        "selected": len(ACTIONS),
        "processor_s": round((_seconds(stack) - before) / _LEAVERS, 2),
        "processor_s_aim": AIM_SECONDS,
    }


ACTIONS: Final[dict[str, Any]] = {
    "disable_sign_in": True,
    "reset_password": True,
    "revoke_sessions": True,
    "remove_groups": True,
    "remove_mfa_methods": True,
    "remove_mobile_devices": True,
    "remove_inbox_rules": True,
    "hide_from_address_lists": True,
    "convert_to_shared": True,
    "remove_licenses": True,
    "forward_email": {"to": seed.CY, "keep_copy": True},
    "set_out_of_office": {"internal": "No longer with the company."},
    "cancel_meetings": True,
}


def _seconds(stack: Stack) -> float:
    """Return what the host and the processes below it have taken so far."""
    host = psutil.Process(stack.children["host"].process.pid)
    times = [process.cpu_times() for process in (host, *host.children(recursive=True))]
    return sum(one.user + one.system for one in times)
