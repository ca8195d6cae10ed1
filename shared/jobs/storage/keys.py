"""The keys of the rows in both tables, and the ranges they are read by.

Keys in `offboardings`: `job|<id>`, `tenant|<tenant>|<id>`, `wake|<moment>|<id>` and, for each message to deliver,
`wake|<moment>|<id>|<destination>`, `tenant|<tenant>|!slot|<number>`, `tenant|<tenant>|!user|<person>`,
`tenant|<tenant>|!cap`, `access|<tenant>|<until>|<id>|<action>`, `key|<hash>`, `decided|<id>|...`, `deleted|<id>`. Ids
begin with the inverted moment of submission, so that the newest come first; a tenant's locks lie just before them, so
that one request reads the locks and the newest submissions. Keys in `offboardingdetails`: `request`,
`request|cancelled`, `residual` (what the last check of the person's access found),
`snapshot|<run>|!<service>|<attempt>` and, for what is read later or too long for that,
`snapshot|<run>|<read>|<part>` (and `|<writer>` behind all parts but the first), `step|<name>`, one contiguous range;
and `audit|...`, which outlives the rest.
Scans have partitions of their own there: `head`, and `part|<scan>|<what>|<position>|<part>`. Settings that people made
are documents in a partition of their own, and beside them `changed|<id>`, the records of who changed them.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.base import clock
from shared.jobs.storage.table import LAST, NOT_IN_KEYS

if TYPE_CHECKING:
    from datetime import datetime

JOB: Final = "job|"
WAKE: Final = "wake|"
REQUEST: Final = "request"
CANCELLED: Final = "request|cancelled"
AUDIT: Final = "audit|"
SETTING_CHANGE: Final = "changed|"
FIRST_ID: Final = "0"
"""Below every id, and above the locks."""

CHECKED: Final = "residual"
SNAPSHOT: Final = "snapshot|"
TOGETHER: Final = "!"
"""Begins what no read is called."""
STEP: Final = "step|"
OPEN_ACCESS: Final = "access|"
DETAILS_LOW: Final = REQUEST
DETAILS_HIGH: Final = STEP + LAST

SCAN_HEAD: Final = "head"
SCAN_PART: Final = "part|"

_END_OF_TIME_MS: Final = 0xFFF_FFFF_FFFF


def new_id(moment: datetime, salt: str | None = None) -> str:
    """Return the id of an offboarding submitted at `moment`: 11 digits that sort newest first, and 80 random bits.

    The same `salt` (32 hexadecimal digits) at the same moment gives the same id, so that a repeated submission
    completes the first.
    """
    return f"{_inverted(moment):011x}{(salt or secrets.token_hex(16))[:20]}"


@dataclass(frozen=True)
class Span:
    """A span of ids: those submitted in a span of time."""

    low: str
    high: str

    @classmethod
    def between(cls, since: datetime | None, until: datetime | None) -> Span:
        """Return the ids submitted from `since` on and before `until`."""
        low = f"{_inverted(until) + 1:011x}" if until else ""
        high = f"{_inverted(since) + 1:011x}" if since else LAST
        return cls(low, high)


def _inverted(moment: datetime) -> int:
    return _END_OF_TIME_MS - int(moment.timestamp() * 1000)


def job(offboarding_id: str) -> str:
    """Key of the row that is the truth about an offboarding."""
    return JOB + offboarding_id


def tenant_prefix(tenant_id: str) -> str:
    """Begin of the keys of the copies that list a tenant's offboardings."""
    return f"tenant|{tenant_id}|"


def locks_prefix(tenant_id: str) -> str:
    """Begin of the keys of a tenant's locks: its cap, the places its runs hold, its people who are leaving."""
    return f"{tenant_prefix(tenant_id)}!"


def cap(tenant_id: str) -> str:
    """Key of the row that counts what was submitted for a tenant in the last hour."""
    return f"{locks_prefix(tenant_id)}cap"


def slots_prefix(tenant_id: str) -> str:
    """Begin of the keys of the places a tenant's runs in flight hold."""
    return f"{locks_prefix(tenant_id)}slot|"


def slot(tenant_id: str, number: int) -> str:
    """Key of one of those places."""
    return f"{slots_prefix(tenant_id)}{number:03}"


