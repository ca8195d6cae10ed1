"""The one source of the present moment.

A development host with a test clock replaces the source, so that schedules, health checks and records follow it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def system_time() -> datetime:
    """Tell the time of this machine."""
    return datetime.now(UTC)


_source: Callable[[], datetime] = system_time


def set_source(source: Callable[[], datetime]) -> None:
    """Make `source` (returns an aware UTC datetime) tell the time from now on."""
    global _source  # noqa: PLW0603 - the clock is the process's, as the system's is
    _source = source


def now() -> datetime:
    """Return the present moment, aware and in UTC."""
    return _source()


def to_text(moment: datetime) -> str:
    """Format as ISO 8601 in UTC to the millisecond: sorts as text in order of time."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def in_words(moment: datetime) -> str:
    """Write a moment for people, to the minute: "30 Nov 2026, 16:30 UTC"."""
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%b} {utc.year:04}, {utc:%H:%M} UTC"


def from_text(text: str) -> datetime:
    """Parse ISO 8601 with an offset, as Microsoft and this project write it."""
    return datetime.fromisoformat(text)


def check_offset(moment: datetime | None) -> None:
    """Refuse a moment without an offset from UTC; raises ValueError in words."""
    if moment is not None and moment.tzinfo is None:
        raise ValueError("a moment needs a time zone, such as 2027-06-30T18:00:00+02:00")
