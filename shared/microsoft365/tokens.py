"""Access tokens for the tenants of the customers, from the one app registration of this backend.

App-only ("client credentials"): the app itself signs in, in the customer's tenant, with a certificate, a secret, or
with the managed identity of the function app (a federated credential: no secret anywhere). SharePoint accepts the
certificate only.

msal does the protocol and keeps the tokens in memory; it is imported when the first token is asked for, because it
costs about a tenth of a second that a cold start without Microsoft 365 calls need not pay.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlencode

from shared.microsoft365.http.errors import Category, MicrosoftError, from_oauth, readable
from shared.microsoft365.http.messages import Request, Response
from shared.microsoft365.http.wire import Json, as_object, as_texts, decode, text_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    import msal
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12KeyAndCertificates

    from shared.microsoft365.http.transport import Transport

MAX_TENANTS_IN_MEMORY = 300
"""The tenant that was not used for longest is forgotten beyond this; it costs one sign-in when it comes back."""

FEDERATION_AUDIENCE = "api://AzureADTokenExchange"
_DEFAULT_SCOPE = "/.default"

ClientCredential: TypeAlias = "str | dict[str, str | RSAPrivateKey] | dict[str, Callable[[], str]]"


@dataclass(frozen=True)
class Credential:
    """How the app proves who it is. The first of certificate, managed identity and secret that is given is used.

    Attributes:
        client_id: application id of the multi-tenant app registration.
        certificate: a PFX file, as its path or as its content in base64 (as Key Vault references give it).
        certificate_password: empty for a PFX without one, as Key Vault exports it.
        secret: works for Graph and Exchange Online; SharePoint refuses tokens obtained with it.
        managed_identity: client id of a user-assigned managed identity that is a federated credential of the app.
    """

    client_id: str
    certificate: str = field(default="", repr=False)
    certificate_password: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    managed_identity: str = ""


class _Tenant:
    """What is kept for one tenant.

    The application and the token cache of msal, and a lock so that one thread signs in for all.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.cache: msal.TokenCache | None = None
        self.app: msal.ConfidentialClientApplication | None = None


class Tokens:
    """Access tokens by tenant and audience, kept until shortly before they expire. For all threads of the process."""

    def __init__(
        self, credential: Credential, transport: Transport, login: str = "https://login.microsoftonline.com"
    ) -> None:
        """Take the app's credential and the address of the sign-in service."""
        self._credential = credential
        self._login = login.rstrip("/")
        self._http = _LoginHttp(transport, self._login)
        self._lock = threading.Lock()
        self._tenants: OrderedDict[str, _Tenant] = OrderedDict()
        self._proof: ClientCredential | None = None

    def token(self, tenant_id: str, audience: str) -> str:
        """Return an access token of this tenant for this audience, for instance `https://graph.microsoft.com`.

        Raises:
            MicrosoftError: with what to do, when the sign-in is refused.
        """
        tenant = self._tenant(tenant_id)
        with tenant.lock:
            try:
                return self._acquire(tenant, tenant_id, audience)
            except MicrosoftError:
                # msal answers a refused request from memory for a minute (and a throttled one for longer): only a new
                # application notices at once that an administrator has granted consent in the meantime.
                tenant.app = None
                raise

    def forget(self, tenant_id: str, audience: str) -> None:
        """Drop the tokens of this tenant, because the service refused one.

        msal can only drop all audiences of a tenant together; the others cost one request when they are next needed.
        """
        del audience
        tenant = self._tenant(tenant_id)
        with tenant.lock:
            if tenant.app is not None:
                tenant.app.remove_tokens_for_client()
            else:
                tenant.cache = None

    def held(self, tenant_id: str) -> dict[str, str]:
        """Return the tokens of this tenant that are in memory and have not expired, by audience; asks nobody."""
        tenant = self._tenant(tenant_id)
        if tenant.cache is None:
            return {}
        import msal

        entries = tenant.cache.search(msal.TokenCache.CredentialType.ACCESS_TOKEN)
        return {entry["target"].removesuffix(_DEFAULT_SCOPE): entry["secret"] for entry in entries}

    def _tenant(self, tenant_id: str) -> _Tenant:
        with self._lock:
            tenant = self._tenants.setdefault(tenant_id.lower(), _Tenant())
            self._tenants.move_to_end(tenant_id.lower())
            if len(self._tenants) > MAX_TENANTS_IN_MEMORY:
                self._tenants.popitem(last=False)
            return tenant

    def _acquire(self, tenant: _Tenant, tenant_id: str, audience: str) -> str:
        try:
            tenant.app = tenant.app or self._application(tenant, tenant_id)
            answer = tenant.app.acquire_token_for_client([audience + _DEFAULT_SCOPE])
        except ValueError as error:
            # The tenant's metadata was refused: msal wraps the answer in a text and that in another one.
            text = f"{error.__context__ or ''} {error}"
            raise (
                from_oauth(400, {}, text.encode()) if "AADSTS" in text else _not_configured(readable(text))
            ) from error
        token = text_at(answer, "access_token")
        if not token:
            raise from_oauth(400, {}, answer)
        return token

    def _application(self, tenant: _Tenant, tenant_id: str) -> msal.ConfidentialClientApplication:
        import msal

        tenant.cache = tenant.cache or msal.TokenCache()
        self._proof = self._proof or client_credential(self._credential)
        return msal.ConfidentialClientApplication(
            self._credential.client_id,
            client_credential=self._proof,
            authority=f"{self._login}/{tenant_id}",
            token_cache=tenant.cache,
            http_client=self._http,
            # The authority is a setting: there is nothing to find out about it, and asking would cost a request.
            instance_discovery=False,
        )


