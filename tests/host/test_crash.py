"""What survives kill -9: everything that was recorded; work in flight comes back after its lease."""

import random
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import SampleHost

pytestmark = pytest.mark.long

TIMEOUT = "AzureFunctionsJobHost__extensions__durableTask__storageProvider__workItemQueueVisibilityTimeout"


def _running(host: "SampleHost", gate: Path, instance_id: str = "i") -> None:
    items = [
        {"id": "first", "answer": 1},
        {"id": "second", "gate": str(gate), "answer": 2},
        {"id": "third", "answer": 3},
    ]
    host.begin("sequence", instance_id, items)
    host.wait(lambda: "second" in host.notes())


def test_an_activity_in_flight_is_delivered_again_after_its_lease(
    new_host: "Callable[..., SampleHost]", tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    host = new_host()
    _running(host, gate)
    host.restart()
    gate.touch()
    host.advance(290)
    assert host.status("i")["customStatus"] == {"done": 1}
    assert host.notes() == ["first", "second"]
    host.advance(11)
    assert host.ended("i")["output"] == [1, 2, 3]
    assert host.notes() == ["first", "second", "second", "third"]


def test_host_json_says_how_long_work_of_a_dead_host_stays_hidden(
    new_host: "Callable[..., SampleHost]", tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    host = new_host(settings={TIMEOUT: "00:01:00"})
    _running(host, gate)
    host.restart()
    gate.touch()
    host.advance(50)
    assert host.notes() == ["first", "second"]
    host.advance(11)
    assert host.ended("i")["output"] == [1, 2, 3]


def test_the_lease_is_settable_and_kept_while_the_host_lives(
    new_host: "Callable[..., SampleHost]", tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    host = new_host("--visibility-timeout", "2")
    _running(host, gate)
    for _ in range(5):
        host.advance(3)
    assert host.notes().count("second") == 1
    gate.touch()
    assert host.ended("i")["output"] == [1, 2, 3]
    assert host.notes().count("second") == 1


def test_a_clean_stop_gives_work_back_at_once(new_host: "Callable[..., SampleHost]", tmp_path: Path) -> None:
    host = new_host()
    _running(host, tmp_path / "gate")
    assert host.stop() == 0
    (tmp_path / "gate").touch()
    host.start()
    assert host.ended("i")["output"] == [1, 2, 3]
    assert host.notes().count("second") == 2


def test_timers_and_events_survive(new_host: "Callable[..., SampleHost]") -> None:
    host = new_host()
    for name in ("timer", "event"):
        host.begin("patient", name)
        host.wait(lambda name=name: host.status(name)["runtimeStatus"] == "Running")
    host.restart()
    host.call("raise_event", instance_id="event", event_name="go", event_data=1)
    host.restart()
    assert host.ended("event")["output"] == {"event": 1}
    host.advance(3601)
    assert "at" in host.ended("timer")["output"]


def test_an_instance_whose_orchestrator_has_gone_fails(new_host: "Callable[..., SampleHost]") -> None:
    host = new_host()
    host.begin("patient", "i")
    host.wait(lambda: host.status("i")["runtimeStatus"] == "Running")
    host.settings["SAMPLE_PATIENT"] = "renamed"
    host.restart()
    host.call("raise_event", instance_id="i", event_name="go", event_data=1)
    assert "Non-Deterministic workflow detected" in host.ended("i")["output"]  # which hides that the function is gone
    host.begin("renamed", "j")
    host.call("raise_event", instance_id="j", event_name="go", event_data=1)
    assert host.ended("j")["output"] == {"event": 1}


@pytest.mark.parametrize("seed", range(3))
def test_random_kills_lose_nothing_and_record_nothing_twice(new_host: "Callable[..., SampleHost]", seed: int) -> None:
    chance = random.Random(seed)
    host = new_host("--visibility-timeout", "0.2")
    names = [f"s{number}" for number in range(6)]
    for name in names:
        items = [{"id": f"{name}.{step}", "answer": step} for step in range(8)]
        host.begin("sequence", name, items)
    host.begin("fan_out", "fan", 60)
    for _ in range(4):
        for _ in range(chance.randrange(1, 12)):
            host.status(chance.choice(names))
        host.restart()
    for name in names:
        assert host.ended(name)["output"] == list(range(8))
    assert host.ended("fan")["output"] == 3540
    host.kill()
    hub = sqlite3.connect(host.data / "SampleHub.sqlite")
    scheduled = hub.execute("SELECT count(*) FROM history WHERE event LIKE '%\"TaskScheduled\"%'").fetchone()[0]
    completed = hub.execute("SELECT count(*) FROM history WHERE event LIKE '%\"TaskCompleted\"%'").fetchone()[0]
    left = [hub.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("message", "timer", "activity")]  # noqa: S608 - constants
    assert hub.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    hub.close()
    assert scheduled == completed == 6 * 8 + 60
    assert left == [0, 0, 0]
