"""`python3 dev start`: the stack, kept running until it is stopped."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from dev.processes import StackError
from dev.stack import Options, Stack

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

_LOOK_SECONDS = 0.2


class Stopped(BaseException):
    """The user or the system asked this process to stop."""


def run_start(given: argparse.Namespace) -> int:
    """Start everything, tell where it is in one line, and go on until stopped or until a part of it dies."""
    try:
        with stopping(), folder_for(given.state) as folder:
            options = Options(port=given.port, keep=given.state is not None, auth=given.auth)
            with Stack(folder, options) as stack:
                print(json.dumps(stack.describe()), flush=True)
                return _watch(stack)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except Stopped:
        return 0


def _watch(stack: Stack) -> int:
    while all(child.is_alive for child in stack.children.values()):
        time.sleep(_LOOK_SECONDS)
    child = next(child for child in stack.children.values() if not child.is_alive)
    print(f"{child.name} has ended unexpectedly, so everything stops; the end of its log:", file=sys.stderr)
    print(child.tail(), file=sys.stderr)
    return 1


@contextlib.contextmanager
def folder_for(state: Path | None) -> Iterator[Path]:
    """Give the folder that was asked for, or a temporary one."""
    if state:
        yield state.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="offboarding-", ignore_cleanup_errors=True) as temporary:
        yield Path(temporary)


@contextlib.contextmanager
def stopping() -> Iterator[None]:
    """Turn the first SIGINT or SIGTERM into `Stopped`, and let nothing disturb the cleaning up after it."""
    numbers = (signal.SIGINT, signal.SIGTERM)

    def stop(*_: object) -> NoReturn:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise Stopped

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
