"""Secrets in notification settings: encrypted, or named by the setting that holds them; never shown again.

In Azure a setting can be a Key Vault reference, which the platform resolves. What is encrypted is encrypted with Fernet
(cryptography.io: AES-128-CBC with HMAC-SHA256) under the first of `NOTIFICATION_KEY`; the others still decrypt, so that
a key can be replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from shared.app.settings import ORIGIN_PREFIX, SECRET_PREFIX, is_unresolved, unresolved
from shared.notifications import MARKER
from shared.notifications.transport.delivery_error import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

GIVEN: Final = object()
"""The context of a validation of what a person gave: what only this app can have stored is not taken from them."""

_PORTS: Final = {"https": 443, "http": 80}


class VaultError(DeliveryError):
    """A secret that cannot be had; the message says what to do."""


class Secret(BaseModel):
    """A secret as it travels: `given` by a person and not stored yet, named by a `setting`, or `sealed`.

    A person gives a text, {"setting": name}, or the marker or a blank to keep what is stored.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    given: str = Field(default="", repr=False, max_length=4096)
    setting: str = Field(default="", pattern=rf"^({SECRET_PREFIX}[A-Z0-9_]{{1,80}})?$")
    sealed: str = Field(default="", repr=False)

    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, __: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe what a person gives."""
        setting = {"type": "string", "pattern": rf"^({SECRET_PREFIX}[A-Z0-9_]{{1,80}})?$"}
        by_setting = {"type": "object", "properties": {"setting": setting}, "additionalProperties": False}
        return {"anyOf": [{"type": "string", "maxLength": 4096}, by_setting]}

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, str):
            return {"given": "" if value == MARKER else value}
        if info.context is GIVEN and isinstance(value, dict) and set(cast("dict[str, Any]", value)) - {"setting"}:
            text = 'a secret is a text or {"setting": name}; one that is named as stored is not taken'
            raise PydanticCustomError("secret_form", text)  # pyright: ignore[reportArgumentType] - wants a literal
        return cast("object", value)

    @property
    def is_blank(self) -> bool:
        """Return whether it says nothing but: keep what is stored."""
        return not (self.given or self.setting or self.sealed)

    def shown(self) -> object:
        """Return what a person may see of it."""
        return {"setting": self.setting} if self.setting else MARKER


class Vault:
    """Seals and opens secrets."""

    def __init__(
        self, keys: Sequence[str], settings: Mapping[str, str], origins: Mapping[str, str], problem: str = ""
    ) -> None:
        """Take the keys, the settings that hold secrets, and those that say to which origin each may be sent.

        `problem` is why there are no keys.
        """
        self._problem = problem
        self._fernet = MultiFernet([Fernet(key) for key in keys]) if keys else None
        self._settings = settings
        self._origins = origins

    def sealed(self, secret: Secret) -> Secret:
        """Return a secret in the form that is stored; raises `VaultError`."""
        if not secret.given:
            return secret
        if self._fernet is None:
            why = self._problem or "The setting NOTIFICATION_KEY is not set."
            raise VaultError(
                f"Secrets cannot be stored. {why} Correct it, or put the secret into a setting {SECRET_PREFIX}... and "
                'give {"setting": name}.'
            )
        return Secret(sealed=self._fernet.encrypt(secret.given.encode()).decode())

    def address(self, secret: Secret) -> str:
        """Return a secret that is an address itself, and so goes nowhere else; raises `VaultError`."""
        return self._opened(secret)

    def opened(self, secret: Secret, address: str) -> str:
        """Return a secret that is to be sent to an address; raises `VaultError`, also where it may not go there."""
        if secret.setting:
            self._check_origin(secret.setting, address)
        return self._opened(secret)

    def _check_origin(self, name: str, address: str) -> None:
        beside = ORIGIN_PREFIX + name.removeprefix(SECRET_PREFIX)
        allowed = self._origins.get(beside, "")
        if is_unresolved(allowed):
            raise VaultError(unresolved(beside))
        if not allowed:
            raise VaultError(
                f"Nothing says where {name} may be sent: set {beside} to the origin of its receiver, such as "
                "https://example.halopsa.com."
            )
        if origin_of(address) != origin_of(allowed):
            raise VaultError(f"{name} may be sent to {allowed} only, as {beside} says.")

    def _opened(self, secret: Secret) -> str:
        if secret.given:
            return secret.given
        if secret.setting:
            value = self._settings.get(secret.setting, "")
            if not value:
                raise VaultError(f"The setting {secret.setting} is not set.")
            if is_unresolved(value):
                raise VaultError(unresolved(secret.setting))
            return value
        if not secret.sealed:
            raise VaultError("A secret is missing. Enter it again.")
        if self._fernet is None:
            raise VaultError(self._problem or "NOTIFICATION_KEY, with which the secrets were encrypted, is not set.")
        try:
            return self._fernet.decrypt(secret.sealed).decode()
        except InvalidToken:
            raise VaultError(
                "A stored secret was encrypted with a key that is no longer in NOTIFICATION_KEY. Add it back or enter "
                "the secret again."
            ) from None


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of an address, so that different spellings of an origin are equal."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return "", "", None
