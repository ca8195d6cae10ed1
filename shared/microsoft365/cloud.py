"""Where everything comes together.

The addresses of Microsoft 365, the app's credential, and from them a tenant's clients.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

from shared.microsoft365.errors import Category, MicrosoftError, from_oauth
from shared.microsoft365.exchange import Exchange
from shared.microsoft365.graph import Graph
from shared.microsoft365.http import Request, SentRequest
from shared.microsoft365.sharepoint import SharePoint
from shared.microsoft365.tokens import Credential, Tokens
from shared.microsoft365.wire import decode, text_at

if TYPE_CHECKING:
    from shared.microsoft365.transport import Transport

DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True)
class Endpoints:
    """Where Microsoft 365 is. The defaults are the public cloud; a national cloud has others, a simulation its own.

    Attributes:
        sharepoint: with `{host}` where the SharePoint host belongs.
        graph_audience: what tokens for Graph are for; not an address that is called.
        exchange_audience: the same for Exchange Online.
    """

    graph: str = "https://graph.microsoft.com"
    exchange: str = "https://outlook.office365.com"
    login: str = "https://login.microsoftonline.com"
    sharepoint: str = "https://{host}"
    graph_audience: str = "https://graph.microsoft.com"
    exchange_audience: str = "https://outlook.office365.com"


def _pooled() -> Transport:
    from shared.microsoft365.transport import Transport

    return Transport()


@dataclass(frozen=True)
class TenantClients:
    """One tenant's clients, which note every request in the one log."""

    graph: Graph
    exchange: Exchange
    sharepoint: SharePoint
    log: list[SentRequest]


class Microsoft365:
    """Microsoft 365 for this app.

    One for the whole process, shared by all threads: it holds the connections and the tokens.
    """

    def __init__(self, endpoints: Endpoints, credential: Credential, transport: Transport | None = None) -> None:
        """Take the addresses and the credential; nothing is sent yet."""
        self._endpoints = endpoints
        self._transport = transport or _pooled()
        self._tokens = Tokens(credential, self._transport, endpoints.login)
        self._lock = threading.Lock()
        self._tenant_ids: dict[str, str] = {}

    def tenant(self, tenant_id: str, log: list[SentRequest] | None = None) -> TenantClients:
        """Return the clients of a tenant.

        Raises:
            ValueError: the tenant is not given by its id; `find_tenant_id` turns a domain into one.
        """
        tenant_id = str(UUID(tenant_id))
        log = [] if log is None else log
        where = self._endpoints
        return TenantClients(
            Graph(tenant_id, self._transport, self._tokens, log, base=where.graph, audience=where.graph_audience),
            Exchange(
                tenant_id, self._transport, self._tokens, log, base=where.exchange, audience=where.exchange_audience
            ),
            SharePoint(tenant_id, self._transport, self._tokens, log, template=where.sharepoint),
            log,
        )

    def find_tenant_id(self, domain: str) -> str | None:
        """Return the id of the tenant that owns a domain (or has this id); None when there is none. Kept once found.

        Anybody may ask: the answer is the public OpenID configuration of the tenant, whose issuer carries its id.

        Raises:
            MicrosoftError: the sign-in service is not reached or does not answer as it should.
        """
        name = domain.strip().lower()
        if not DOMAIN.fullmatch(name):
            return None
        with self._lock:
            known = self._tenant_ids.get(name)
        if known:
            return known
        found = self._ask_tenant_id(name)
        if found:
            with self._lock:
                self._tenant_ids[name] = found
        return found

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _ask_tenant_id(self, name: str) -> str | None:
        login = self._endpoints.login.rstrip("/")
        url = f"{login}/{name}/v2.0/.well-known/openid-configuration"
        response = self._transport.send(Request("login", "GET", url, login, {"Accept": "application/json"}))
        if response.status != 200:  # noqa: PLR2004
            error = from_oauth(response.status, response.headers, response.body)
            if error.category is Category.not_found:
                return None
            raise error
        issuer = urlsplit(text_at(decode(response.body), "issuer")).path
        try:
            return str(UUID(issuer.strip("/").partition("/")[0]))
        except ValueError as error:
            message = "The sign-in service's description of the tenant does not contain the tenant's id."
            raise MicrosoftError("login", Category.unknown, message, status=response.status) from error
