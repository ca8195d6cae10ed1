"""ConnectWise PSA.

ConnectWise's developer guide: basic authentication `company+public:private` and the header `clientId` on every call;
the code base comes from `/login/companyinfo/{company}`. A summary has 100 characters, `externalXRef` 100: it holds
the offboarding's id. Tickets are named by their number.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from shared.base.texts import cut
from shared.microsoft365.http.wire import as_object, as_rows, text_at
from shared.notifications.psa.port import Caller, Draft, Psa, Ticket
from shared.notifications.transport.delivery_error import DeliveryError

if TYPE_CHECKING:
    from shared.microsoft365.http.wire import JsonObject
    from shared.notifications.settings.destinations import ConnectWise as Settings
    from shared.notifications.transport.guard import Guard

_MAX_SUMMARY: Final = 100
_CODEBASE: Final = re.compile(r"[A-Za-z0-9_.]{1,40}/?")
_DEFAULT_CODEBASE: Final = "v4_6_release"
_VERSION: Final = "application/vnd.connectwise.com+json; version=2024.1"


class ConnectWise(Psa):
    """One company's ConnectWise PSA; a client is named by its identifier."""

    name = "ConnectWise PSA"

    def __init__(self, guard: Guard, settings: Settings, private_key: str) -> None:
        self._guard = guard
        self._settings = settings
        user = f"{settings.company}+{settings.public_key}:{private_key}"
        self._headers = {
            "Authorization": f"Basic {base64.b64encode(user.encode()).decode()}",
            "clientId": settings.app_id,
            "Accept": _VERSION,
        }
        self._located: Caller | None = None

    def check(self) -> None:
        """Sign in and look for the board."""
        condition = urlencode({"conditions": f'name="{_literal(self._settings.board)}"'})
        if not as_rows(self._api.get(f"/service/boards?{condition}")):
            raise DeliveryError(f"{self.name} has no board {self._settings.board}.")

    def find(self, key: str) -> Ticket | None:
        """Look for the ticket with the offboarding's id."""
        found = as_rows(
            self._api.get("/service/tickets?" + urlencode({"conditions": f'externalXRef="{_literal(key)}"'}))
        )
        return self._with_notes(found[0]) if found else None

    def ticket(self, number: str) -> Ticket | None:
        """Read a ticket and its notes."""
        row = self._api.get(f"/service/tickets/{quote(number)}") if number.isdecimal() else None
        return self._with_notes(as_object(row)) if row else None

    def _with_notes(self, row: JsonObject) -> Ticket:
        number = str(row["id"])
        notes = as_rows(self._api.get(f"/service/tickets/{number}/notes?pageSize=1000"))
        client = text_at(row, "company", "identifier")
        return Ticket(number, client, tuple(str(note.get("text")) for note in notes))

    def create(self, client: str, draft: Draft) -> str:
        """Make a ticket on the board, without mail to the client."""
        ticket = {
            "summary": cut(draft.title, _MAX_SUMMARY),
            "company": {"identifier": client},
            "board": {"name": self._settings.board},
            "initialInternalAnalysis": draft.text,
            "externalXRef": draft.key,
            "processNotifications": False,
        }
        return str(self._api.post("/service/tickets", ticket)["id"])

    def write_note(self, ticket: Ticket, draft: Draft) -> None:
        """Write an internal note."""
        note = {
            "text": draft.text,
            "detailDescriptionFlag": False,
            "internalAnalysisFlag": True,
            "resolutionFlag": False,
            "processNotifications": False,
        }
        self._api.post(f"/service/tickets/{quote(ticket.number)}/notes", note)

    @property
    def _api(self) -> Caller:
        if self._located is None:
            site = self._settings.url.rstrip("/")
            info = Caller(self._guard, self.name, site, {}).get(f"/login/companyinfo/{quote(self._settings.company)}")
            codebase = text_at(info, "Codebase")
            if not _CODEBASE.fullmatch(codebase):
                codebase = _DEFAULT_CODEBASE
            self._located = Caller(self._guard, self.name, f"{site}/{codebase.rstrip('/')}/apis/3.0", self._headers)
        return self._located


def _literal(text: str) -> str:
    """Write a text for a condition, in which nothing escapes a quotation mark."""
    return text.replace('"', "").replace("\\", "")
