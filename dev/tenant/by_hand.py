"""Calling the simulated services by hand: how a test looks at a tenant independently of the app's own clients."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

import jwt
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from dev.tenant import seed
from dev.tenant.login import ASSERTION, EXCHANGE, GRAPH

if TYPE_CHECKING:
    from dev.tenant.messages import Json
    from dev.tenant.process import Simulator

OK = 200


class Certificate:
    """A key and a self-signed certificate for it, as an app registration holds them."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "offboarding")])
        now = dt.datetime.now(dt.UTC)
        self.certificate = (
            x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=30))
            .sign(self.key, hashes.SHA256())
        )

    @property
    def pem(self) -> str:
        """The certificate, for `POST /_sim/app`."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def private_pem(self) -> str:
        """The key."""
        plain = serialization.NoEncryption()
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()

    def pfx(self, password: str = "") -> bytes:
        """Both in one file, as Key Vault gives them."""
        hidden = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        return pkcs12.serialize_key_and_certificates(b"app", self.key, self.certificate, None, hidden)

    def assertion(self, audience: str) -> str:
        """Sign a proof of the app's identity for a token endpoint."""
        claims = {
            "aud": audience,
            "iss": seed.CLIENT_ID,
            "sub": seed.CLIENT_ID,
            "jti": str(uuid.uuid4()),
            "exp": dt.datetime.now(dt.UTC) + dt.timedelta(minutes=2),
        }
        return jwt.encode(claims, self.key, "PS256")


class Caller:
    """The services as the app calls them in one tenant."""

    def __init__(self, simulator: Simulator, session: requests.Session, certificate: Certificate, tenant: str) -> None:
        self.sim, self.session, self.certificate, self.tenant = simulator, session, certificate, tenant
        self._tokens: dict[tuple[str, bool], str] = {}

    def in_tenant(self, tenant: str) -> Caller:
        """Call the same services in another tenant."""
        return Caller(self.sim, self.session, self.certificate, tenant)

    def sign_in(self, audience: str, *, by_certificate: bool = False, **form: str) -> requests.Response:
        """Ask for a token; `form` replaces fields of the request."""
        url = f"{self.sim.login}/{self.tenant}/oauth2/v2.0/token"
        data = {
            "grant_type": "client_credentials",
            "client_id": seed.CLIENT_ID,
            "scope": f"{audience}/.default",
        }
        if by_certificate:
            proof = {"client_assertion_type": ASSERTION, "client_assertion": self.certificate.assertion(url)}
        else:
            proof = {"client_secret": seed.CLIENT_SECRET}
        return self.session.post(url, data={**data, **proof, **form}, verify=self.sim.ca)

    def bearer(self, audience: str, *, by_certificate: bool = False) -> dict[str, str]:
        """Write the header with a token, which is asked for once."""
        key = (audience, by_certificate)
        if key not in self._tokens:
            self._tokens[key] = self.sign_in(audience, by_certificate=by_certificate).json()["access_token"]
        return {"Authorization": f"Bearer {self._tokens[key]}"}

    def graph(
        self,
        method: str,
        path: str,
        body: Json = None,
        *,
        version: str = "v1.0",
        headers: dict[str, str] | None = None,
        **options: str,
    ) -> requests.Response:
        """Call Graph; `options` are query options, which may also stand in the path."""
        url = f"{self.sim.graph}/{version}{path}"
        sent = {**self.bearer(GRAPH), **(headers or {})}
        return self.session.request(method, url, json=body, headers=sent, params=options or None)

    def get(
        self, path: str, *, version: str = "v1.0", headers: dict[str, str] | None = None, **options: str
    ) -> requests.Response:
        """Read from Graph."""
        return self.graph("GET", path, version=version, headers=headers, **options)

    def batch(self, *items: dict[str, Any], version: str = "v1.0") -> requests.Response:
        """Send a batch to Graph."""
        return self.graph("POST", "/$batch", {"requests": list(items)}, version=version)

    def invoke(
        self,
        cmdlet: str,
        /,
        *,
        select: str | None = None,
        prefer: str = "odata.maxpagesize=1000",
        url: str | None = None,
        **parameters: Json,
    ) -> requests.Response:
        """Run a cmdlet; `url` may be the link to a next page."""
        url = url or f"{self.sim.exchange}/adminapi/beta/{self.tenant}/InvokeCommand"
        body = {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}}
        headers = {**self.bearer(EXCHANGE), "Prefer": prefer}
        return self.session.post(url, json=body, headers=headers, params={"$select": select} if select else None)

    def rows(self, cmdlet: str, /, *, select: str | None = None, **parameters: Json) -> list[dict[str, Any]]:
        """Run a cmdlet that has to succeed, and return what it found."""
        return self._succeeded(cmdlet, select, parameters)["value"]

    def warnings(self, cmdlet: str, /, **parameters: Json) -> list[str]:
        """Run a cmdlet that has to succeed, and return what it warned of."""
        return self._succeeded(cmdlet, None, parameters)["@adminapi.warnings"]

    def _succeeded(self, cmdlet: str, select: str | None, parameters: dict[str, Json]) -> dict[str, Any]:
        response = self.invoke(cmdlet, select=select, **parameters)
        if response.status_code != OK:
            raise AssertionError(f"{cmdlet}: {response.status_code} {response.text}")
        return response.json()

    def invoke_batch(self, *cmdlets: tuple[str, dict[str, Any]]) -> requests.Response:
        """Run cmdlets, each a name with its parameters, in one batch."""
        items = [
            {
                "id": str(number),
                "method": "POST",
                "url": f"{EXCHANGE}/adminapi/beta/{self.tenant}/InvokeCommand",
                "body": {"CmdletInput": {"CmdletName": name, "Parameters": parameters}},
            }
            for number, (name, parameters) in enumerate(cmdlets)
        ]
        url = f"{self.sim.exchange}/adminapi/beta/{self.tenant}/$batch"
        return self.session.post(url, json={"requests": items}, headers=self.bearer(EXCHANGE))

    def sharepoint(
        self,
        method: str,
        url: str,
        body: Json = None,
        *,
        audience: str | None = None,
        by_certificate: bool = True,
        headers: dict[str, str] | None = None,
    ) -> requests.Response:
        """Call SharePoint at its real address; a body that is text is sent as it is."""
        host, _, path = url.removeprefix("https://").partition("/")
        audience = audience or f"https://{host.replace('-my.', '.')}"
        sent = {**self.bearer(audience, by_certificate=by_certificate), **(headers or {})}
        where = f"{self.sim.sharepoint.format(host=host)}/{path}"
        if isinstance(body, str):
            return self.session.request(method, where, data=body, headers=sent)
        return self.session.request(method, where, json=body, headers=sent)


def exception_of(response: requests.Response) -> str:
    """Read the exception type of an Exchange error, which is what a client is to go by."""
    return response.json()["error"]["details"][0]["message"].split("|")[1].rsplit(".", 1)[-1]


def plain_session() -> requests.Session:
    """Open a session that proxies and certificate bundles of the environment do not reach."""
    session = requests.Session()
    session.trust_env = False
    return session
