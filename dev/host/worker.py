"""Runs user code inside this process, with the converters that Azure's Python worker uses.

Coroutines get a loop of their own and synchronous functions a thread pool, so user code that blocks stops neither HTTP
nor the durable engine. The Durable SDK binds its HTTP session to one loop: a process must have no second worker loop.
"""

import asyncio
import inspect
import os
import threading
import uuid
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import azure.functions as func
from azure.functions.meta import Datum

from dev.host.app import AppError, Function, load_functions
from dev.host.durable.shim_v1 import InvocationError

_CLIENT = "durableClient"


class Worker(Protocol):
    """Indexes the app and runs its functions."""

    async def start(self) -> list[Function]:
        """Load the app."""
        ...

    async def invoke(self, function: Function, inputs: dict[str, Datum], traceparent: str) -> Datum | None:
        """Run a function with its inputs by parameter name, as a part of a trace; raises InvocationError."""
        ...

    def stop(self) -> None:
        """Stop the worker loop; threads end with their function."""
        ...


@dataclass(frozen=True)
class TraceContext:
    """The host's own span, in the form of W3C: "Trace Context"."""

    trace_parent: str
    trace_state: str = ""
    attributes: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class InvocationContext:
    """What a function gets for a parameter named `context`."""

    invocation_id: str
    function_name: str
    function_directory: str
    thread_local_storage: threading.local
    trace_context: TraceContext
    retry_context: None = None


class WorkerLoop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="worker-loop", daemon=True)
        self._thread.start()

    async def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever the coroutine returns
        """Run a coroutine over there and await it here."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._loop))

    def stop(self) -> None:
        """Stop the loop, whatever runs on it."""
        self._loop.call_soon_threadsafe(self._loop.stop)


def thread_count() -> int:
    """Return the size of the one pool that activities, turns and other synchronous functions share.

    Without the setting it is Python's own default (azure_functions_worker/dispatcher.py, get_sync_tp_workers_set).
    """
    return int(os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT") or 0) or min(32, (os.cpu_count() or 1) + 4)


class EmbeddedWorker:
    """The worker of this host."""

    def __init__(self) -> None:
        self._loop = WorkerLoop()
        self._pool = ThreadPoolExecutor(thread_count(), thread_name_prefix="worker")
        self._locals = threading.local()

    async def start(self) -> list[Function]:
        """Import the app off the host's loop."""
        functions = await asyncio.get_running_loop().run_in_executor(self._pool, load_functions)
        for function in functions:
            # The SDK hides the function with the client in a coroutine that awaits it.
            inner = getattr(function.code, "client_function", function.code)
            if function.clients and not inspect.iscoroutinefunction(inner):
                raise AppError(f"function {function.name}: a function with a durable client must be `async def`")
        return functions

    async def invoke(self, function: Function, inputs: dict[str, Datum], traceparent: str) -> Datum | None:
        """Run a function where its kind of code belongs."""
        if inspect.iscoroutinefunction(function.code):
            return await self._loop.run(self._run_coroutine(function, inputs, traceparent))
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._run_sync, function, inputs, traceparent)

    def stop(self) -> None:
        """Leave running threads to their functions."""
        self._loop.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run_sync(self, function: Function, inputs: dict[str, Datum], traceparent: str) -> Datum | None:
        assert function.code  # noqa: S101 - this worker has indexed the function itself
        try:
            return _encode(function, function.code(**self._arguments(function, inputs, traceparent)))
        except Exception as error:
            raise InvocationError.of(error) from error

    async def _run_coroutine(self, function: Function, inputs: dict[str, Datum], traceparent: str) -> Datum | None:
        assert function.code  # noqa: S101 - this worker has indexed the function itself
        try:
            return _encode(function, await function.code(**self._arguments(function, inputs, traceparent)))
        except Exception as error:
            raise InvocationError.of(error) from error

    def _arguments(self, function: Function, inputs: dict[str, Datum], traceparent: str) -> dict[str, Any]:
        arguments = {
            name: converter(_binding_type(function, name)).decode(datum, trigger_metadata={})
            for name, datum in inputs.items()
        }
        if "context" not in arguments and _wants_context(function):
            identity = uuid.uuid4().hex
            self._locals.invocation_id = identity
            trace = TraceContext(traceparent)
            arguments["context"] = InvocationContext(identity, function.name, str(Path.cwd()), self._locals, trace)
        return arguments


def converter(binding: str) -> Any:  # noqa: ANN401 - a class without a public type
    """Find the converter that Azure's worker uses for a type of binding."""
    return func.get_binding_registry().get(binding)


@cache
def _wants_context(function: Function) -> bool:
    return function.code is not None and "context" in inspect.signature(function.code).parameters


def _binding_type(function: Function, parameter: str) -> str:
    return function.kind if parameter == function.trigger["name"] else _CLIENT


def _encode(function: Function, result: object) -> Datum | None:
    if function.kind == "timerTrigger":
        if result is not None:
            raise RuntimeError(f"function {function.name} without a $return binding returned a non-None value")
        return None
    binding = "http" if function.returns_http else function.kind
    try:
        return converter(binding).encode(result, expected_type=None)
    except NotImplementedError:
        raise TypeError(f"unable to encode outgoing TypedData: {binding} from {type(result).__name__}") from None
