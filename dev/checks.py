"""`python3 dev check`, `python3 dev test` and `python3 dev docs`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
_TOOLS = Path(sys.executable).parent
_KEPT = ROOT / ".dev"
_ALL = "--all"
_PASSED, _FAILED = 0, 1
_MINUTE = 60

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
    is_timed = list(arguments) in ([], [_ALL])
    took = _KEPT / ("all-tests-seconds" if _ALL in arguments else "tests-seconds")
    if is_timed:
        print(announced(_read_seconds(took), with_long_ones=_ALL in arguments), file=sys.stderr, flush=True)
    began = time.monotonic()
    code = _call([sys.executable, "-m", "pytest", *processes(arguments), *selected(arguments)])
    if is_timed and code in {_PASSED, _FAILED}:
        took.parent.mkdir(exist_ok=True)
        took.write_text(f"{time.monotonic() - began:.0f}", encoding="utf-8")
    return code


def selected(arguments: Sequence[str]) -> list[str]:
    """Return what pytest is given: without the long tests, unless all or certain ones are asked for."""
    rest = [each for each in arguments if each != _ALL]
    asks_for_some = any(each.startswith(("-k", "-m")) or not each.startswith("-") for each in rest)
    return rest if asks_for_some or _ALL in arguments else ["-m", "not long", *rest]


def announced(seconds: float | None, *, with_long_ones: bool) -> str:
    """Say how long the tests take: as the last time on this machine, or as on a machine with two cores."""
    if seconds is None:
        usual = 10 if with_long_ones else 4
        how_long = f"about {usual} minutes on two cores, and longer where the machine is busy"
    else:
        how_long = f"{seconds / 60:.0f} minutes the last time here" if seconds >= _MINUTE else "less than a minute here"
    if with_long_ones:
        return f"All tests: {how_long}. Without those that take long: python3 dev test."
    return (
        f"The tests but those that take long: {how_long}. All, as in CI: python3 dev test --all. A part: python3 dev "
        "test tests/unit, one test: python3 dev test tests/... -k NAME, stop at the first failure: -x."
    )


def run_docs(_: argparse.Namespace) -> int:
    """Write the pages that follow from the code, and say which are different now."""
    from dev import docs

    for path, is_new in docs.write().items():
        print(f"{path.relative_to(ROOT)}: {'written' if is_new else 'unchanged'}")
    return 0


def processes(arguments: Sequence[str]) -> list[str]:
    """Choose the processes for pytest: starting them costs more than one test gains."""
    chosen = any(each.startswith(("-n", "--numprocesses")) for each in arguments)
    return [] if chosen or any("::" in each for each in arguments) else ["-n", "2"]


def _read_seconds(took: Path) -> float | None:
    try:
        return float(took.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _call(command: list[str]) -> int:
    # Tools find each other (pyright its Python) on the PATH.
    path = os.pathsep.join([str(_TOOLS), os.environ.get("PATH", "")])
    return subprocess.call(command, cwd=ROOT, env={**os.environ, "PATH": path})
