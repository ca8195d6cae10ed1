"""The step graph on the real replay engine, in seeded orders."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dev.host.durable.inprocess import InProcessHub
from orchestrators import step_graph
from shared.actions.plan import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

GATE = ("already_done", "done", "not_applicable")


class Graph:
    """A graph of nodes whose activities answer from a script; the last answer of a script is repeated."""

    def __init__(
        self, nodes: Sequence[Node], scripts: dict[str, list[Any]] | None = None, patience: int = 1800
    ) -> None:
        self.nodes = nodes
        self.scripts = scripts or {}
        self.patience = patience
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.running: Counter[str] = Counter()
        self.statuses: list[dict[str, str]] = []
        activities = {node.name: self._activity(node.name) for node in nodes}
        self.hub = InProcessHub({"graph": self._orchestrator}, {**activities, "settle": self._settle})

    def _orchestrator(self, context: Any) -> Any:
        rules = step_graph.Rules({"id": "x"}, timedelta(seconds=self.patience), "settle")
        result = yield from step_graph.run(context, self.nodes, {}, rules)
        return {"outcomes": dict(result.outcomes), "stop": result.stop}

    def _activity(self, name: str) -> Callable[[dict[str, Any]], Any]:
        def answer(order: dict[str, Any]) -> Any:
            nth = sum(1 for called, _ in self.calls if called == name)
            self.calls.append((name, order))
            script = self.scripts.get(name, [{"settled": "done"}])
            said = script[min(nth, len(script) - 1)]
            if isinstance(said, Exception):
                raise said
            return said

        return answer

    def _settle(self, order: dict[str, Any]) -> dict[str, str]:
        self.calls.append(("settle", order))
        return {"settled": order["verdict"]["outcome"]}

    def run(self, seed: int = 0) -> dict[str, Any]:
        self.hub.start("graph", "run-1")
        self.hub.run(random.Random(seed).choice)
        status = self.hub.status("run-1")
        assert status["runtimeStatus"] == "Completed", status
        return status["output"]

    def order_of(self, *names: str) -> list[str]:
        return [name for name, _ in self.calls if name in names]


@pytest.mark.parametrize("seed", range(20))
def test_a_node_begins_only_after_those_it_follows_have_ended(seed: int) -> None:
    graph = Graph([Node("a"), Node("b"), Node("c", after=("a", "b"))], {"a": [{"settled": "failed"}]})

    output = graph.run(seed)

    assert graph.order_of("a", "b", "c")[-1] == "c"
    assert output["outcomes"] == {"a": "failed", "b": "done", "c": "done"}


def test_nodes_that_wait_for_nothing_are_all_in_flight_at_once() -> None:
    graph = Graph([Node("a"), Node("b"), Node("c")])
    graph.hub.start("graph", "run-1")
    graph.hub.execute(graph.hub.ready()[0])

    assert [work.name for work in graph.hub.ready() if work.kind == "activity"] == ["a", "b", "c"]


@pytest.mark.parametrize("outcome", ["failed", "needs_attention", "skipped"])
def test_a_gate_that_does_not_open_skips_what_is_behind_it_and_names_the_blocker(outcome: str) -> None:
    nodes = [
        Node("convert"),
        Node("licenses", requires=("convert",), opens_on=GATE),
        Node("after", after=("licenses",)),
    ]
    graph = Graph(nodes, {"convert": [{"settled": outcome}]})

    output = graph.run()

    assert output["outcomes"] == {"convert": outcome, "licenses": "skipped", "after": "done"}
    verdict = next(order["verdict"] for name, order in graph.calls if name == "settle")
    assert verdict["blocked_by"] == ["convert"]
    assert "licenses" not in graph.order_of("licenses")


@pytest.mark.parametrize("seed", range(20))
def test_one_node_of_a_lane_is_in_flight_at_a_time(seed: int) -> None:
    names = ["a", "b", "c"]
    graph = Graph([Node(name, lane="mailbox") for name in names])
    graph.hub.start("graph", "run-1")
    choose = random.Random(seed).choice
    while ready := graph.hub.ready():
        assert sum(work.kind == "activity" for work in ready) <= 1
        graph.hub.execute(choose(ready))

    assert sorted(graph.order_of(*names)) == names


def test_a_node_that_waits_for_its_next_attempt_leaves_the_lane_to_others() -> None:
    nodes = [Node("convert", lane="mailbox"), Node("hide", lane="mailbox")]
    graph = Graph(nodes, {"convert": [{"again": 60, "why": "pending"}, {"settled": "done"}]})

    graph.run()

    assert graph.order_of("convert", "hide") == ["convert", "hide", "convert"]


def test_a_fault_is_tried_five_times_and_the_last_attempt_knows_it() -> None:
    graph = Graph([Node("a")], {"a": [{"again": None, "why": "transient"}] * 4 + [{"settled": "failed"}]})

    output = graph.run()

    assert [order["last"] for name, order in graph.calls if name == "a"] == [False, False, False, False, True]
    assert output["outcomes"] == {"a": "failed"}


def test_an_activity_that_keeps_breaking_is_recorded_as_failed_and_does_not_end_the_run() -> None:
    graph = Graph([Node("a"), Node("b", after=("a",))], {"a": [RuntimeError("boom")]})

    output = graph.run()

    assert output["outcomes"] == {"a": "failed", "b": "done"}
    assert len(graph.order_of("a")) == step_graph.MAX_ATTEMPTS


def test_progress_starts_the_count_of_faults_anew() -> None:
    fault = {"again": None, "why": "transient"}
    answers = [fault | {"progress": n // 3} for n in range(12)]
    graph = Graph([Node("a")], {"a": [*answers, {"settled": "done"}]})

    assert graph.run()["outcomes"] == {"a": "done"}


def test_a_last_attempt_that_makes_progress_is_not_the_last() -> None:
    fault = {"again": None, "why": "transient"}
    page = {"again": 1, "why": "pending", "progress": 1}
    graph = Graph([Node("a")], {"a": [*[fault] * 4, page, *[fault] * 3, {"settled": "done"}]})

    output = graph.run()

    assert output["outcomes"] == {"a": "done"}
    assert [order["last"] for _, order in graph.calls] == [False] * 4 + [True] + [False] * 4


def test_throttling_waits_as_long_as_the_service_says_and_is_bounded_by_time() -> None:
    graph = Graph([Node("a")], {"a": [{"again": 600, "why": "throttled"}]}, patience=1800)
    start = graph.hub.clock.now()

    output = graph.run()

    orders = [order for name, order in graph.calls if name == "a"]
    assert [order["waited"] for order in orders] == [0, 600, 1200, 1800]
    assert [order["last"] for order in orders] == [False, False, False, True]
    assert graph.hub.clock.now() - start == timedelta(seconds=1800)
    assert output["outcomes"] == {"a": "failed"}


def test_a_stop_begins_nothing_further_and_calls_off_what_waits() -> None:
    nodes = [Node("snapshot"), Node("slow"), Node("step", requires=("snapshot",))]
    scripts = {"slow": [{"again": 3600, "why": "pending"}], "snapshot": [{"stop": "user_missing"}]}
    graph = Graph(nodes, scripts, patience=7200)
    start = graph.hub.clock.now()

    output = graph.run(seed=3)

    assert output["stop"] == "user_missing"
    assert graph.order_of("step") == []
    assert graph.hub.clock.now() - start < timedelta(hours=1)


def test_what_was_written_is_settled_by_the_node_that_proves_it() -> None:
    nodes = [Node("hide"), Node("verify", after=("hide",), is_step=False), Node("delete", requires=("hide", "verify"))]
    scripts = {"hide": [{"written": True}], "verify": [{"settled": "done", "also": {"hide": "done"}}]}
    graph = Graph(nodes, scripts)

    output = graph.run()

    assert output["outcomes"] == {"hide": "done", "verify": "done", "delete": "done"}
    assert graph.order_of("hide", "verify", "delete") == ["hide", "verify", "delete"]


@pytest.mark.parametrize("seed", range(30))
def test_crashes_and_double_deliveries_change_nothing(seed: int) -> None:
    nodes = [Node("a"), Node("b", after=("a",)), Node("c", requires=("a",)), Node("d", after=("b", "c"), lane="x")]
    graph = Graph(nodes, {"b": [{"again": None, "why": "transient"}, {"settled": "done"}]})
    dice = random.Random(seed)
    graph.hub.start("graph", "run-1")
    for _ in range(400):
        ready = graph.hub.ready()
        if not ready and not graph.hub.advance():
            break
        if ready:
            record = dice.random() > 0.3
            graph.hub.execute(dice.choice(ready), record=record, deliveries=dice.choice([1, 1, 2]))
            if not record:
                graph.hub.crash()

    assert graph.hub.status("run-1")["output"]["outcomes"] == dict.fromkeys("abcd", "done")


def test_the_jitter_of_a_backoff_replays_the_same() -> None:
    fault = {"again": None, "why": "transient"}
    times = []
    for _ in range(2):
        graph = Graph([Node("a")], {"a": [fault, fault, {"settled": "done"}]})
        start = graph.hub.clock.now()
        graph.run()
        times.append(graph.hub.clock.now() - start)

    assert times[0] == times[1]
    assert timedelta(seconds=5) < times[0] < timedelta(seconds=15)


def test_a_node_does_not_wait_for_another_that_it_does_not_follow() -> None:
    """The SDK tells the host of new tasks only, and the host awaits one announcement after the other."""
    nodes = [Node("a"), Node("b"), Node("c", after=("a",)), Node("d", after=("b",))]
    graph = Graph(nodes, {"c": [{"again": 3600, "why": "pending"}, {"settled": "done"}]}, patience=7200)
    graph.hub.start("graph", "run-1")

    def do(name: str) -> None:
        while turns := [work for work in graph.hub.ready() if work.kind == "turn"]:
            graph.hub.execute(turns[0])
        graph.hub.execute(next(work for work in graph.hub.ready() if work.name == name))

    for name in ("a", "b", "d"):
        do(name)

    assert graph.order_of("a", "b", "c", "d") == ["a", "b", "d"]
