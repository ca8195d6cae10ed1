"""Autotask PSA.

Autotask's REST API documentation: the zone of a user has to be asked for, and every call carries `UserName`, `Secret`
and `ApiIntegrationCode`. A ticket needs companyID, title, status, priority and dueDateTime; a title has 255
characters, a description 8,000, a note 32,000. `externalID` (50 characters) holds the offboarding's id. All
integrations of a database share 10,000 calls an hour.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from shared.base import clock
from shared.base.texts import cut
from shared.microsoft365.http.wire import as_object, as_rows, as_texts
from shared.notifications.psa.port import Caller, Draft, Psa, Ticket
from shared.notifications.transport.delivery_error import DeliveryError

if TYPE_CHECKING:
    from shared.notifications.settings.destinations import Autotask as Settings
    from shared.notifications.transport.answer import Answer
    from shared.notifications.transport.guard import Guard

_MAX_TITLE: Final = 255
_ZONE_HOST: Final = re.compile(r"webservices[0-9]{0,3}\.autotask\.net")


class Autotask(Psa):
    """One Autotask database; a client is named by the number of its company."""

    name = "Autotask PSA"

    def __init__(self, guard: Guard, settings: Settings, secret: str, integration_code: str) -> None:
        self._guard = guard
        self._settings = settings
        self._headers = {
            "UserName": settings.username,
            "Secret": secret,
            "ApiIntegrationCode": integration_code,
        }
        self._in_zone: Caller | None = None

    def check(self) -> None:
        """Sign in and read what a ticket is made of."""
        if self._api.get("/v1.0/Tickets/entityInformation/fields") is None:
            raise DeliveryError(f"{self.name} does not show its tickets to this user.")

    def find(self, key: str) -> Ticket | None:
        """Look for the ticket with the offboarding's id."""
        return self._first("externalID", key)

    def ticket(self, number: str) -> Ticket | None:
        """Read a ticket by the number that people see (T20261123.0001) or by its id."""
        return self._first("id", int(number)) if number.isdecimal() else self._first("ticketNumber", number)

    def _first(self, field: str, value: object) -> Ticket | None:
        query = quote(json.dumps({"filter": [{"op": "eq", "field": field, "value": value}]}))
        found = as_rows(as_object(self._api.get(f"/v1.0/Tickets/query?search={query}")).get("items"))
        if not found:
            return None
        number = str(found[0]["id"])
        query = quote(json.dumps({"filter": [{"op": "eq", "field": "ticketID", "value": int(number)}]}))
        notes = as_rows(as_object(self._api.get(f"/v1.0/TicketNotes/query?search={query}")).get("items"))
        texts = (str(found[0].get("description")), *(str(note.get("description")) for note in notes))
        return Ticket(number, str(found[0].get("companyID")), texts)

    def create(self, client: str, draft: Draft) -> str:
        """Make a ticket in the queue."""
        if not client.isdecimal():
            raise DeliveryError(f"{client} is not the number of a company in Autotask.")
        due = clock.now() + timedelta(hours=self._settings.due_in_hours)
        ticket = {
            "companyID": int(client),
            "title": cut(draft.title, _MAX_TITLE),
            "description": draft.text,
            "status": self._settings.status,
            "priority": self._settings.priority,
            "queueID": self._settings.queue,
            "dueDateTime": clock.to_text(due),
            "externalID": draft.key,
        }
        return self._made("/v1.0/Tickets", ticket)

    def write_note(self, ticket: Ticket, draft: Draft) -> None:
        """Write a note."""
        note = {
            "title": cut(draft.title, _MAX_TITLE - 5),
            "description": draft.text,
            "noteType": self._settings.note_type,
            "publish": self._settings.publish,
        }
        self._made(f"/v1.0/Tickets/{quote(ticket.number)}/Notes", note)

    def _made(self, path: str, content: dict[str, Any]) -> str:
        return str(self._api.post(path, content)["itemId"])

    @property
    def _api(self) -> Caller:
        if self._in_zone is None:
            start = self._settings.url.rstrip("/")
            asked = Caller(self._guard, self.name, start, {}, _is_final)
            user = quote(self._settings.username)
            zone = as_object(asked.get(f"/atservicesrest/v1.0/zoneInformation?user={user}"))
            url = str(zone.get("url") or "").rstrip("/")
            if not _is_zone(url, start):
                raise DeliveryError(f"{self.name} returned no API zone for this user. Check the user name.")
            self._in_zone = Caller(self._guard, self.name, url, self._headers, _is_final)
        return self._in_zone


def _is_final(answer: Answer) -> bool:
    """Return whether a refusal lasts: Autotask answers values that it does not take with 500 and a list of errors."""
    errors = as_texts(as_object(answer.parsed()).get("errors"))
    return answer.status == _SERVER_ERROR and bool(errors) and not any(map(_PASSES.search, errors))


_SERVER_ERROR: Final = 500
_PASSES: Final = re.compile(r"threshold|tim(ed?|e-)\s?out|try again|temporar|unavailable|deadlock", re.IGNORECASE)
"""Of load, which Autotask answers with 500, too."""


def _is_zone(url: str, start: str) -> bool:
    """Return whether credentials may go there: a zone of Autotask, or the origin that the settings name."""
    parts, begun = urlsplit(url), urlsplit(start)
    if (parts.scheme, parts.netloc) == (begun.scheme, begun.netloc):
        return True
    return parts.scheme == "https" and bool(_ZONE_HOST.fullmatch(parts.netloc))
