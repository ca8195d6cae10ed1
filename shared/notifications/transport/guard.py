"""The one way out to addresses that people have set: only to public hosts, and only to the address that was checked.

Whoever may set an address could otherwise make this app call what only it can reach: the platform's metadata service,
hosts of its network, itself. The name is resolved once, every address it has must be public, and the connection goes to
one of these addresses, so that a second answer of the name service changes nothing (OWASP: "Server-Side Request Forgery
Prevention Cheat Sheet"). Redirects are not followed and no proxy is used: both would decide anew where to connect.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection

from shared.notifications.transport.answer import Answer
from shared.notifications.transport.concealment import secrets_of
from shared.notifications.transport.delivery_error import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address
    Resolve = Callable[[str, int], Sequence[str]]

CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 15
WHOLE_SECONDS: Final = 20
"""How long an answer may take altogether: one that drips byte by byte never exceeds the time between two bytes."""

ANSWER_BYTES: Final = 64 * 1024
_CHUNK_BYTES: Final = 8 * 1024
MAX_URL_CHARS: Final = 2048
_ADDRESSES_TRIED: Final = 2
_HTTPS: Final = 443
_FIRST_UNPRIVILEGED: Final = 1024

_HOST: Final = re.compile(
    r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
_NUMERIC_LABEL: Final = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")
_NOT_PUBLIC: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "168.63.129.16/32",  # Azure's own services for its machines (Learn: "What is IP address 168.63.129.16?")
        "192.88.99.0/24",  # relays of 6to4
        "192.31.196.0/24",  # AS112: servers that swallow questions for private addresses (RFC 7535)
        "192.175.48.0/24",  # AS112 (RFC 7534)
        "2620:4f:8000::/48",  # AS112 (RFC 7534)
        "64:ff9b::/96",  # NAT64: an IPv4 address inside
        "64:ff9b:1::/48",
        "2002::/16",  # 6to4: an IPv4 address inside
        "2001::/23",  # Teredo and other assignments that are not hosts
        "3fff::/20",  # documentation (RFC 9637), not known to every supported Python
        "5f00::/16",  # SRv6 segments (RFC 9602), not known to every supported Python
        "fec0::/10",  # site-local, deprecated
        "::/96",  # IPv4-compatible, deprecated
        "::ffff:0:0/96",  # IPv4-mapped
    )
)


class RefusedUrlError(DeliveryError):
    """An address that this app does not connect to; the message says why, and no connection was made."""


def resolve(host: str, port: int) -> list[str]:
    """Ask the system for every address of a host."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise DeliveryError(f"The host {host} cannot be found.", retry=True) from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True)
class Guard:
    """Checks and sends. `ca` names a file of certificate authorities to trust instead of the usual ones."""

    allow_loopback: bool = False
    resolve: Resolve = field(default=resolve)
    ca: str | None = None
    whole_seconds: float = WHOLE_SECONDS
    until: float = float("inf")
    """No request begins after that moment of the process's own clock (`time.monotonic`)."""

    def check(self, url: str) -> None:
        """Look at an address without resolving it; raises `RefusedUrlError`."""
        self._parsed(url)

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        hides_address: bool = False,
    ) -> Answer:
        """Send a request to an address that a person has set; `hides_address` where the address is a secret itself.

        The answer knows the request's secrets, so as to say nothing of them.

        Raises:
            RefusedUrlError: the address is not one to connect to.
            DeliveryError: no whole answer came; trying again may help.
        """
        secrets = secrets_of(url, headers or {}, body, hides_address=hides_address)
        return replace(self._sent(method, url, headers, body), secrets=tuple(secrets))

    def _sent(self, method: str, url: str, headers: Mapping[str, str] | None, body: bytes | None) -> Answer:
        parts = self._parsed(url)
        if time.monotonic() > self.until:
            raise DeliveryError(f"{parts.hostname} answers too slowly.", retry=True)
        addresses = self._public_addresses(parts)[:_ADDRESSES_TRIED]
        for address in addresses[:-1]:
            try:
                return self._send_to(address, parts, method, headers, body)
            except requests.ConnectTimeout:
                continue
            except requests.ConnectionError as error:
                if not _is_unreachable(error):
                    raise _broken(parts, error) from None
            except requests.RequestException as error:
                raise _broken(parts, error) from None
        try:
            return self._send_to(addresses[-1], parts, method, headers, body)
        except UnicodeError:
            text = f"The request to {parts.hostname} cannot be written; is a header's value valid?"
            raise DeliveryError(text) from None
        except requests.RequestException as error:
            raise _broken(parts, error) from None

    def _parsed(self, url: str) -> SplitResult:
        if len(url) > MAX_URL_CHARS or not url.isascii() or not url.isprintable() or set(url) & set(' \\"<>^`{|}'):
            raise RefusedUrlError("The address has characters that do not belong there, or too many.")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise RefusedUrlError("Not a valid URL.") from None
        if parts.username is not None or parts.password is not None or "@" in parts.netloc:
            raise RefusedUrlError("The address holds a user name or password; give credentials as settings instead.")
        if parts.fragment:
            raise RefusedUrlError("The address has a fragment (#), which is never sent.")
        is_here = self.allow_loopback and _is_loopback_name(host)
        if parts.scheme != "https" and not (is_here and parts.scheme == "http"):
            raise RefusedUrlError("The address must begin with https://.")
        if port is not None and port != _HTTPS and port < _FIRST_UNPRIVILEGED:
            raise RefusedUrlError(f"Port {port} is not allowed.")
        _check_host(host)
        return parts

    def _public_addresses(self, parts: SplitResult) -> list[str]:
        host = parts.hostname or ""
        found = self.resolve(host, _port(parts))
        addresses = [ipaddress.ip_address(address) for address in found if "%" not in address]
        if len(addresses) != len(found) or not addresses:
            raise RefusedUrlError(f"{host} does not lead to a public address.")
        if self.allow_loopback and all(address.is_loopback for address in addresses):
            return [str(address) for address in addresses]
        if parts.scheme != "https" or not all(map(is_public, addresses)):
            raise RefusedUrlError(f"{host} does not lead to a public address.")
        return [str(address) for address in addresses]

    def _send_to(
        self, address: str, parts: SplitResult, method: str, headers: Mapping[str, str] | None, body: bytes | None
    ) -> Answer:
        """Send to an address that was checked, in the name of the host."""
        place = f"[{address}]" if ":" in address else address
        url = parts._replace(netloc=f"{place}:{_port(parts)}").geturl()
        with requests.Session() as session:
            session.trust_env = False
            adapter = _PinnedAdapter(parts.hostname or "", self.whole_seconds)
            session.mount("https://", adapter)
            with session.request(
                method,
                url,
                headers={**(headers or {}), "Host": parts.netloc, "Accept-Encoding": "identity"},
                data=body,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                stream=True,
                verify=self.ca or True,
            ) as response:
                return Answer(response.status_code, dict(response.headers), _beginning(response, adapter))


