"""A host as a process of its own, and a client for it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

_REPOSITORY = Path(__file__).parents[2]
_SAMPLE = Path(__file__).parent / "sample_app"
KEYS: dict[str, Any] = {
    "master": "master-key",
    "default": "default-key",
    "functions": {"guarded": "guarded-key"},
    "system": {"durabletask_extension": "durable-key"},
}
_FILE_SETTINGS = {"SAMPLE_HUB": "SampleHub", "SAMPLE_SCHEDULE": "0 0 3 * * *", "FROM_FILE": "file"}
_PATIENCE = 30


class SampleHost:
    """A running host of the sample app."""

    def __init__(self, data: Path, *options: str, settings: dict[str, str] | None = None) -> None:
        self.data = data
        data.mkdir(exist_ok=True)
        self.log = data / "stderr.txt"
        self.notes_file = data / "notes.txt"
        self.notes_file.touch()
        self._options = options
        # A copy, because local.settings.json must not be a file of the repository.
        self._root = shutil.copytree(_SAMPLE, data / "app")
        (self._root / "local.settings.json").write_text(json.dumps({"Values": _FILE_SETTINGS}))
        self.settings = {
            "HOST_KEYS_JSON": json.dumps(KEYS),
            "SAMPLE_LOG": str(self.notes_file),
            "WEBSITE_HOSTNAME": "127.0.0.1",
            "PYTHON_THREADPOOL_THREAD_COUNT": "16",  # twice the activities of the app's host.json
            **(settings or {}),
        }
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "dev.host", "--root", self._root, "--data", self.data, "--port", "0"]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [*command, "--clock", "function_app:set_clock", *self._options],
                cwd=_REPOSITORY,
                env={**os.environ, **self.settings},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout
        guard = threading.Timer(_PATIENCE, self.process.kill)
        guard.start()
        line = self.process.stdout.readline()
        guard.cancel()
        guard.join()
        assert line.startswith("READY http://127.0.0.1:"), self.log.read_text()
        self.url = line.split()[1]

    def kill(self) -> None:
        self.process.kill()
        self.exit_code()

    def kill_worker(self) -> None:
        """Kill the worker alone, and wait for the next that the host starts."""
        before = self.worker
        os.kill(before, signal.SIGKILL)
        self.wait(lambda: self.worker != before)

    @property
    def worker(self) -> int:
        """The process id of the worker."""
        answer = self.request("GET", "/admin/host/processes", key=KEYS["master"])
        return answer.json()["processes"][0]["processId"]

    def stop(self) -> int:
        """Stop the host as a system does, and give its exit code."""
        self.process.terminate()
        return self.exit_code()

    def exit_code(self) -> int:
        """Wait for the end of the process."""
        code = self.process.wait(_PATIENCE)
        assert self.process.stdout
        self.process.stdout.close()
        return code

    def restart(self) -> None:
        self.kill()
        self.start()

    def request(self, method: str, path: str, key: str | None = None, **options: Any) -> requests.Response:
        headers = {**options.pop("headers", {}), **({"x-functions-key": key} if key else {})}
        return requests.request(method, self.url + path, headers=headers, timeout=_PATIENCE, **options)

    def call(self, method: str, **arguments: object) -> Any:
        """Call a method of the SDK's client inside the app."""
        return self.request("POST", f"/v1/call/{method}", json=arguments).json()

    def begin(self, name: str, instance_id: str, client_input: object = None) -> None:
        """Start an orchestration."""
        arguments = {"orchestration_function_name": name, "instance_id": instance_id, "client_input": client_input}
        assert self.call("start_new", **arguments) == instance_id

    def run(self, name: str, instance_id: str, client_input: object = None) -> dict[str, Any]:
        """Start an orchestration and give its last status."""
        self.begin(name, instance_id, client_input)
        return self.ended(instance_id)

    def status(self, instance_id: str) -> dict[str, Any]:
        return self.call("get_status", instance_id=instance_id)

    def ended(self, instance_id: str) -> dict[str, Any]:
        """Wait for the end of an instance and give its status."""
        self.wait(lambda: self.status(instance_id)["runtimeStatus"] in ("Completed", "Failed", "Terminated"))
        return self.status(instance_id)

    def notes(self, kind: str = "work") -> list[str]:
        """Read what functions of the app have left behind."""
        lines = [line.split(" ", 1) for line in self.notes_file.read_text().splitlines()]
        return [text for found, text in lines if found == kind]

    def advance(self, seconds: float) -> dict[str, Any]:
        answer = self.request("POST", "/_host/clock", key=KEYS["master"], json={"advance": seconds})
        assert answer.status_code == 200
        return answer.json()

    @staticmethod
    def wait(ask: Callable[[], object]) -> None:
        """Ask again and again until the answer is true."""
        deadline = time.monotonic() + _PATIENCE
        while not ask():
            assert time.monotonic() < deadline, "waited too long"
            time.sleep(0.005)


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleHost]:
    """One host for all tests that leave its clock alone."""
    host = SampleHost(tmp_path_factory.mktemp("host"))
    yield host
    host.kill()


@pytest.fixture
def new_host(tmp_path: Path) -> Iterator[Callable[..., SampleHost]]:
    """Start hosts of a test's own."""
    hosts: list[SampleHost] = []

    def start(*options: str, settings: dict[str, str] | None = None) -> SampleHost:
        hosts.append(SampleHost(tmp_path / f"host{len(hosts)}", *options, settings=settings))
        return hosts[-1]

    yield start
    for each in hosts:
        if each.process.poll() is None:
            each.kill()
