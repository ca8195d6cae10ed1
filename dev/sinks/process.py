"""Starting the receivers as a process of their own, and their controls as methods."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import requests

_ROOT = Path(__file__).resolve().parents[2]
_TIMEOUT = 30


def arrived(origin: str) -> list[dict[str, Any]]:
    """Return what arrived, oldest first: {"n", "service", "id", "repeat", "title", "body"} each.

    `id` is by which a receiver drops repeats ("" where the service knows none), `body` what the service keeps.
    """
    with requests.Session() as session:
        session.trust_env = False
        response = session.get(f"{origin}/_sinks/arrived", timeout=_TIMEOUT)
        response.raise_for_status()
        return response.json()


@dataclass
class Sinks:
    """The running receivers: where they are, and what their systems expect of whoever signs in (`keys`)."""

    origin: str
    keys: dict[str, str]
    process: subprocess.Popen[str] | None = None

    @classmethod
    def start(cls, port: int = 0) -> Sinks:
        """Start a process and wait until it serves; 0 picks a free port."""
        command = [sys.executable, "-m", "dev.sinks", "--port", str(port)]
        process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
        line = process.stdout.readline() if process.stdout else ""
        if not line.startswith("READY "):
            process.kill()
            process.wait()
            raise RuntimeError(f"the receivers did not start: {line.strip() or 'they said nothing'}")
        return cls(**json.loads(line.removeprefix("READY ")), process=process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process and wait for it."""
        if self.process is None:
            return
        self.process.terminate()
        self.process.wait(_TIMEOUT)
        if self.process.stdout:
            self.process.stdout.close()

    def arrived(self, service: str | None = None) -> list[dict[str, Any]]:
        """Return what arrived, at one service or anywhere."""
        return [one for one in arrived(self.origin) if service in {None, one["service"]}]

    def requests(self) -> list[dict[str, Any]]:
        """Return every request: {"n", "method", "path", "status"}; 0 is the status of one that was left unanswered."""
        with requests.Session() as session:
            session.trust_env = False
            return session.get(f"{self.origin}/_sinks/requests", timeout=_TIMEOUT).json()

    def telemetry(self) -> list[dict[str, Any]]:
        """Return the envelopes that Azure Monitor was sent."""
        with requests.Session() as session:
            session.trust_env = False
            return session.get(f"{self.origin}/_sinks/telemetry", timeout=_TIMEOUT).json()

    def faults(self, *rules: dict[str, Any], seed: int = 0) -> None:
        """Replace all faults: {"match", "kind", "probability", "count", "status", "retry_after"}.

        `match` is a regular expression on "METHOD path".
        Kinds: `status` answers so instead; `reset` breaks the connection before, `lost` after the message was taken.
        """
        self._post("faults", {"seed": seed, "rules": list(rules)})

    def reset(self, *, check_time: bool = True) -> None:
        """Forget everything; without `check_time`, signatures may be of any moment, as tests have their own time."""
        self._post("reset", {"check_time": check_time})

    def _post(self, name: str, body: dict[str, Any]) -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.post(f"{self.origin}/_sinks/{name}", json=body, timeout=_TIMEOUT).raise_for_status()
