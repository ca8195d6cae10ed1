"""The app under Azure Functions Core Tools: Microsoft's own host, extension and worker, where `func` is installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from dev.processes import Child, StackError, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATIENCE_SECONDS = 180
"""The first start downloads the extension bundle that host.json names."""

HOW_TO_GET_IT = (
    "`func` is not on the PATH: install Azure Functions Core Tools "
    "(`npm install --global azure-functions-core-tools@4`), or leave out --host."
)


def program() -> str:
    """Return where `func` is; raises `StackError` that says how to get it."""
    found = shutil.which("func")
    if found is None:
        raise StackError(HOW_TO_GET_IT)
    return found


def environment(of_the_app: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of `func`: the app's, and this Python as the worker's."""
    programs = Path(sys.executable).parent
    return {
        # An empty setting is one to this host: it would look for a storage account of no name.
        **{name: value for name, value in of_the_app.items() if value},
        "PATH": f"{programs}{os.pathsep}{of_the_app.get('PATH', '')}",
        "VIRTUAL_ENV": str(programs.parent),
        "languageWorkers__python__defaultExecutablePath": sys.executable,
        "FUNCTIONS_CORE_TOOLS_TELEMETRY_OPTOUT": "1",
    }


def start(port: int, folder: Path, settings: Mapping[str, str]) -> Child:
    """Start the app on a port and wait until it answers; raises `StackError`."""
    command = [program(), "start", "--port", str(port)]
    child = Child.start("Core Tools", command, folder, environment(settings), stop_signal=signal.SIGINT)
    try:
        wait_until(lambda: _answers(child, port), _PATIENCE_SECONDS, "Core Tools served the app")
    except StackError as error:
        stop(child)
        raise StackError(f"{error}\n{child.tail()}") from None
    return child


def stop(child: Child) -> None:
    """Stop Core Tools and what it started: its launcher does not pass every signal on."""
    child.stop()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.process.pid, signal.SIGKILL)


def _answers(child: Child, port: int) -> bool:
    if not child.is_alive:
        raise StackError(f"Core Tools ended with code {child.process.returncode}:")
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"http://127.0.0.1:{port}/api/health", timeout=10).ok
    return False
