"""What is still different after a restoration, place by place; and what nobody can bring back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    State = Any
    """What the simulated tenant holds, as JSON."""

_IGNORED = {"id", "lastUpdatedDateTime", "state", "error"}
"""Of the rows of a list: ids come anew, and a license that was in error is not afterwards."""


def left_over(before: State, after: State, people: Collection[str]) -> list[str]:
    """Return every place where two states of a tenant differ, but for what is gone for good with `people`."""
    who = "|".join(map(re.escape, people))
    gone_for_good = re.compile(
        rf"\.mailboxes\.({who})\.(devices|meetings|rules):"
        rf"|\.users\.({who})\.(methods|default_method|lastPasswordChange|password_|session_|signInSessions)"
        r"|\.operations\.|\.sites\..*\.user_ids\."  # what Teams and the site note of what was done
        r"|\.sent_mail:"  # the messages that tell people
    )
    return [place for place in differences(before, after) if not gone_for_good.match(place)]


def differences(before: State, after: State, path: str = "") -> Iterator[str]:
    """Name every place where two states differ; lists of rows are compared as sets of rows without their ids."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted({*before, *after}):
            yield from differences(before.get(name), after.get(name), f"{path}.{name}")
    elif isinstance(before, list) and isinstance(after, list):
        if sorted(map(_shown, before)) != sorted(map(_shown, after)):
            yield f"{path}: {before} -> {after}"
    elif before != after:
        yield f"{path}: {before} -> {after}"


def _shown(row: State) -> str:
    return str(sorted((n, str(v)) for n, v in row.items() if n not in _IGNORED)) if isinstance(row, dict) else str(row)
