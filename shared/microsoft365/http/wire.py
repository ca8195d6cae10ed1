"""JSON as it comes over the wire: of unknown shape, looked into without trusting it."""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias, cast

Json: TypeAlias = Any
"""What `json.loads` returns.

Named so that a signature says "from the network, check before use" rather than "do not care".
"""

JsonObject: TypeAlias = dict[str, Any]


def decode(body: bytes) -> Json:
    """Parse a body, or return None for an empty, cut off or non-JSON one.

    Gateways answer with HTML, and Exchange Online answers 403 with NUL bytes: neither may raise while an error is
    being read.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        return None


def encode(body: Json) -> bytes:
    """Write a request body."""
    return json.dumps(body, separators=(",", ":")).encode()


def as_object(value: Json) -> JsonObject:
    """Return the value if it is an object, else an empty one."""
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def as_rows(value: Json) -> list[JsonObject]:
    """Return the objects in a list, leaving out everything else."""
    return (
        [cast("JsonObject", row) for row in cast("list[Json]", value) if isinstance(row, dict)]
        if isinstance(value, list)
        else []
    )


def as_texts(value: Json) -> tuple[str, ...]:
    """Return the texts in a list, leaving out everything else."""
    return tuple(text for text in cast("list[Json]", value) if isinstance(text, str)) if isinstance(value, list) else ()


def lookup(value: Json, *keys: str) -> Json:
    """Follow keys into nested objects, ignoring case; None when one is missing.

    Exchange Online writes both `innererror` and `innerError`.
    """
    for key in keys:
        wanted = key.lower()
        value = next((found for name, found in as_object(value).items() if name.lower() == wanted), None)
    return value


def text_at(value: Json, *keys: str) -> str:
    """Follow keys as `lookup` does; an empty text when what is there is not a text."""
    found = lookup(value, *keys)
    return found if isinstance(found, str) else ""


def header(headers: Mapping[str, str], *names: str) -> str:
    """Return the first of these headers that is present, ignoring case.

    Items of a batch carry their headers in a plain JSON object, where a number is no surprise.
    """
    present = {name.lower(): value for name, value in headers.items()}
    return next((str(present[name.lower()]) for name in names if name.lower() in present), "")


def item_status(answer: JsonObject) -> int | None:
    """Return the HTTP status of one item of a batch; None when it has none."""
    status = answer.get("status")
    return status if isinstance(status, int) else None


def item_headers(answer: JsonObject) -> Mapping[str, str]:
    """Return the HTTP headers of one item of a batch."""
    return {name: str(value) for name, value in as_object(answer.get("headers")).items()}


def request_id_of(headers: Mapping[str, str]) -> str:
    """Return the service's number of a request, under whichever name it uses."""
    return header(headers, "request-id", "x-ms-request-id", "sprequestguid")
