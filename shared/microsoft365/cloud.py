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

from shared.microsoft365.app_roles import EXCHANGE, GRAPH, SHAREPOINT
from shared.microsoft365.exchange.client import Exchange
from shared.microsoft365.graph.client import Graph
from shared.microsoft365.http.error_rules import NOT_CONSENTED
from shared.microsoft365.http.errors import Category, MicrosoftError, from_oauth
from shared.microsoft365.http.messages import Request, SentRequest
from shared.microsoft365.http.wire import decode, text_at
from shared.microsoft365.sharepoint import SharePoint
from shared.microsoft365.tokens import Credential, Tokens, permissions_in

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.microsoft365.http.transport import Transport

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
    from shared.microsoft365.http.transport import Transport

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
        self.audiences = {GRAPH: endpoints.graph_audience, EXCHANGE: endpoints.exchange_audience}
        """By API, what tokens are for; SharePoint's are for a tenant's own host (`sharepoint.Site.audience`)."""
        self._transport = transport or _pooled()
        self._tokens = Tokens(credential, self._transport, endpoints.login)
        self._lock = threading.Lock()
        self._tenant_ids: dict[str, str] = {}

    def tenant(
        self, tenant_id: str, log: list[SentRequest] | None = None, *, within: float | None = None
    ) -> TenantClients:
        """Return the clients of a tenant; `within` is the most seconds that they wait for an answer.

        Raises:
            ValueError: the tenant is not given by its id; `find_tenant_id` turns a domain into one.
        """
        tenant_id = str(UUID(tenant_id))
        log = [] if log is None else log
        where = self._endpoints
        transport = self._transport if within is None else self._transport.within(within)
        return TenantClients(
            Graph(tenant_id, transport, self._tokens, log, base=where.graph, audience=where.graph_audience),
            Exchange(tenant_id, transport, self._tokens, log, base=where.exchange, audience=where.exchange_audience),
            SharePoint(tenant_id, transport, self._tokens, log, template=where.sharepoint),
            log,
        )

    def sign_in(self, tenant_id: str, audience: str) -> frozenset[str] | None:
        """Get a token, from memory if it is there, and return the permissions that it names (`permissions_in`).

        Raises:
            MicrosoftError: the sign-in was refused or not answered.
        """
        return permissions_in(self._tokens.token(tenant_id, audience))

    def permissions_held(self, tenant_id: str) -> dict[str, frozenset[str]]:
        """Return the permissions that the tokens in memory name, by API; asks nobody."""
        apis = {audience: api for api, audience in self.audiences.items()}
        found = {apis.get(a, SHAREPOINT): permissions_in(token) for a, token in self._tokens.held(tenant_id).items()}
        return {api: names for api, names in found.items() if names is not None}

    def permissions_granted(
        self, tenant_id: str, apis: Collection[str] = (GRAPH, EXCHANGE)
    ) -> dict[str, frozenset[str]]:
        """Return the same with tokens that are fetched now where there are none; calls no API, and never fails.

        An API whose sign-in is refused is left out, unless the app is not in the tenant: then nothing is granted.
        """
        for api in self.audiences.keys() & apis:
            try:
                self.sign_in(tenant_id, self.audiences[api])
            except MicrosoftError as error:
                if error.code in NOT_CONSENTED:
                    return dict.fromkeys((GRAPH, EXCHANGE, SHAREPOINT), frozenset[str]())
        return self.permissions_held(tenant_id)

    def forget_tokens(self, tenant_id: str) -> None:
        """Drop a tenant's tokens: what was granted since is named by new ones only."""
        self._tokens.forget(tenant_id, "")

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
