"""Which holds keep a mailbox's content (Learn: "Identify the type of hold placed on an Exchange Online mailbox")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_FLAGS: Final = {
    "LitigationHoldEnabled": "a litigation hold",
    "ComplianceTagHoldApplied": "a retention label",
    "DelayHoldApplied": "a delay hold, which ends within 30 days",
    "DelayReleaseHoldApplied": "a delay hold, which ends within 30 days",
}
_KINDS: Final = {"unih": "the eDiscovery hold", "cld": "the in-place hold"}
_OF_GROUPS: Final = ("grp", "skp")
_EXCLUDED: Final = "-"
_DELETES_ONLY: Final = ":1"


def of_mailbox(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Name what holds a mailbox itself, for people; `row` is Get-Mailbox's."""
    flags = [text for name, text in _FLAGS.items() if row.get(name) is True]
    return tuple(dict.fromkeys((*flags, *(_named(entry) for entry in row.get("InPlaceHolds") or () if _holds(entry)))))


def of_organization(entries: Iterable[str], excluded: frozenset[str]) -> tuple[str, ...]:
    """Name the organisation-wide policies that hold a mailbox that is not excluded from them."""
    mine = [e for e in entries if _holds(e) and not e.lower().startswith(_OF_GROUPS) and _policy(e) not in excluded]
    return tuple(f"{_named(entry)} of the whole organisation" for entry in mine)


def exclusions(entries: Iterable[str]) -> frozenset[str]:
    """Return the organisation-wide policies that a mailbox is excluded from."""
    return frozenset(_policy(entry) for entry in entries if entry.startswith(_EXCLUDED))


def _holds(entry: str) -> bool:
    """Return whether an entry retains anything: not an exclusion, and not a policy that only deletes."""
    return not entry.startswith(_EXCLUDED) and not entry.endswith(_DELETES_ONLY)


def _policy(entry: str) -> str:
    return entry.removeprefix(_EXCLUDED).partition(":")[0].lower()


def _named(entry: str) -> str:
    prefix = re.match(r"[a-z]*", entry.lower())
    kind = _KINDS.get(prefix.group() if prefix else "", "the retention policy")
    return f"{kind} {entry.partition(':')[0]}"
