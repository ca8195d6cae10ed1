"""The picture of a run: for each step when it waited, worked and was proved, in hundredths of the run's time. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.base import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

_TICKS: Final = 5
_STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
"""Seconds between the marks of the axis; behind the last, whole days."""
_LEAST: Final = 0.4
"""What took no time is drawn as wide as this."""


@dataclass(frozen=True)
class Bar:
    """One step: it waits until `start`, works until `proof`, and is proved until `end`; in percent of the axis.

    `attempts` are where attempts wrote something. A step without times (`is_drawn` false) never began.
    """

    title: str
    outcome: str
    note: str
    seconds: int
    is_drawn: bool = False
    start: float = 0
    proof: float = 0
    end: float = 0
    attempts: tuple[float, ...] = ()


@dataclass(frozen=True)
class Run:
    """The steps that one run ended, on an axis of its own; ticks are (percent, seconds since its beginning)."""

    number: int
    begin: datetime
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, int], ...]


def runs(record: dict[str, Any], now: datetime) -> list[Run]:
    """Draw each run of a record; what has not ended lasts until `now`."""
    numbers = sorted({step["run"] for step in record["steps"] if step["run"]})
    return [_run(number, record, now) for number in numbers]


def _run(number: int, record: dict[str, Any], now: datetime) -> Run:
    steps = [step for step in record["steps"] if step["run"] == number]
    claimed = [one["at"] for one in record["decisions"] if one["what"] in {"claimed", "recovered"}]
    began = clock.from_text(claimed[number - 1]) if len(claimed) >= number else None
    moments = [moment for step in steps for moment in _moments(step, now)]
    if began:
        moments.append(began)
    begin = min(moments, default=now)
    length = max((max(moments, default=now) - begin).total_seconds(), 1.0)

    def place(moment: datetime) -> float:
        return round(min(max((moment - begin).total_seconds() / length * 100, 0), 100), 2)

    writes = [one for one in record["writes"] if one["run"] == number]
    bars = tuple(_bar(step, writes, now, place) for step in steps)
    return Run(number, begin, bars, tuple(_ticks(length)))


def _moments(step: dict[str, Any], now: datetime) -> Iterable[datetime]:
    if step["started_at"]:
        yield clock.from_text(step["started_at"])
        yield clock.from_text(step["ended_at"]) if step["ended_at"] else now


def _bar(
    step: dict[str, Any], writes: Sequence[dict[str, Any]], now: datetime, place: Callable[[datetime], float]
) -> Bar:
    note = f"needed: {', '.join(step['blocked_by'])}" if step["blocked_by"] else ""
    outcome = step["outcome"] or step["state"]
    if not step["started_at"]:
        return Bar(step["title"], outcome, note, 0)
    started = clock.from_text(step["started_at"])
    ended = clock.from_text(step["ended_at"]) if step["ended_at"] else now
    written = clock.from_text(step["written_at"]) if step["written_at"] else ended
    start, proof = place(started), place(max(started, min(written, ended)))
    proof = max(proof, min(start + _LEAST, 100))
    attempts = {place(clock.from_text(one["at"])) for one in writes if one["step"] == step["title"]}
    seconds = round((ended - started).total_seconds())
    end = max(place(ended), proof)
    return Bar(step["title"], outcome, note, seconds, True, start, proof, end, tuple(sorted(attempts)))  # noqa: FBT003 - a field


def _ticks(length: float) -> Iterable[tuple[float, int]]:
    least = length / _TICKS
    step = next((each for each in _STEPS if each >= least), math.ceil(least / 86400) * 86400)
    for number in range(int(length // step) + 1):
        yield round(number * step / length * 100, 2), number * step


def in_words(seconds: int) -> str:
    """Write a length of time for people: "4 min 10 s", "2 h 5 min", "3 d 4 h"."""
    parts = ((seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    told = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(told[:2]) or "0 s"
