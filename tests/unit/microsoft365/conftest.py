"""A server that says what a test has it say, over real HTTP, and clients that talk to it."""

import json
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from urllib.parse import parse_qs

import pytest
import trustme

from shared.microsoft365.exchange.client import Exchange
from shared.microsoft365.graph.client import Graph
from shared.microsoft365.http.messages import SentRequest
from shared.microsoft365.http.transport import Transport
from shared.microsoft365.sharepoint import SharePoint

TENANT = "11111111-2222-4333-8444-555555555555"

Json: TypeAlias = Any


@dataclass
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Json:
        return json.loads(self.raw)


@dataclass
class Answer:
    """What to say; `hang_up` closes the connection instead."""

    status: int = 200
    body: Json = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    hang_up: bool = False
    cut: int = 0

    def content(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return b"" if self.body is None else json.dumps(self.body).encode()


AnyServer = TypeVar("AnyServer", bound="Server")
Respond: TypeAlias = Callable[[Seen], Answer]


class QuietServer(ThreadingHTTPServer):
    """Takes it calmly when a client goes away in the middle of an answer, as the limits make it do."""

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Server:
    """Answers from a list, or by a function of the request."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.answers: list[Answer | Respond] = []
        self.respond: Respond | None = None
        self.lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.handle(self, Seen(self.command, self.path, dict(self.headers.items()), raw))

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.http = QuietServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.block_on_close = False
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.scheme = "http"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.http.server_port}"

    def add(self, *answers: Answer | Respond) -> None:
        self.answers += answers

    def handle(self, handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        with self.lock:
            self.seen.append(seen)
            answer = self.respond or (self.answers.pop(0) if self.answers else Answer(599, {"error": "unexpected"}))
        if not isinstance(answer, Answer):
            answer = answer(seen)
        handler.close_connection = answer.hang_up or bool(answer.cut)
        if answer.hang_up:
            return
        content = answer.content()
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        if answer.status != 204:
            handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) - answer.cut])


class Login(Server):
    """A sign-in service over HTTPS, on which msal insists. `refusal`, when set, is its answer to token requests."""

    def __init__(self, authority: trustme.CA) -> None:
        super().__init__()
        self.scheme = "https"
        self.refusal: Answer | None = None
        self.issued = 0
        self.respond = self.sign_in
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)

    def sign_in(self, seen: Seen) -> Answer:
        if seen.method == "GET":
            base = f"{self.origin}/{seen.path.split('/')[1]}"
            return Answer(
                200,
                {
                    "issuer": f"{self.origin}/{TENANT}/v2.0",
                    "token_endpoint": f"{base}/oauth2/v2.0/token",
                    "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                },
            )
        if self.refusal:
            return self.refusal
        self.issued += 1
        return Answer(200, {"token_type": "Bearer", "expires_in": 3600, "access_token": f"canary-issued-{self.issued}"})

    def forms(self) -> list[dict[str, str]]:
        """Return the token requests."""
        posts = [seen for seen in self.seen if seen.method == "POST"]
        return [{name: values[0] for name, values in parse_qs(seen.raw.decode()).items()} for seen in posts]


class FakeTokens:
    """Hands out numbered tokens; a forgotten one is followed by the next."""

    def __init__(self) -> None:
        self.number = 1
        self.asked: list[tuple[str, str]] = []
        self.refusal: Exception | None = None

    def token(self, tenant_id: str, audience: str) -> str:
        if self.refusal:
            raise self.refusal
        self.asked.append((tenant_id, audience))
        return f"canary-token-{self.number}"

    def forget(self, tenant_id: str, audience: str) -> None:
        del tenant_id, audience
        self.number += 1


class Sleeps(list[float]):
    """Remembers for how long it should have slept."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def start(server: AnyServer) -> Iterator[AnyServer]:
    server.thread.start()
    yield server
    server.http.shutdown()
    server.thread.join()
    server.http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    yield from start(Server())


@pytest.fixture
def other_server() -> Iterator[Server]:
    yield from start(Server())


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def login(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Login]:
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    yield from start(Login(authority))


@pytest.fixture
def answer() -> type[Answer]:
    return Answer


@pytest.fixture
def sleeps() -> Sleeps:
    return Sleeps()


@pytest.fixture
def transport(sleeps: Sleeps) -> Iterator[Transport]:
    transport = Transport(sleep=sleeps)
    yield transport
    transport.close()


@pytest.fixture
def tokens() -> FakeTokens:
    return FakeTokens()


@pytest.fixture
def log() -> list[SentRequest]:
    return []


@pytest.fixture
def graph(server: Server, transport: Transport, tokens: FakeTokens, log: list[SentRequest]) -> Graph:
    return Graph(TENANT, transport, tokens, log, base=server.origin)


@pytest.fixture
def exchange(server: Server, transport: Transport, tokens: FakeTokens, log: list[SentRequest]) -> Exchange:
    return Exchange(TENANT, transport, tokens, log, base=server.origin)


@pytest.fixture
def sharepoint(server: Server, transport: Transport, tokens: FakeTokens, log: list[SentRequest]) -> SharePoint:
    return SharePoint(TENANT, transport, tokens, log, template=server.origin + "/{host}")
