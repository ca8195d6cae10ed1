"""Puts the parts together: store, engine, worker, timers and HTTP, from start to stop."""

import asyncio
import logging
import os
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from azure.functions.meta import Datum

from dev.host import tracing
from dev.host.app import AppError, Function, Functions, enter, extension, read_host_json, resolve
from dev.host.clock import Clock
from dev.host.durable.api import HubUrls, ManagementApi
from dev.host.durable.dispatcher import Dispatcher, Limits
from dev.host.durable.engine import Engine
from dev.host.durable.shim_v1 import InvocationError
from dev.host.durable.store import Store
from dev.host.http import LARGEST_HEADERS, Admin, FrontDoor, given_key, kestrel
from dev.host.keys import DURABLE, Keys
from dev.host.timers import Timer
from dev.host.worker import Worker
from dev.host.worker_process import WorkerProcess

_GRACE = 3.0  # seconds that running functions get when the host stops
_LARGEST_BODY = 100 * 1024 * 1024
_WEBHOOKS = "/runtime/webhooks/durabletask"
_logger = logging.getLogger("host")


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    root: Path
    data: Path
    port: int
    visibility_timeout: timedelta | None
    """How long work that died with a host stays hidden; None where host.json says it."""
    clock: str | None
    worker: str


class Invocations:
    """Runs functions by kind: adds the durable client, knows parameter names, reads results."""

    def __init__(self, worker: Worker, functions: Functions) -> None:
        self._worker = worker
        self._functions = functions
        self.client_binding = ""

    async def run(self, function: Function, trigger: Datum, traceparent: str | None = None) -> Datum | None:
        """Run any function with the value of its trigger, in the trace of whoever asked for it."""
        if function.clients and not os.environ.get("WEBSITE_HOSTNAME"):
            # The Durable extension makes its addresses from it before the function is called.
            raise InvocationError("System.InvalidOperationException: Webhooks are not configured")
        clients = {name: Datum(self.client_binding, "string") for name in function.clients}
        inputs = {function.trigger["name"]: trigger, **clients}
        return await self._worker.invoke(function, inputs, tracing.child_of(traceparent))

    async def run_orchestrator(self, name: str, context: str) -> str:
        """Run a turn."""
        answer = await self.run(_find(self._functions.orchestrators, name), Datum(context, "string"))
        return answer.value if answer else "null"

    async def run_activity(self, name: str, input_: str | None, traceparent: str | None) -> str | None:
        """Run an activity."""
        activity = _find(self._functions.activities, name)
        answer = await self.run(activity, Datum(input_ or "null", "string"), traceparent)
        return answer.value if answer else None


def _find(functions: dict[str, Function], name: str) -> Function:
    """Find a task's function; the app may have lost it since the task was scheduled."""
    if name not in functions:
        raise InvocationError(f"The function '{name}' doesn't exist, is disabled, or is not of the right kind.")
    return functions[name]


