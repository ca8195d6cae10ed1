"""The HTTP front of the receivers."""

from __future__ import annotations

import json
import random
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from dev.sinks import chats, hooks, monitor, psa
from dev.sinks.desk import Call, Desk, Refusal, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

_SERVICES: dict[str, Callable[[Desk, Call], Reply]] = {
    "teams": chats.teams,
    "slack": chats.slack,
    "discord": chats.discord,
    "standard": hooks.standard,
    "portal": hooks.portal,
    "protected": hooks.protected,
    "monitor": monitor.monitor,
    "halo": psa.halo,
    "connectwise": psa.connectwise,
    "autotask": psa.autotask,
}


class Server(ThreadingHTTPServer):
    """The receivers on one port of this machine."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, keys: dict[str, str] | None = None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.desk = Desk(keys) if keys else Desk()
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the signature of the library
        """Say nothing of connections that a caller has broken."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    _BODILESS: ClassVar = frozenset({204, 304})

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002, ANN401 - the signature of the library
        """Keep quiet: what arrived is recorded."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        service, _, rest = parts.path.lstrip("/").partition("/")
        server = cast("Server", self.server)
        desk = server.desk
        if service == "_sinks":
            with desk.lock:
                self._answer(_control(desk, rest, body))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        call = Call(self.command, "/" + unquote(rest), query, headers, body, server.origin)
        with desk.lock:
            fault = desk.fault(f"{self.command} {parts.path}")
            reply = _faulty(fault) if fault and fault["kind"] != "lost" else _reply(desk, service, call)
            if fault and fault["kind"] == "lost":
                reply = None
            entry = {"n": len(desk.requests) + 1, "method": self.command, "path": parts.path}
            desk.requests.append({**entry, "status": reply.status if reply else 0})
        if reply is None:
            self.close_connection = True
        else:
            self._answer(reply)

    def _answer(self, reply: Reply) -> None:
        text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
        content = b"" if reply.status in self._BODILESS else text.encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _reply(desk: Desk, service: str, call: Call) -> Reply:
    serve = _SERVICES.get(service)
    if serve is None:
        return Reply(404, "There is no such service.")
    try:
        return serve(desk, call)
    except Refusal as refusal:
        return Reply(refusal.status, refusal.body)


def _faulty(fault: dict[str, Any]) -> Reply | None:
    if fault["kind"] == "reset":
        return None
    after = fault.get("retry_after")
    return Reply(fault.get("status", 503), "Not now.", {"Retry-After": str(after)} if after is not None else {})


def _control(desk: Desk, name: str, body: bytes) -> Reply:
    given = json.loads(body or b"{}")
    if name == "arrived":
        return Reply(200, desk.arrivals)
    if name == "telemetry":
        return Reply(200, desk.telemetry)
    if name == "requests":
        return Reply(200, desk.requests)
    if name == "faults":
        desk.rules = given["rules"]
        desk.chance = random.Random(given.get("seed", 0))  # noqa: S311 - repeatable on purpose
    elif name == "reset":
        desk.reset(check_time=given.get("check_time", True))
    else:
        return Reply(404, "There is no such control.")
    return Reply(204)
