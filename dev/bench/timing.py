"""How long offboardings take: one of everything against its critical path, and many at once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dev.bench import critical_path, floor
from dev.bench.offboarding import (
    AT_ONCE,
    Meter,
    completed,
    executions,
    newcomers,
    offboard,
    selection,
    submit,
    wait,
    without_delays,
)
from dev.demo import leavers
from dev.tenant import seed
from shared.actions import plan

if TYPE_CHECKING:
    from dev.stack import Stack

_LATENCY_MS = 200
_TIMES = 5
AIM_OF_CRITICAL_PATH = 1.2


def full_offboarding(stack: Stack) -> dict[str, float]:
    """Measure the leaver who has everything, with all actions that go together; the median of a few runs."""
    runs = []
    for _ in range(_TIMES):
        _begin_anew(stack)
        stack.simulator.latency(graph=_LATENCY_MS, exchange=_LATENCY_MS, sharepoint=_LATENCY_MS)
        runs.append(_measured(stack))
        stack.simulator.latency()
    median = sorted(runs, key=lambda run: run["wall_s"])[len(runs) // 2]
    separately = _one_by_one(stack)
    share = round(median["wall_s"] / separately, 2)
    return {
        **median,
        "times_critical_path_aim": AIM_OF_CRITICAL_PATH,
        "separate_offboardings_s": round(separately, 2),
        "times_separate_offboardings": share,
        "floor_s": round(floor.measure(stack, plan.make(list(_everything())).nodes), 2),
    }


def _measured(stack: Stack) -> dict[str, float]:
    selected = _everything()
    meter, began = Meter(stack), datetime.now(UTC)
    offboarding = offboard(stack, leavers.TENANT, seed.ADA, selected)
    table, made = meter.storage(), meter.microsoft()
    details = completed(stack, offboarding)
    seconds = _LATENCY_MS / 1000
    microsoft = [request for request in made if request["service"] != "login"]
    rounds = critical_path.rounds_of(critical_path.Run(details, microsoft, seconds))
    nodes = plan.make([step["name"] for step in details["steps"]]).nodes
    shortest = (rounds.submit + critical_path.length(nodes, rounds.nodes)) * seconds
    wall = (datetime.fromisoformat(details["ended_at"]) - began).total_seconds()
    services = Counter(request["service"] for request in made)
    return {
        "actions": len(details["steps"]),
        "wall_s": round(wall, 2),
        "critical_path_s": round(shortest, 2),
        "times_critical_path": round(wall / shortest, 2),
        "requests_one_after_another_s": round(rounds.total * seconds, 2),
        "times_requests_one_after_another": round(wall / (rounds.total * seconds), 2),
        "requests_graph": services["graph"],
        "requests_exchange": services["exchange"],
        "requests_sharepoint": services["sharepoint"],
        "requests_for_tokens": services["login"],
        "table_requests": len(table),
        "table_writes": sum(not request.startswith("GET") for request in table),
        **executions(stack, offboarding),
    }


def throughput(stack: Stack) -> dict[str, float]:
    """Measure many people who leave at once, with Microsoft 365 answering at once."""
    _begin_anew(stack)
    people, selected = newcomers(stack, leavers.TENANT, AT_ONCE), _everything()
    began = datetime.now(UTC)
    offboardings = submit(stack, leavers.TENANT, people, selected)
    for offboarding in offboardings:
        wait(stack, offboarding)
    ends = [datetime.fromisoformat(completed(stack, one)["ended_at"]) for one in offboardings]
    seconds = (max(ends) - began).total_seconds()
    return {"leavers": AT_ONCE, "seconds": round(seconds, 2), "per_second": round(AT_ONCE / seconds, 2)}


def _begin_anew(stack: Stack) -> None:
    """Reset the tenants; somebody leaves first, who fetches tokens, opens connections and scans the tenant."""
    stack.simulator.reset()
    leavers.prepare(stack.simulator, [_everything()])
    without_delays(stack, leavers.TENANT)
    offboard(stack, leavers.TENANT, seed.BO, _everything())


def _one_by_one(stack: Stack) -> float:
    """Measure the same actions for the same person, each as an offboarding of its own after the one before."""
    _begin_anew(stack)
    stack.simulator.latency(graph=_LATENCY_MS, exchange=_LATENCY_MS, sharepoint=_LATENCY_MS)
    selected = _everything()
    seconds = 0.0
    for node in plan.make(list(selected)).steps:
        began = datetime.now(UTC)
        offboarding = offboard(stack, leavers.TENANT, seed.ADA, {node.name: selected[node.name]})
        seconds += (datetime.fromisoformat(stack.details(offboarding)["ended_at"]) - began).total_seconds()
    stack.simulator.latency()
    return seconds


def _everything() -> dict[str, object]:
    return selection([leavers.COLLEAGUE], [leavers.OTHER])
