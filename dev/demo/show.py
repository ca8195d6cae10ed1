"""Showing a running offboarding: a table that moves in a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    Details = dict[str, Any]

_COLOURS = {"done": "green", "failed": "red", "skipped": "red", "needs_attention": "yellow", "running": "cyan"}


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
    """A table of all steps, redrawn in place."""

    def __init__(self) -> None:
        self._live = Live(console=Console(), refresh_per_second=8, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def update(self, offboardings: Sequence[Details]) -> None:
        """Redraw the table."""
        self._live.update(Group(*(_table(offboarding, is_brief=True) for offboarding in offboardings)))


def final(offboardings: Sequence[Details]) -> None:
    """Print how the steps ended."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    for offboarding in offboardings:
        console.print(_table(offboarding))


def _table(offboarding: Details, *, is_brief: bool = False) -> Table:
    """Lay out the steps; briefly means a line for each, because a moving table must fit into the window."""
    person, state = offboarding["user"], offboarding["state"]
    title = f"{person['display_name']} ({person['upn']}): {state}"
    table = Table("Action", "State", "Attempts", title=title, title_justify="left")
    table.add_column("What happened", no_wrap=is_brief, overflow="ellipsis")
    for step in offboarding["steps"]:
        shown = _state(step)
        state_text = Text(shown.replace("_", " "), style=_COLOURS.get(shown, ""))
        table.add_row(step["title"], state_text, str(step["attempts"] or ""), Text(step["message"]))
    return table


def _line(step: dict[str, Any]) -> str:
    attempt = f" (attempt {step['attempts']})" if step["attempts"] > 1 else ""
    message = f": {step['message']}" if step["message"] else ""
    return f"{step['title']}: {_state(step).replace('_', ' ')}{attempt}{message}"


def _state(step: dict[str, Any]) -> str:
    return step["outcome"] or step["state"]
