"""Timer functions over HTTP: missed runs, manual runs, the clock."""

import json
import sqlite3
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import SampleHost


def _runs(host: "SampleHost") -> list[dict[str, Any]]:
    return [json.loads(note) for note in host.notes("nightly")]


def test_a_timer_fires_once_when_its_time_has_come(new_host: "Callable[..., SampleHost]") -> None:
    host = new_host()
    assert _runs(host) == []
    host.advance(86400)
    host.wait(lambda: _runs(host))
    assert [run["past_due"] for run in _runs(host)] == [False]
    host.advance(86400)
    host.wait(lambda: len(_runs(host)) == 2)
    assert _runs(host)[1]["next"] > _runs(host)[0]["next"]


def test_a_time_that_comes_while_the_function_runs_is_not_left_out(
    new_host: "Callable[..., SampleHost]", tmp_path: "Path"
) -> None:
    gate = tmp_path / "gate"
    host = new_host(settings={"SAMPLE_GATE": str(gate)})
    host.advance(86400)
    host.wait(lambda: _runs(host))
    host.advance(86400)
    gate.touch()
    host.wait(lambda: len(_runs(host)) == 2)
    assert [run["past_due"] for run in _runs(host)] == [False, False]


def test_a_run_missed_while_the_host_was_down_is_past_due(new_host: "Callable[..., SampleHost]") -> None:
    host = new_host()
    host.advance(1)
    host.kill()
    hub = sqlite3.connect(host.data / "SampleHub.sqlite")
    with hub:
        hub.execute("UPDATE setting SET value = '200000' WHERE name = 'clock offset'")
    hub.close()
    host.start()
    host.wait(lambda: _runs(host))
    assert [run["past_due"] for run in _runs(host)] == [True]
    host.advance(86400)
    host.wait(lambda: len(_runs(host)) == 2)
    assert _runs(host)[1]["past_due"] is False


def test_the_master_key_runs_a_timer_now(new_host: "Callable[..., SampleHost]") -> None:
    host = new_host()
    assert host.request("POST", "/admin/functions/nightly", key="default-key", json={}).status_code == 403
    assert host.request("POST", "/admin/functions/nowhere", key="master-key", json={}).status_code == 404
    assert host.request("POST", "/admin/functions/nightly", key="master-key", json={"input": ""}).status_code == 202
    host.wait(lambda: len(_runs(host)) == 1)
    assert _runs(host)[0]["past_due"] is False
