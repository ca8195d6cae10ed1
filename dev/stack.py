"""The whole cloud on one machine: table storage, the simulated Microsoft 365, and the app in its host."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import requests

from dev import certificate, core_tools, leaks
from dev.azurite import Azurite
from dev.processes import ROOT, Child, OptionsError, StackError, free_port, is_free, start_on_port, wait_until
from dev.tenant import seed
from dev.tenant.process import Simulator
from shared.app.host_settings import HOST_SETTINGS
from shared.app.settings import SETTINGS, Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TENANTS = (seed.CONTOSO, seed.FABRIKAM, seed.HYBRID)
_TIMEOUT = 60
_CERTIFICATE_PASSWORD = "canary-certificate-password"  # noqa: S105 - of a throwaway certificate


@dataclass(frozen=True)
class Options:
    """How the stack is to be."""

    port: int = 0
    """Of the app; 0 picks a free one."""
    keep: bool = False
    """Whether the folder's content is to outlive the stack."""
    auth: str = "function-key"
    visibility_timeout: float = 10
    """Seconds after which work that died with the host is delivered again."""
    worker: str = "embedded"
    """What runs the functions: the host itself, or the library that Azure's Python worker is made of (3.13)."""
    host: str = "embedded"
    """What hosts the app: `dev.host`, or `func`, Azure Functions Core Tools."""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    """Settings of the app that differ from the usual ones."""


