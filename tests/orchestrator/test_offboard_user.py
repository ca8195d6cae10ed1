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

    def __init__(self, **breaks: int) -> None:
        self.left = {"begin_run": 0, "finish_run": 0, **breaks}
        begun = {"nodes": [], "settled": {}, "patience_seconds": 1800}
        self.hub = InProcessHub(
            {"offboard_user": offboard_user},
            {"begin_run": self._broken("begin_run", begun), "finish_run": self._broken("finish_run", {"state": "x"})},
        )

    def _broken(self, name: str, answer: dict[str, Any]) -> Any:
        def activity(_: dict[str, Any]) -> dict[str, Any]:
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
