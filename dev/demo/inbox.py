"""Where the demonstration's notifications go, and what arrived there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.demo import leavers
from dev.processes import StackError, wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dev.sinks import Sinks
    from dev.stack import Stack

_SECONDS_TO_ARRIVE = 90


def wait(stack: Stack, sinks: Sinks, offboardings: Sequence[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Wait until every notification was delivered; returns what arrived, and what did not, in lines."""
    ids = [offboarding["id"] for offboarding in offboardings]

    def told() -> bool:
        return all(n["state"] == "delivered" for one in ids for n in stack.details(one)["notifications"])

    try:
        wait_until(told, _SECONDS_TO_ARRIVE, "every notification was delivered")
    except StackError:
        missing = [n for one in ids for n in stack.details(one)["notifications"] if n["state"] != "delivered"]
        return _lines(stack, sinks), [f"{n['channel']} {n['destination']}: {n['state']} {n}" for n in missing]
    return _lines(stack, sinks), []


def _lines(stack: Stack, sinks: Sinks) -> list[str]:
    lines = [f"{one['service']}: {one['title']}" for one in sinks.arrived()]
    mails = stack.simulator.state(leavers.TENANT)["sent_mail"]
    return lines + [f"mail: {mail['message']['subject']}" for mail in mails]
