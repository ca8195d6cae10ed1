"""Who changed which setting, when, and what: kept in the transaction of the change itself, secrets never."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from shared.base import clock
from shared.base.texts import cut
from shared.jobs.storage import rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.jobs.storage.table import Row

MAX_CHANGES: Final = 200
_MAX_VALUE_CHARS: Final = 200
_CHANGED: Final = "changed"


@dataclass(frozen=True)
class Change:
    """One value: `what` is its path, such as `webhook.0.url`; of a secret neither value is told."""

    what: str
    before: str
    after: str


@dataclass(frozen=True)
class SettingChange:
    """What one person changed at once.

    Attributes:
        at: when, as ISO 8601 in UTC.
        by: who.
        setting: which setting in words, such as "notifications".
        tenant: the id of the tenant it counts for; empty where it counts beyond one tenant.
        changes: what is different.
    """

    at: str
    by: str
    setting: str
    tenant: str
    changes: tuple[Change, ...]


def made(
    setting: str, by: str, before: object, after: object, *, tenant: str = "", secrets: tuple[str, ...] = ()
) -> SettingChange:
    """Return the record of a change that is about to be written.

    Args:
        setting: which setting, in words.
        by: who changes it.
        before: what it was, as JSON in which no secret is shown.
        after: what it will be, as JSON in which no secret is shown.
        tenant: the id of the tenant it counts for.
        secrets: the paths of secrets that are different.
    """
    old, new = dict(_leaves(before)), dict(_leaves(after))
    found = [Change(path, old.get(path, ""), new.get(path, "")) for path in sorted({*old, *new})]
    changes = [each for each in found if each.before != each.after and each.what not in secrets]
    changes += [Change(path, "", _CHANGED) for path in secrets]
    if len(changes) > MAX_CHANGES:
        changes = [*changes[: MAX_CHANGES - 1], Change(f"and {len(changes) - MAX_CHANGES + 1} more", "", _CHANGED)]
    return SettingChange(clock.to_text(clock.now()), by, setting, tenant, tuple(changes))


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for name, part in cast("Mapping[str, object]", value).items():
            yield from _leaves(part, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list | tuple) and value:
        for number, part in enumerate(cast("list[object]", value)):
            yield from _leaves(part, f"{path}.{number}".lstrip("."))
    elif value is not None and path:
        text = value if isinstance(value, str) else json.dumps(value)
        yield path, cut(text, _MAX_VALUE_CHARS)


def to_row(change: SettingChange) -> Row:
    """Return its row."""
    return rows.of_document(asdict(change))


def from_row(row: Row) -> SettingChange:
    """Read its row."""
    content = rows.to_document(row)
    changes = tuple(Change(**each) for each in content.pop("changes"))
    return SettingChange(**content, changes=changes)


def shown(change: SettingChange) -> dict[str, Any]:
    """Return it as the API gives it."""
    return {**asdict(change), "tenant": change.tenant or None}
