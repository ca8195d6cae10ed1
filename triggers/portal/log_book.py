"""The portal's log book, and the log of one offboarding: what was decided, what each step did, what it came to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from shared.app import services
from shared.base import clock
from shared.base.problems import refused
from shared.jobs.records import State
from shared.offboarding.lookup import Lookup
from triggers.answers import json_answer
from triggers.portal import wire
from triggers.portal.steps import lines_of
from triggers.routing import route

if TYPE_CHECKING:
    from collections.abc import Iterator

    import azure.functions as func

    from shared.access.caller import Caller
    from shared.jobs.details import Details
    from shared.jobs.records import Offboarding

_INFO: Final = "Info"
_WARNING: Final = "Warning"
_ERROR: Final = "Error"

_EVENTS: Final = {
    "submitted": "The offboarding was submitted.",
    "scheduled": "The offboarding was moved to another moment.",
    "run_now": "The offboarding was started by hand.",
    "retried": "The offboarding was started again.",
    "cancelled": "The offboarding was cancelled.",
    "claimed": "A run was begun.",
    "recovered": "A run showed no sign of life; the next one carries on.",
    "resent": "Its messages were sent again.",
    "access_moved": "The end of what it gave to others was moved.",
    "access_ended": "What it gave to others is being taken back, as it was to end.",
    "access_not_ended": "What it gave to others was to end, and could not be taken back.",
    "access_open_again": "The person has access again: something is open that was closed.",
    "ended_completed": "The offboarding is completed.",
    "ended_steps_failed": "The offboarding ended; not everything succeeded.",
    "ended_cancelled": "The offboarding ended because it was cancelled.",
    "ended_abandoned": "The offboarding ended because no run came to an end.",
    "ended_refused": "The offboarding was refused when it began.",
}
_SEVERITIES: Final = {
    "recovered": _WARNING,
    "cancelled": _WARNING,
    "ended_cancelled": _WARNING,
    "access_not_ended": _ERROR,
    "access_open_again": _ERROR,
    "ended_steps_failed": _ERROR,
    "ended_abandoned": _ERROR,
    "ended_refused": _ERROR,
}
_OF_STATUS: Final = {"failed": _ERROR, "warning": _WARNING, "skipped": _WARNING}

_DATE: Final = re.compile(r"[12][0-9]{7}")


@route("GET ListLogs", wire.text_refused)
def list_logs(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Tell one entry, or what happened to one offboarding, or what was decided in a time; newest first.

    Where no dates are given, the log book is that of today. It knows the 800 offboardings that were submitted last.
    """
    query = wire.query(req)
    service = Lookup(services.current(), caller.scope)
    entry_id, offboarding_id = wire.text_in(query, "logentryid"), wire.text_in(query, "scheduledtaskid")
    if entry_id:
        return json_answer([_row(one) for one in _of_one(service, entry_id.partition("-")[0]) if one.id == entry_id])
    if offboarding_id:
        entries = _of_one(service, offboarding_id)
        period = _period(query, whole=True)
    else:
        period = _period(query, whole=False)
        newest = service.newest(_tenant(query), period.until)
        entries = [entry for offboarding in newest for entry in _of_events(offboarding)]
    severities = {text.strip().casefold() for text in query.get("severity", "").split(",")} - {""}
    user = query.get("user", "").casefold()
    shown = [
        entry
        for entry in entries
        if period.holds(entry.at)
        and (not severities or entry.severity.casefold() in severities)
        and user in {"", entry.user.casefold()}
    ]
    return json_answer([_row(entry) for entry in sorted(shown, key=lambda entry: entry.at, reverse=True)])


@dataclass(frozen=True)
class _Period:
    since: datetime
    until: datetime

    def holds(self, moment: datetime) -> bool:
        return self.since <= moment < self.until


def _tenant(query: dict[str, str]) -> str:
    """Read the tenant: the log book calls it otherwise than all other pages."""
    given = wire.tenant_in(query) or query.get("tenant", "").strip()
    return "" if given.casefold() == "alltenants" else given


def _period(query: dict[str, str], *, whole: bool) -> _Period:
    """Read the dates, which count as whole days in UTC; without any, all time or today."""
    day = _date(query, "datefilter")
    first, last = _date(query, "startdate") or day, _date(query, "enddate") or day
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    if first is None and last is None and whole:
        return _Period(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    last_day = last or max(today, first or today)
    return _Period(first or last_day, last_day + timedelta(days=1))


def _date(query: dict[str, str], name: str) -> datetime | None:
    text = query.get(name, "").strip()
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC) if _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise refused(400, "invalid_request", f"{name} must be a date such as 20261130.", name)
    return day


@dataclass(frozen=True)
class _Entry:
    id: str
    at: datetime
    severity: str
    message: str
    user: str
    offboarding: Offboarding


def _of_one(service: Lookup, offboarding_id: str) -> list[_Entry]:
    offboarding, details = service.details(offboarding_id)
    return [*_of_events(offboarding), *_of_lines(offboarding, details)]


def _of_events(offboarding: Offboarding) -> Iterator[_Entry]:
    ends = [event for event in offboarding.events if event.what.startswith("ended_")]
    for event in offboarding.events:
        key = f"{offboarding.id}-{event.what}-{event.at.timestamp() * 1000:.0f}"
        said = _EVENTS.get(event.what, event.what)
        severity = _SEVERITIES.get(event.what, _INFO)
        if offboarding.message and ends and event is ends[-1]:
            said = f"{said} {offboarding.message}"
            severity = _WARNING if offboarding.state is State.completed else severity
        yield _Entry(key, event.at, severity, f"{offboarding.request.person.upn}: {said}", event.by, offboarding)


def _of_lines(offboarding: Offboarding, details: Details) -> Iterator[_Entry]:
    """Tell of each step when Microsoft accepted its changes, and when that was proved."""
    by = offboarding.request.requested_by
    for line in lines_of(offboarding, details):
        key = f"{offboarding.id}-{line.id}"
        if line.written_at and not line.is_item:
            text = f"{line.title}: Microsoft accepted the changes."
            yield _Entry(f"{key}-written", line.written_at, _INFO, text, by, offboarding)
        if line.at:
            severity = _INFO if line.is_as_it_should_be else _OF_STATUS.get(line.status, _INFO)
            yield _Entry(key, line.at, severity, f"{line.title}: {line.text}", by, offboarding)


def _row(entry: _Entry) -> dict[str, Any]:
    tenant = entry.offboarding.request.tenant
    return {
        "DateTime": clock.to_text(entry.at),
        "Severity": entry.severity,
        "Message": entry.message,
        "User": entry.user,
        "Tenant": tenant.domain,
        "API": "Offboarding",
        "TenantID": tenant.id,
        "AppId": "",
        "IP": "",
        "LogData": None,
        "RowKey": entry.id,
        "StandardInfo": {},
        "DateFilter": f"{entry.at:%Y%m%d}",
    }
