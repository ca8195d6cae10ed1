"""Placeholders in texts that operators write, such as `%displayname%`: known of the leaver and of the tenant."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any, Final

from shared.actions.reads.account import DOMAINS, USER
from shared.actions.reads.snapshot import Read
from shared.microsoft365.graph import graph_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from shared.actions.reads.snapshot import Snapshot

_PLACEHOLDER: Final = re.compile(r"%([a-z]+)%", re.IGNORECASE)


def _manager_name(raw: Any) -> str:  # noqa: ANN401 - Microsoft's JSON
    manager: dict[str, str | None] = raw or {}
    name, mail = manager.get("displayName") or "", manager.get("mail") or ""
    return f"{name} ({mail})" if name and mail else name or mail


MANAGER: Final = Read(
    "manager",
    "The manager",
    "graph",
    lambda person: graph_calls.get_manager(person.id),
    _manager_name,
    lambda manager, _: {name: manager.get(name) for name in ("displayName", "mail")},
)


def _facts(raw: Any) -> Mapping[str, str]:  # noqa: ANN401 - Microsoft's JSON
    organization: dict[str, Any] = raw or {}
    domains: list[dict[str, Any]] = organization.get("verifiedDomains") or []
    return {
        "id": organization.get("id") or "",
        "name": organization.get("displayName") or "",
        "default": next((d["name"] for d in domains if d.get("isDefault")), ""),
        "initial": next((d["name"] for d in domains if d.get("isInitial")), ""),
    }


_ORGANIZATION: Final = Read(DOMAINS.name, "The organisation", "graph", DOMAINS.call, _facts, DOMAINS.keep)
"""The same answer as `DOMAINS`, for more of what it says."""

_VALUES: Final[Mapping[str, tuple[Read[Any], Callable[[Any], str]]]] = {
    "displayname": (USER, lambda user: user.display_name if user else ""),
    "username": (USER, lambda user: user.upn if user else ""),
    "manager": (MANAGER, lambda manager: manager),
    "tenantname": (_ORGANIZATION, lambda facts: facts["name"]),
    "tenantid": (_ORGANIZATION, lambda facts: facts["id"]),
    "organizationid": (_ORGANIZATION, lambda facts: facts["id"]),
    "defaultdomain": (_ORGANIZATION, lambda facts: facts["default"]),
    "tenantfilter": (_ORGANIZATION, lambda facts: facts["default"]),
    "initialdomain": (_ORGANIZATION, lambda facts: facts["initial"]),
}
"""By placeholder: where its value is read, and how it is taken from there."""


def reads_for(text: str) -> tuple[Read[Any], ...]:
    """Return what has to be read to fill the placeholders of a text."""
    return tuple({_VALUES[name][0].name: _VALUES[name][0] for name in _names(text) if name in _VALUES}.values())


def unknown(text: str) -> list[str]:
    """Return the placeholders of a text that mean nothing here."""
    return [f"%{name}%" for name in _names(text) if name not in _VALUES]


def without_value(text: str, snapshot: Snapshot) -> list[str]:
    """Return the placeholders of a text that have no value for this leaver; raises `UnreadError`."""
    return [f"%{name}%" for name in _names(text) if name in _VALUES and not _value(name, snapshot)]


def filled(text: str, snapshot: Snapshot) -> str:
    """Return a text with its placeholders filled, in HTML; those without a value are left. Raises `UnreadError`."""

    def fill(match: re.Match[str]) -> str:
        name = match.group(1).lower()
        value = _value(name, snapshot) if name in _VALUES else ""
        return html.escape(value) if value else match.group(0)

    return _PLACEHOLDER.sub(fill, text)


def _value(name: str, snapshot: Snapshot) -> str:
    read: Read[Any] = _VALUES[name][0]
    return _VALUES[name][1](snapshot.get(read))


def _names(text: str) -> Iterable[str]:
    return dict.fromkeys(match.group(1).lower() for match in _PLACEHOLDER.finditer(text))
