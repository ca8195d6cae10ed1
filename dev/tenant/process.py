"""Starting the simulation as a process of its own, and its controls as methods."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from dev.tenant.messages import Json

_ROOT = Path(__file__).resolve().parents[2]
_TIMEOUT = 30


@dataclass
class Simulator:
    """A running simulation: where it is, and how to steer and question it."""

    origin: str
    graph: str
    exchange: str
    sharepoint: str
    login: str
    ca: str
    process: subprocess.Popen[str] | None = None
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        """Leave proxies and certificate bundles of the environment out of it: they are meant for the real internet."""
        self.session.trust_env = False

    @classmethod
    def start(cls, *arguments: str, log: Path | None = None) -> Simulator:
        """Start a process and wait until it serves.

        Args:
            arguments: for the command line of `python -m dev.tenant`.
            log: where its standard error goes; to this process's own unless given.
        """
        error = log.open("a", encoding="utf-8") if log else None
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "dev.tenant", *arguments],
                cwd=_ROOT,
                stdout=subprocess.PIPE,
                stderr=error,
                text=True,
            )
        finally:
            if error:
                error.close()
        line = process.stdout.readline() if process.stdout else ""
        if not line.startswith("READY "):
            process.kill()
            process.wait()
            raise RuntimeError(f"the simulated tenant did not start: {line.strip() or 'it said nothing'}")
        return cls(**json.loads(line.removeprefix("READY ")), process=process)

    def stop(self) -> None:
        """End the process and wait for it."""
        self.session.close()
        if self.process is None:
            return
        self.process.terminate()
        self.process.wait(_TIMEOUT)
        if self.process.stdout:
            self.process.stdout.close()

    def reset(self, seed: str | None = None) -> None:
        """Start again, from a seed or from the one in use."""
        self._post("reset", {"seed": seed} if seed else {})

    def state(self, tenant: str, **narrower: str) -> dict[str, Any]:
        """Read everything that a tenant holds, or only one `part` of it, or in that only what has an `id`."""
        return self._get("state", tenant=tenant, **narrower)

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        """List the requests that arrived after that number."""
        return self._get("requests", since=str(since))

    def secrets(self) -> list[str]:
        """List every password and token that arrived."""
        return self._get("secrets")

    def faults(self, rules: list[dict[str, Any]], seed: object = 0) -> None:
        """Replace all faults."""
        self._post("faults", {"seed": seed, "rules": rules})

    def latency(self, **milliseconds: float) -> None:
        """Set how long each service takes at least."""
        self._post("latency", milliseconds)

    def app(self, **settings: Json) -> dict[str, Any]:
        """Register a certificate, or change the secret or the lifetime of tokens."""
        return self._post("app", settings)

    def arrange(self, tenant: str, op: str, **what: Json) -> str:
        """Change a tenant behind the app's back; answers the id of what was touched."""
        return self._post("arrange", {"tenant": tenant, "op": op, **what})["id"]

    def _get(self, name: str, **query: str) -> Json:
        return self._checked(self.session.get(f"{self.origin}/_sim/{name}", params=query, timeout=_TIMEOUT))

    def _post(self, name: str, body: dict[str, Any]) -> Json:
        return self._checked(self.session.post(f"{self.origin}/_sim/{name}", json=body, timeout=_TIMEOUT))

    @staticmethod
    def _checked(response: requests.Response) -> Json:
        if not response.ok:
            raise ValueError(f"{response.status_code}: {response.text}")
        return response.json()
