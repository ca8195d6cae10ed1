"""Who is meant: tenants and people as operators name them, looked up in the directory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from shared.actions.reads.account import USER, User
from shared.actions.reads.snapshot import Person
from shared.base import identifiers
from shared.base.deadline import Deadline, DeadlineError
from shared.base.problems import Problem, RefusedError, refused
from shared.jobs.records import Tenant
from shared.microsoft365.graph import graph_calls
from shared.microsoft365.http.errors import Category, MicrosoftError
from shared.microsoft365.http.wire import as_object, as_rows
from shared.offboarding.tenants.protection import ADMINISTRATORS, enabled_users

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from shared.microsoft365.cloud import Microsoft365
    from shared.microsoft365.graph.client import Graph

_TRY_AGAIN_SECONDS: Final = 30
ANSWER_WITHIN_SECONDS: Final = 20.0
"""Half of what a Static Web App allows a request, so that the answer still says what is wrong."""

T = TypeVar("T")


@dataclass(frozen=True)
class Found:
    """People of one tenant, without doubles, and what the operator should know of the request.

    `administrators` are the ids of the tenant's enabled Global Administrators. `others` are the users who are named
    beside those who leave, by the names they were given; `strangers` are addresses of the tenant's domains that no user
    has, `outsiders` those of other domains.
    """

    tenant: Tenant
    users: tuple[User, ...]
    warnings: tuple[str, ...]
    administrators: frozenset[str] = frozenset()
    others: Mapping[str, User] = field(default_factory=dict[str, "User"])
    strangers: tuple[str, ...] = ()
    outsiders: tuple[str, ...] = ()


def find(tenant_id: str, names: Sequence[str], microsoft365: Microsoft365, others: Sequence[str] = ()) -> Found:
    """Look up people by object id, user principal name or mail address.

    It takes one Graph batch for 18 of them and for every 20 more, and one more for addresses that are nobody's user
    principal name. `others` are named beside those who leave: that one of them does not exist is no error.

    Raises:
        RefusedError: 404 with everybody who was not found; 503 where Microsoft did not answer; 502 where it refused.
    """
    about_tenant = [graph_calls.get_organization(), graph_calls.get_role_members(graph_calls.GLOBAL_ADMINISTRATOR)]
    graph = microsoft365.tenant(tenant_id).graph
    calls = [*about_tenant, *(graph_calls.get_user(name) for name in (*names, *others))]
    organization, administrators, *answers = in_time(lambda: graph.batch(calls))
    by_name, nobody = _by_name(graph, names, answers[: len(names)])
    if nobody:
        places = [(place, name) for place, name in enumerate(names) if name in nobody]
        raise RefusedError(404, "user_not_found", [Problem(f"users.{place}", nobody[name]) for place, name in places])
    users = {user.id: user for user in by_name.values()}
    warnings = [
        f"{name} is an address of {user.upn}."
        for name, user in by_name.items()
        if "@" in name and name.casefold() != user.upn.casefold()
    ]
    if len(names) > len(users):
        warnings.append("People who were named more than once are offboarded once.")
    tenant = Tenant(tenant_id, _domain(organization) or tenant_id)
    ours = _domains(organization)
    beside = [(n, a) for n, a in zip(others, answers[len(names) :], strict=True) if _is_answered(a)]
    known, unknown = _by_name(graph, [n for n, _ in beside], [a for _, a in beside], ours)
    addresses = [name for name in unknown if "@" in name and ours]
    strangers = tuple(name for name in addresses if _domain_in(name) in ours)
    outsiders = tuple(name for name in addresses if _domain_in(name) not in ours)
    ids = _administrators(administrators)
    return Found(tenant, tuple(users.values()), tuple(warnings), ids, known, strangers, outsiders)


def _domain_in(address: str) -> str:
    return address.rpartition("@")[2].casefold()


def _is_answered(answer: Any) -> bool:  # noqa: ANN401 - Microsoft's JSON
    return not isinstance(answer, MicrosoftError) or answer.category is Category.not_found


def _by_name(
    graph: Graph, names: Sequence[str], answers: Sequence[Any], only_in: Collection[str] | None = None
) -> tuple[dict[str, User], dict[str, str]]:
    """Return the users that names are of, and why the others are nobody's; addresses are looked for once more.

    With `only_in`, addresses of other domains are not looked for.
    """
    found: dict[str, User] = {}
    nobody: dict[str, str] = {}
    for name, answer in zip(names, answers, strict=True):
        if isinstance(answer, MicrosoftError):
            if answer.category is not Category.not_found:
                raise unreachable(answer)
            nobody[name] = f"There is no user {identifiers.shown(name)} in this tenant."
        elif user := USER.parse(answer):
            found[name] = user
    addresses = [n for n in nobody if "@" in n and (only_in is None or _domain_in(n) in only_in)]
    if addresses:
        calls = [graph_calls.find_users_by_address(address) for address in addresses]
        for address, page in zip(addresses, in_time(lambda: graph.batch(calls)), strict=True):
            rows = [] if isinstance(page, MicrosoftError) else as_rows(as_object(page).get("value"))
            user = USER.parse(rows[0]) if len(rows) == 1 else None
            if user:
                found[address] = user
                del nobody[address]
            elif rows:
                nobody[address] = f"More than one user has the address {identifiers.shown(address)}; give an object id."
    return found, nobody


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


def _domains(organization: Any) -> frozenset[str]:  # noqa: ANN401 - Microsoft's JSON
    if isinstance(organization, MicrosoftError) or not organization["value"]:
        return frozenset()
    domains: list[dict[str, Any]] = organization["value"][0].get("verifiedDomains") or []
    return frozenset(str(d["name"]).casefold() for d in domains)


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
