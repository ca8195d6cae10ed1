"""`python3 dev bench`: what an offboarding costs in time, requests and storage, as figures that can be compared."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from dev.bench import imports, leavers, processor, queue, report, scale, timing
from dev.bench.offboarding import OPTIONS
from dev.processes import StackError
from dev.stack import Stack
from dev.start import Stopped, stopping

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    Figures = dict[str, dict[str, float]]

# Each on a stack of its own, so that none finds the tokens, scans and rows of another.
_ON_A_STACK: Final[dict[str, Callable[[Stack], dict[str, float]]]] = {
    "offboardings at once": timing.throughput,
    "queue": queue.measure,
    "processor time": processor.measure,
    "full offboarding": timing.full_offboarding,
    **{name: partial(leavers.measure, leaver=leaver) for name, leaver in leavers.LEAVERS.items()},
    "scale": scale.measure,
}
_ALONE: Final[dict[str, Callable[[], dict[str, float]]]] = {"import": imports.measure, "report": report.measure}
_AIM: Final = "_aim"
_SIZE: Final = r"_at_\d+$"
CASES: Final = (*_ALONE, *_ON_A_STACK)


def run_bench(given: argparse.Namespace) -> int:
    """Measure everything, or the cases that were asked for; print it as a table and as JSON."""
    try:
        cases = chosen(given.case or [])
    except StackError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        with stopping():
            figures: Figures = {case: _measure(case) for case in cases}
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except Stopped:
        return 130
    _print(figures)
    print("docs/performance.md says what the figures mean, with aims and the incumbent's.", file=sys.stderr)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")
    return 0


def chosen(names: list[str]) -> list[str]:
    """Return the cases of these names in the order in which they are measured: all, where no name is given."""
    if unknown := set(names) - set(CASES):
        raise StackError(f"No such case: {', '.join(sorted(unknown))}. There are: {', '.join(CASES)}.")
    return [case for case in CASES if case in names or not names]


def beside_aims(metrics: dict[str, float]) -> list[tuple[str, float, float | None]]:
    """Put each figure beside the most that was aimed at: `x_aim` is of `x` and `x_at_1000`; None without one."""
    return [
        (metric, figure, metrics.get(f"{re.sub(_SIZE, '', metric)}{_AIM}"))
        for metric, figure in metrics.items()
        if not metric.endswith(_AIM)
    ]


def _measure(case: str) -> dict[str, float]:
    if case in _ALONE:
        figures = _ALONE[case]()
    else:
        options = queue.OPTIONS_OF_QUEUE if case == "queue" else OPTIONS
        with tempfile.TemporaryDirectory(prefix="offboarding-") as folder, Stack(Path(folder), options) as stack:
            figures = _ON_A_STACK[case](stack)
    print(f"{case}: measured", file=sys.stderr, flush=True)
    return figures


def _print(figures: Figures) -> None:
    table = Table("Case", "Metric", "Figure", "Aim")
    for case, metrics in figures.items():
        for metric, figure, aim in beside_aims(metrics):
            missed = aim is not None and figure > aim
            table.add_row(case, metric, str(figure), "" if aim is None else f"{aim}{' (missed)' if missed else ''}")
        table.add_section()
    Console(width=None if sys.stdout.isatty() else 100).print(table)
    print(json.dumps(figures))
