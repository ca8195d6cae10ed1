"""The worker in a process of its own, as Azure runs it: it may die alone, and the host starts another.

Both ends of a socket pair speak pickled tuples, each with its length before it. The host end is `WorkerProcess`; the
worker end is `python -m dev.host.worker_process`, which runs one of the workers and ends when the host does.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import itertools
import logging
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import traceback
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dev.host import logs
from dev.host.app import AppError, Function, enter
from dev.host.clock import Clock
from dev.host.durable.shim_v1 import InvocationError, worker_exit
from dev.host.worker import EmbeddedWorker, Worker
from dev.host.worker_microsoft import MicrosoftWorker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from azure.functions.meta import Datum

_LENGTH = struct.Struct(">Q")
_SHELL_CODE_OF_SIGNAL = 128
MOST_DEATHS = 3
"""The host gives up at the third (RpcFunctionInvocationDispatcher of the Functions host: three for each process)."""

_logger = logging.getLogger("host.worker")


async def _receive(reader: asyncio.StreamReader) -> tuple[Any, ...]:
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    return pickle.loads(await reader.readexactly(length))  # noqa: S301 - from our own child or parent


def _send(writer: asyncio.StreamWriter, *message: object) -> None:
    text = pickle.dumps(message)
    writer.write(_LENGTH.pack(len(text)) + text)


@dataclass(frozen=True)
class _Channel:
    """A running worker: its process and the socket to it."""

    process: subprocess.Popen[bytes]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class WorkerProcess:
    """The worker as the host sees it."""

    def __init__(self, kind: str, root: Path, clock: str | None) -> None:
        self._command = [sys.executable, "-m", "dev.host.worker_process", "--root", str(root), "--worker", kind]
        self._command += ["--clock", clock] if clock else []
        self._folder = Path(__file__).parents[2]
        self._offset = timedelta()
        self._channel: _Channel | None = None
        self._alive = asyncio.Event()
        self._numbers = itertools.count()
        self._pending: dict[int, asyncio.Future[Datum | None]] = {}
        self._stopping = False
        self._watch: asyncio.Task[None] | None = None
        self.gave_up = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The process that runs the app's functions now."""
        return self._channel.process.pid if self._channel else None

    async def start(self) -> list[Function]:
        """Start a worker and return what it has indexed."""
        channel, functions = await self._launch()
        self._watch = asyncio.create_task(self._live(channel))
        return functions

    def set_offset(self, offset: timedelta) -> None:
        """Tell the worker how far its clock is ahead; it is told before whatever it is asked next."""
        self._offset = offset
        if self._channel:
            _send(self._channel.writer, "clock", offset)

    async def invoke(self, function: Function, inputs: dict[str, Datum], traceparent: str) -> Datum | None:
        """Run a function; while no worker is there, wait for the next one, as the Functions host does."""
        await self._alive.wait()
        assert self._channel  # noqa: S101 - set before _alive
        number = next(self._numbers)
        self._pending[number] = asyncio.get_running_loop().create_future()
        _send(self._channel.writer, "invoke", number, function.name, inputs, traceparent)
        return await self._pending[number]

    def stop(self) -> None:
        """End the worker with whatever it does."""
        self._stopping = True
        if self._channel:
            self._channel.process.kill()
            self._channel.process.wait()

    async def _launch(self) -> tuple[_Channel, list[Function]]:
        ours, theirs = socket.socketpair()
        with theirs:
            process = self._spawn(theirs.fileno())
        reader, writer = await asyncio.open_connection(sock=ours)
        self._channel = _Channel(process, reader, writer)
        try:
            kind, *said = await _receive(reader)
        except asyncio.IncompleteReadError:
            raise AppError(f"the worker ended with code {process.wait()} before it had loaded the app") from None
        if kind == "refused":
            raise AppError(said[0])
        if kind == "broken":
            raise RuntimeError(said[0])
        self.set_offset(self._offset)
        self._alive.set()
        return self._channel, said[0]

    def _spawn(self, fd: int) -> subprocess.Popen[bytes]:
        command = [*self._command, "--socket", str(fd)]
        return subprocess.Popen(command, cwd=self._folder, pass_fds=[fd])

    async def _live(self, channel: _Channel) -> None:
        """Pass answers on until the worker dies, then fail what it was asked, and start the next."""
        for death in itertools.count(1):
            try:
                while True:
                    self._answered(*await _receive(channel.reader))
            except (asyncio.IncompleteReadError, ConnectionError):
                self._alive.clear()
            code = await asyncio.to_thread(channel.process.wait)
            if self._stopping:
                return
            code = _SHELL_CODE_OF_SIGNAL - code if code < 0 else code
            _logger.error("python exited with code %s (0x%X)", code, code)
            channel.writer.close()
            pending, self._pending = self._pending, {}
            for future in pending.values():
                future.set_exception(worker_exit(code))
            if death == MOST_DEATHS:
                _logger.critical("the worker has died %s times; the host gives up", death)
                self.gave_up.set()
                return
            channel, _ = await self._launch()

    def _answered(self, kind: str, number: int, *said: Any) -> None:  # noqa: ANN401 - an answer's parts
        future = self._pending.pop(number)
        if future.cancelled():
            return
        if kind == "failed":
            future.set_exception(InvocationError(*said))
        else:
            future.set_result(said[0])


# The other end


async def _serve(options: argparse.Namespace) -> None:
    """Load the app, then run what the host asks for, until the host is gone."""
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=options.socket))
    enter(options.root)
    clock = Clock()
    try:
        worker: Worker = MicrosoftWorker() if options.worker == "microsoft" else EmbeddedWorker()
        functions = await worker.start()
        if options.clock:
            module, _, function = options.clock.partition(":")
            set_source: Callable[[Callable[[], datetime]], None] = getattr(importlib.import_module(module), function)
            set_source(clock.now)
    except AppError as error:
        _send(writer, "refused", str(error))
        await writer.drain()
        return
    except Exception:  # noqa: BLE001 - whatever the app raises on import is told to the host
        _send(writer, "broken", traceback.format_exc())
        await writer.drain()
        return
    # The code stays here: the host knows functions by their bindings alone.
    _send(writer, "ready", [replace(function, code=None) for function in functions])
    by_name = {function.name: function for function in functions}
    tasks: set[asyncio.Task[None]] = set()
    while True:
        try:
            kind, *asked = await _receive(reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        if kind == "clock":
            clock.offset = asked[0]
            continue
        number, name, inputs, traceparent = asked
        task = asyncio.create_task(_run(worker.invoke(by_name[name], inputs, traceparent), number, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


async def _run(invocation: Awaitable[Datum | None], number: int, writer: asyncio.StreamWriter) -> None:
    try:
        _send(writer, "done", number, await invocation)
    except InvocationError as error:
        _send(writer, "failed", number, error.message, error.stack)


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dev.host.worker_process", description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--worker", choices=("embedded", "microsoft"), required=True)
    parser.add_argument("--clock")
    parser.add_argument("--socket", type=int, required=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # of a terminal, for the whole group: the host ends us
    logs.to_stderr()
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    _main()
    logging.shutdown()
    os._exit(0)  # a thread of the app that waits for something would keep the interpreter from ending
