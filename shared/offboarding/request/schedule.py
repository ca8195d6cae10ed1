"""When an offboarding may be planned for, and when what it gives may end.

A moment long past is a mistake, one far ahead may be.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from shared.actions import catalogue
from shared.base import clock
from shared.base.problems import Problem, RefusedError, refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

_PAST_ALLOWED: Final = timedelta(minutes=10)
"""What a form that was left open, or a clock that is slow, may be behind: such a request means now."""

_FAR_AHEAD: Final = timedelta(days=365)
_FAR_AHEAD_TEXT: Final = "is more than a year ahead; check the year."


def refuse_past(scheduled_for: datetime | None, now: datetime) -> None:
    """Refuse a moment long past: it would offboard at once, which whoever picked a date did not ask for.

    Raises `RefusedError` 422.
    """
    if scheduled_for and scheduled_for < now - _PAST_ALLOWED:
        text = f"{clock.in_words(scheduled_for)} is in the past. Choose a later time, or none to start now."
        raise refused(422, "scheduled_in_the_past", text, "scheduled_for")


def remarks_on(scheduled_for: datetime | None, now: datetime) -> tuple[str, ...]:
    """Return what the operator should know of the moment."""
    if scheduled_for and scheduled_for > now + _FAR_AHEAD:
        return (f"The planned time, {clock.in_words(scheduled_for)}, {_FAR_AHEAD_TEXT}",)
    return ()


def without_remarks(warnings: Iterable[str]) -> tuple[str, ...]:
    """Return the warnings without those on an earlier moment."""
    return tuple(text for text in warnings if not text.endswith(_FAR_AHEAD_TEXT))


MOST_DAYS: Final = 731
"""Two years: what is given for longer is given for good."""


def until_in(params: Mapping[str, Any]) -> datetime | None:
    """Read when what an action gives to others is to end; None: it stays."""
    text = params.get("until")
    return clock.from_text(text) if text else None


def refuse_unfit_ends(actions: Mapping[str, Mapping[str, Any]], begins: datetime) -> None:
    """Raise `RefusedError` 422 for what would end before it is given, or in more than two years."""
    problems = [
        Problem(f"actions.{name}.until", f"{catalogue.title_of(name)}: {why}")
        for name, params in actions.items()
        if (until := until_in(params)) and (why := unfit_end(until, begins))
    ]
    if problems:
        raise RefusedError(422, "until_unfit", problems)


def unfit_end(until: datetime, begins: datetime) -> str:
    """Say why what is given at a moment cannot end at another; "" where it can."""
    if until <= begins:
        return f"{clock.in_words(until)} is not after the offboarding begins, {clock.in_words(begins)}."
    if until > begins + timedelta(days=MOST_DAYS):
        return f"{clock.in_words(until)} is more than two years ahead. Choose an earlier moment, or none."
    return ""
