"""Child processes of the stack: started with a log of their own, waited for until ready, and stopped in order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
_POLL_SECONDS = 0.02
_GRACE_SECONDS = 20
_TAIL_LINES = 15
_TRIES = 3


class StackError(Exception):
    """Something of the stack did not start or has died; the message tells people which, why and what to do."""

    code = 1


class OptionsError(StackError):
    """What was asked for cannot be started."""

    code = 2


@dataclass
class Child:
    """A running child process. Its stdout and stderr go to files, so that no pipe can fill up."""

    name: str
    """What it is called before people, at the beginning of a sentence."""
    process: subprocess.Popen[bytes]
    out: Path
    log: Path
    stop_signal: int

    @classmethod
    def start(
        cls,
        name: str,
        command: Sequence[str],
        folder: Path,
        env: Mapping[str, str] | None = None,
        stop_signal: int = signal.SIGTERM,
    ) -> Child:
        """Start a program in a session of its own: Ctrl-C reaches this process alone, which stops all in order."""
        folder.mkdir(parents=True, exist_ok=True)
        out, log = folder / "stdout.txt", folder / "log.txt"
        with out.open("wb") as stdout, log.open("ab") as stderr:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=dict(env) if env is not None else None,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        return cls(name, process, out, log, stop_signal)

    @property
    def is_alive(self) -> bool:
        """Return whether it still runs."""
        return self.process.poll() is None

    def wait_for(self, prefix: str, seconds: float = 60) -> str:
        """Return the rest of the first line of its output that begins with `prefix`; raises `StackError`."""
        deadline = time.monotonic() + seconds
        while (said := self._line(prefix)) is None:
            if not self.is_alive:
                raise StackError(f"{self.name} did not start; the end of its log:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} was not ready after {seconds:.0f} s; the end of its log:\n{self.tail()}")
            time.sleep(_POLL_SECONDS)
        return said.strip()

    def _line(self, prefix: str) -> str | None:
        lines = self.out.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        found = (line[len(prefix) :] for line in lines if line.startswith(prefix) and line.endswith("\n"))
        return next(found, None)

    def tail(self) -> str:
        """Return the last lines it has written."""
        lines = [
            line for file in (self.out, self.log) for line in file.read_text("utf-8", errors="replace").splitlines()
        ]
        return "\n".join(line[:300] for line in lines[-_TAIL_LINES:])

    def stop(self) -> None:
        """Ask it to end, and end it where it does not; harmless where it has ended already."""
        if self.is_alive:
            if os.name == "nt":
                self.process.terminate()
            else:
                self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self.process.kill()
        self.process.wait()


def start_on_port(start: Callable[[int], Child], ready: str, wanted: int = 0) -> tuple[Child, int, str]:
    """Start a server that must be told its port, and wait until it is ready.

    Another program may take a free port between its choice and its use: then the next one is tried.

    Args:
        start: starts the server on a port.
        ready: how the line begins with which it says that it serves.
        wanted: the port to prefer if it is free.

    Returns:
        The server, its port, and the rest of that line.
    """
    for left in reversed(range(_TRIES)):
        port = wanted if wanted and is_free(wanted) else free_port()
        child = start(port)
        try:
            return child, port, child.wait_for(ready)
        except BaseException as error:
            child.stop()
            if not isinstance(error, StackError) or not left:
                raise
    raise AssertionError


def wait_until(condition: Callable[[], bool], seconds: float, what: str, every: float = _POLL_SECONDS) -> None:
    """Poll until something holds; raises `StackError` when it took too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise StackError(f"Waited {seconds:.0f} s in vain until {what}.")
        time.sleep(every)


def free_port() -> int:
    """Ask the system for a port that nobody uses at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def is_free(port: int) -> bool:
    """Return whether a port could be listened on."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False
