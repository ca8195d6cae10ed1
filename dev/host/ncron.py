"""NCRONTAB, the schedules of Azure's timers: six fields from seconds to the day of the week, in UTC."""

import re
from datetime import datetime, timedelta

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_FIELDS = [
    ("second", 0, 59),
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day", 1, 31),
    ("month", 1, 12),
    ("day of week", 0, 6),
]
_PART = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?")
_FURTHEST = 366 * 8  # days: a 29 February is at most eight years away


class Schedule:
    """The times an expression names. Day of month and day of week must both match."""

    def __init__(self, expression: str) -> None:
        fields = expression.split()
        if len(fields) == len(_FIELDS) - 1:
            fields.insert(0, "0")
        if len(fields) != len(_FIELDS):
            raise ValueError(f"{expression!r} is not an NCRONTAB expression of five or six fields")
        parsed = [_values(text, *field) for text, field in zip(fields, _FIELDS, strict=True)]
        self._seconds, self._minutes, self._hours, self._days, self._months, self._weekdays = parsed
        if self._find(datetime(2000, 1, 1)) is None:  # noqa: DTZ001 - only arithmetic
            raise ValueError(f"{expression!r} names no time at all")

    def next(self, after: datetime) -> datetime:
        """Tell the first time later than `after`."""
        found = self._find(after)
        if found is None:
            raise ValueError("the schedule has ended")
        return found

    def _find(self, after: datetime) -> datetime | None:
        first = after.replace(microsecond=0) + timedelta(seconds=1)
        for ahead in range(_FURTHEST):
            day = (first + timedelta(days=ahead)).replace(hour=0, minute=0, second=0)
            if self._is_on(day):
                found = self._time_of(day, max(first, day))
                if found:
                    return found
        return None

    def _is_on(self, day: datetime) -> bool:
        return day.day in self._days and day.month in self._months and day.isoweekday() % 7 in self._weekdays

    def _time_of(self, day: datetime, earliest: datetime) -> datetime | None:
        for hour in self._hours:
            if day.replace(hour=hour, minute=59, second=59) < earliest:
                continue
            for minute in self._minutes:
                if day.replace(hour=hour, minute=minute, second=59) < earliest:
                    continue
                for second in self._seconds:
                    moment = day.replace(hour=hour, minute=minute, second=second)
                    if moment >= earliest:
                        return moment
        return None


def _values(text: str, field: str, low: int, high: int) -> list[int]:
    values: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if not match:
            raise ValueError(f"{text!r} is not a {field}")
        start_text, end_text, step = match.groups()
        start = low if start_text == "*" else _number(start_text, field)
        # NCRONTAB reads "5/15" as from 5 to the end in steps of 15.
        end = _number(end_text, field) if end_text else high if start_text == "*" or step else start
        if not low <= start <= end <= high or step == "0":
            raise ValueError(f"{text!r} is not a {field} between {low} and {high}")
        values.update(range(start, end + 1, int(step or 1)))
    return sorted(values)


def _number(text: str, field: str) -> int:
    names = {"month": _MONTHS, "day of week": _DAYS}.get(field, [])
    short = text[:3].lower()
    if short in names:
        return names.index(short) + (field == "month")
    if not text.isdigit():
        raise ValueError(f"{text!r} is not a {field}")
    return int(text)