class Stack:
    """The running parts. Its folder holds what they keep, and their logs."""

    def __init__(self, folder: Path, options: Options | None = None) -> None:
        """Start everything; raises `StackError` with nothing left running."""
        self.folder = folder
        self.options = options or Options()
        self._watch = leaks.Watch() if os.environ.get(leaks.SWITCH) else None
        self._root = ROOT
        folder.mkdir(parents=True, exist_ok=True)
        if self._is_under_core_tools:
            core_tools.program()  # before anything is started that would have to be stopped
        if self.options.port and not is_free(self.options.port):
            raise StackError(
                f"Port {self.options.port} is in use; choose another with --port, or leave it out to get a free one."
            )
        with contextlib.ExitStack() as started:
            ports = self._kept_ports()
            self.storage = Azurite(
                folder / "storage",
                keep=self.options.keep,
                port=ports.get("storage", 0),
                whole=self._is_under_core_tools,
            )
            started.callback(self.storage.stop)
            self._tenant, self.simulator = self._start_tenant(ports)
            started.callback(self._tenant.stop)
            self._certificate = certificate.keep(folder, _CERTIFICATE_PASSWORD)
            self.simulator.app(certificate=self._certificate.pem)
            self._host, self.port, self.api = self._start_host(self.options.port or ports.get("api", 0))
            started.callback(self._stop_host)
            self._keep_ports()
            self._running = started.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop everything, what depends on others first; raises `LeakError` if a secret stands where it must not."""
        try:
            self.search()
        finally:
            self._running.close()

    def search(self) -> None:
        """Search everything that was written so far for secrets, if that is switched on; raises `LeakError`."""
        if self._watch:
            self._watch.check(self, self._environment(self.port))

    @property
    def children(self) -> dict[str, Child]:
        """The processes, by the names under which the JSON line tells their ids."""
        return {"host": self._host, "tenant": self._tenant, "storage": self.storage.child}

    @property
    def key(self) -> str:
        """The host's key, for the header x-functions-key."""
        return self._keys["default"]

    def describe(self) -> dict[str, Any]:
        """Tell where everything is."""
        return {
            "api": self.api,
            "tenant": self.simulator.origin,
            "storage": self.storage.connection_string,
            "keys": {"host": self.key, "master": self._keys["master"]},
            "pids": {name: child.process.pid for name, child in self.children.items()},
        }

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> requests.Response:
        """Ask the app, with the host's key unless `headers` says otherwise."""
        return self.send("GET", path, headers=headers)

    def post(self, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> requests.Response:
        """Send the app a body, with the host's key unless `headers` says otherwise."""
        return self.send("POST", path, body, headers)

    def send(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """Send the app any request; a body of bytes goes as it is, anything else as JSON."""
        content: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
        headers = {"x-functions-key": self.key, **(headers or {})}
        response = requests.request(method, self.api + path, headers=headers, timeout=_TIMEOUT, **content)
        if self._watch:
            self._watch.note(response)
        return response

    def details(self, offboarding: str) -> dict[str, Any]:
        """Read everything about an offboarding."""
        answer = self.get(f"/api/offboardings/{offboarding}")
        answer.raise_for_status()
        return answer.json()

    def wait_for_end(self, offboarding: str, seconds: float = 120) -> dict[str, Any]:
        """Poll until an offboarding has ended, and return everything about it."""
        path = f"/api/offboardings/{offboarding}/status"
        wait_until(lambda: self.get(path).status_code == requests.codes.ok, seconds, f"offboarding {offboarding} ended")
        return self.details(offboarding)

    def advance(self, seconds: float) -> None:
        """Move the clock of the host and the app forward."""
        headers = {"x-functions-key": self._keys["master"]}
        self.post("/_host/clock", {"advance": seconds}, headers).raise_for_status()

    def has_run_ended(self, instance: str) -> bool:
        """Ask the host, not the app, whether an orchestration has ended."""
        return self._asked_of_run(instance).status_code == requests.codes.ok

    def status_of_run(self, instance: str) -> str:
        """Ask the host how an orchestration stands."""
        return self._asked_of_run(instance).json()["runtimeStatus"]

    def _asked_of_run(self, instance: str) -> requests.Response:
        path = f"/runtime/webhooks/durabletask/instances/{instance}"
        return self.get(path, {"x-functions-key": self._keys["master"]})

    def kill_host(self) -> None:
        """End the host as a crash would."""
        self._host.kill()

    def kill_worker(self) -> None:
        """End the worker alone as a crash in it would, and wait for the next; the host survives two of them."""
        before = self._worker
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: self._worker != before, _TIMEOUT, "the host had another worker")

    @property
    def _worker(self) -> int:
        answer = self.get("/admin/host/processes", {"x-functions-key": self._keys["master"]})
        answer.raise_for_status()
        return answer.json()["processes"][0]["processId"]

    def deploy(self, root: Path) -> None:
        """Put another version of the app in the place of this one, as Azure does: what runs is killed."""
        self.kill_host()
        self._root = root
        self.restart_host()

    def restart_host(self) -> None:
        """Start the host again on what the last one left, at the same address."""
        self._host.stop()
        wait_until(lambda: is_free(self.port), _TIMEOUT, f"port {self.port} was free again")
        self._host, self.port, self.api = self._start_host(self.port)

    def _stop_host(self) -> None:
        if self._is_under_core_tools:
            core_tools.stop(self._host)
        else:
            self._host.stop()

    @property
    def _is_under_core_tools(self) -> bool:
        return self.options.host == "func"

    @property
    def _keys(self) -> dict[str, Any]:
        if self._is_under_core_tools:
            return {"default": "", "master": ""}  # Core Tools ask for no key
        return json.loads((self.folder / "host" / "keys.json").read_text(encoding="utf-8"))

    def _start_tenant(self, ports: Mapping[str, int]) -> tuple[Child, Simulator]:
        folder = self.folder / "tenant"
        login = ports.get("login", 0)

        def start(port: int) -> Child:
            address = ["--port", str(port), "--login-port", str(login if login and is_free(login) else 0)]
            data = ["--data", str(folder / "tenants.json")] if self.options.keep else []
            command = [sys.executable, "-m", "dev.tenant", *address, *data, "--ca", str(folder)]
            return Child.start("The simulated tenant", command, folder)

        child, _, said = start_on_port(start, "READY ", ports.get("tenant", 0))
        return child, Simulator(**json.loads(said))

    def _start_host(self, wanted: int) -> tuple[Child, int, str]:
        folder = self.folder / "host"
        if self._is_under_core_tools:
            port = wanted or free_port()
            child = core_tools.start(port, folder, self._environment(port))
            return child, port, f"http://127.0.0.1:{port}"

        def start(port: int) -> Child:
            environment = self._environment(port)
            try:
                Settings.parse(environment)
            except SettingsError as error:
                raise OptionsError(str(error)) from None
            command = [sys.executable, "-m", "dev.host", "--root", str(self._root), "--data", str(folder)]
            command += ["--port", str(port), "--clock", "shared.base.clock:set_source"]
            command += ["--visibility-timeout", str(self.options.visibility_timeout), "--worker", self.options.worker]
            return Child.start("The app's host", command, folder, environment)

        return start_on_port(start, "READY ", wanted)

    def _environment(self, port: int) -> dict[str, str]:
        """Return the host's environment: every setting is given, so that none of the developer's own shines through."""
        return {
            **os.environ,
            **{setting.name: setting.default or "" for setting in (*SETTINGS, *HOST_SETTINGS)},
            "OFFBOARDING_STORAGE": self.storage.connection_string,
            "AzureWebJobsStorage": self.storage.connection_string,
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "WEBSITE_HOSTNAME": f"127.0.0.1:{port}",
            "AUTH_MODE": self.options.auth,
            "M365_TENANTS": ",".join(TENANTS),
            "M365_CLIENT_ID": seed.CLIENT_ID,
            "M365_CERTIFICATE": self._certificate.pfx,
            "M365_CERTIFICATE_PASSWORD": _CERTIFICATE_PASSWORD,
            "GRAPH_URL": self.simulator.graph,
            "EXCHANGE_URL": self.simulator.exchange,
            "LOGIN_URL": self.simulator.login,
            "SHAREPOINT_URL": self.simulator.sharepoint,
            "REQUESTS_CA_BUNDLE": self.simulator.ca,
            "NO_PROXY": "127.0.0.1",
            "MAX_PER_TENANT_AND_HOUR": "10000",
            **self.options.settings,
        }

    def _kept_ports(self) -> dict[str, int]:
        """Return the ports of the last time: addresses that were stored or handed out stay good."""
        file = self.folder / "ports.json"
        ports: dict[str, int] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        if ports and not is_free(ports["storage"]):
            raise StackError(
                f"{self.folder} is in use: its table service still listens on port {ports['storage']}; stop the stack "
                f"that runs on it, or delete {file} if another program has that port now."
            )
        return ports

    def _keep_ports(self) -> None:
        origins = {"tenant": self.simulator.origin, "login": self.simulator.login}
        ports = {name: int(origin.rpartition(":")[2]) for name, origin in origins.items()}
        ports |= {"api": self.port, "storage": self.storage.port}
        (self.folder / "ports.json").write_text(json.dumps(ports), encoding="utf-8")
