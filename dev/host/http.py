"""The front door: HTTP functions, the admin endpoints and the test clock."""

import json
import logging
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta

from aiohttp import HttpVersion11, web
from azure.functions.meta import Datum

from dev.host.addresses import path_of, query_of
from dev.host.app import AppError, Function
from dev.host.clock import Clock, to_text
from dev.host.durable.shim_v1 import InvocationError
from dev.host.keys import Keys
from dev.host.routes import Route, compile_route, find_route
from dev.host.timers import Timer

_LONGEST_ADDRESS = 8 * 1024
_MOST_HEADERS = 100
LARGEST_HEADERS = 40 * 1024
# Whatever the prefix: the host puts a function with such a route in error (Azure/azure-functions-host issue 1781).
_RESERVED = ("admin", "runtime")
_logger = logging.getLogger("host.http")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Invoke = Callable[[Function, Datum, str | None], Awaitable[Datum | None]]


def given_key(request: web.Request) -> str | None:
    """Find the caller's key; the header comes first, even if it is the wrong one. `?CODE=` is one, too."""
    query = {name.lower(): value for name, value in query_of(request.raw_path).items()}
    return request.headers.get("x-functions-key", query.get("code"))


def _refused(keys: Keys, key: str | None) -> web.Response:
    """Tell a caller with the wrong key for this (403) from one whose key opens nothing (401)."""
    if keys.open_some_function(key):
        return web.Response(status=403)
    return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})


