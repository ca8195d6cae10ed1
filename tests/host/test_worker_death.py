"""SIGKILL of the worker alone: the host fails what was under way, and starts another worker.

Measured on the Functions host 4.1037 with the Durable extension 3.19: a turn that loses its worker fails the instance.
"""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import SampleHost

pytestmark = pytest.mark.long


def test_an_activity_that_loses_its_worker_fails_and_the_instance_goes_on(
    new_host: "Callable[..., SampleHost]", tmp_path: Path
) -> None:
    host = new_host()
    host.begin("sequence", "i", [{"id": "a", "gate": str(tmp_path / "gate")}, {"id": "b", "answer": 2}])
    host.wait(host.notes)
    host.kill_worker()
    failed, answered = host.ended("i")["output"]
    assert failed == "Activity function 'work' failed:  WorkerProcessExitException: python exited with code 137 (0x89)"
    assert answered == 2


def test_an_instance_that_loses_its_worker_in_a_turn_has_failed(
    new_host: "Callable[..., SampleHost]", tmp_path: Path
) -> None:
    host = new_host()
    host.begin("slow", "first", str(tmp_path / "gate"))
    host.wait(host.notes)
    host.kill_worker()
    assert "python exited with code 137" in host.ended("first")["output"]

    host.begin("slow_later", "later", str(tmp_path / "gate"))
    host.wait(lambda: len(host.notes()) == 3)
    host.kill_worker()
    assert "Non-Deterministic workflow detected" in host.ended("later")["output"]


def test_a_request_that_loses_its_worker_is_500_and_the_next_is_served(
    new_host: "Callable[..., SampleHost]",
) -> None:
    host = new_host()
    assert host.request("GET", "/v1/suicide").status_code == 500
    assert host.request("GET", "/v1/echo/x").status_code == 201


def test_what_waits_when_the_worker_dies_goes_on(new_host: "Callable[..., SampleHost]") -> None:
    host = new_host()
    host.begin("patient", "i")
    host.wait(lambda: host.status("i")["runtimeStatus"] == "Running")
    host.kill_worker()
    host.call("raise_event", instance_id="i", event_name="go", event_data=1)
    assert host.ended("i")["output"] == {"event": 1}


def test_the_next_worker_has_the_time_of_the_host(new_host: "Callable[..., SampleHost]") -> None:
    host = new_host()
    host.advance(86400)
    host.kill_worker()
    now = host.advance(0)["now"]
    assert host.request("GET", "/v1/echo/x").json()["now"][:10] == now[:10]


def test_after_the_third_death_the_host_gives_up(new_host: "Callable[..., SampleHost]") -> None:
    host = new_host()
    for _ in range(2):
        assert host.request("GET", "/v1/suicide").status_code == 500
    with suppress(requests.ConnectionError):
        assert host.request("GET", "/v1/suicide").status_code == 500
    assert host.exit_code() == 1
    assert "died again and again" in host.log.read_text()


def test_the_worker_ends_with_the_host(new_host: "Callable[..., SampleHost]", tmp_path: Path) -> None:
    host = new_host()
    host.begin("sequence", "i", [{"id": "a", "gate": str(tmp_path / "gate")}])
    host.wait(host.notes)
    worker = host.worker
    host.kill()
    host.wait(lambda: not Path(f"/proc/{worker}").exists())
