"""Which Graph calls exist, who may make them, and how their query options are checked.

A call that is not declared here is refused as Graph refuses it and recorded as refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dev.tenant.errors import GraphError, bad_request, denied, missing
from dev.tenant.messages import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dev.tenant.simulation import Simulation
    from dev.tenant.state import Group, Tenant, User

VERSIONS = ("v1.0", "beta")
READ_USERS = ("User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")
WRITE_USERS = ("User.ReadWrite.All", "Directory.ReadWrite.All")
READ_GROUPS = (
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
)
READ_APPLICATIONS = (
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
READ_DEVICES = ("Device.Read.All", "Device.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")
READ_DIRECTORY = ("Directory.Read.All", "Directory.ReadWrite.All", "RoleManagement.Read.Directory")


@dataclass
class Ask:
    """A Graph call as its handler sees it."""

    simulation: Simulation
    tenant: Tenant
    method: str
    root: str
    """The version root as the client reached it, for links."""
    version: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: Any = None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def eventual(self) -> bool:
        """Whether the caller opted into the advanced query service."""
        return self.header("ConsistencyLevel").lower() == "eventual"

    def header(self, name: str) -> str:
        """Look up a header whatever its case."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")

    def allows(self, *permissions: str) -> bool:
        """Whether the tenant consented to one of these permissions.

        The consent of this moment counts, not that in the token: a test that withdraws a permission sees at once
        what an app in production sees when its token is renewed.
        """
        return not set(permissions).isdisjoint(self.tenant.app.graph)

    def need(self, *permissions: str) -> None:
        """Refuse unless one of these permissions was consented to."""
        if not self.allows(*permissions):
            raise denied()

    def user(self, key: str) -> User:
        """Find a live user by id or user principal name."""
        found = self.tenant.find_user(key)
        if found is None:
            raise missing(key)
        return found

    def group(self, key: str) -> Group:
        """Find a group by id."""
        if key not in self.tenant.groups:
            raise missing(key)
        return self.tenant.groups[key]

    def object_body(self) -> dict[str, Any]:
        """Take the body as the JSON object that it has to be."""
        if not isinstance(self.body, dict):
            raise bad_request("Empty Payload. JSON content expected.")
        return self.body


@dataclass(frozen=True)
class Route:
    """One call that exists."""

    method: str
    pattern: re.Pattern[str]
    wildcards: int
    handler: Callable[..., Any]
    permissions: tuple[str, ...]
    options: frozenset[str]
    versions: tuple[str, ...]


_ROUTES: list[Route] = []


def route(
    method: str,
    path: str,
    *,
    permissions: tuple[str, ...] = (),
    options: str = "",
    versions: tuple[str, ...] = VERSIONS,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a call.

    Args:
        method: the HTTP method.
        path: the path below the version, with `{name}` for what varies.
        permissions: those of which one is enough; without any, the handler decides.
        options: the query options that it takes.
        versions: where it exists.
    """

    def declare(handler: Callable[..., Any]) -> Callable[..., Any]:
        pieces = re.split(r"(\{\w+\})", path)
        expression = "".join(f"(?P<{piece[1:-1]}>[^/]+?)" if piece[:1] == "{" else re.escape(piece) for piece in pieces)
        pattern = re.compile(expression, re.IGNORECASE)
        _ROUTES.append(
            Route(method, pattern, path.count("{"), handler, permissions, frozenset(options.split()), versions)
        )
        _ROUTES.sort(key=lambda declared: declared.wildcards)
        return handler

    return declare


def dispatch(ask: Ask, segments: list[str]) -> Reply:
    """Answer one call, alone or inside a batch."""
    # A slash inside a segment must not look like a separator to the patterns.
    path = "/" + "/".join(segment.replace("/", "\x00") for segment in segments)
    fitting = [
        (found, match)
        for found in _ROUTES
        if (match := found.pattern.fullmatch(path)) and ask.version in found.versions
    ]
    if not fitting:
        raise _no_such_path(ask, segments)
    fewest = fitting[0][0].wildcards
    for found, match in fitting:
        if found.method == ask.method and found.wildcards == fewest:
            return _answer(ask, found, {name: value.replace("\x00", "/") for name, value in match.groupdict().items()})
    raise GraphError(
        405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.", unknown=True
    )


def _answer(ask: Ask, found: Route, names: dict[str, str]) -> Reply:
    if found.permissions:
        ask.need(*found.permissions)
    for option in ask.query:
        if option not in found.options:
            raise GraphError(400, "BadRequest", f"The query parameter '{option}' is not supported.", unknown=True)
    answer = found.handler(ask, **names)
    if isinstance(answer, Reply):
        return answer
    return Reply(204) if answer is None else Reply(200, answer)


def _no_such_path(ask: Ask, segments: list[str]) -> GraphError:
    message = f"Resource not found for the segment '{segments[-1] if segments else ''}'."
    # The authentication methods are served by a service of its own, which has its own manners.
    if "authentication" in [segment.lower() for segment in segments]:
        return GraphError(404, "ResourceNotFound", message, unknown=True)
    if ask.version not in VERSIONS:
        message = f"Invalid version: {ask.version}."
    return GraphError(400, "BadRequest", message, unknown=True)