@web.middleware
async def kestrel(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what Azure's web server refuses before any route is looked for (measured on the Functions host 4.1037)."""
    status = _status_of_broken(request)
    return web.Response(status=status) if status else await handler(request)


def _status_of_broken(request: web.Request) -> int | None:
    if request.version < HttpVersion11:
        return 500
    if len(request.raw_path) > _LONGEST_ADDRESS:
        return 414
    size = sum(len(name) + len(value) + len(": \r\n") for name, value in request.raw_headers)
    if len(request.raw_headers) > _MOST_HEADERS or size > LARGEST_HEADERS:
        return 431
    if "%00" in request.raw_path.partition("?")[0] or not all(value.isascii() for _, value in request.raw_headers):
        return 400
    return None


class FrontDoor:
    """Answers HTTP with the app's functions."""

    def __init__(self, functions: list[Function], prefix: str, keys: Keys, invoke: Invoke) -> None:
        self._functions = {function.name: function for function in functions}
        self._keys = keys
        self._invoke = invoke
        self._routes = [_route(function, prefix) for function in functions]

    async def handle(self, request: web.Request) -> web.Response:
        """Find the function, check the key, run it."""
        path = path_of(request.raw_path)
        if path == "/":
            return _homepage()
        found = find_route(self._routes, request.method, path)
        if not found:
            return web.Response(status=404)
        route, parameters = found
        function = self._functions[route.function]
        level = str(function.trigger.get("authLevel") or "function")
        if not self._keys.open_function(level, function.name, given_key(request)):
            return _refused(self._keys, given_key(request))
        try:
            datum = await _request_datum(request, parameters)
            answer = await self._invoke(function, datum, request.headers.get("traceparent"))
        except InvocationError as error:
            _logger.error("function %s failed: %s %s", function.name, error.message, error.stack)  # noqa: TRY400
            return web.Response(status=500)
        return _response(answer)


def _homepage() -> web.Response:
    """Answer at the root of the app: with Azure's own page, to everybody, unless it is switched off."""
    if os.environ.get("AzureWebJobsDisableHomepage", "").casefold() == "true":  # noqa: SIM112 - its name
        return web.Response(status=204)
    return web.Response(text="Your Functions 4.0 app is up and running", content_type="text/html")


def _route(function: Function, prefix: str) -> Route:
    own = str(function.trigger.get("route") or function.name)
    if own.strip("/").casefold().startswith(_RESERVED):
        raise AppError(f"function {function.name}: the route {own} conflicts with one or more built in routes")
    template = f"{prefix}/{own}"
    try:
        return compile_route(function.name, template, function.trigger.get("methods") or ())
    except ValueError as error:
        raise AppError(str(error)) from error


async def _request_datum(request: web.Request, parameters: dict[str, str]) -> Datum:
    """Describe a request; repeated names are joined by commas, and query names without a value do not arrive."""
    headers = {name: ",".join(request.headers.getall(name)) for name in request.headers}
    query = query_of(request.raw_path)
    body = await request.read()
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        body = b""  # the host hands on no body without a length, and no setting changes that
    return Datum(
        {
            "method": Datum(request.method, "string"),
            "url": Datum(str(request.url), "string"),
            "headers": {name: Datum(value, "string") for name, value in headers.items()},
            "query": {name: Datum(value, "string") for name, value in query.items() if value},
            "params": {name: Datum(value, "string") for name, value in parameters.items()},
            "body": Datum(body, "bytes"),
        },
        "http",
    )


def _response(answer: Datum | None) -> web.Response:
    if answer is None or answer.type != "http":
        text = "" if answer is None else str(answer.value)
        return web.Response(text=text, content_type="text/plain")
    value = answer.value
    response = web.Response(status=int(value["status_code"].value), body=value["body"].value)
    for name, each in value["headers"].items():
        if not each.value.isascii():
            _logger.error("the header %s of an answer is not ASCII, which Kestrel refuses to write", name)
            return web.Response(status=500)
        if name.lower() != "content-length":
            response.headers[name] = each.value
    for cookie in value.get("cookies") or ():
        for morsel in cookie.values():
            response.headers.add("Set-Cookie", morsel.OutputString())
    if value["body"].value:
        response.enable_chunked_encoding()
    return response


class Admin:
    """What the master key opens: running a timer now, the host's status and the test clock."""

    def __init__(
        self,
        keys: Keys,
        timers: dict[str, Timer],
        clock: Clock,
        clock_moved: Callable[[], None],
        worker_pid: Callable[[], int | None],
    ) -> None:
        self._keys = keys
        self._timers = timers
        self._clock = clock
        self._clock_moved = clock_moved
        self._worker_pid = worker_pid
        self._runs: set[Awaitable[None]] = set()

    def routes(self) -> list[web.RouteDef]:
        """List the endpoints."""
        return [
            web.get("/admin/host/status", self._guarded(self._status)),
            web.get("/admin/host/processes", self._guarded(self._processes)),
            web.post("/admin/functions/{name}", self._guarded(self._run_timer)),
            web.get("/_host/clock", self._guarded(self._read_clock)),
            web.post("/_host/clock", self._guarded(self._advance_clock)),
            # Asked for a key before it is said that there is nothing.
            web.route("*", "/admin{rest:(/.*)?}", self._guarded(self._nothing)),
            web.route("*", "/runtime/webhooks{rest:(/.*)?}", self._guarded(self._nothing)),
        ]

    def _guarded(
        self, handler: Callable[[web.Request], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def guarded(request: web.Request) -> web.Response:
            if not self._keys.open_admin(given_key(request)):
                return _refused(self._keys, given_key(request))
            return await handler(request)

        return guarded

    async def _nothing(self, _request: web.Request) -> web.Response:
        return web.Response(status=404)

    async def _status(self, _request: web.Request) -> web.Response:
        return web.json_response({"state": "Running"})

    async def _processes(self, _request: web.Request) -> web.Response:
        """Name the worker, as Azure's host does under this address."""
        return web.json_response({"processes": [{"processName": "python", "processId": self._worker_pid()}]})

    async def _run_timer(self, request: web.Request) -> web.Response:
        timer = self._timers.get(request.match_info["name"])
        if not timer:
            return web.Response(status=404, text="no timer function has this name")
        run = request.loop.create_task(timer.fire(past_due=False))
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)
        return web.Response(status=202)

    async def _read_clock(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {"now": to_text(self._clock.now()), "offset": self._clock.offset.total_seconds()},
        )

    async def _advance_clock(self, request: web.Request) -> web.Response:
        try:
            step = timedelta(seconds=float((await request.json())["advance"]))
            self._clock.advance(step)
        except (ValueError, KeyError, TypeError, OverflowError, json.JSONDecodeError) as error:
            return web.Response(status=400, text=f'the body must be {{"advance": seconds}}: {error}')
        self._clock_moved()
        return await self._read_clock(request)
