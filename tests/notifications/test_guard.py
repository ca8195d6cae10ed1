"""No address that a person can set makes this app connect to what only it can reach."""

from __future__ import annotations

import contextlib
import http.server
import socket
import ssl
import sys
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from shared.notifications.transport import guard as guards
from shared.notifications.transport.delivery_error import DeliveryError
from shared.notifications.transport.guard import ANSWER_BYTES, Guard, RefusedUrlError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_connects: list[Any] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        _connects.append(arguments[1])


sys.addaudithook(_note)

PRIVATE_NAMES = {
    "loopback.example": ["127.0.0.1"],
    "metadata.example": ["169.254.169.254"],
    "wire.example": ["168.63.129.16"],
    "ten.example": ["10.1.2.3"],
    "mixed.example": ["93.184.216.34", "10.0.0.1"],
    "mixed6.example": ["2606:2800:220:1::1", "::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "mapped-private.example": ["::ffff:10.0.0.1"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "sixtofour.example": ["2002:7f00:1::"],
    "teredo.example": ["2001:0:7f00:1::"],
    "unique-local.example": ["fd00::1"],
    "link-local.example": ["fe80::1"],
    "scoped.example": ["fe80::1%eth0"],
    "site-local.example": ["fec0::1"],
    "shared.example": ["100.64.0.1"],
    "benchmark.example": ["198.18.0.1"],
    "multicast.example": ["224.0.0.1"],
    "multicast6.example": ["ff02::1"],
    "broadcast.example": ["255.255.255.255"],
    "reserved.example": ["240.0.0.1"],
    "zero.example": ["0.0.0.0"],  # noqa: S104 - an address to be refused
    "documentation.example": ["192.0.2.1"],
    "relay.example": ["192.88.99.1"],
    "compatible.example": ["::127.0.0.1"],
    "nothing.example": [],
}

HOSTILE = (
    # Other schemes, and none.
    "http://receiver.example/",
    "HTTP://receiver.example/",
    "ftp://receiver.example/",
    "file:///etc/passwd",
    "gopher://receiver.example/",
    "ldap://receiver.example/",
    "data:text/plain,x",
    "javascript:alert(1)",
    "//receiver.example/",
    "receiver.example/hook",
    "https:///hook",
    "https://",
    "",
    # This machine and its networks, written plainly.
    "https://127.0.0.1/",
    "https://127.8.9.10/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.254/",
    "https://192.168.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://168.63.129.16/metrics",
    "https://100.100.100.200/",
    "https://[::1]/",
    "https://[::]/",
    "https://[fd00::1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:a9fe:a9fe::]/",
    # Of no host: documentation, SRv6 segments, the servers that swallow questions for private addresses.
    "https://[2001:db8::1]/",
    "https://[3fff::5]/",
    "https://[5f00::1]/",
    "https://192.31.196.1/",
    "https://192.175.48.1/",
    "https://[2620:4f:8000::1]/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://metadata/",
    # The same in other spellings.
    "https://2130706433/",
    "https://0x7f000001/",
    "https://017700000001/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0177.0.0.1/",
    "https://0x7f.0.0.1/",
    "https://127.0.0.01/",
    "https://127.0.0.1./",
    "https://localhost./",
    "https://127。0。0。1/",
    "https://①②⑦.0.0.1/",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "https://127.0.0.1%00.receiver.example/",
    "https://%31%32%37.0.0.1/",
    # What programs read differently.
    "https://receiver.example@127.0.0.1/",
    "https://user:password@receiver.example/",
    "https://user@receiver.example/",
    "https://@receiver.example/",
    "https://receiver.example\\@127.0.0.1/",
    "https://receiver.example\\.evil.example/",
    "https://127.0.0.1#@receiver.example/",
    "https://receiver.example/#fragment",
    "https://receiver.example/a b",
    "https://receiver.example/\r\nHost: 127.0.0.1",
    "https://receiver.example\t/",
    " https://receiver.example/",
    "https://receiver.example:99999/",
    "https://receiver.example:port/",
    "https://[::1/",
    "https://receiver..example/",
    "https://-receiver.example/",
    "https://receiver.example:22/",
    "https://receiver.example:25/",
    "https://receiver.example:445/",
    "https://receiver.example:80/",
    "https://" + "a" * 3000 + ".example/",
    "https://" + "a" * 64 + ".example/",
    # Names that lead there.
    *(f"https://{name}/" for name in PRIVATE_NAMES),
)


def resolve(host: str, port: int) -> Sequence[str]:
    """Know the names of the table; numbers are read as the system reads them."""
    if host in PRIVATE_NAMES:
        return PRIVATE_NAMES[host]
    return ["93.184.216.34"] if host == "receiver.example" else guards.resolve(host, port)


@contextlib.contextmanager
def no_connections() -> Iterator[None]:
    """Fail where anything in this process connected to anything."""
    _connects.clear()
    yield
    assert _connects == []


def test_there_are_enough_hostile_addresses() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) >= 60


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_address_is_refused_without_a_connection(url: str) -> None:
    with no_connections(), pytest.raises(RefusedUrlError) as refused:
        Guard(resolve=resolve).send("POST", url, {}, b"{}")

    assert not refused.value.retry
    assert "password" not in str(refused.value) or "user name" in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://receiver.example/",
        "https://10.0.0.1/",
        "http://169.254.169.254/",
        "http://loopback.example/",
        "https://mixed.example/",
        "http://user@127.0.0.1/",
        "http://127.0.0.2/",
        "http://0.0.0.0/",
    ],
)
def test_the_development_switch_opens_this_machine_only(url: str) -> None:
    with no_connections(), pytest.raises(RefusedUrlError):
        Guard(allow_loopback=True, resolve=resolve).send("POST", url, {}, b"{}")


