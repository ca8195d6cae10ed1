"""The run around the graph: what it cannot do without is asked again."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from dev.host.durable.inprocess import InProcessHub
from orchestrators.offboard_user import offboard_user


class Run:
    """A run without steps, whose begin and end break a few times."""

    def __init__(self, begun: dict[str, Any] | None = None, **breaks: int) -> None:
        self.left = {"begin_run": 0, "check_access": 0, "finish_run": 0, **breaks}
        self.called: list[str] = []
        answers = {
            "begin_run": {"nodes": [], "settled": {}, "patience_seconds": 1800, **(begun or {})},
            "check_access": {"answer": "out"},
            "finish_run": {"state": "x"},
        }
        functions = {name: self._broken(name, answer) for name, answer in answers.items()}
        self.hub = InProcessHub({"offboard_user": offboard_user}, functions)

    def _broken(self, name: str, answer: dict[str, Any]) -> Any:
        def activity(_: dict[str, Any]) -> dict[str, Any]:
            self.called.append(name)
            if self.left[name]:
                self.left[name] -= 1
                raise OSError("storage is down")
            return answer

        return activity

    def end(self) -> dict[str, Any]:
        self.hub.start("offboard_user", "x-1", {"id": "x", "run": 1})
        self.hub.run(random.Random(0).choice)
        return self.hub.status("x-1")


@pytest.mark.parametrize("name", ["begin_run", "finish_run"])
def test_storage_that_is_down_for_a_minute_does_not_cost_the_run(name: str) -> None:
    run = Run(**{name: 3})
    start = run.hub.clock.now()

    status = run.end()

    assert (status["runtimeStatus"], status["output"]) == ("Completed", {"state": "x"})
    assert run.hub.clock.now() - start == timedelta(seconds=85)


def test_storage_that_stays_down_ends_the_orchestration_for_a_recovery() -> None:
    assert Run(begin_run=99).end()["runtimeStatus"] == "Failed"


@pytest.mark.parametrize(
    ("begun", "called"),
    [
        ({"check": True}, ["begin_run", "check_access", "finish_run"]),
        ({"check": False}, ["begin_run", "finish_run"]),
        ({}, ["begin_run", "finish_run"]),
    ],
    ids=["it looks", "nobody wants it to", "begun by a version that knows no checks"],
)
def test_a_run_looks_for_access_before_it_ends(begun: dict[str, Any], called: list[str]) -> None:
    run = Run(begun)

    assert run.end()["output"] == {"state": "x"}
    assert run.called == called


def test_a_look_that_breaks_costs_nothing() -> None:
    run = Run({"check": True}, check_access=99)

    assert run.end()["output"] == {"state": "x"}
    assert run.called == ["begin_run", "check_access", "finish_run"]
