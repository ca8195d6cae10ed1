"""Declaring what can be called: every HTTP function is authorised and answers its errors; none escapes the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from urllib.parse import quote, urlsplit

import azure.durable_functions as df
import azure.functions as func

from shared.access.caller import Caller, authorised
from shared.access.policy import KEY
from shared.access.routes import ROUTES
from shared.app import services
from shared.base.identifiers import shown
from shared.base.problems import Problem, RefusedError, refused
from shared.base.telemetry import tracing
from triggers.answers import problem_answer, refusal_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from contextlib import AbstractContextManager

    Refusal = Callable[[RefusedError, str], func.HttpResponse]
    """How a refusal is told: the error, and the id under which the log tells more."""

    Handler = Callable[[func.HttpRequest, Caller], func.HttpResponse]
    ClientHandler = Callable[[func.HttpRequest, df.DurableOrchestrationClient, Caller], Awaitable[func.HttpResponse]]

F = TypeVar("F")

DECLARED: Final[dict[str, Callable[..., Any]]] = {}
"""What answers each route of `ROUTES` that was declared so far."""

QUERIES: Final[dict[str, tuple[str, ...]]] = {}
"""The parameters that each of them takes, where it takes any."""

_HOST_QUERY: Final = frozenset({"code", "clientid"})
"""What the Functions host itself reads: the function key and its name."""

CORRELATION_ID: Final = "X-Correlation-Id"
"""The header of every answer; the value is the trace id."""

_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
_OF_HEADERS: Final = " \"%&'()*+,/:;=?@[]"
"""What stands in header values as it is, besides letters and digits."""
_SAME_SITE: Final = frozenset({"same-origin", "none"})
"""Values of Sec-Fetch-Site, which browsers send and pages cannot set (W3C: "Fetch Metadata Request Headers")."""


def route(
    blueprint: df.Blueprint, name: str, refusal: Refusal = problem_answer, *, query: tuple[str, ...] = ()
) -> Callable[[Handler], Handler]:
    """Declare the function for a route of `ROUTES`; it is given the request and who asks.

    It may block: the worker runs it on a thread. `query` are the parameters that a route of our API takes; what the
    portal sends behind its addresses is its own affair.
    """

    def declare(handle: Handler) -> Handler:
        def run(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
            with _traced(name, req, context) as correlation_id:
                try:
                    caller = _caller(req, name)
                    if refusal is problem_answer:
                        _refuse_unknown(req, query)
                    answer = handle(req, caller)
                except Exception as error:  # noqa: BLE001 - here exceptions become answers
                    answer = refusal(refusal_of(error), correlation_id)
                return _labelled(answer, correlation_id)

        _declare(blueprint, name, _like(handle, run))
        DECLARED[name] = handle
        QUERIES[name] = query
        return handle

    return declare


def route_with_client(
    blueprint: df.Blueprint, name: str, refusal: Refusal = problem_answer
) -> Callable[[ClientHandler], ClientHandler]:
    """Declare the function for a route that starts or wakes orchestrations.

    It runs on the worker's one loop: what blocks belongs in `asyncio.to_thread`.
    """

    def declare(handle: ClientHandler) -> ClientHandler:
        async def run(
            req: func.HttpRequest, client: df.DurableOrchestrationClient, context: func.Context
        ) -> func.HttpResponse:
            with _traced(name, req, context) as correlation_id:
                try:
                    caller = _caller(req, name)
                    if refusal is problem_answer:
                        _refuse_unknown(req, ())
                    answer = await handle(req, client, caller)
                except Exception as error:  # noqa: BLE001 - here exceptions become answers
                    answer = refusal(refusal_of(error), correlation_id)
                return _labelled(answer, correlation_id)

        _declare(blueprint, name, blueprint.durable_client_input("client")(_like(handle, run)))
        DECLARED[name] = handle
        return handle

    return declare


def _refuse_unknown(req: func.HttpRequest, known: tuple[str, ...]) -> None:
    """Raise `RefusedError` 400 for parameters that nothing here reads: `top=2` would list all the same."""
    unknown = [name for name in cast("Mapping[str, str]", req.params) if name.lower() not in {*known, *_HOST_QUERY}]
    if unknown:
        there = f"The query parameters here are {', '.join(known)}." if known else "There are no query parameters here."
        problems = [Problem(name, f"{shown(name)} is not known. {there}") for name in unknown]
        raise RefusedError(400, "invalid_request", problems)


def _traced(name: str, req: func.HttpRequest, context: func.Context) -> AbstractContextManager[str]:
    return tracing.invocation(name, context, cast("Mapping[str, str]", req.headers))


def _labelled(answer: func.HttpResponse, correlation_id: str) -> func.HttpResponse:
    """Tell the caller the id under which the log and the trace tell more.

    A header that is not ASCII would make the host answer 500 instead (Kestrel refuses to write it).
    """
    answer.headers[CORRELATION_ID] = correlation_id
    for header, value in list(answer.headers.items()):
        if not value.isascii():
            answer.headers[header] = quote(value, safe=_OF_HEADERS)
    return answer


def _declare(blueprint: df.Blueprint, name: str, run: Callable[..., Any]) -> None:
    methods, _, path = name.partition(" ")
    level = func.AuthLevel.ANONYMOUS if ROUTES[name] is None else None
    blueprint.route(path, methods=methods.split(","), auth_level=level)(run)


def _like(handle: Callable[..., Any], run: F) -> F:
    """Name a function after the one it calls, without the latter's parameters: the host reads those as bindings."""
    for name in ("__name__", "__qualname__", "__doc__", "__module__"):
        setattr(run, name, getattr(handle, name))
    return run


def _caller(req: func.HttpRequest, name: str) -> Caller:
    headers = cast("Mapping[str, str]", req.headers)
    caller = authorised(name, services.current().settings, headers)
    if caller.provider != KEY and req.method not in _SAFE_METHODS and _is_cross_site(headers):
        raise refused(403, "cross_site", "Pages of other sites may not change anything here.")
    _refuse_lost_body(req, headers)
    return caller


def _refuse_lost_body(req: func.HttpRequest, headers: Mapping[str, str]) -> None:
    """Refuse a request whose body the host lost: it hands on none that comes in chunks, and no setting changes that."""
    if headers.get("transfer-encoding") and not req.get_body():
        text = "The body did not arrive. Send it with Content-Length, not chunked (Transfer-Encoding)."
        raise refused(411, "length_required", text)


def _is_cross_site(headers: Mapping[str, str]) -> bool:
    """Return whether a page of another site uses the cookie by which a front knows a browser; a token is no cookie.

    Browsers that do not say from where (before 2023) name the origin of the page instead.
    """
    if headers.get("authorization"):
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in _SAME_SITE
    origin = headers.get("origin", "")
    own = {
        urlsplit(services.current().settings.public_url).netloc,
        headers.get("x-forwarded-host"),
        headers.get("host"),
    }
    return bool(origin) and urlsplit(origin).netloc not in own
