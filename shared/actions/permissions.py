"""Which application permissions actions need, and which of them a tenant has not granted. Pure: nothing is asked here.

What is granted is read from the app's tokens. Where that is not known, nothing is said: a wrong mark would keep people
from what works.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from shared.actions import catalogue
from shared.actions.catalogue import graph_permission
from shared.microsoft365.app_roles import BROADER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.actions.catalogue import Action, Permission

ALWAYS: Final = (graph_permission("Directory.Read.All"),)
"""Needed whatever is selected: nothing is done before it is known who the Global Administrators are."""

Granted: TypeAlias = Mapping[str, frozenset[str]]
"""The names of the permissions that a tenant granted, by API; an API of which nothing is known is not there."""


def needed_by(action: Action) -> tuple[Permission, ...]:
    """Return every permission without which an action cannot work."""
    return tuple(dict.fromkeys((*ALWAYS, *action.permissions)))


def apis_of(selected: Iterable[str]) -> frozenset[str]:
    """Return the APIs that the selected actions use."""
    return frozenset(one.api for name in selected for one in needed_by(catalogue.get(name)))


def missing(action: Action, granted: Granted) -> tuple[Permission, ...]:
    """Return what an action needs and what surely was not granted, nor anything broader."""
    return tuple(one for one in needed_by(action) if lacks(one, granted))


def lacks(permission: Permission, granted: Granted) -> bool:
    """Return whether a permission surely was not granted, nor anything broader."""
    names = granted.get(permission.api)
    return names is not None and names.isdisjoint((permission.name, *BROADER.get(permission.name, ())))


def remarks(selected: Iterable[str], granted: Granted) -> Iterator[str]:
    """Say which permissions the selected actions lack, a sentence for each.

    It is no reason to refuse: an administrator may grant it before the run, and Entra roles of the app may do instead.
    """
    lacking: dict[Permission, list[str]] = {}
    for action in map(catalogue.get, selected):
        for permission in missing(action, granted):
            lacking.setdefault(permission, []).append(action.title)
    for permission, titles in lacking.items():
        yield f"{not_granted(permission)} These steps need it: {', '.join(titles)}."


def not_granted(permission: Permission) -> str:
    """Say that a permission is missing."""
    return f"The app was not granted {permission.name} ({permission.api}) in this tenant."
