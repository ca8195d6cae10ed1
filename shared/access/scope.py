"""What one operator may see and do, in the words of the domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.base.problems import refused

if TYPE_CHECKING:
    from collections.abc import Iterable


_IN_WORDS: Final = {"delete_user": "delete users"}


@dataclass(frozen=True)
class Authority:
    """By what somebody had the right to ask for something, for the settings to be asked again when it is carried out.

    `person` are the names of the account, `groups` its roles and groups of which the settings said anything; all in
    lower case.
    """

    person: tuple[str, ...]
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Scope:
    """The limits of one operator; what lies outside of `tenants` does not exist for them.

    `tenants` are ids, None for all. `forbidden` are actions they may not have done. `most` is how many people or
    offboardings one request of theirs may be about, None for as many as the service takes. `own_names` are what their
    own account is known by, in lower case: none for a function key, which is nobody in particular. `identity` is what
    tells two people of one name at two identity providers apart; empty for a function key.
    """

    tenants: frozenset[str] | None = None
    forbidden: frozenset[str] = frozenset()
    most: int | None = None
    own_names: frozenset[str] = frozenset()
    identity: str = ""
    authority: Authority | None = None
    """None: it is the app itself that asks."""
    origin: str = ""
    """From which network addresses the request came: what the proxies before the app added to whatever it said."""

    def sees(self, tenant_id: str) -> bool:
        """Return whether a tenant exists for the operator."""
        return self.tenants is None or tenant_id in self.tenants

    def check_everywhere(self) -> None:
        """Raise `RefusedError` 403 where what is set counts for tenants that the operator does not see."""
        if self.tenants is not None:
            text = "This applies to every tenant; you may change the settings of your own tenants only."
            raise refused(403, "forbidden", text)

    def check_actions(self, actions: Iterable[str]) -> None:
        """Raise `RefusedError` 403 where one of the actions needs a right the operator does not have."""
        if found := self.forbidden.intersection(actions):
            named = ", ".join(_IN_WORDS.get(name, f"use {name}") for name in sorted(found))
            text = f"Your role may not {named}. An administrator can give you the right ({', '.join(sorted(found))})."
            raise refused(403, "action_forbidden", text, "actions")

    def check_count(self, count: int) -> None:
        """Raise `RefusedError` 403 where a request is about more than the operator may do at once."""
        if self.most is not None and count > self.most:
            text = f"You may do this for {self.most} at once, not for {count}. An administrator can give you the right."
            raise refused(403, "too_many_at_once", text)


EVERYTHING: Final = Scope()
"""The scope of the app itself."""
