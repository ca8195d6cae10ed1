"""How long a run must take: its rounds of requests, laid out in time as the plan allows and no faster."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.actions import plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_SAME_ROUND = 0.95
"""A request that begins within this share of the latency after another cannot have waited for its answer."""


@dataclass(frozen=True)
class Run:
    """What was recorded of one offboarding: its details, and the requests to Microsoft 365 with their latency."""

    details: Mapping[str, Any]
    requests: Sequence[Mapping[str, Any]]
    latency_seconds: float


@dataclass(frozen=True)
class Rounds:
    """How many requests had to wait for one another: before the run, and in each node of its plan."""

    submit: int
    nodes: Mapping[str, int]

    @property
    def total(self) -> int:
        """All of them, one after another."""
        return self.submit + sum(self.nodes.values())


def rounds_of(run: Run) -> Rounds:
    """Sort the recorded requests by what made them; a step's details name those of the step."""
    owners = {key: step["name"] for step in run.details["steps"] for key in step["request_ids"]}
    requested_at = datetime.fromisoformat(run.details["requested_at"])
    made: dict[str, list[datetime]] = {}
    begun: set[str] = set()
    for request in run.requests:
        began = datetime.fromisoformat(request["time"])
        owner = owners.get(request["headers"].get("client-request-id"))
        if owner:
            begun.add(request["service"])
        elif began < requested_at:
            owner = "submit"
        elif request["service"] in begun:
            owner = plan.VERIFY
        else:
            owner = plan.SNAPSHOT_DIRECTORY if request["service"] == "graph" else plan.SNAPSHOT_MAILBOX
        made.setdefault(owner, []).append(began)
    submit = made.pop("submit", [])
    nodes = {owner: count_rounds(times, run.latency_seconds) for owner, times in made.items()}
    return Rounds(count_rounds(submit, run.latency_seconds), nodes)


def count_rounds(times: Iterable[datetime], latency_seconds: float) -> int:
    """Count the requests that came after an answer; those that were under way together are one round."""
    rounds, last = 0, None
    for time in sorted(times):
        if last is None or (time - last).total_seconds() >= _SAME_ROUND * latency_seconds:
            rounds, last = rounds + 1, time
    return rounds


def length(nodes: Sequence[plan.Node], rounds: Mapping[str, int]) -> int:
    """Return the rounds that a run needs from its beginning to its end if nothing but requests took time.

    Every node begins as soon as what it waits for has ended and its lane is free; of the nodes that wait for a lane the
    first of the plan goes first.
    """
    ends: dict[str, int] = {}
    now = 0
    while len(ends) < len(nodes):
        begun = [node for node in nodes if _begin(node, nodes, ends, rounds, now)]
        later = [end for end in ends.values() if end > now]
        if not begun and not later:
            raise ValueError("The plan waits for itself.")
        if not begun:
            now = min(later)
    return max(ends.values(), default=0)


def _begin(
    node: plan.Node, nodes: Sequence[plan.Node], ends: dict[str, int], rounds: Mapping[str, int], now: int
) -> bool:
    """Let a node begin if it may, and note its end."""
    is_ready = all(name in ends and ends[name] <= now for name in (*node.after, *node.requires))
    is_busy = node.lane and any(other.lane == node.lane and ends.get(other.name, 0) > now for other in nodes)
    if node.name in ends or not is_ready or is_busy:
        return False
    ends[node.name] = now + rounds.get(node.name, 0)
    return True
