"""Who is never offboarded: whom the settings protect, the operator themselves, the last Global Administrator.

Asked before anything is stored, and again when a run begins: between the two may lie weeks.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from shared.actions.reads.snapshot import Person, Read
from shared.base.problems import Problem, RefusedError, refused
from shared.base.telemetry import logs
from shared.jobs.records import Reason
from shared.microsoft365.graph import graph_calls

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Mapping

    from shared.actions.reads.account import User
    from shared.jobs.records import Request

_log: Final = logging.getLogger(__name__)


class ProtectedError(RefusedError):
    """A request names people who are never offboarded; `found` are their object ids and which of `STOPS` applies."""

    def __init__(self, found: Iterable[tuple[User | Person, str]]) -> None:
        people = list(found)
        problems = [Problem("users", f"{one.upn} cannot be offboarded. {STOPS[why][1]}") for one, why in people]
        super().__init__(422, "user_protected", problems)
        self.found = [(one.id, why) for one, why in people]


def enabled_users(page: Any) -> frozenset[str]:  # noqa: ANN401 - Microsoft's JSON
    """Return the ids of those members of a role who can sign in: users, no groups and no apps."""
    return frozenset(row["id"] for row in page["value"] if row.get("accountEnabled") is True)


def _ids(kept: Any) -> frozenset[str]:  # noqa: ANN401 - what was kept
    return frozenset(kept or ())


ADMINISTRATORS: Final = Read(
    "global_administrators",
    "The Global Administrators",
    "graph",
    lambda _: graph_calls.get_role_members(graph_calls.GLOBAL_ADMINISTRATOR),
    _ids,
    lambda page, _: sorted(enabled_users(page)),
)
"""The enabled users who hold the role themselves, by object id.

Whoever holds it through a group or only may take it for a while is not counted on: an administrator must remain who can
sign in and act at once.
"""

STOPS: Final[Mapping[str, tuple[Reason, str]]] = {
    "protected": (Reason.refused, "The settings protect this person: the account is never offboarded."),
    "own_account": (Reason.refused, "It is the account of the operator who asked for the offboarding."),
    "last_administrator": (
        Reason.refused,
        "No other enabled Global Administrator would be left in the tenant. Give somebody else the role first.",
    ),
    "another_person": (Reason.refused, "Microsoft 365 returned a different user than the one selected."),
    "unprotected_unknown": (
        Reason.refused,
        "The Global Administrators could not be read; this account may be the last one.",
    ),
}
"""Why a run ends before it changes anything, and what is said of it."""


def names_of(user: User) -> frozenset[str]:
    """Return everything an account is known by in settings and to the fronts that sign people in, in lower case."""
    mail = {user.mail.casefold()} if user.mail else set[str]()
    return frozenset({user.id.casefold(), user.upn.casefold(), *mail, *user.addresses})


def why_protected(user: User, protected: Collection[str], operator: Collection[str]) -> str | None:
    """Return which of `STOPS` applies to the account whoever else there is; None for none."""
    names = names_of(user)
    if not names.isdisjoint(protected):
        return "protected"
    return None if names.isdisjoint(operator) else "own_account"


def is_last(person_id: str, administrators: Collection[str], leaving: Collection[str]) -> bool:
    """Return whether somebody is a Global Administrator and all the others are leaving, too."""
    return person_id in administrators and not set(administrators) - {person_id, *leaving}


def refuse_protected(users: Iterable[User], protected: Collection[str], operator: Collection[str]) -> None:
    """Raise `ProtectedError` with everybody who is not to be offboarded whoever else there is."""
    if found := [(user, why) for user in users if (why := why_protected(user, protected, operator))]:
        raise ProtectedError(found)


def refuse_last(people: Iterable[Person], administrators: Collection[str], leaving: Collection[str]) -> None:
    """Raise `ProtectedError` where these people would leave no Global Administrator with those who are `leaving`."""
    asked = list(people)
    gone = {*leaving, *(person.id for person in asked)}
    if last := [person for person in asked if is_last(person.id, administrators, gone)]:
        raise ProtectedError((person, "last_administrator") for person in last)


def refuse_own(request: Request, own_names: Collection[str], operator: str) -> None:
    """Keep people from deciding about their own offboarding, under whichever of their names; raises `RefusedError`."""
    names = {request.person.id.casefold(), request.person.upn.casefold(), *request.known_as}
    if not names.isdisjoint(own_names):
        log_refused(operator, request.tenant.id, request.person.id, "own_account")
        raise refused(403, "own_account", "It is your own account: somebody else has to do this.")


@contextmanager
def watched(operator: str, tenant_id: str) -> Generator[None]:
    """Log who tried to have whom offboarded: of a request that was refused, nothing is stored that could tell it."""
    try:
        yield
    except ProtectedError as error:
        for person_id, why in error.found:
            log_refused(operator, tenant_id, person_id, why)
        raise


def log_refused(operator: str, tenant_id: str, person_id: str, why: str) -> None:
    """Log a security event; its fields are what docs/security.md tells how to look for."""
    with logs.about(operator=operator, tenant=tenant_id, person=person_id, protection=why):
        _log.warning("The offboarding of a protected person was refused.")
