"""Runs a graph of nodes, one activity each: order, gates, lanes, waiting and retries. Knows nothing of offboarding.

An activity answers with one of
    {"settled": outcome, "also": {node: outcome}}   the node has ended (and so have others, that it settled)
    {"written": true}                               the node has ended for the order; another node will settle it
    {"again": seconds or null, "why": "transient" | "throttled" | "pending", "progress": n}
    {"stop": reason}                                nothing further may begin
It is called with {**base, "attempt": n, "waited": seconds, "last": bool}; on its last attempt it has to settle.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from azure.durable_functions.models.Task import TimerTask

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from datetime import datetime

    from azure.durable_functions import DurableOrchestrationContext
    from azure.durable_functions.models.Task import TaskBase

    from shared.actions.plan import Node

MAX_ATTEMPTS: Final = 5
"""Faults in a row without progress, after which a node has failed."""

_FIRST_BACKOFF_SECONDS: Final = 5
_MAX_BACKOFF_SECONDS: Final = 300
_LONGER_THAN_A_TURN: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Rules:
    """What the graph is run with.

    `patience` bounds how long a node waits for a throttled or slow service. `settle_activity` records an outcome that
    no activity of a node could: it is called with {**base, "step", "verdict": {"outcome", "message", "blocked_by"}}.
    """

    base: Mapping[str, Any]
    patience: timedelta
    settle_activity: str


@dataclass(frozen=True)
class Result:
    """How the nodes ended, and why the graph was stopped before its end, if it was."""

    outcomes: Mapping[str, str]
    stop: str | None


@dataclass
class _Progress:
    """Where one node is, and what it waits for: its activity, the record of its end, or a timer."""

    node: Node
    state: str = "waiting"
    outcome: str | None = None
    written: bool = False
    task: TaskBase | None = None
    waits_for: Literal["activity", "record", "timer"] = "activity"
    attempt: int = 0
    last: bool = False
    faults: int = 0
    progress: int = 0
    waiting_since: datetime | None = None

    @property
    def has_ended(self) -> bool:
        return self.outcome is not None or self.written

    @property
    def is_in_flight(self) -> bool:
        return self.task is not None and self.waits_for == "activity"


def run(
    context: DurableOrchestrationContext,
    nodes: Sequence[Node],
    settled: Mapping[str, str],
    rules: Rules,
    cancelled: TaskBase | None = None,
) -> Generator[TaskBase, Any, Result]:
    """Run `nodes` to their ends; those in `settled` have ended before.

    The custom status shows the states of the steps. When `cancelled` ends, nothing further begins.
    """
    graph = _Graph(context, nodes, rules)
    graph.settle_all(settled)
    announced: list[TaskBase] = [cancelled] if cancelled else []
    while True:
        graph.begin_ready()
        context.set_custom_status(graph.step_states())
        tasks = graph.open_tasks()
        if not tasks:
            return graph.result()
        if cancelled and graph.may_go_on():
            tasks.append(cancelled)
        finished: TaskBase = yield context.task_any([*tasks, *_pass(context, tasks, announced)])
        announced = tasks
        if finished is cancelled:
            graph.halt("cancelled")
        else:
            graph.take(finished)


def _pass(context: DurableOrchestrationContext, tasks: list[TaskBase], announced: list[TaskBase]) -> list[TimerTask]:
    """Return what keeps the host from waiting for new tasks alone, where others are open that it knows already.

    The SDK announces new tasks only, and the host goes through the announcements one by one, awaiting each: a task
    announced later would not begin before one of these ends. A timer that is cancelled as it is made ends at once.
    """
    is_new = [not any(task is known for known in announced) for task in tasks]
    if all(is_new) or not any(is_new):
        return []
    timer = context.create_timer(context.current_utc_datetime + _LONGER_THAN_A_TURN)
    timer.cancel()
    return [timer]


class _Graph:
    """The nodes and what happens to them; every method is a step of one deterministic run."""

    def __init__(self, context: DurableOrchestrationContext, nodes: Sequence[Node], rules: Rules) -> None:
        self._context = context
        self._rules = rules
        self._nodes = {node.name: _Progress(node) for node in nodes}
        self._stop: str | None = None

    def result(self) -> Result:
        outcomes = {name: p.outcome for name, p in self._nodes.items() if p.outcome}
        return Result(outcomes, self._stop)

    def step_states(self) -> dict[str, str]:
        return {name: p.state for name, p in self._nodes.items() if p.node.is_step}

    def open_tasks(self) -> list[TaskBase]:
        return [p.task for p in self._nodes.values() if p.task]

    def settle_all(self, outcomes: Mapping[str, str]) -> None:
        for name, outcome in outcomes.items():
            if name in self._nodes:
                self._nodes[name].outcome, self._nodes[name].state = outcome, "ended"

    def begin_ready(self) -> None:
        settled = {name for name, p in self._nodes.items() if p.outcome is not None}
        ended = settled | {name for name, p in self._nodes.items() if p.written}
        busy = {p.node.lane for p in self._nodes.values() if p.is_in_flight and p.node.lane}
        for name, progress in self._nodes.items():
            node = progress.node
            if self._stop or name in ended or progress.task:
                continue
            if not ended.issuperset(node.after) or not settled.issuperset(node.requires):
                continue
            if blockers := self._blockers(node):
                self._settle(progress, "skipped", f"Not begun: {', '.join(blockers)} did not succeed.", blockers)
                if progress.has_ended:
                    settled.add(name)
                    ended.add(name)
            elif node.lane not in busy:
                self._call(progress)
                busy |= {node.lane} if node.lane else set()

    def take(self, task: TaskBase) -> None:
        """Take the result of the task that one of the nodes waited for, if it was one."""
        progress = next((p for p in self._nodes.values() if p.task is task), None)
        if progress is None:
            return
        progress.task = None
        if progress.waits_for == "timer":
            return
        is_broken = isinstance(task.result, Exception)
        if progress.waits_for == "record" and is_broken:
            raise RuntimeError(f"The end of {progress.node.name} could not be recorded.")
        self._read(progress, {"again": None, "why": "transient"} if is_broken else task.result, is_broken=is_broken)

    def _blockers(self, node: Node) -> list[str]:
        return [name for name in node.requires if self._nodes[name].outcome not in node.opens_on]

    def _call(self, progress: _Progress) -> None:
        progress.attempt += 1
        progress.state, progress.waits_for = "running", "activity"
        order = {
            **self._rules.base,
            "attempt": progress.attempt,
            "waited": self._waited(progress).total_seconds(),
            "last": progress.last,
        }
        progress.task = self._context.call_activity(progress.node.name, order)

    def _settle(self, progress: _Progress, outcome: str, message: str, blockers: Sequence[str] = ()) -> None:
        """Settle a node whose own activity cannot: a step has it recorded, other nodes have no record."""
        if not progress.node.is_step:
            progress.outcome, progress.state = outcome, "ended"
            return
        verdict = {"outcome": outcome, "message": message, "blocked_by": list(blockers)}
        order = {**self._rules.base, "step": progress.node.name, "verdict": verdict}
        progress.waits_for = "record"
        progress.task = self._context.call_activity(self._rules.settle_activity, order)

    def _read(self, progress: _Progress, answer: Mapping[str, Any], *, is_broken: bool) -> None:
        self.settle_all(answer.get("also", {}))
        if "stop" in answer:
            self.halt(answer["stop"])
        elif "settled" in answer:
            progress.outcome, progress.state = answer["settled"], "ended"
        elif "written" in answer:
            progress.written, progress.state = True, "verifying"
        elif progress.last and answer.get("progress", 0) <= progress.progress:
            cause = "it kept breaking, and the app's log says why" if is_broken else "it did not settle in time"
            self._settle(progress, "failed", f"Given up after {progress.attempt} attempts: {cause}.")
        else:
            self._wait(progress, answer)

    def may_go_on(self) -> bool:
        """Return whether further nodes may begin."""
        return self._stop is None

    def halt(self, reason: str) -> None:
        """Begin nothing further; what is in flight ends, what waits for its time is called off."""
        self._stop = self._stop or reason
        for progress in self._nodes.values():
            if isinstance(progress.task, TimerTask):
                progress.task.cancel()
                progress.task = None

    def _wait(self, progress: _Progress, answer: Mapping[str, Any]) -> None:
        """Set the timer for the next attempt, and know whether that will be the last one."""
        if self._stop:
            return
        why: str = answer["why"]
        if answer.get("progress", 0) > progress.progress:
            progress.progress, progress.faults, progress.waiting_since = answer["progress"], 0, None
        progress.waiting_since = progress.waiting_since or self._context.current_utc_datetime
        if why == "transient":
            progress.faults += 1
            delay = timedelta(seconds=max(answer["again"] or 0, self._backoff_seconds(progress)))
            progress.last = progress.faults >= MAX_ATTEMPTS - 1
        else:
            delay = timedelta(seconds=answer["again"] or self._backoff_seconds(progress))
            progress.last = self._waited(progress) + delay >= self._rules.patience
        progress.state = "verifying" if why == "pending" else "retrying"
        progress.waits_for = "timer"
        progress.task = self._context.create_timer(self._context.current_utc_datetime + delay)

    def _waited(self, progress: _Progress) -> timedelta:
        if progress.waiting_since is None:
            return timedelta()
        return self._context.current_utc_datetime - progress.waiting_since

    def _backoff_seconds(self, progress: _Progress) -> float:
        """Double with each attempt, jittered by what replays the same: run, node and attempt."""
        longest = min(_FIRST_BACKOFF_SECONDS * 2 ** (progress.attempt - 1), _MAX_BACKOFF_SECONDS)
        place = f"{self._context.instance_id}/{progress.node.name}/{progress.attempt}"
        share = int.from_bytes(hashlib.sha256(place.encode()).digest()[:4]) / 2**32
        return longest * (0.5 + share / 2)
