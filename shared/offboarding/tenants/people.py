"""Who is meant: tenants and people as operators name them, looked up in the directory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from shared.actions.reads.account import USER, User
from shared.actions.reads.snapshot import Person
from shared.base import identifiers
from shared.base.deadline import Deadline, DeadlineError
from shared.base.problems import Problem, RefusedError, refused
from shared.jobs.records import Tenant
from shared.microsoft365.graph import graph_calls
from shared.microsoft365.http.errors import Category, MicrosoftError
from shared.offboarding.tenants.protection import ADMINISTRATORS, enabled_users

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.microsoft365.cloud import Microsoft365

_TRY_AGAIN_SECONDS: Final = 30
ANSWER_WITHIN_SECONDS: Final = 20.0
"""Half of what a Static Web App allows a request, so that the answer still says what is wrong."""

T = TypeVar("T")


@dataclass(frozen=True)
class Found:
    """People of one tenant, without doubles, and what the operator should know of the request.

    `administrators` are the ids of the tenant's enabled Global Administrators.
    """

    tenant: Tenant
    users: tuple[User, ...]
    warnings: tuple[str, ...]
    administrators: frozenset[str] = frozenset()


def find(tenant_id: str, names: Sequence[str], microsoft365: Microsoft365) -> Found:
    """Look up people by object id or user principal name, with one Graph batch for 18 of them and for every 20 more.

    Raises:
        RefusedError: 404 with everybody who was not found; 503 where Microsoft did not answer; 502 where it refused.
    """
    about_tenant = [graph_calls.get_organization(), graph_calls.get_role_members(graph_calls.GLOBAL_ADMINISTRATOR)]
    calls = [*about_tenant, *(graph_calls.get_user(name) for name in names)]
    organization, administrators, *answers = in_time(lambda: microsoft365.tenant(tenant_id).graph.batch(calls))
    problems: list[Problem] = []
    users: dict[str, User] = {}
    for place, (name, answer) in enumerate(zip(names, answers, strict=True)):
        if isinstance(answer, MicrosoftError):
            if answer.category is not Category.not_found:
                raise unreachable(answer)
            text = f"There is no user {identifiers.shown(name)} in this tenant."
            problems.append(Problem(f"users.{place}", text))
        elif user := USER.parse(answer):
            users[user.id] = user
    if problems:
        raise RefusedError(404, "user_not_found", problems)
    doubles = len(names) - len(users)
    warnings = ("People who were named more than once are offboarded once.",) if doubles else ()
    tenant = Tenant(tenant_id, _domain(organization) or tenant_id)
    return Found(tenant, tuple(users.values()), warnings, _administrators(administrators))


def in_time(ask: Callable[[], T], seconds: float = ANSWER_WITHIN_SECONDS) -> T:
    """Return what Microsoft answers to somebody who waits; raises `RefusedError` 502, 503 where it does not."""
    try:
        return Deadline(seconds).run(ask)
    except MicrosoftError as error:
        raise unreachable(error) from error
    except DeadlineError:
        raise too_slow(seconds) from None


def too_slow(seconds: float) -> RefusedError:
    """Say that Microsoft did not answer in time."""
    text = f"Microsoft 365 did not answer within {seconds:.0f} seconds. Try again."
    return RefusedError(503, "microsoft_unreachable", [Problem("", text)], retry_after=_TRY_AGAIN_SECONDS)


def remarks_on(user: User) -> list[str]:
    """Return what the operator should know of somebody's account before anything is done."""
    warnings: list[str] = []
    if user.is_synced:
        warnings.append(f"{user.upn} is synchronised from Active Directory: some things must be changed there.")
    if user.is_guest:
        warnings.append(f"{user.upn} is a guest: mailbox, password and sessions belong to another tenant.")
    return warnings


def person_of(user: User) -> Person:
    """Pin a user by object id."""
    return Person(user.id, user.upn, user.display_name)


def _domain(organization: Any) -> str | None:  # noqa: ANN401 - Microsoft's JSON
    if isinstance(organization, MicrosoftError) or not organization["value"]:
        return None
    domains: list[dict[str, Any]] = organization["value"][0].get("verifiedDomains") or []
    return next((d["name"] for d in domains if d.get("isDefault")), None)


def _administrators(answer: Any) -> frozenset[str]:  # noqa: ANN401 - Microsoft's JSON
    """Read who the Global Administrators are; not knowing it could cost a tenant the last of them."""
    if isinstance(answer, MicrosoftError):
        if answer.category not in ADMINISTRATORS.absent:
            raise unreachable(answer)
        return frozenset()
    return enabled_users(answer)


def unreachable(error: MicrosoftError) -> RefusedError:
    """Say that Microsoft could not be asked: worth trying again, or something an administrator must mend first."""
    if error.retryable:
        wait = int(error.retry_after or _TRY_AGAIN_SECONDS)
        problem = Problem("", f"Microsoft 365 cannot be asked right now: {error.message}")
        return RefusedError(503, "microsoft_unreachable", [problem], retry_after=wait)
    return refused(502, "microsoft_refused", f"Microsoft 365 refused to answer: {error.message}")