class Host:
    """The parts of a running host; everything but user code lives on one loop."""

    def __init__(self, options: Options, config: dict[str, Any], worker: WorkerProcess, functions: Functions) -> None:
        durable = extension(config, "durableTask")
        self._hub = resolve(durable.get("hubName") or "TestHubName")
        self._worker = worker
        self._store = Store(str(options.data / f"{re.sub(r'[^A-Za-z0-9-]', '_', self._hub)}.sqlite"))
        self.clock = Clock(timedelta(seconds=float(self._store.setting("clock offset") or 0)))
        worker.set_offset(self.clock.offset)
        self._keys = Keys.load(options.data / "keys.json")
        self._invocations = Invocations(worker, functions)
        self._engine = Engine(
            self._store,
            self.clock,
            orchestrators=functions.orchestrators,
            activities=functions.activities,
            visibility_timeout=options.visibility_timeout or _visibility_timeout(durable),
        )
        self._dispatcher = Dispatcher(self._engine, self._invocations, _limits(durable))
        self._timers = {
            function.name: Timer(function, self._store, self.clock, self._invocations.run)
            for function in functions.of_kind("timerTrigger")
        }
        prefix = extension(config, "http").get("routePrefix", "api")
        self._front_door = FrontDoor(functions.of_kind("httpTrigger"), prefix, self._keys, self._invocations.run)
        self._runners: list[web.AppRunner] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, port: int) -> str:
        """Take up the work that is waiting, listen, and tell the address."""
        # The SDK calls the hub on a port of its own, without a key, so that one must not leave the machine.
        public, rpc = socket.create_server(("127.0.0.1", port)), socket.create_server(("127.0.0.1", 0))
        origin, rpc_origin = _origin(public), _origin(rpc)
        urls = HubUrls(self._hub, origin + _WEBHOOKS, f"{rpc_origin}/durabletask/", self._keys.system[DURABLE])
        self._invocations.client_binding = urls.client_binding()
        management = ManagementApi(self._engine, urls, self._dispatcher.wake)
        admin = Admin(self._keys, self._timers, self.clock, self._clock_moved, lambda: self._worker.pid)
        await self._serve(rpc, management.routes("/durabletask", lambda _: True))
        await self._serve(
            public,
            [
                *management.routes(_WEBHOOKS, lambda request: self._keys.open_durable(given_key(request))),
                *admin.routes(),
                web.route("*", "/{path:.*}", self._front_door.handle),
            ],
        )
        for work in (self._dispatcher.run(), *(timer.run() for timer in self._timers.values())):
            task = asyncio.create_task(work)
            task.add_done_callback(_report)
            self._tasks.add(task)
        return origin

    async def stop(self) -> None:
        """Refuse new work, let running work finish for a while, give back the rest."""
        await self._dispatcher.stop(_GRACE)
        for runner in self._runners:
            await runner.cleanup()
        for task in self._tasks:
            task.cancel()
        self._store.close()

    async def _serve(self, listener: socket.socket, routes: list[web.RouteDef]) -> None:
        app = web.Application(client_max_size=_LARGEST_BODY, middlewares=[kestrel])
        app.add_routes(routes)
        runner = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=_GRACE,
            auto_decompress=False,
            # More than Kestrel takes, so that `kestrel` sees what it has to refuse.
            max_line_size=2 * LARGEST_HEADERS,
            max_field_size=2 * LARGEST_HEADERS,
            max_headers=1000,
        )
        await runner.setup()
        await web.SockSite(runner, listener).start()
        self._runners.append(runner)

    def _clock_moved(self) -> None:
        self._store.set_setting("clock offset", str(self.clock.offset.total_seconds()))
        self._worker.set_offset(self.clock.offset)
        self._dispatcher.wake()
        for timer in self._timers.values():
            timer.wake()


async def serve(options: Options, ready: Callable[[str], None], stop: asyncio.Event) -> None:
    """Run the app until `stop` is set."""
    options.data.mkdir(parents=True, exist_ok=True)
    enter(options.root)
    config = read_host_json(options.root)
    worker = WorkerProcess(options.worker, options.root, options.clock)
    try:
        host = Host(options, config, worker, Functions(await worker.start()))
        ready(await host.start(options.port))
        ends = [asyncio.create_task(event.wait()) for event in (stop, worker.gave_up)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            raise AppError("the host ends, because its worker died again and again")
        _logger.info("stopping")
        await host.stop()
    finally:
        worker.stop()


def _limits(durable: dict[str, Any]) -> Limits:
    usual = 10 * (os.cpu_count() or 1)
    return Limits(
        int(durable.get("maxConcurrentActivityFunctions") or usual),
        int(durable.get("maxConcurrentOrchestratorFunctions") or usual),
    )


def _visibility_timeout(durable: dict[str, Any]) -> timedelta:
    """Read how long a work item stays hidden (Learn: "Durable Functions settings in host.json"); a TimeSpan h:m:s."""
    text = durable.get("storageProvider", {}).get("workItemQueueVisibilityTimeout") or "00:05:00"
    hours, minutes, seconds = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))


def _origin(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception():
        _logger.critical("a part of the host has stopped", exc_info=task.exception())