def permissions_in(token: str) -> frozenset[str] | None:
    """Return the application permissions that a token names; None where it cannot be read.

    Nothing may be trusted or allowed for what is read here: the token is not verified, and Microsoft may change its
    form. It tells people what was granted (Learn: "Access token claims reference", `roles`).
    """
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, IndexError):
        return None
    return frozenset(as_texts(as_object(claims).get("roles"))) if isinstance(claims, dict) else None


def client_credential(credential: Credential) -> ClientCredential:
    """Give msal the proof of identity in the form it takes.

    Raises:
        MicrosoftError: nothing usable is configured; the message says what is wrong, without the secret.
    """
    if credential.certificate:
        return read_certificate(credential.certificate, credential.certificate_password)
    if credential.managed_identity:
        return {"client_assertion": managed_identity_assertion(credential.managed_identity)}
    if credential.secret:
        return credential.secret
    raise _not_configured("no certificate, managed identity or secret is set for the app")


def read_certificate(certificate: str, password: str) -> dict[str, str | RSAPrivateKey]:
    """Read a PFX (path, or content in base64) into the key and certificate that msal signs with (PS256).

    The key is given as it was read: a text would be parsed and checked again for each tenant, which costs more than all
    else of a sign-in (msal's `JwtAssertionCreator` takes both).
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding

    bundle = _bundle(certificate, password)
    if bundle.key is None or bundle.cert is None:
        raise _not_configured("the certificate has no private key")
    if not isinstance(bundle.key, RSAPrivateKey):
        raise _not_configured("the certificate's key is not an RSA key, and Microsoft Entra takes no other")
    public = bundle.cert.certificate.public_bytes(Encoding.PEM)
    return {"private_key": bundle.key, "public_certificate": public.decode()}


def certificate_end(certificate: str, password: str) -> datetime:
    """Return until when the certificate in a PFX is valid; raises `MicrosoftError` like `read_certificate`."""
    bundle = _bundle(certificate, password)
    if bundle.cert is None:
        raise _not_configured("the certificate has no private key")
    return bundle.cert.certificate.not_valid_after_utc


def _bundle(certificate: str, password: str) -> PKCS12KeyAndCertificates:
    from cryptography.hazmat.primitives.serialization import pkcs12

    try:
        return pkcs12.load_pkcs12(_certificate_bytes(certificate), password.encode() if password else None)
    except (ValueError, OSError) as error:
        reason = "is not there" if isinstance(error, OSError) else "is not a PFX, or its password is wrong"
        raise _not_configured(f"the certificate {reason}") from error


def managed_identity_assertion(identity_client_id: str) -> Callable[[], str]:
    """Return a function that gets the managed identity's token, which proves the app's identity to every tenant.

    Learn: "Configure an application to trust a managed identity". msal keeps the token until it expires.
    """
    import msal
    import requests

    from shared.microsoft365.http.transport import from_transport

    identity = msal.UserAssignedManagedIdentity(client_id=identity_client_id)
    # The local endpoint of the host, not Microsoft 365: it is reached without this package's guards.
    client = msal.ManagedIdentityClient(identity, http_client=requests.Session())

    def assertion() -> str:
        try:
            answer = client.acquire_token_for_client(resource=FEDERATION_AUDIENCE)
        except requests.RequestException as failure:
            raise from_transport("login", failure) from failure
        token = text_at(answer, "access_token")
        if not token:
            raise from_oauth(400, {}, answer)
        return token

    return assertion


def _certificate_bytes(certificate: str) -> bytes:
    text = "".join(certificate.split())
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return Path(certificate).read_bytes()


def _not_configured(what: str) -> MicrosoftError:
    message = f"The app cannot sign in: {what}."
    advice = "Correct the credential in the app's settings (M365_...)."
    return MicrosoftError("login", Category.auth_token, message, code="NotConfigured", advice=advice)


class _LoginAnswer:
    """An answer in the form msal reads."""

    def __init__(self, response: Response) -> None:
        self.status_code = response.status
        self.text = response.body.decode(errors="replace")
        self.headers = response.headers

    def raise_for_status(self) -> None:
        """Do nothing: refusals that msal would raise on never get here."""


class _LoginHttp:
    """msal's HTTP client, made of our transport: the same time limits, guard on the origin, retries and errors."""

    def __init__(self, transport: Transport, login: str) -> None:
        self._transport = transport
        self._login = login

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | str | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Json,
    ) -> _LoginAnswer:
        """Send the form of a token request."""
        body = data if isinstance(data, str) else urlencode(data or {})
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._send("POST", url, params, {**form, **(headers or {})}, body.encode())

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Json,
    ) -> _LoginAnswer:
        """Read the metadata of a tenant."""
        return self._send("GET", url, params, headers or {}, None)

    def close(self) -> None:
        """Leave the connections open: they belong to the transport."""

    def _send(
        self, method: str, url: str, params: Mapping[str, str] | None, headers: Mapping[str, str], body: bytes | None
    ) -> _LoginAnswer:
        full = f"{url}?{urlencode(params)}" if params else url
        response = self._transport.send(
            Request("login", method, full, self._login, {k: str(v) for k, v in headers.items()}, body)
        )
        # A refusal with 400 is msal's to read; all else would reach us as one of several exceptions without the
        # headers.
        if response.status not in {200, 400, 401}:
            raise from_oauth(response.status, response.headers, response.body)
        if decode(response.body) is None:
            message = "Microsoft Entra sign-in gave an answer that cannot be read."
            raise MicrosoftError("login", Category.transient, message, status=response.status)
        return _LoginAnswer(response)
