"""Every request that arrived, in the order of arrival, without anything that must not be written down."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from dev.tenant.messages import now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.tenant.messages import Call, Json, Reply

_SECRET_FIELDS = frozenset({"client_secret", "client_assertion", "refresh_token"})
_PASSWORD_FIELDS = frozenset({"password", "newPassword"})
_HEADERS_LEFT_OUT = frozenset({"authorization", "cookie"})
_KEPT = 50_000


class Recorder:
    """The list behind `GET /_sim/requests`."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._count = 0
        self.secrets: set[str] = set()
        """Every password and token that came by: what a search for leaks has to look for."""

    def begin(self, call: Call) -> dict[str, Any]:
        """Enter a request; its status stays null while it is under way, and for ever when the connection was reset."""
        self._count += 1
        self.secrets.update(_passwords(call.body))
        self.secrets.update(v.split()[-1] for n, v in call.headers.items() if n.lower() == "authorization" and v)
        entry: dict[str, Any] = {
            "n": self._count,
            "time": now(),
            "service": call.service,
            "tenant": None,
            "method": call.method,
            "url": url_of(call),
            "headers": {name: value for name, value in call.headers.items() if name.lower() not in _HEADERS_LEFT_OUT},
            "body": _body(call),
            "status": None,
            "fault": None,
            "refused": False,
            "items": [],
        }
        self._entries.append(entry)
        return entry

    @staticmethod
    def end(entry: dict[str, Any], call: Call, reply: Reply | None) -> None:
        """Complete a request with what became of it."""
        entry["tenant"] = call.tenant.id if call.tenant else None
        entry["status"] = reply.status if reply else None
        entry["items"] = call.items
        entry["refused"] = call.refused or any(item["refused"] for item in call.items)
        if call.cmdlet:
            entry["cmdlet"] = call.cmdlet

    def since(self, number: int) -> list[dict[str, Any]]:
        """List the requests after the one of that number."""
        return [entry for entry in self._entries if entry["n"] > number]


def url_of(call: Call) -> str:
    """Write the path and query of a call for reading."""
    query = "&".join(f"{name}={value}" for name, value in call.query.items())
    return unquote(call.path) + (f"?{query}" if query else "")


def item(method: str, url: str, body: Json, status: int | None = None) -> dict[str, Any]:
    """Write the record of one item of a batch."""
    return {"method": method, "url": url, "body": clean(body), "status": status, "refused": False}


def clean(value: Json) -> Json:
    """Copy a body with its passwords blotted out."""
    if isinstance(value, dict):
        return {key: "<password>" if key in _PASSWORD_FIELDS else clean(part) for key, part in value.items()}
    if isinstance(value, list):
        return [clean(part) for part in value]
    return value


def _passwords(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            if key in _PASSWORD_FIELDS and isinstance(part, str):
                yield part
            else:
                yield from _passwords(part)
    elif isinstance(value, list):
        for part in value:
            yield from _passwords(part)


def _body(call: Call) -> Json:
    if call.service == "login":
        form = {name: values[0] for name, values in parse_qs(call.raw.decode(errors="replace")).items()}
        return {name: "<redacted>" if name in _SECRET_FIELDS else value for name, value in form.items()} or None
    if call.body is not None:
        return clean(call.body)
    return call.raw.decode(errors="replace") or None


def copy(entries: list[dict[str, Any]]) -> str:
    """Write entries as JSON; bodies may hold anything a client sent."""
    return json.dumps(entries, default=str)
