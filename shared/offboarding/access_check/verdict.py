"""What a check found: verdicts, thing by thing, and one word for all of them. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from shared.base import clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

_MOST_KEPT: Final = 200
"""Of one area; a person in more groups than that is told how many there are."""


class Verdict(StrEnum):
    """How a thing is: `left` is there, is known, and is meant to be, or nobody can change it in the cloud."""

    closed = "closed"
    open = "open"
    left = "left"
    unknown = "unknown"


class Answer(StrEnum):
    """Whether the person is out: nothing is open, and nothing unknown."""

    out = "out"
    open = "open"
    unknown = "unknown"


_WORST_FIRST: Final = (Verdict.open, Verdict.unknown, Verdict.left, Verdict.closed)


@dataclass(frozen=True)
class Thing:
    """One thing that was found; with an empty id, the area as a whole, which could not be looked at."""

    id: str
    name: str
    verdict: Verdict
    message: str


@dataclass(frozen=True)
class AreaFound:
    """What was found in one area; `action` is what closes it, "" where the note says who does.

    `note` says what holds for the area as a whole: why there is nothing, or how old the knowledge is.
    """

    area: str
    action: str
    note: str = ""
    things: tuple[Thing, ...] = ()
    more: int = 0
    """How many things are not listed."""

    @property
    def verdict(self) -> Verdict:
        """Return the worst of its verdicts."""
        present = {thing.verdict for thing in self.things}
        return next((verdict for verdict in _WORST_FIRST if verdict in present), Verdict.closed)

    def told(self, thing: Thing) -> str:
        """Say of one of its things where it is, what it is called and how it is."""
        place = self.area if thing.name == self.area else f"{self.area}: {thing.name}"
        return f"{place}: {thing.message}"

    def shortened(self) -> AreaFound:
        """Return it with as many things as are kept, what is open first."""
        if len(self.things) <= _MOST_KEPT:
            return self
        ordered = sorted(self.things, key=lambda thing: _WORST_FIRST.index(thing.verdict))
        more = len(ordered) - _MOST_KEPT
        return replace(self, things=tuple(ordered[:_MOST_KEPT]), more=more)


@dataclass(frozen=True)
class Check:
    """What was found everywhere, at a moment."""

    checked_at: datetime
    areas: tuple[AreaFound, ...]

    @property
    def answer(self) -> Answer:
        """Say in one word whether the person is out."""
        verdicts = {area.verdict for area in self.areas}
        if Verdict.open in verdicts:
            return Answer.open
        return Answer.unknown if Verdict.unknown in verdicts else Answer.out

    def count(self, verdict: Verdict) -> int:
        """Return how many things are so."""
        return sum(thing.verdict is verdict for area in self.areas for thing in area.things)

    def open_ids(self) -> frozenset[str]:
        """Return what is open, each by an id of its own."""
        return frozenset(
            f"{area.area}|{thing.id}" for area in self.areas for thing in area.things if thing.verdict is Verdict.open
        )

    def only(self, verdict: Verdict, ids: Iterable[str] | None = None) -> list[tuple[AreaFound, Thing]]:
        """Return the things of a verdict, with their areas; with `ids`, those alone."""
        wanted = None if ids is None else set(ids)
        return [
            (area, thing)
            for area in self.areas
            for thing in area.things
            if thing.verdict is verdict and (wanted is None or f"{area.area}|{thing.id}" in wanted)
        ]

    def in_words(self) -> str:
        """Say it in a sentence."""
        opened, unknown = self.count(Verdict.open), self.count(Verdict.unknown)
        if not opened and not unknown:
            return "The person is out: nothing is open, and everything could be looked at."
        parts = [f"{opened} {'thing is' if opened == 1 else 'things are'} still open"] if opened else []
        parts += [f"{unknown} could not be looked at"] if unknown else []
        return f"{' and '.join(parts)}."

    def to_json(self) -> dict[str, Any]:
        """Return the form that is stored and shown."""
        return {
            "answer": self.answer.value,
            "message": self.in_words(),
            "checked_at": clock.to_text(self.checked_at),
            "open": self.count(Verdict.open),
            "unknown": self.count(Verdict.unknown),
            "areas": [
                {
                    "area": area.area,
                    "action": area.action,
                    "verdict": area.verdict.value,
                    "note": area.note,
                    "findings": [asdict(thing) for thing in area.things],
                    "more": area.more,
                }
                for area in (area.shortened() for area in self.areas)
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Check:
        """Read the form that is stored."""
        return cls(
            clock.from_text(data["checked_at"]),
            tuple(
                AreaFound(
                    area=one["area"],
                    action=one["action"],
                    note=one["note"],
                    things=tuple(Thing(**{**each, "verdict": Verdict(each["verdict"])}) for each in one["findings"]),
                    more=one["more"],
                )
                for one in data["areas"]
            ),
        )
