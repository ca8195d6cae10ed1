"""The host's clock: UTC moved forward by tests, and the one text form in which times are stored and compared."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def to_text(moment: datetime) -> str:
    """Write a time so that comparing the texts compares the times; the Durable SDK writes its timers so too."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_text(text: str) -> datetime:
    """Read a time; one without a zone is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def system_time() -> datetime:
    """Tell the time of the machine."""
    return datetime.now(UTC)


class Clock:
    """A source of time and what tests have added to it; with a constant source, time stands still between advances."""

    def __init__(self, offset: timedelta = timedelta(), source: Callable[[], datetime] = system_time) -> None:
        self.offset = offset
        self._source = source

    def now(self) -> datetime:
        """Tell the time, aware and in UTC."""
        return self._source() + self.offset

    def advance(self, step: timedelta) -> None:
        """Move the clock forward."""
        if step < timedelta():
            raise ValueError("a clock only moves forward")
        self.offset += step
