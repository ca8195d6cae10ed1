"""Answering requests: every one is authorised, and its errors are answered, whatever it is about."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote, urlsplit

from shared.access.caller import Caller, authorised
from shared.access.policy import KEY
from shared.app import services
from shared.base.identifiers import shown
from shared.base.problems import Problem, RefusedError, refused
from shared.base.telemetry import tracing
from triggers.answers import problem_answer, refusal_of
from triggers.functions import MODULE_OF

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from contextlib import AbstractContextManager

    import azure.durable_functions as df
    import azure.functions as func

    Refusal = Callable[[RefusedError, str], func.HttpResponse]
    """How a refusal is told: the error, and the id under which the log tells more."""

    Handler = Callable[[func.HttpRequest, Caller], func.HttpResponse]
    ClientHandler = Callable[[func.HttpRequest, df.DurableOrchestrationClient, Caller], Awaitable[func.HttpResponse]]

DECLARED: Final[dict[str, Declared]] = {}
"""What answers each route of `ROUTES` whose module was imported so far."""

_HOST_QUERY: Final = frozenset({"code", "clientid"})
"""What the Functions host itself reads: the function key and its name."""

CORRELATION_ID: Final = "X-Correlation-Id"
"""The header of every answer; the value is the trace id."""

_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
_OF_HEADERS: Final = " \"%&'()*+,/:;=?@[]"
"""What stands in header values as it is, besides letters and digits."""
_SAME_SITE: Final = frozenset({"same-origin", "none"})
"""Values of Sec-Fetch-Site, which browsers send and pages cannot set (W3C: "Fetch Metadata Request Headers")."""


@dataclass(frozen=True)
class Declared:
    """What answers a route, how it tells refusals, and the query parameters it takes."""

    handle: Callable[..., Any]
    refusal: Refusal
    query: tuple[str, ...]


def route(name: str, refusal: Refusal = problem_answer, *, query: tuple[str, ...] = ()) -> Callable[[Handler], Handler]:
    """Have a function answer a route of `triggers.functions`; it is given the request and who asks.

    It may block: the worker runs it on a thread. `query` are the parameters that a route of our API takes; what the
    portal sends behind its addresses is its own affair.
    """

    def declare(handle: Handler) -> Handler:
        DECLARED[name] = Declared(handle, refusal, query)
        return handle

    return declare


def route_with_client(name: str, refusal: Refusal = problem_answer) -> Callable[[ClientHandler], ClientHandler]:
    """Have a coroutine answer a route that starts or wakes orchestrations.

    It runs on the worker's one loop: what blocks belongs in `asyncio.to_thread`.
    """

    def declare(handle: ClientHandler) -> ClientHandler:
        DECLARED[name] = Declared(handle, refusal, ())
        return handle

    return declare


def answer(name: str, req: func.HttpRequest, host: func.Context) -> func.HttpResponse:
    """Answer a request to a route."""
    declared = declared_for(name)
    with _traced(name, req, host) as correlation_id:
        try:
            answered = declared.handle(req, _caller_of(name, declared, req))
        except Exception as error:  # noqa: BLE001 - here exceptions become answers
            answered = declared.refusal(refusal_of(error), correlation_id)
        return _labelled(answered, correlation_id)


async def answer_with_client(
    name: str, req: func.HttpRequest, client: df.DurableOrchestrationClient, host: func.Context
) -> func.HttpResponse:
    """Answer a request to a route that starts or wakes orchestrations."""
    declared = declared_for(name)
    with _traced(name, req, host) as correlation_id:
        try:
            answered = await declared.handle(req, client, _caller_of(name, declared, req))
        except Exception as error:  # noqa: BLE001 - here exceptions become answers
            answered = declared.refusal(refusal_of(error), correlation_id)
        return _labelled(answered, correlation_id)


def declared_for(name: str) -> Declared:
    """Return what answers a route, from the module that declares it; waits where another thread is importing that."""
    import_module(MODULE_OF[name])
    return DECLARED[name]


def _caller_of(name: str, declared: Declared, req: func.HttpRequest) -> Caller:
    """Return who asks; raises `RefusedError` where they may not, or ask for something that is not there."""
    caller = _caller(req, name)
    if declared.refusal is problem_answer:
        _refuse_unknown(req, declared.query)
    return caller


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
