"""HaloPSA, ConnectWise PSA and Autotask PSA: their sign-in, the fields they need, their searches and their errors."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from dev.sinks.desk import Call, Desk, Refusal, Reply

if TYPE_CHECKING:
    from dev.sinks.desk import Ticket

COMPANIES = {12: "contoso", 15: "fabrikam"}
"""The clients that all three systems know: number and identifier."""

TOKEN = "canary-halo-access-token"  # noqa: S105 - of a pretended system


def halo(desk: Desk, call: Call) -> Reply:
    """Answer as HaloPSA."""
    if call.path == "/auth/token":
        form = dict(parse_qsl(call.body.decode()))
        wanted = {"client_id": desk.keys["halo_id"], "client_secret": desk.keys["halo_secret"]}
        if form.get("grant_type") != "client_credentials" or any(form.get(k) != v for k, v in wanted.items()):
            raise Refusal(400, {"error": "invalid_client"})
        return Reply(200, {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600})
    if call.headers.get("authorization") != f"Bearer {TOKEN}":
        raise Refusal(401, {"error": "Unauthorized"})
    if call.path == "/api/Client":
        return Reply(200, {"record_count": 2, "clients": [{"id": n, "name": name} for n, name in COMPANIES.items()]})
    if call.path == "/api/Tickets":
        return _halo_tickets(desk, call)
    if call.path == "/api/Actions":
        return _halo_actions(desk, call)
    ticket = desk.ticket("halo", call.path.removeprefix("/api/Tickets/"))
    if ticket is None:
        raise Refusal(404, {"error": "Not found"})
    return Reply(200, {"id": ticket.number, **ticket.fields})


def _halo_tickets(desk: Desk, call: Call) -> Reply:
    if call.method == "GET":
        search = call.query.get("search", "")
        found = [t for t in desk.tickets.get("halo", {}).values() if search in json.dumps(t.fields)]
        hidden = {"details_html", "third_party_id_string"}  # lists leave it out on many instances
        rows = [{"id": t.number, **{k: v for k, v in t.fields.items() if k not in hidden}} for t in found]
        return Reply(200, {"record_count": len(rows), "tickets": rows})
    new = call.json()
    if not isinstance(new, list) or len(new) != 1 or not new[0].get("summary"):
        raise Refusal(400, {"error": "An array of tickets with a summary is expected."})
    if new[0].get("client_id") not in COMPANIES:
        raise Refusal(400, {"error": "Client is not valid."})
    ticket = desk.open_ticket("halo", new[0], new[0]["summary"])
    return Reply(201, {"id": ticket.number, **new[0]})


def _halo_actions(desk: Desk, call: Call) -> Reply:
    if call.method == "GET":
        ticket = desk.ticket("halo", call.query.get("ticket_id"))
        return Reply(200, {"record_count": 0, "actions": ticket.notes if ticket else []})
    new = call.json()
    ticket = desk.ticket("halo", new[0].get("ticket_id")) if isinstance(new, list) and new else None
    if ticket is None or not new[0].get("outcome_id"):
        raise Refusal(400, {"error": "An array of actions with a ticket and an outcome is expected."})
    return Reply(201, {"id": desk.note("halo", ticket, new[0]), **new[0]})


def connectwise(desk: Desk, call: Call) -> Reply:
    """Answer as ConnectWise PSA."""
    if call.path.startswith("/login/companyinfo/"):
        known = call.path.endswith("/" + desk.keys["connectwise_company"])
        return Reply(200, {"Codebase": "v4_6_release/", "SiteUrl": call.origin}) if known else Reply(200, "null")
    _check_connectwise(desk, call)
    path = call.path.removeprefix("/v4_6_release/apis/3.0/service")
    if path == "/boards":
        return Reply(200, [{"id": 1, "name": "Service"}] if 'name="Service"' in call.query["conditions"] else [])
    if path == "/tickets":
        return _connectwise_tickets(desk, call)
    match = re.fullmatch(r"/tickets/(\d+)(/notes)?", path)
    ticket = desk.ticket("connectwise", match[1]) if match else None
    if match is None or ticket is None:
        raise Refusal(404, {"code": "NotFound", "message": "Record not found."})
    if match[2] is None:
        return Reply(200, _connectwise_row(ticket))
    if call.method == "GET":
        return Reply(200, ticket.notes)
    note = call.form()
    if not any(note.get(flag) for flag in ("detailDescriptionFlag", "internalAnalysisFlag", "resolutionFlag")):
        raise Refusal(400, {"code": "InvalidObject", "message": "serviceNote object is invalid"})
    return Reply(201, {"id": desk.note("connectwise", ticket, note), **note})


def _check_connectwise(desk: Desk, call: Call) -> None:
    keys = desk.keys
    user = f"{keys['connectwise_company']}+{keys['connectwise_public']}:{keys['connectwise_private']}"
    if call.headers.get("clientid") != keys["connectwise_app"]:
        raise Refusal(401, {"code": "ClientId", "message": "Cannot route. Codebase/clientId is invalid"})
    if call.headers.get("authorization") != f"Basic {b64encode(user.encode()).decode()}":
        raise Refusal(401, {"code": "Unauthorized", "message": "Invalid authentication"})


def _connectwise_tickets(desk: Desk, call: Call) -> Reply:
    if call.method == "GET":
        wanted = re.fullmatch(r'externalXRef="([^"]*)"', call.query.get("conditions", ""))
        if wanted is None:
            raise Refusal(400, {"code": "InvalidConditions", "message": "Conditions are not valid"})
        found = [t for t in desk.tickets.get("connectwise", {}).values() if t.fields["externalXRef"] == wanted[1]]
        return Reply(200, [_connectwise_row(ticket) for ticket in found])
    new = call.form()
    too_long = len(new.get("summary", "")) > 100 or len(new.get("externalXRef", "")) > 100  # noqa: PLR2004
    company = new.get("company", {}).get("identifier")
    if not new.get("summary") or too_long or company not in COMPANIES.values() or "board" not in new:
        raise Refusal(400, {"code": "InvalidObject", "message": "ticket object is invalid", "errors": []})
    ticket = desk.open_ticket("connectwise", new, new["summary"])
    ticket.notes.append({"text": new.get("initialInternalAnalysis", ""), "internalAnalysisFlag": True})
    return Reply(201, _connectwise_row(ticket))


def _connectwise_row(ticket: Ticket) -> dict[str, Any]:
    row = {name: value for name, value in ticket.fields.items() if not name.startswith("initial")}
    return {"id": ticket.number, **row}


def autotask(desk: Desk, call: Call) -> Reply:
    """Answer as Autotask PSA: the zones' service, and one zone."""
    if call.path == "/atservicesrest/v1.0/zoneInformation":
        if call.query.get("user") != desk.keys["autotask_user"]:
            raise Refusal(500, {"errors": ["The user was not found in any zone."]})
        return Reply(200, {"zoneName": "Example", "url": f"{call.origin}/autotask/zone/atservicesrest/", "ci": 1})
    wanted = {name: desk.keys[f"autotask_{name}"] for name in ("user", "secret", "code")}
    headers = {"user": "username", "secret": "secret", "code": "apiintegrationcode"}
    if any(call.headers.get(headers[name]) != value for name, value in wanted.items()):
        raise Refusal(401, {"errors": ["Unauthorized"]})
    path = call.path.removeprefix("/zone/atservicesrest/v1.0")
    if path == "/Tickets/entityInformation/fields":
        return Reply(200, {"fields": [{"name": "title", "isRequired": True}]})
    if path in {"/Tickets/query", "/TicketNotes/query"}:
        return Reply(200, {"items": _autotask_found(desk, path, json.loads(call.query["search"])["filter"][0])})
    if path == "/Tickets":
        return _autotask_ticket(desk, call.form())
    match = re.fullmatch(r"/Tickets/(\d+)/Notes", path)
    ticket = desk.ticket("autotask", match[1]) if match else None
    if ticket is None:
        raise Refusal(404, {"errors": ["Not found"]})
    note = call.form()
    if not {"title", "description", "noteType", "publish"} <= set(note) or len(note["title"]) > 250:  # noqa: PLR2004
        raise Refusal(500, {"errors": ["Missing Required Field"]})
    return Reply(200, {"itemId": desk.note("autotask", ticket, note)})


def _autotask_found(desk: Desk, path: str, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    tickets = desk.tickets.get("autotask", {})
    if path == "/TicketNotes/query":
        return tickets[wanted["value"]].notes if wanted["value"] in tickets else []
    rows = [{"id": t.number, "ticketNumber": f"T20300101.{t.number}", **t.fields} for t in tickets.values()]
    return [row for row in rows if row.get(wanted["field"]) == wanted["value"]]


def _autotask_ticket(desk: Desk, new: dict[str, Any]) -> Reply:
    needed = {"companyID", "title", "status", "priority", "dueDateTime"}
    if missing := needed - set(new):
        raise Refusal(500, {"errors": [f"Missing Required Field: {min(missing)}."]})
    limits = {"title": 255, "description": 8_000, "externalID": 50}
    too_long = [name for name, most in limits.items() if len(new.get(name, "")) > most]
    if too_long or new["companyID"] not in COMPANIES:
        raise Refusal(500, {"errors": [f"Invalid value: {(too_long or ['companyID'])[0]}."]})
    return Reply(200, {"itemId": desk.open_ticket("autotask", new, new["title"]).number})
