"""The people of a tenant, for choosing whom to offboard and who takes over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.access.scope import EVERYTHING, Scope
from shared.base import identifiers
from shared.base.deadline import Deadline, DeadlineError
from shared.base.problems import refused
from shared.microsoft365.graph import graph_calls
from shared.microsoft365.http.errors import MicrosoftError
from shared.microsoft365.http.wire import Json, JsonObject, as_object, as_rows, text_at
from shared.offboarding.tenants import people
from shared.offboarding.tenants.tenants import Tenants

if TYPE_CHECKING:
    from shared.app.services import Services
    from shared.microsoft365.graph.client import Graph

MAX_TOP: Final = 999
PROPERTIES: Final = frozenset(graph_calls.LISTED_USER_PROPERTIES.split(","))
"""What may be known of people who are only listed."""

_MAX_SEARCH_CHARS: Final = 100


@dataclass(frozen=True)
class ListedUser:
    """One person; badges are synced, disabled, guest, admin and unlicensed."""

    id: str
    upn: str
    display_name: str
    mail: str
    job_title: str
    department: str
    badges: tuple[str, ...]


@dataclass(frozen=True)
class UserPage:
    """A page of people, the link to the next one or "", and what could not be found out."""

    users: tuple[ListedUser, ...]
    next_link: str
    warnings: tuple[str, ...]


class Directory:
    """The people of the tenants an operator may see. Raises `RefusedError` 404 for others, 502 and 503 as `people`."""

    def __init__(
        self, services: Services, scope: Scope = EVERYTHING, patience: float = people.ANSWER_WITHIN_SECONDS
    ) -> None:
        self._patience = patience
        self._microsoft365 = services.microsoft365
        self._tenants = Tenants(services, scope)

    def users(self, tenant: str, search: str = "", next_link: str = "", top: int = 100) -> UserPage:
        """Return a page of people by name, or those with a word that begins with `search` in name or address."""
        graph = self._graph(tenant)
        call = _search(search, top) if search else graph_calls.list_users(top)
        deadline = Deadline(self._patience)
        rows, link = _page(graph, call, next_link, deadline)
        try:
            admins, warnings = deadline.run(lambda: _administrators(graph)), ()
        except (MicrosoftError, DeadlineError) as error:
            admins, warnings = frozenset[str](), (f"Who is an administrator could not be read: {error}",)
        return UserPage(tuple(_listed(row, admins) for row in rows), link, warnings)

    def raw_users(self, tenant: str, next_link: str = "", top: int = MAX_TOP) -> tuple[list[JsonObject], str]:
        """Return a page of people in Graph's words, with the properties in `PROPERTIES`, and the link to the next."""
        call = graph_calls.list_users(top)
        rows, link = _page(self._graph(tenant), call, next_link, Deadline(self._patience))
        return [{name: row[name] for name in row if name in PROPERTIES} for row in rows], link

    def _graph(self, tenant: str) -> Graph:
        return self._microsoft365.tenant(self._tenants.resolve(tenant)).graph


def _search(text: str, top: int) -> graph_calls.GraphCall:
    if len(text) > _MAX_SEARCH_CHARS or not identifiers.is_one_line(text):
        raise refused(400, "invalid_request", f"search must be at most {_MAX_SEARCH_CHARS} printable characters.")
    return graph_calls.search_users(text, top)


def _page(
    graph: Graph, call: graph_calls.GraphCall, next_link: str, deadline: Deadline
) -> tuple[list[JsonObject], str]:
    try:
        return deadline.run(lambda: graph.page(call, next_link))
    except MicrosoftError as error:
        if error.code == "OriginRefused":
            raise refused(400, "invalid_request", "This is not the link to a next page.", "next") from None
        raise people.unreachable(error) from error
    except DeadlineError as error:
        raise people.too_slow(deadline.seconds) from error


def _administrators(graph: Graph) -> frozenset[str]:
    """Return who holds a role directly: only roles that somebody ever got are listed."""
    roles = as_rows(as_object(graph.send(graph_calls.list_directory_roles())).get("value"))
    templates = [text_at(role, "roleTemplateId") for role in roles]
    answers: list[Json | MicrosoftError] = graph.batch([graph_calls.get_role_members(one) for one in templates if one])
    for answer in answers:
        if isinstance(answer, MicrosoftError):
            raise answer
    return frozenset(text_at(member, "id") for a in answers for member in as_rows(as_object(a).get("value")))


def _listed(row: JsonObject, admins: frozenset[str]) -> ListedUser:
    badges = {
        "synced": row.get("onPremisesSyncEnabled") is True,
        "disabled": row.get("accountEnabled") is False,
        "guest": row.get("userType") == "Guest",
        "admin": row.get("id") in admins,
        "unlicensed": not row.get("assignedLicenses"),
    }
    return ListedUser(
        id=text_at(row, "id"),
        upn=text_at(row, "userPrincipalName"),
        display_name=text_at(row, "displayName"),
        mail=text_at(row, "mail"),
        job_title=text_at(row, "jobTitle"),
        department=text_at(row, "department"),
        badges=tuple(name for name, has in badges.items() if has),
    )