@pytest.mark.parametrize(
    "url",
    [
        "https://receiver.example",
        "https://receiver.example:443/hook?sig=a%2Fb",
        "https://receiver.example:8443/",
        "https://xn--bcher-kva.example/",
        "https://under_score.example/",
        "https://93.184.216.34/",
        "https://[2606:2800:220:1::1]/",
        "https://prod-01.westeurope.logic.azure.com:443/workflows/x/triggers/manual/paths/invoke?sp=%2Ft&sig=y",
    ],
)
def test_a_good_address_passes(url: str) -> None:
    Guard().check(url)


@dataclass
class Receiver:
    """A TLS server for receiver.example on this machine."""

    port: int
    ca: str
    hosts: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    authority = trustme.CA()
    ca = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("receiver.example").configure_cert(context)
    found = Receiver(0, str(ca))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.hosts.append(self.headers["Host"])
            found.paths.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/drip-status":
                self.wfile.write(b"HTTP/1.1 ")
                _drip(self.wfile)
            self.send_response(302 if self.path == "/away" else 200)
            self.send_header("Location", f"https://receiver.example:{found.port}/there")
            if self.path == "/drip-promised":
                self.send_header("Content-Length", "100000")
            self.end_headers()
            if self.path.startswith("/drip"):
                _drip(self.wfile)
            self.wfile.write(b"x" * (200_000 if self.path == "/large" else 10))

        def log_message(self, *_: Any) -> None:
            pass

    class Quiet(http.server.ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass

    server = Quiet(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def _drip(out: Any) -> None:
    """Send a byte now and then until nobody listens any more."""
    pause = threading.Event()
    with contextlib.suppress(OSError):
        while True:
            out.write(b"x")
            pause.wait(0.02)


@dataclass
class Rebinding:
    """A name service that says something else the second time."""

    answers: list[list[str]]

    def __call__(self, host: str, port: int) -> Sequence[str]:
        del host, port
        return self.answers.pop(0)


def _local(receiver: Receiver, resolver: Any = None) -> Guard:
    """Return a guard for which this machine is the internet."""
    return Guard(allow_loopback=True, resolve=resolver or (lambda *_: ["127.0.0.1"]), ca=receiver.ca)


def test_the_connection_goes_to_the_address_that_was_checked_in_the_name_of_the_host(receiver: Receiver) -> None:
    answers = Rebinding([["127.0.0.1"], ["10.0.0.1"]])
    _connects.clear()

    answer = _local(receiver, answers).send("POST", f"https://receiver.example:{receiver.port}/hook", {}, b"{}")

    assert answer.status == 200
    assert _connects == [("127.0.0.1", receiver.port)]
    assert len(answers.answers) == 1
    assert receiver.hosts[-1] == f"receiver.example:{receiver.port}"


def test_the_certificate_has_to_be_the_hosts(receiver: Receiver) -> None:
    with pytest.raises(DeliveryError, match=r"certificate of other\.example") as error:
        _local(receiver).send("POST", f"https://other.example:{receiver.port}/", {}, b"{}")

    assert error.value.retry


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    answer = _local(receiver).send("POST", f"https://receiver.example:{receiver.port}/away", {}, b"{}")

    assert answer.status == 302
    assert "/there" not in receiver.paths


def test_an_answer_is_read_to_64_kib(receiver: Receiver) -> None:
    answer = _local(receiver).send("POST", f"https://receiver.example:{receiver.port}/large", {}, b"{}")

    assert len(answer.body) == ANSWER_BYTES


def test_an_answer_that_drips_before_it_says_anything_is_none(receiver: Receiver) -> None:
    impatient = replace(_local(receiver), whole_seconds=1)

    with pytest.raises(DeliveryError) as error:
        impatient.send("POST", f"https://receiver.example:{receiver.port}/drip-status", {}, b"{}")

    assert error.value.retry


@pytest.mark.parametrize("path", ["drip-body", "drip-promised"])
def test_an_answer_that_drips_is_cut_off(receiver: Receiver, path: str) -> None:
    impatient = replace(_local(receiver), whole_seconds=1)

    answer = impatient.send("POST", f"https://receiver.example:{receiver.port}/{path}", {}, b"{}")

    assert answer.status == 200
    assert len(answer.body) < 100


def test_no_request_begins_when_time_is_up(receiver: Receiver) -> None:
    late = replace(_local(receiver), until=0)

    with no_connections(), pytest.raises(DeliveryError, match="too slowly"):
        late.send("POST", f"https://receiver.example:{receiver.port}/", {}, b"{}")


def test_a_second_address_is_tried_where_the_first_is_not_reached(receiver: Receiver) -> None:
    both = Rebinding([["127.0.0.9", "127.0.0.1"]])

    answer = _local(receiver, both).send("POST", f"https://receiver.example:{receiver.port}/hook", {}, b"{}")

    assert answer.status == 200


def test_no_proxy_is_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    assert _local(receiver).send("POST", f"https://receiver.example:{receiver.port}/", {}, b"{}").is_success


def test_errors_name_the_host_and_not_the_address() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/services/secret-part"
        with pytest.raises(DeliveryError) as error:
            Guard(allow_loopback=True).send("POST", url, {}, b"{}")

    assert str(error.value) == "127.0.0.1 cannot be reached."
    assert error.value.retry


def test_a_name_that_is_not_found_may_be_found_later() -> None:
    with pytest.raises(DeliveryError) as error:
        Guard().send("POST", "https://does-not-exist.invalid/", {}, b"{}")

    assert error.value.retry
    assert not isinstance(error.value, RefusedUrlError)
