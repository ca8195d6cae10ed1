"""How a step ends, and what is known about it on the way there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Outcome(StrEnum):
    """How an ended step, or one item of it, ended."""

    done = "done"
    already_done = "already_done"
    not_applicable = "not_applicable"
    needs_attention = "needs_attention"
    skipped = "skipped"
    failed = "failed"


class StepState(StrEnum):
    """Where a step is on its way to an outcome. It waits until it changes something: reading does not count."""

    waiting = "waiting"
    running = "running"
    retrying = "retrying"
    verifying = "verifying"
    ended = "ended"


OPENS_GATE: Final = frozenset({Outcome.done, Outcome.already_done, Outcome.not_applicable})
"""Outcomes of a step that let a step which requires it begin."""

SETTLED_WELL: Final = OPENS_GATE | {Outcome.needs_attention}
"""Outcomes that a retry does not repeat and that leave an offboarding `Completed`."""

_WORST_FIRST: Final = (
    Outcome.failed,
    Outcome.skipped,
    Outcome.needs_attention,
    Outcome.done,
    Outcome.already_done,
    Outcome.not_applicable,
)


def fold(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the outcome of a step from those of its items; a step with nothing to do is `not_applicable`."""
    present = set(outcomes)
    return next((outcome for outcome in _WORST_FIRST if outcome in present), Outcome.not_applicable)


@dataclass(frozen=True)
class ItemWords:
    """What the items of a step are called, and what was done with them: "11 groups removed"."""

    one: str = "item"
    many: str = "items"
    done: str = "changed"

    def counted(self, count: int) -> str:
        """Name so many of them."""
        return f"{count} {self.one if count == 1 else self.many}"


WHOLE_STEP: Final = ""
"""The item id of a step that is not made of items."""


@dataclass(frozen=True)
class Finding:
    """What a look at the tenant says about a step or one item of it.

    `outcome` is None while the item is not as the step wants it: there is work to do, or it cannot be seen yet.
    `is_unread` says that nobody knows how it is, because it could not be read.
    """

    outcome: Outcome | None
    message: str
    item: str = WHOLE_STEP
    name: str = ""
    blocked_by: tuple[str, ...] = ()
    is_unread: bool = False

    @property
    def is_open(self) -> bool:
        """Return whether something is left to do or to be seen."""
        return self.outcome is None


def finding_of_state(
    *, before: bool, now: bool, done: str, already: str, item: str = WHOLE_STEP, name: str = ""
) -> Finding:
    """Judge a thing that is as wanted or not: as wanted before -> `already_done`, only now -> `done`, else open."""
    if not now:
        return Finding(None, done, item, name)
    if before:
        return Finding(Outcome.already_done, already, item, name)
    return Finding(Outcome.done, done, item, name)


def findings_of_removal(was: Mapping[str, str], now: Mapping[str, str], done: str) -> list[Finding]:
    """Judge things that have to go, by id and name as they were first and as they are now: open, or `done`."""
    both = {**was, **now}.items()
    return [Finding(None if item in now else Outcome.done, done, item, name) for item, name in both]
