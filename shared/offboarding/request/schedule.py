"""When an offboarding may be planned for: a moment long past is a mistake, one far ahead may be."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.base import clock
from shared.base.problems import refused

if TYPE_CHECKING:
    from collections.abc import Iterable
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