def people_prefix(tenant_id: str) -> str:
    """Begin of the keys of the locks on a tenant's people who are leaving."""
    return f"{locks_prefix(tenant_id)}user|"


def person(tenant_id: str, person_id: str) -> str:
    """Key of the row that keeps a person from being offboarded twice at once."""
    return people_prefix(tenant_id) + person_id


def receipt(digest: str) -> str:
    """Key of the row that answers a repeated submission."""
    return f"key|{digest}"


def deleted(offboarding_id: str) -> str:
    """Key of the note that somebody deleted an offboarding: it keeps a late repetition from bringing that back."""
    return f"deleted|{offboarding_id}"


def decided_prefix(offboarding_id: str) -> str:
    """Begin of the keys of what was decided about an offboarding: kept beyond its own life, beside its job row."""
    return f"decided|{offboarding_id}|"


def decided(offboarding_id: str, moment: datetime) -> str:
    """Key of one decision; no two are ever alike."""
    return f"{decided_prefix(offboarding_id)}{clock.to_text(moment)}|{secrets.token_hex(4)}"


def setting_change(moment: datetime) -> str:
    """Return the key of the record of a change of settings at `moment`; the newest come first."""
    return f"{SETTING_CHANGE}{new_id(moment)}"


def setting_changes_until(moment: datetime) -> str:
    """Return the lowest key of the records of changes at `moment` and before."""
    return f"{SETTING_CHANGE}{Span.between(None, moment).low}"


def wake(moment: datetime, offboarding_id: str, destination: str = "") -> str:
    """Key of the row that says when to look at an offboarding next, or at its message to a destination."""
    return "|".join(filter(None, (f"{WAKE}{clock.to_text(moment)}", offboarding_id, destination)))


def open_access_prefix(tenant_id: str = "") -> str:
    """Begin of the keys of what offboardings of a tenant, or of all, have given to others."""
    return f"{OPEN_ACCESS}{tenant_id}|" if tenant_id else OPEN_ACCESS


def open_access(tenant_id: str, until: datetime | None, offboarding_id: str, action: str) -> str:
    """Key of what an action has given to others: what ends first comes first, what stays last."""
    moment = clock.to_text(until) if until else "stays"
    return f"{open_access_prefix(tenant_id)}{moment}|{offboarding_id}|{action}"


def wake_bound(moment: datetime) -> str:
    """Upper bound of the wake rows due at `moment`."""
    return f"{WAKE}{clock.to_text(moment)}|{LAST}"


def wake_moment(key: str) -> datetime:
    """Read the moment that a wake row was due out of its key."""
    return clock.from_text(key.split("|")[1])


def snapshots_prefix(run: int) -> str:
    """Begin of the keys of all that a run read."""
    return f"{SNAPSHOT}{run:04}|"


def snapshot(run: int, read: str, part: int, writer: str = "") -> str:
    """Key of a part of what a run read first; what a key may not hold is written as its number."""
    name = NOT_IN_KEYS.sub(lambda found: f"={ord(found[0]):02x}", read)
    return "|".join(filter(None, (f"{snapshots_prefix(run)}{name}", f"{part:02}", writer)))


def reading(run: int, service: str, attempt: int) -> str:
    """Key of what an attempt at reading found, all of it together; versions that know no such rows pass over it."""
    return f"{snapshots_prefix(run)}{TOGETHER}{service}|{attempt:03}"


def step(name: str) -> str:
    """Key of the record of a step."""
    return STEP + name


def scan_partition(tenant_id: str, kind: str) -> str:
    """Partition, among the details, of what a scan of a tenant found."""
    return f"scan|{tenant_id}|{kind}"


def new_scan_id(moment: datetime) -> str:
    """Return the id of a scan begun at `moment`: it sorts after those of all scans before it."""
    return f"t{int(moment.timestamp() * 1000):011x}{secrets.token_hex(4)}"


def scan(scan_id: str, what: str, position: int) -> str:
    """Key of a part of a scan: what is at a position of the list of mailboxes and after it."""
    return f"{scan_prefix(scan_id, what)}{position:07}"


def scan_prefix(scan_id: str, what: str) -> str:
    """Begin of the keys of one kind of parts of a scan."""
    return f"{SCAN_PART}{scan_id}|{what}|"
