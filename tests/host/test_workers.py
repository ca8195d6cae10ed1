"""What the host refuses at the start, and Microsoft's worker library in place of its own worker."""

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import SampleHost

pytestmark = pytest.mark.long

APPS = {
    "queue": ("function q: the binding queueTrigger", '@app.queue_trigger("m", "q", "c")\ndef q(m): ...'),
    "entity": ("function e: the binding entityTrigger", '@app.entity_trigger(context_name="c")\ndef e(c): ...'),
    "schedule": ("function t", '@app.timer_trigger(arg_name="t", schedule="never")\ndef t(t): ...'),
    "setting": ("MISSING", '@app.timer_trigger(arg_name="t", schedule="%MISSING%")\ndef t(t): ...'),
    "client": (
        "must be `async def`",
        '@app.route(route="r")\n@app.durable_client_input(client_name="client")\ndef r(req, client): ...',
    ),
    "nothing": ("defines 0 function apps", "del app"),
    "broken": ("ZeroDivisionError", "1 / 0"),
}


def _start(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    repository = Path(__file__).parents[2]
    command = [sys.executable, "-m", "dev.host", "--root", root, "--data", root / "data", "--port", "0", *options]
    return subprocess.run(  # noqa: S603 - our own interpreter
        command, cwd=repository, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("name", APPS)
def test_an_app_that_cannot_be_served_is_refused_with_a_reason(tmp_path: Path, name: str) -> None:
    reason, code = APPS[name]
    imports = "import azure.functions as func\nimport azure.durable_functions as df\napp = df.DFApp()\n"
    (tmp_path / "function_app.py").write_text(imports + code)
    done = _start(tmp_path)
    assert done.returncode == 1
    assert reason in done.stderr
    assert done.stdout == ""
    assert len([line for line in done.stderr.splitlines() if "CRITICAL" in line]) == 1


@pytest.mark.skipif(sys.version_info < (3, 13), reason="azure-functions-runtime needs Python 3.13")
def test_microsofts_worker_runs_the_app(new_host: "Callable[..., SampleHost]") -> None:
    host = new_host("--worker", "microsoft")
    answer = host.request("POST", "/v1/echo/x/7?a=1", data=b"body")
    assert (answer.status_code, answer.cookies.get_dict()) == (201, {"a": "1", "b": "2"})
    assert answer.json()["params"] == {"name": "x", "number": "7"}
    assert host.request("GET", "/v1/guarded", key="default-key").text == "open"
    assert host.request("GET", "/v1/broken").status_code == 500
    items = [{"id": "a", "answer": {"x": 1}}, {"id": "b", "fail": "bad"}]
    status = host.run("sequence", "s", items)
    assert status["output"] == [{"x": 1}, "Activity function 'work' failed:  ValueError: bad"]
    assert host.run("fan_out", "f", 50)["output"] == 2450
    assert host.run("faulty", "x", "raise")["output"] == "Orchestrator function 'faulty' failed: 'missing'"
    host.begin("patient", "p")
    host.call("raise_event", instance_id="p", event_name="go", event_data=[1])
    assert host.ended("p")["output"] == {"event": [1]}
    assert host.request("POST", "/admin/functions/nightly", key="master-key", json={}).status_code == 202
    host.wait(lambda: host.notes("nightly"))
    assert host.stop() == 0


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="the library is there from Python 3.13 on")
def test_without_the_library_the_microsoft_worker_is_refused(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").touch()
    done = _start(tmp_path, "--worker", "microsoft")
    assert done.returncode == 1
    assert "azure-functions-runtime" in done.stderr
    assert os.linesep not in done.stderr.strip()
