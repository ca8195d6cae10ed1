"""Access tokens: made by the token endpoint, checked by the services."""

from __future__ import annotations

import base64
import json
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

if TYPE_CHECKING:
    from dev.tenant.state import Tenant

KEY_ID = "canary-signing-key"
_HEADER = {"alg": "RS256", "kid": KEY_ID, "typ": "JWT"}
TOKEN_PREFIX = base64.urlsafe_b64encode(json.dumps(_HEADER, separators=(",", ":")).encode()).decode().rstrip("=")
"""How every token of the simulation begins: what a test of leaks looks for in logs and storage."""
TOKEN_ID = "canary-token-"  # noqa: S105 - no token
"""How the id of every token begins, which stands in the middle of it."""

SECRET, CERTIFICATE = "1", "2"
"""The values of `appidacr`: how the app proved itself ("Access token claims reference" on Learn)."""


class InvalidTokenError(Exception):
    """The token is not one that the service takes; the text says why."""


@dataclass(frozen=True)
class Token:
    """What a service needs to know of a token."""

    tenant: str
    audience: str
    by_certificate: bool


class SigningKey:
    """The key that the simulated Entra ID signs with."""

    def __init__(self, pem: str | None = None) -> None:
        if pem:
            key = serialization.load_pem_private_key(pem.encode(), None)
            assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 - only this class writes it
        else:
            key = rsa.generate_private_key(65537, 2048)
        self._private = key
        self._seen: dict[str, dict[str, Any]] = {}

    def pem(self) -> str:
        """Write the private key."""
        return self._private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    def jwks(self) -> dict[str, Any]:
        """Publish the public key."""
        public = json.loads(RSAAlgorithm.to_jwk(self._private.public_key()))
        return {"keys": [{**public, "kid": KEY_ID, "use": "sig", "alg": "RS256"}]}

    def issue(
        self, tenant: Tenant, audience: str, roles: list[str], *, app_id: str, appidacr: str, seconds: int
    ) -> str:
        """Make a token."""
        issued = int(time.time())
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{tenant.id}/",
            "iat": issued,
            "nbf": issued,
            "exp": issued + seconds,
            "tid": tenant.id,
            "appid": app_id,
            "appidacr": appidacr,
            "idtyp": "app",
            "roles": roles,
            "uti": TOKEN_ID + uuid.uuid4().hex,
            "ver": "1.0",
        }
        return jwt.encode(claims, self._private, algorithm="RS256", headers={"kid": KEY_ID})

    def check(self, authorization: str | None, audiences: set[str]) -> Token:
        """Accept a token that was made here, has not expired and is meant for this service."""
        scheme, _, text = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not text:
            raise InvalidTokenError("Access token is empty.")
        claims = self._seen.get(text) or self._claims(text)
        if claims["exp"] <= time.time():
            raise InvalidTokenError("Lifetime validation failed, the token is expired.")
        if claims["aud"] not in audiences:
            raise InvalidTokenError("Access token validation failure. Invalid audience.")
        self._seen[text] = claims
        return Token(claims["tid"], claims["aud"], claims["appidacr"] == CERTIFICATE)

    def tenant(self, authorization: str | None) -> str | None:
        """Tell whose token it is, whatever it is meant for."""
        text = (authorization or "").partition(" ")[2]
        if text not in self._seen:
            try:
                self._seen[text] = self._claims(text)
            except InvalidTokenError:
                return None
        return self._seen[text]["tid"]

    def _claims(self, text: str) -> dict[str, Any]:
        try:
            return jwt.decode(
                text, self._private.public_key(), ["RS256"], options={"verify_aud": False, "verify_exp": False}
            )
        except jwt.InvalidTokenError as error:
            raise InvalidTokenError("CompactToken validation failed.") from error
