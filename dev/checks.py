"""`python3 dev check`, `python3 dev test` and `python3 dev docs`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
_TOOLS = Path(sys.executable).parent

CHECKS = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "pyright": ["pyright"],
    "import-linter": ["lint-imports", "--no-cache", "--no-logo"],
}


def run_check(_: argparse.Namespace) -> int:
    """Run every check, also after one has failed, and sum up."""
    failed = []
    for name, command in CHECKS.items():
        print(f"== {name}", flush=True)
        if _call([str(_TOOLS / command[0]), *command[1:]]):
            failed.append(name)
    print(f"Failed: {', '.join(failed)}." if failed else "All checks passed.")
    return 1 if failed else 0


def run_test(arguments: Sequence[str]) -> int:
    """Run pytest, on two processes unless a number or a single test is given."""
    return _call([sys.executable, "-m", "pytest", *processes(arguments), *arguments])


def run_docs(_: argparse.Namespace) -> int:
    """Write the pages that follow from the code."""
    from dev import docs

    docs.write()
    return 0


def processes(arguments: Sequence[str]) -> list[str]:
    """Choose the processes for pytest: starting them costs more than one test gains."""
    chosen = any(each.startswith(("-n", "--numprocesses")) for each in arguments)
    return [] if chosen or any("::" in each for each in arguments) else ["-n", "2"]


def _call(command: list[str]) -> int:
    # Tools find each other (pyright its Python) on the PATH.
    path = os.pathsep.join([str(_TOOLS), os.environ.get("PATH", "")])
    return subprocess.call(command, cwd=ROOT, env={**os.environ, "PATH": path})
