"""What a receiver says, without what it was told in confidence: some repeat path, token or key of a request.

The words of a refusal are kept, shown to readers and logged; the secrets of the request must be in none of it, in
whichever encoding and however much of them.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

INSTEAD: Final = "[hidden]"
_PLAIN_HEADERS: Final = frozenset(
    {"accept", "content-type", "user-agent", "webhook-id", "webhook-timestamp", "webhook-signature"}
)
_LONG_ENOUGH: Final = 6
"""Of parts of a secret; shorter ones would hide ordinary words."""

_WORD: Final = re.compile(r"[\w%+/=.~:@!*-]{6,}")


def secrets_of(url: str, headers: Mapping[str, str], body: bytes | None, *, hides_address: bool) -> list[str]:
    """Return what a request holds that is for its receiver alone."""
    found = [value for name, value in headers.items() if name.lower() not in _PLAIN_HEADERS]
    found += [part for value in found for part in value.split(" ")[1:]]
    found += [decoded for value in found if (decoded := _decoded(value))]
    found += [part for value in found for part in value.split(":")[1:]]
    if hides_address:
        parts = urlsplit(url)
        found += [parts.path, parts.query, *parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))]
    if body and any(value.endswith("form-urlencoded") for value in headers.values()):
        found += [value for name, value in parse_qsl(body.decode("utf-8", "replace")) if "secret" in name]
    return [secret for secret in found if secret.strip("/")]


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def concealed(text: str, secrets: Iterable[str]) -> str:
    """Return a text without secrets, and without words that are a part of one."""
    forms = {form for secret in secrets for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        if len(form) >= _LONG_ENOUGH:
            text = re.sub(re.escape(form), INSTEAD, text, flags=re.IGNORECASE)
        else:
            text = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", INSTEAD, text)
    lowered = [form.casefold() for form in forms]
    return _WORD.sub(lambda word: INSTEAD if any(word[0].casefold() in form for form in lowered) else word[0], text)


def _forms(secret: str) -> Iterator[str]:
    """Return the spellings in which a receiver may repeat a secret."""
    for plain in {secret, unquote(secret), secret.strip("/")}:
        yield from (plain, quote(plain, safe=""), quote(plain), html.escape(plain), json.dumps(plain)[1:-1])
        for shift in range(3):  # what stands before a text decides how its base64 looks
            encoded = base64.b64encode(b" " * shift + plain.encode("utf-8", "replace")).decode().rstrip("=")
            piece = encoded[4 if shift else 0 : -1]
            yield from (piece, piece.replace("+", "-").replace("/", "_")) if len(piece) >= _LONG_ENOUGH else ()