class _PinnedAdapter(HTTPAdapter):
    """Connects to an address, expects the certificate of a host, and ends after some time whatever comes."""

    def __init__(self, host: str, seconds: float) -> None:
        self._host = host
        self._seconds = seconds
        self._limits: list[threading.Timer] = []
        self.has_ended = False
        super().__init__(max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **more: Any) -> None:  # noqa: ANN401, FBT001, FBT002 - the signature of requests
        super().init_poolmanager(
            connections, maxsize, block, server_hostname=self._host, assert_hostname=self._host, **more
        )

    def get_connection_with_tls_context(self, *arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - as above
        pool: Any = super().get_connection_with_tls_context(*arguments, **more)
        pool.ConnectionCls = self._limited
        return pool

    def _limited(self, *arguments: Any, **more: Any) -> _LimitedConnection:  # noqa: ANN401 - as above
        connection = _LimitedConnection(*arguments, **more)
        connection.limit = self._limit
        return connection

    def close(self) -> None:
        for limit in self._limits:
            limit.cancel()
        super().close()

    def _limit(self, connected: socket.socket) -> None:
        limit = threading.Timer(self._seconds, self._end, [connected])
        limit.daemon = True
        limit.start()
        self._limits.append(limit)

    def _end(self, connected: socket.socket) -> None:
        self.has_ended = True
        with contextlib.suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)


class _LimitedConnection(HTTPSConnection):
    """Has its time limited from when it is connected."""

    limit: Callable[[socket.socket], None]

    def connect(self) -> None:
        super().connect()
        if self.sock:
            self.limit(self.sock)


def is_public(address: Address) -> bool:
    """Return whether an address is one of the public internet, and a single host's."""
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in _NOT_PUBLIC if network.version == address.version)
    )


def _check_host(host: str) -> None:
    """Refuse what is not a plain host name or address: other spellings of numbers mean different things to programs."""
    if ":" in host:
        if "%" in host:
            raise RefusedUrlError("The address names an interface of a machine.")
        return  # urlsplit has read it as an IPv6 address
    if not _HOST.fullmatch(host):
        raise RefusedUrlError("The host's name is not valid; write international names in their xn-- form.")
    if _NUMERIC_LABEL.fullmatch(host.rpartition(".")[2]):
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            raise RefusedUrlError(f"{host} is an unusual way to write an address.") from None
    elif "." not in host and host != "localhost":
        raise RefusedUrlError(f"{host} is not the full name of a host.")


def _is_loopback_name(host: str) -> bool:
    return host in {"localhost", "127.0.0.1", "::1"}


def _port(parts: SplitResult) -> int:
    return parts.port or (_HTTPS if parts.scheme == "https" else 80)


def _beginning(response: requests.Response, adapter: _PinnedAdapter) -> bytes:
    """Read at most 64 KiB, and for as long as there is time: the status has been answered."""
    body = b""
    try:
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) >= ANSWER_BYTES:
                break
    except requests.RequestException:
        if not adapter.has_ended:
            raise
    return body[:ANSWER_BYTES]


def _is_unreachable(error: requests.ConnectionError) -> bool:
    return "NewConnectionError" in repr(error)


def _broken(parts: SplitResult, error: requests.RequestException) -> DeliveryError:
    """Say what happened in own words: the exception's text can hold the address with its secret."""
    host = parts.hostname
    if isinstance(error, requests.exceptions.SSLError):
        return DeliveryError(f"The certificate of {host} is not trusted.", retry=True)
    if isinstance(error, requests.ConnectTimeout) or (
        isinstance(error, requests.ConnectionError) and _is_unreachable(error)
    ):
        return DeliveryError(f"{host} cannot be reached.", retry=True)
    if isinstance(error, requests.Timeout):
        return DeliveryError(f"{host} did not answer in time; whether it took the message is not known.", retry=True)
    if isinstance(error, ValueError):
        return DeliveryError(f"The request to {host} cannot be written; is a header's value valid?")
    return DeliveryError(f"The connection to {host} broke; whether it took the message is not known.", retry=True)
