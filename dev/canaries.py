"""Secrets that must stand nowhere, and the search for them in whatever was written.

A secret counts as found in any encoding in which it could have slipped into a text: as it is, or escaped for URLs, JSON
or HTML, or in base64, alone or in the middle of something longer. Of a secret nothing is told but its kind.
"""

from __future__ import annotations

import base64
import html
import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from dev.sinks import psa
from dev.tenant import tokens
from shared.notifications import MARKER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from shared.app.settings import Settings

SHORTEST: Final = 8
"""A shorter text would be found by chance."""

_KEY: Final = "AccountKey="
_KEPT: Final = (MARKER, "SentToKeyVault")
_SLICE: Final = 24
_STEP: Final = 480


_OF_AUTH: Final = ("token", "password", "value", "headers")
_OF_PSA: Final = ("client_secret", "private_key", "secret", "integration_code")


class LeakError(AssertionError):
    """Secrets were found; the message tells their kinds and the places, never the secrets."""


@dataclass(frozen=True)
class Canary:
    """A secret, and what people call it."""

    kind: str
    text: str | bytes = field(repr=False)


ALWAYS: Final = (
    # The two mark every token of the simulation: the first its beginning, the second its middle, where that is cut off.
    Canary("an access token", tokens.TOKEN_PREFIX),
    Canary("an access token", tokens.TOKEN_ID),
    Canary("an access token of a PSA system", psa.TOKEN),
)


def named(kind: str, texts: Iterable[str]) -> Iterator[Canary]:
    """Return the canaries of one kind; what is too short to be one is left out, and what stands for a kept secret."""
    return (Canary(kind, text) for text in texts if len(text) >= SHORTEST and text not in _KEPT)


def arrived(secrets: Iterable[str]) -> Iterator[Canary]:
    """Return the passwords among what the simulated tenant has received; `ALWAYS` has the tokens."""
    return named("a generated password", (one for one in secrets if not one.startswith(tokens.TOKEN_PREFIX)))


def of_sinks(keys: Mapping[str, str]) -> Iterator[Canary]:
    """Return what the receivers of notifications expect of whoever signs in; names of users are no secrets."""
    public = ("autotask_user", "connectwise_company", "halo_id", "connectwise_public", "connectwise_app")
    yield from named("a credential of a receiver", (key for name, key in keys.items() if name not in public))


def of_settings(settings: Settings) -> Iterator[Canary]:
    """Return the secrets that an app was set up with."""
    yield from of_certificate(settings.certificate, settings.certificate_password)
    yield from named("the certificate's password", [settings.certificate_password])
    yield from named("the client secret", [settings.client_secret])
    yield from named("NOTIFICATION_KEY", settings.notification_keys)
    yield from named("a NOTIFICATION_SECRET_ setting", settings.notification_secrets.values())
    parts = settings.storage_connection.split(";")
    yield from named("the storage account's key", [part[len(_KEY) :] for part in parts if part.startswith(_KEY)])


def of_certificate(pfx: str, password: str) -> Iterator[Canary]:
    """Return slices of a PFX in base64 and of the private key in it: a part of either is too much."""
    yield from _slices(pfx, password) if pfx else ()


@lru_cache
def _slices(pfx: str, password: str) -> tuple[Canary, ...]:
    content = base64.b64decode(pfx)
    key = pkcs12.load_pkcs12(content, password.encode() or None).key
    whole = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()) if key else b""
    return tuple(
        Canary(kind, secret[start : start + _SLICE])
        for kind, secret in (("the certificate", content), ("the certificate's private key", whole))
        for start in range(_STEP, len(secret) - _SLICE, _STEP)
    )


def of_destinations(body: Any) -> Iterator[Canary]:  # noqa: ANN401 - whatever a test has sent
    """Return the secrets in notification settings as a person gives them, to our API or in the portal's form."""
    if not isinstance(body, dict):
        return
    hooks, systems = _objects(body.get("webhook")), _objects(body.get("psa"))
    auths = _objects([one.get("auth") for one in hooks])
    in_form = [body.get(f"webhookAuth{name}") for name in ("Token", "Password", "HeaderValue", "Headers")]
    address = body.get("webhook") if isinstance(body.get("webhook"), str) else None
    yield from named("the address of a webhook", _texts([address, *(one.get("url") for one in hooks)]))
    yield from named("a secret of a webhook", _texts([in_form, *(one.get("signing") for one in hooks)]))
    yield from named("a secret of a webhook", _texts([one.get(name) for one in auths for name in _OF_AUTH]))
    yield from named("a credential of a PSA system", _texts([one.get(name) for one in systems for name in _OF_PSA]))


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts([part for name, part in value.items() if name != "setting"])
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


@lru_cache(10_000)
def forms(secret: str | bytes) -> frozenset[bytes]:
    """Return a secret in every form in which it is looked for."""
    raw = secret.encode() if isinstance(secret, str) else secret
    found = {raw}
    if isinstance(secret, str):
        written = (quote(secret, safe=""), quote_plus(secret), html.escape(secret))
        as_json = (json.dumps(secret, ensure_ascii=is_ascii)[1:-1] for is_ascii in (True, False))
        found |= {form.encode() for form in (*written, *as_json)}
    for before in range(3):
        # In the middle of something longer, base64 of the first and last bits depends on their neighbours.
        end = before + len(raw)
        text = base64.b64encode(b"\0" * before + raw + b"\0" * (-end % 3))
        inner = text[-(-4 * before // 3) : 4 * end // 3]
        found |= {inner, inner.translate(bytes.maketrans(b"+/", b"-_"))}
    return frozenset(found)


def search(places: Iterable[tuple[str, bytes]], canaries: Iterable[Canary]) -> list[str]:
    """Return which kinds of secrets stand in which places, as sentences."""
    known = {form: canary.kind for canary in canaries for form in forms(canary.text)}
    everything = list(places)
    whole = b"\n".join(text for _, text in everything)
    found = {form: kind for form, kind in known.items() if form in whole}
    return sorted(
        {f"{kind} stands in {place}" for form, kind in found.items() for place, text in everything if form in text}
    )


def check(places: Iterable[tuple[str, bytes]], canaries: Iterable[Canary]) -> None:
    """Raise `LeakError` if a secret stands anywhere."""
    __tracebackhide__ = True  # pytest would show the arguments, and so the secrets
    if found := search(places, canaries):
        raise LeakError("Secrets stand where nobody may find them:\n- " + "\n- ".join(found))
