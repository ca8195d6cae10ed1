"""Showing a running offboarding: a table that moves in a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, Self

from rich.console import Console
from rich.live import Live

from dev.demo import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import ConsoleOptions, RenderResult

    Details = dict[str, Any]

_UNBROKEN = 10_000
"""The width of what is not a window: whoever reads a file or a pipe wants a line for each thing."""


class Show(Protocol):
    """Something that is told the newest details again and again."""

    def __enter__(self) -> Self:
        """Begin to show."""
        ...

    def __exit__(self, *_: object) -> None:
        """Stop showing."""
        ...

    def update(self, offboardings: Sequence[Details]) -> None:
        """Show what is new."""
        ...


def choose() -> Show:
    """Return what suits the place where the output goes."""
    return Moving() if sys.stdout.isatty() else Lines()


class Lines:
    """A line for every change of a step."""

    def __init__(self) -> None:
        self._shown: dict[tuple[str, str], tuple[str, int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, offboardings: Sequence[Details]) -> None:
        """Print what has changed since the last time."""
        for offboarding in offboardings:
            who = offboarding["user"]["display_name"]
            for step in offboarding["steps"]:
                key, now = (offboarding["id"], step["name"]), (_state(step), step["attempts"])
                if now[0] != "waiting" and self._shown.get(key) != now:
                    self._shown[key] = now
                    print(f"{who}: {_line(step)}", flush=True)


class Moving:
    """A table of all steps, redrawn in place; it follows the size of the window."""

    def __init__(self) -> None:
        self._console = Console()
        self._offboardings: Sequence[Details] = ()
        # Live's own refreshing would draw from another thread between two updates of the steps.
        self._live = Live(self, console=self._console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw, one line less than the window has: the cursor stands on the last one."""
        yield from table.moving(self._offboardings, options.max_width, console.height - 1, datetime.now(UTC))

    def update(self, offboardings: Sequence[Details]) -> None:
        """Redraw the table."""
        self._offboardings = offboardings
        self._live.refresh()


def final(offboardings: Sequence[Details]) -> None:
    """Print how the steps ended."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    for offboarding in offboardings:
        for row in table.ended(offboarding, console.width, datetime.now(UTC)):
            console.print(row, soft_wrap=True)
        console.print()


def say(text: str, indent: int = 0) -> None:
    """Print a text, in a window broken between words; what follows the first line is indented further."""
    width = Console().width if sys.stdout.isatty() else _UNBROKEN
    rows = table.wrapped(text, width - 2 * indent - 2)
    print("\n".join(" " * (indent if number == 0 else 2 * indent) + row for number, row in enumerate(rows)), flush=True)


def listed(title: str, lines: Sequence[str]) -> None:
    """Print lines under a title."""
    print(f"\n{title}")
    for line in lines:
        say(line, indent=2)


def _line(step: dict[str, Any]) -> str:
    attempt = f" (attempt {step['attempts']})" if step["attempts"] > 1 else ""
    message = f": {step['message']}" if step["message"] else ""
    return f"{step['title']}: {_state(step).replace('_', ' ')}{attempt}{message}"


def _state(step: dict[str, Any]) -> str:
    return step["outcome"] or step["state"]
