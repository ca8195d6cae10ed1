"""HaloPSA.

Halo's API documentation (`/apidoc` of every instance): client credentials at `/auth/token`; `POST /api/Tickets` and
`POST /api/Actions` take arrays; a note needs an outcome. The offboarding's id stands in `third_party_id_string` and,
because that field is not searched everywhere, at the end of the summary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from shared.base.texts import cut
from shared.microsoft365.http.wire import as_object, as_rows
from shared.notifications.psa.port import Caller, Draft, Psa, Ticket
from shared.notifications.transport.delivery_error import DeliveryError

if TYPE_CHECKING:
    from shared.microsoft365.http.wire import JsonObject
    from shared.notifications.settings.destinations import HaloPsa
    from shared.notifications.transport.guard import Guard

_MAX_SUMMARY: Final = 200
_SCOPE: Final = "read:tickets edit:tickets read:customers"


class Halo(Psa):
    """One instance of HaloPSA; a token is fetched for every message, and forgotten."""

    name = "HaloPSA"

    def __init__(self, guard: Guard, settings: HaloPsa, secret: str) -> None:
        self._guard = guard
        self._settings = settings
        self._secret = secret
        self._signed_in: Caller | None = None

    def check(self) -> None:
        """Sign in and read a client."""
        self._api.get("/api/Client?pageinate=true&page_size=1&page_no=1")

    def find(self, key: str) -> Ticket | None:
        """Search for the offboarding's id; lists may leave out the field that holds it, but never the summary."""
        found = self._api.get("/api/Tickets?" + urlencode({"search": key, "includedetails": "true"}))
        tickets = as_rows(as_object(found).get("tickets"))
        match = next((row for row in tickets if _is_for(row, key)), None)
        return self.ticket(str(match["id"])) if match else None

    def ticket(self, number: str) -> Ticket | None:
        """Read a ticket and what was written into it."""
        if not number.isdecimal():
            return None
        row = as_object(self._api.get(f"/api/Tickets/{quote(number)}?includedetails=true"))
        if not row:
            return None
        actions = as_object(self._api.get(f"/api/Actions?ticket_id={quote(number)}"))
        notes = [str(one.get("note_html") or one.get("note")) for one in as_rows(actions.get("actions"))]
        return Ticket(number, str(row.get("client_id")), (str(row.get("details_html") or row.get("details")), *notes))

    def create(self, client: str, draft: Draft) -> str:
        """Make a ticket of a client. Its number has to be a number: anything else Halo takes for none."""
        if not client.isdecimal():
            raise DeliveryError(f"{client} is not the number of a client in HaloPSA.")
        tag = f" {_tag(draft.key)}"
        ticket: dict[str, Any] = {
            "summary": cut(draft.title, _MAX_SUMMARY - len(tag)) + tag,
            "details_html": draft.html,
            "client_id": int(client),
            "third_party_id_string": draft.key,
        }
        if self._settings.ticket_type:
            ticket["tickettype_id"] = self._settings.ticket_type
        made = self._api.post("/api/Tickets", [ticket])
        return str((as_rows(made) or [made])[0]["id"])

    def write_note(self, ticket: Ticket, draft: Draft) -> None:
        """Write a note that the client does not see."""
        note = {
            "ticket_id": int(ticket.number),
            "outcome_id": self._settings.note_outcome,
            "note_html": draft.html,
            "hiddenfromuser": True,
        }
        self._api.post("/api/Actions", [note])

    @property
    def _api(self) -> Caller:
        if self._signed_in is None:
            base = self._settings.url
            self._signed_in = Caller(self._guard, self.name, base, {"Authorization": f"Bearer {self._token()}"})
        return self._signed_in

    def _token(self) -> str:
        tenant = self._settings.hosted_tenant
        url = f"{self._settings.url.rstrip('/')}/auth/token" + (f"?tenant={quote(tenant)}" if tenant else "")
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id,
            "client_secret": self._secret,
            "scope": _SCOPE,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._guard.send("POST", url, headers, urlencode(form).encode())
        if not answer.is_success:
            raise answer.refusal(f"The sign-in of {self.name}")
        return str(answer.json()["access_token"])


def _tag(key: str) -> str:
    return f"[{key}]"


def _is_for(row: JsonObject, key: str) -> bool:
    return row.get("third_party_id_string") == key or _tag(key) in str(row.get("summary"))
