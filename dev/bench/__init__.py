"""`python3 dev bench`: what an offboarding costs in time, requests and storage, as figures that can be compared."""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from rich.console import Console
from rich.table import Table

import function_app
from dev.bench import critical_path, imports
from dev.demo import form, leavers
from dev.processes import StackError, wait_until
from dev.stack import Options, Stack
from dev.start import Stopped, stopping
from dev.tenant import seed
from shared.offboarding import catalogue, plan

if TYPE_CHECKING:
    import argparse

    from shared.offboarding.catalogue import Action

    Figures = dict[str, dict[str, float]]

_LATENCY_MS = 200
_TIMES = 3
_LEAVERS = 20
_PATIENCE_SECONDS = 300
# Only what is measured may use the storage: no tick of the timer in between, and nobody who waits for one.
_OPTIONS = Options(settings={"TICK_SCHEDULE": "0 0 0 1 1 *", "MAX_RUNS_PER_TENANT": str(_LEAVERS)})


def run_bench(given: argparse.Namespace) -> int:
    """Measure everything, print it as a table and as JSON."""
    try:
        with stopping(), tempfile.TemporaryDirectory(prefix="offboarding-") as folder:
            figures: Figures = {"import": _say("Import times", imports.measure())}
            with Stack(Path(folder), _OPTIONS) as stack:
                figures["offboardings at once"] = _say("Offboardings at once", _throughput(stack))
                figures["full offboarding"] = _say("The full offboarding", _full_offboarding(stack))
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except Stopped:
        return 130
    _print(figures)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")
    return 0


def _say(what: str, figures: dict[str, float]) -> dict[str, float]:
    print(f"{what}: measured", file=sys.stderr, flush=True)
    return figures


def _full_offboarding(stack: Stack) -> dict[str, float]:
    """Measure the leaver who has everything, with all actions that go together; the median of a few runs."""
    runs = []
    for _ in range(_TIMES):
        _begin_anew(stack)
        # The first offboarding fetches tokens and opens connections, which is not what is measured.
        _offboard(stack, seed.BO)
        stack.simulator.latency(graph=_LATENCY_MS, exchange=_LATENCY_MS, sharepoint=_LATENCY_MS)
        runs.append(_measured(stack))
        stack.simulator.latency()
    median = sorted(runs, key=lambda run: run["wall_s"])[len(runs) // 2]
    separately = _one_by_one(stack)
    share = round(median["wall_s"] / separately, 2)
    return {**median, "separate_offboardings_s": round(separately, 2), "times_separate_offboardings": share}


def _measured(stack: Stack) -> dict[str, float]:
    before, stored = len(stack.simulator.requests()), len(stack.storage.requests())
    began = datetime.now(UTC)
    offboarding = _offboard(stack, seed.ADA)
    table = stack.storage.requests()[stored:]
    made = stack.simulator.requests()[before:]
    details = stack.details(offboarding)
    if details["state"] != "Completed":
        raise StackError(f"The offboarding to be measured ended as {details['state']}.")
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
    }


def _throughput(stack: Stack) -> dict[str, float]:
    """Measure many people who leave at once, with Microsoft 365 answering at once."""
    _begin_anew(stack)
    _offboard(stack, seed.BO)
    people = [stack.simulator.arrange(leavers.TENANT, "user", create={"alias": f"leaver{n}"}) for n in range(_LEAVERS)]
    actions = {action.name: _parameters(stack, action) for action in _actions()}
    began = datetime.now(UTC)
    answer = stack.post("/api/offboardings", {"tenant": leavers.TENANT, "users": people, "actions": actions})
    if answer.status_code != requests.codes.accepted:
        raise StackError(f"The app refused the offboardings: {answer.text}")
    offboardings = [each["id"] for each in answer.json()["offboardings"]]
    for offboarding in offboardings:
        _wait(stack, offboarding)
    details = [stack.details(offboarding) for offboarding in offboardings]
    if any(each["state"] != "Completed" for each in details):
        raise StackError("Not every offboarding that was measured is completed.")
    seconds = (max(datetime.fromisoformat(each["ended_at"]) for each in details) - began).total_seconds()
    return {"leavers": _LEAVERS, "seconds": round(seconds, 2), "per_second": round(_LEAVERS / seconds, 2)}


def _begin_anew(stack: Stack) -> None:
    """Reset the tenants, and let Microsoft's services show every change at once: waiting for them is not our time."""
    stack.simulator.reset()
    leavers.prepare(stack.simulator, 1)
    delays = {"conversion_reads": 0, "licence_reads": 0, "number_reads": 0}
    stack.simulator.arrange(leavers.TENANT, "tenant", set=delays)


def _one_by_one(stack: Stack) -> float:
    """Measure the same actions for the same person, each as an offboarding of its own after the one before."""
    _begin_anew(stack)
    _offboard(stack, seed.BO)
    stack.simulator.latency(graph=_LATENCY_MS, exchange=_LATENCY_MS, sharepoint=_LATENCY_MS)
    selected = {action.name: action for action in _actions()}
    began = datetime.now(UTC)
    for node in plan.make(list(selected)).steps:
        _offboard(stack, seed.ADA, [selected[node.name]])
    seconds = (datetime.now(UTC) - began).total_seconds()
    stack.simulator.latency()
    return seconds


def _offboard(stack: Stack, user: str, actions: list[Action] | None = None) -> str:
    """Offboard somebody as the portal would, and return the id when it has ended."""
    tenant = stack.simulator.state(leavers.TENANT)
    answer = stack.post("/api/ExecOffboardUser", _form(tenant, user, actions or _actions()))
    if answer.status_code != requests.codes.ok:
        raise StackError(f"The app refused the offboarding: {answer.text}")
    offboarding: str = answer.json()["Results"][0]["details"]["id"]
    _wait(stack, offboarding)
    return offboarding


def _wait(stack: Stack, offboarding: str) -> None:
    """Wait for the end without asking the app: its answers would cost storage requests that are counted."""
    wait_until(lambda: stack.has_run_ended(f"{offboarding}-1"), _PATIENCE_SECONDS, "the offboarding ended")


def _actions() -> list[Action]:
    if not catalogue.all_actions():
        raise StackError(f"{function_app.__file__} imports no action.")
    return form.split(catalogue.all_actions().values())[0]


def _form(tenant: dict[str, Any], user: str, actions: list[Action]) -> dict[str, Any]:
    colleagues = (tenant["users"][leavers.COLLEAGUE], tenant["users"][leavers.OTHER])
    return form.fill(tenant, tenant["users"][user], colleagues, actions, catalogue.all_actions().values())


def _parameters(stack: Stack, action: Action) -> Any:  # noqa: ANN401 - whatever the action takes
    tenant = stack.simulator.state(leavers.TENANT)
    filled = _form(tenant, seed.ADA, [action])
    return action.from_portal({key.lower(): value for key, value in filled.items()}) or True


def _print(figures: Figures) -> None:
    table = Table("Case", "Metric", "Figure")
    for case, metrics in figures.items():
        for metric, figure in metrics.items():
            table.add_row(case, metric, str(figure))
        table.add_section()
    Console(width=None if sys.stdout.isatty() else 100).print(table)
    print(json.dumps(figures))
