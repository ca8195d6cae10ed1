"""The table of steps, laid out for a window: names, states and times are whole, messages take the room that is left."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Details = dict[str, Any]

_COLORS: Final = {"done": "green", "failed": "red", "skipped": "red", "needs_attention": "yellow", "running": "cyan"}
_GAP: Final = "  "
_TIME: Final = len("1234 s")
_WORTH_A_COLUMN: Final = 40
"""Messages that have less room stand on lines of their own once the offboarding has ended."""


class Columns(NamedTuple):
    """How wide each column is; 0 for messages where nothing is left for them."""

    name: int
    state: int
    message: int


class Line(NamedTuple):
    """A step, as it is shown."""

    name: str
    state: str
    time: str
    message: str
    rank: tuple[int, float]
    """What is shown first where not everything fits: what runs, then what has ended last, then what is to come."""


def moving(offboardings: Sequence[Details], width: int, height: int, now: datetime) -> list[Text]:
    """Lay the running offboardings out for a window, which they never exceed."""
    shares = [[_read(step, now) for step in offboarding["steps"]] for offboarding in offboardings]
    room = max(height - len(shares), 0)
    ranked = sorted(
        (line.rank, share, number) for share, lines in enumerate(shares) for number, line in enumerate(lines)
    )
    shown = {(share, number) for _, share, number in ranked[:room]}
    columns = _columns([line for lines in shares for line in lines], width)
    rows: list[Text] = []
    for share, (offboarding, lines) in enumerate(zip(offboardings, shares, strict=True)):
        rows.append(_head(offboarding, width))
        kept = [line for number, line in enumerate(lines) if (share, number) in shown]
        rows += [_row(line, columns) for line in kept]
    return rows[:height]


def ended(offboarding: Details, width: int, now: datetime) -> list[Text]:
    """Lay an offboarding out with every message whole, beside its step or below it where the window is narrow."""
    lines = [_read(step, now) for step in offboarding["steps"]]
    columns = _columns(lines, width)
    is_beside = columns.message >= _WORTH_A_COLUMN
    indent = width - columns.message if is_beside else 4
    rows = [_head(offboarding, width)]
    for line in lines:
        row = _row(line._replace(message=""), columns)
        first, *rest = wrapped(line.message, width - indent) or [""]
        if is_beside:
            rows.append(Text.assemble(row, _GAP, first) if first else row)
        else:
            rows.append(row)
            rest = [first, *rest] if first else rest
        rows += [Text(" " * indent + each) for each in rest]
    return rows


def color(state: str) -> str:
    """Return the color of a state or an outcome."""
    return _COLORS.get(state.replace(" ", "_"), "")


def _head(offboarding: Details, width: int) -> Text:
    steps, person = offboarding["steps"], offboarding["user"]
    count = sum(step["outcome"] is not None for step in steps)
    tail = f"{offboarding['state']}, {count} of {len(steps)} ended"
    name = _cut(f"{person['display_name']} ({person['upn']})", max(width - len(tail) - 2, 1))
    return Text(_cut(f"{name}: {tail}", width), style="bold")


def _read(step: Details, now: datetime) -> Line:
    state = step["outcome"] or step["state"]
    began, over = _moment(step.get("started_at")), _moment(step.get("ended_at"))
    if step["outcome"]:
        rank = (1, -(over or now).timestamp())
    else:
        rank = (2, 0.0) if state == "waiting" and began is None else (0, 0.0)
    seconds = f"{((over or now) - began).total_seconds():.0f} s" if began else ""
    return Line(step["title"], state.replace("_", " "), seconds, step["message"], rank)


def _columns(lines: Iterable[Line], width: int) -> Columns:
    """Widths by all lines, shown or not, so that nothing jumps from one moment to the next."""
    known = list(lines)
    name = max((cell_len(line.name) for line in known), default=0)
    state = max((len("needs attention"), *(len(line.state) for line in known)))
    return Columns(name, state, max(width - name - state - _TIME - 3 * len(_GAP), 0))


def _row(line: Line, columns: Columns) -> Text:
    row = Text.assemble(
        set_cell_size(line.name, columns.name),
        _GAP,
        (f"{line.state:{columns.state}}", color(line.state)),
        _GAP,
        f"{line.time:>{_TIME}}",
    )
    if line.message and columns.message:
        row.append(_GAP + _cut(" ".join(line.message.split()), columns.message))
    return row


def _cut(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(width - 1, 0)) + "…"


def wrapped(text: str, width: int) -> list[str]:
    """Break a text between words, and long words where they must be."""
    rows: list[str] = []
    row = ""
    for word in text.split():
        if row and cell_len(row) + 1 + cell_len(word) > width:
            rows.append(row)
            row = ""
        row = f"{row} {word}" if row else word
        while cell_len(row) > width:
            rows.append(row[:width])
            row = row[width:]
    return [*rows, row] if row else rows


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
