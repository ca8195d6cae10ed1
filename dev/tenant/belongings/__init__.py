"""What people have that an offboarding takes away: one file for each kind of thing.

A file says how a person comes to have it, which action takes it away, and how the tenant looks once it is gone. Where
only this file's action calls some part of Microsoft Graph, the file declares those calls, too (`@route`), and keeps its
rows in `Tenant.belongings`. Nothing else need know of it: the demonstration, the measurements and the fault campaign
give their leavers what the selected actions take away, and look afterwards whether it is gone.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from dev.tenant import state
from dev.tenant.population import Organisation
from dev.tenant.state import Tenant, User

Seen = Mapping[str, Any]
"""A tenant as `GET /_sim/state` shows it."""
Give = Callable[[Organisation, User], None]
IsGone = Callable[[Seen, str], bool]


@dataclass(frozen=True)
class Belonging:
    """Something that people have: how they come to have it, and how the tenant looks for a person who lost it."""

    give: Give
    words: str
    is_gone: IsGone


_BY_ACTION: dict[str, Belonging] = {}


def taken_by(action: str, words: str, is_gone: IsGone) -> Callable[[Give], Give]:
    """Declare the function that gives a person what an action takes away.

    Args:
        action: the name of the action.
        words: what is so once it is gone.
        is_gone: tells whether it is, of a tenant and the object id of a person.
    """

    def declare(give: Give) -> Give:
        _BY_ACTION[action] = Belonging(give, words, is_gone)
        return give

    return declare


@cache
def all_belongings() -> Mapping[str, Belonging]:
    """Return every kind of thing, by the action that takes it away."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return _BY_ACTION


def give_missing(tenant: Tenant, user: User, actions: Iterable[str]) -> None:
    """Give a person what some actions take away, where the person has nothing of the kind."""
    for action in actions:
        belonging = all_belongings().get(action)
        if belonging and belonging.is_gone(state.dump(tenant), user.id):
            belonging.give(Organisation(tenant), user)


def account(seen: Seen, person: str) -> Seen:
    """Return an account, also a deleted one."""
    return _living_or_deleted(seen, "users", person)


def mailbox(seen: Seen, person: str) -> Seen:
    """Return the mailbox of an account, also of a deleted one."""
    return _living_or_deleted(seen, "mailboxes", person)


def other_mailboxes(seen: Seen, person: str) -> list[Seen]:
    """Return everybody else's mailboxes."""
    return [each for owner, each in seen["mailboxes"].items() if owner != person]


def _living_or_deleted(seen: Seen, kind: str, person: str) -> Seen:
    return seen[kind].get(person) or seen[f"deleted_{kind}"][person]
