"""What goes to Microsoft 365 and what comes back: requests, answers, and the record of what was sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from shared.microsoft365.http.error_rules import SERVICE_NAMES
from shared.microsoft365.http.errors import Category, MicrosoftError, Service
from shared.microsoft365.http.wire import request_id_of

GRAPH_BATCH_READ_SECONDS = 120.0


@dataclass(frozen=True)
class SentRequest:
    """What was sent and what came of it: the raw material of the audit record.

    A batch is an entry of its own (`path` ends in `$batch`, never a write) followed by one entry for each item, under
    the batch's `client_request_id`. So the writes of a step are exactly the entries with `is_write`.

    Attributes:
        path: below the service's address, without the query; for Exchange Online the name of the cmdlet, for SharePoint
            what follows the site's address.
        status: None when no answer came, so that it is not known whether the request was carried out.
        target: what it was for, where the path does not say so: a cmdlet's identity or mailbox, a site's address.
    """

    service: Service
    method: str
    path: str
    status: int | None
    client_request_id: str
    request_id: str = ""
    is_write: bool = False
    target: str = ""


class TokenSource(Protocol):
    """Where access tokens come from (`tokens.Tokens`)."""

    def token(self, tenant_id: str, audience: str) -> str:
        """Return an access token of this tenant for this audience."""
        ...

    def forget(self, tenant_id: str, audience: str) -> None:
        """Drop a token that was refused, so that the next one is fresh."""
        ...


@dataclass(frozen=True)
class Access:
    """Whose token a request carries."""

    tokens: TokenSource
    tenant_id: str
    audience: str


@dataclass(frozen=True)
class Request:
    """A request as a client wants it sent.

    Attributes:
        origin: the configured base address of the service. A URL that is not below it is refused before a token is
            even fetched.
        repeatable: whether sending it twice does no harm, so that a connection that broke may be tried again.
        read_seconds: how long the service may be silent; 0 for the service's usual time.
        label: the path for the log; the URL's own path if empty.
    """

    service: Service
    method: str
    url: str
    origin: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None
    repeatable: bool = True
    is_write: bool = False
    read_seconds: float = 0.0
    label: str = ""
    target: str = ""


@dataclass(frozen=True)
class Response:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    client_request_id: str

    @property
    def request_id(self) -> str:
        """The service's own number of the request, for Microsoft's support."""
        return request_id_of(self.headers)


def refused_status(batch: SentRequest) -> int | None:
    """Return the status for the items of a batch that was turned away whole; None if they may have been carried out."""
    turned_away = batch.status is not None and 300 <= batch.status < 500  # noqa: PLR2004
    return batch.status if turned_away else None


def refuse_other_origin(service: Service, url: str, origin: str) -> None:
    r"""Let only URLs below the configured address pass; `url` must be what requests made of it.

    A next link is text from the network: followed to another host it would hand over the token. It is requests' own
    reading of the URL that is compared, because two readers can disagree on where `https://a\@b/` leads.

    Raises:
        MicrosoftError: the URL is of another scheme, host or port, or carries a user name.
    """
    if _origin(url) != _origin(origin) or urlsplit(url).username is not None:
        host = urlsplit(url).hostname
        message = f"An address at {host} is not one of {SERVICE_NAMES[service]} as it is configured: nothing was sent."
        raise MicrosoftError(service, Category.invalid, message, code="OriginRefused")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
