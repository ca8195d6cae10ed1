"""Reports as pages: self-contained, printable, without scripts, and with nothing from another host."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from shared import __version__
from shared.base import clock
from shared.base.problems import refused
from shared.base.texts import without_direction_marks
from shared.notifications.message import OUTCOME_WORDS
from shared.offboarding.reports import record as records
from shared.offboarding.reports import timeline

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shared.offboarding.reports.record import Record

_TEMPLATES: Final = Path(__file__).with_name("templates")
_RENEW_SECONDS: Final = 5

WORDS: Final[Mapping[str, str]] = {
    "planned": "Planned",
    "running": "Running",
    "completed": "Completed",
    "attention": "Completed, something needs attention",
    **{outcome.value: words for outcome, words in OUTCOME_WORDS.items()},
    "waiting": "Waiting",
    "retrying": "Will be retried",
    "verifying": "Being verified",
    "pending": "On its way",
    "delivered": "Delivered",
    "dead": "Given up",
    "superseded": "Overtaken by another run",
    "submitted": "Submitted",
    "scheduled": "Moved to another moment",
    "run_now": "Started by hand",
    "retried": "Started again",
    "cancelled": "Cancelled",
    "resent": "Messages sent again",
    "access_moved": "The end of what it gave was moved",
    "access_ended": "What it gave was to end: a restoration takes it back",
    "access_not_ended": "What it gave was to end, and could not be taken back",
    "access_open_again": "The person has access again",
    "closed": "Closed",
    "open": "Open",
    "left": "Left as it is",
    "unknown": "Not known",
    "out": "Out",
    "claimed": "A run was begun",
    "recovered": "A run showed no sign of life; the next one carries on",
    "deleted": "Deleted",
    "ended_completed": "Ended: completed",
    "ended_steps_failed": "Ended: not every step succeeded",
    "ended_cancelled": "Ended: cancelled",
    "ended_abandoned": "Ended: no run came to an end",
    "ended_refused": "Ended: refused when it began",
}


@dataclass(frozen=True)
class Made:
    """When a report was made, in which zone its times are told, and where it is."""

    at: datetime
    zone: ZoneInfo
    address: str = ""


def zone_of(name: str) -> ZoneInfo:
    """Read the name of a time zone (IANA), UTC for none; raises `RefusedError` 400."""
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError, KeyError):  # what zoneinfo raises for paths, folders and unknown names
        text = "zone must be the name of a time zone, such as Europe/Berlin."
        raise refused(400, "invalid_request", text, "zone") from None


@cache
def styles() -> str:
    """Return what a Content-Security-Policy must allow as `style-src`: this sheet and no other."""
    sheet = _environment().get_template("style.css").render()
    return f"'sha256-{base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()}'"


def of_offboarding(record: Record, made: Made) -> str:
    """Return the page of one offboarding."""
    values = {
        "record": record,
        "digest": records.digest(record),
        "runs": timeline.runs(record, made.at),
        "renew": _RENEW_SECONDS if record["result"] == "running" else None,
    }
    return _rendered("offboarding.html", values, made)


def of_tenant(record: Record, made: Made) -> str:
    """Return the page of a tenant."""
    return _rendered("tenant.html", {"record": record, "digest": records.digest(record), "renew": None}, made)


def _rendered(template: str, values: dict[str, Any], made: Made) -> str:
    def moment(text: str | None, otherwise: str = "") -> str:
        if not text:
            return otherwise
        local = clock.from_text(text).astimezone(made.zone)
        return f"{local.day} {local:%b} {local.year:04}, {local:%H:%M:%S} {local.tzname()}"

    page = _environment().get_template(template)
    return page.render(
        **values,
        moment=moment,
        made_at=clock.to_text(made.at),
        address=made.address,
        version=__version__,
        styles=styles(),
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
        auto_reload=False,
    )
    filters = cast("dict[str, Any]", environment.filters)  # pyright: ignore[reportUnknownMemberType] - untyped there
    filters.update(words=_words, duration=timeline.in_words)
    return environment


def _shown(value: object) -> object:
    """Take the characters out of texts that make what follows read backwards."""
    return without_direction_marks(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _words(name: str) -> str:
    return WORDS.get(name, name.replace("_", " "))
