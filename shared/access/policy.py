"""Who has which role, tenants and rights, as the settings say it.

A *holder* in these settings is a person (user name with an @, or id), an app role or group id of the principal, one of
our roles, or the word `key` for callers with a function key.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from shared.access.scope import Authority, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KEY: Final = "key"
_ANYBODY: Final = "*"
_NEEDS_A_RIGHT: Final = frozenset({"delete_user"})


class Role(IntEnum):
    """What a caller may do; each may do what those before it may. `nobody` is signed in, but has no role here."""

    nobody = 0
    reader = 1
    operator = 2
    admin = 3


ROLE_NAMES: Final = tuple(role.name for role in Role if role is not Role.nobody)


@dataclass(frozen=True)
class Policy:
    """The settings about access, parsed; every name is in lower case."""

    roles: Mapping[str, Role]
    tenants: Mapping[str, frozenset[str] | None]
    delete_users: frozenset[str]
    bulk: frozenset[str]
    bulk_limit: int

    def role_of(self, given: Iterable[str]) -> Role:
        """Return the highest role that a principal's own roles and groups stand for."""
        return max((self.roles.get(name, Role.nobody) for name in given), default=Role.nobody)

    def scope_of(self, person: frozenset[str], groups: frozenset[str]) -> Scope:
        """Return the limits of somebody, known by the names in `person` and by what they belong to."""
        holders = person | groups
        return Scope(
            tenants=self._tenants_of(person, groups),
            forbidden=frozenset() if holders & self.delete_users else _NEEDS_A_RIGHT,
            most=None if holders & self.bulk else self.bulk_limit,
            own_names=person,
        )

    def authority_of(self, person: frozenset[str], given: frozenset[str]) -> Authority:
        """Return what to keep of somebody's right, known by their names and by what the front gave them."""
        named = {*self.roles, *self.tenants, *self.delete_users, KEY}
        return Authority(tuple(sorted(person)), tuple(sorted(given & named)))

    def _tenants_of(self, person: frozenset[str], groups: frozenset[str]) -> frozenset[str] | None:
        """Return the tenants of the most particular entry: the person's, else those of all groups, else anybody's."""
        for holders in (person, groups, {_ANYBODY}):
            entries = [self.tenants[holder] for holder in holders if holder in self.tenants]
            if any(entry is None for entry in entries):
                return None
            if entries:
                return frozenset[str]().union(*(entry for entry in entries if entry is not None))
        return frozenset()


def roles(text: str) -> dict[str, Role]:
    """Read `portal role=our role,...`; raises ValueError."""
    found: dict[str, Role] = {}
    for entry in words(text, ","):
        name, _, role = (part.strip().casefold() for part in entry.partition("="))
        if not name or role not in ROLE_NAMES:
            raise ValueError(f"{entry!r} is not of the form role=reader, role=operator or role=admin")
        found[name] = Role[role]
    return found


def tenants(text: str) -> dict[str, frozenset[str] | None]:
    """Read `holder=all;holder=none;holder=id id`; raises ValueError."""
    found: dict[str, frozenset[str] | None] = {}
    for entry in words(text, ";"):
        holder, _, listed = (part.strip().casefold() for part in entry.partition("="))
        if not holder or not listed:
            raise ValueError(f"{entry!r} is not of the form holder=all, holder=none or holder=id id")
        found[holder] = None if listed == "all" else frozenset() if listed == "none" else frozenset(listed.split())
    return found


def holders(text: str) -> frozenset[str]:
    """Read a list of holders."""
    return frozenset(name.casefold() for name in words(text, ","))


def words(text: str, separator: str) -> list[str]:
    """Cut a list in a setting into its entries."""
    return [word.strip() for word in text.split(separator) if word.strip()]
