"""What every receiver shares: a request, an answer, the record of what arrived, and faults."""

from __future__ import annotations

import json
import random
import re
import secrets
import threading
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Call:
    """A request; `path` is below the service's name, headers have names in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    origin: str

    def json(self) -> Any:  # noqa: ANN401 - whatever was sent
        """Parse the body; raises `Refusal`."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise Refusal(400, "The body is not JSON.") from None

    def form(self) -> Any:  # noqa: ANN401
        """Parse a JSON body that has to be an object; raises `Refusal`."""
        body = self.json()
        if not isinstance(body, dict):
            raise Refusal(400, "The body is not an object.")
        return body


@dataclass(frozen=True)
class Reply:
    """An answer: a text, or something that is sent as JSON."""

    status: int
    body: object = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])


class Refusal(Exception):  # noqa: N818 - it is one
    """What the service does not accept."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


@dataclass
class Ticket:
    """A ticket in one of the PSA systems, as that system writes it."""

    number: int
    fields: dict[str, Any]
    notes: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


def make_keys() -> dict[str, str]:
    """Make the secrets of the pretended systems anew."""
    names = ("halo_id", "halo_secret", "connectwise_public", "connectwise_private", "connectwise_app")
    names = (*names, "autotask_secret", "autotask_code", "bearer", "api_key", "basic_password")
    keys = {name: secrets.token_urlsafe(18) for name in names}
    signing = {name: f"whsec_{b64encode(secrets.token_bytes(32)).decode()}" for name in ("signing", "next_signing")}
    return {**keys, **signing, "autotask_user": "api@example.com", "connectwise_company": "example"}


@dataclass
class Desk:
    """The state of all receivers. Services are called one at a time."""

    keys: dict[str, str] = field(default_factory=make_keys)
    check_time: bool = True
    arrivals: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    telemetry: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    tickets: dict[str, dict[int, Ticket]] = field(default_factory=dict[str, dict[int, Ticket]])
    rules: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    chance: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - repeatable on purpose
    lock: threading.Lock = field(default_factory=threading.Lock)

    def arrive(self, service: str, title: str, body: object, message_id: str = "") -> None:
        """Record what a service took."""
        seen = bool(message_id) and any(a["id"] == message_id and a["service"] == service for a in self.arrivals)
        entry = {"n": len(self.arrivals) + 1, "service": service, "id": message_id, "repeat": seen}
        self.arrivals.append({**entry, "title": title, "body": body})

    def open_ticket(self, service: str, fields: dict[str, Any], title: str) -> Ticket:
        """Make a ticket."""
        tickets = self.tickets.setdefault(service, {})
        ticket = Ticket(1001 + len(tickets), fields)
        tickets[ticket.number] = ticket
        self.arrive(service, title, {"ticket": ticket.number, **fields})
        return ticket

    def note(self, service: str, ticket: Ticket, fields: dict[str, Any]) -> int:
        """Write a note into a ticket and return its number."""
        ticket.notes.append(fields)
        self.arrive(service, f"Note on {ticket.number}", {"note_on": ticket.number, **fields})
        return len(ticket.notes)

    def ticket(self, service: str, number: object) -> Ticket | None:
        """Find a ticket."""
        return self.tickets.get(service, {}).get(int(str(number))) if str(number).isdecimal() else None

    def fault(self, what: str) -> dict[str, Any] | None:
        """Return the fault that hits a request, if one does."""
        for rule in self.rules:
            if rule.get("count", 1) > 0 and re.search(rule["match"], what):
                if self.chance.random() >= rule.get("probability", 1):
                    continue
                if "count" in rule:
                    rule["count"] -= 1
                return rule
        return None

    def reset(self, *, check_time: bool) -> None:
        """Forget everything but the keys."""
        self.check_time = check_time
        for kept in (self.arrivals, self.requests, self.telemetry, self.rules):
            kept.clear()
        self.tickets.clear()
