"""The REST door of Exchange Online: the envelope of one cmdlet, its pages, and batches of cmdlets."""

from __future__ import annotations

import copy
import json
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from dev.tenant import recorder
from dev.tenant.errors import ExchangeError, PlainError, Refusal
from dev.tenant.exchange import recipients
from dev.tenant.exchange.cmdlet import CMDLETS, Run, bind
from dev.tenant.faulty import item_fault, resets
from dev.tenant.messages import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dev.tenant.messages import Call, Json
    from dev.tenant.simulation import Simulation
    from dev.tenant.state import Tenant

MOST = 10
_PAGE = 1000
ROLES = {"Exchange Administrator", "Exchange Recipient Administrator", "Global Administrator"}


@dataclass(frozen=True)
class Envelope:
    """One cmdlet as it arrived, alone or in a batch; `link` is where its next page is asked for."""

    body: Json
    query: dict[str, str]
    headers: Mapping[str, str]
    link: str


def refuse(message: str) -> ExchangeError:
    """Refuse an envelope."""
    return ExchangeError("Microsoft.Exchange.Admin.OData.Core.ODataServiceException", message, unknown=True)


def envelope(body: Json) -> tuple[str, dict[str, Any]]:
    """Take the cmdlet and its parameters out of a body, whose names are case-sensitive."""
    if not isinstance(body, dict) or set(body) != {"CmdletInput"}:
        raise refuse("The request body must hold exactly one property, 'CmdletInput'.")
    given = body["CmdletInput"]
    if not isinstance(given, dict) or not set(given) <= {"CmdletName", "Parameters"}:
        raise refuse("'CmdletInput' takes 'CmdletName' and 'Parameters'.")
    name, parameters = given.get("CmdletName"), given.get("Parameters")
    if not isinstance(name, str) or not isinstance(parameters, dict):
        raise refuse("'CmdletName' must be a string and 'Parameters' an object, empty if need be.")
    return name, parameters


def name_of(body: Json) -> str | None:
    """Read the cmdlet's name from a body that may be anything."""
    try:
        return envelope(body)[0]
    except ExchangeError:
        return None


def single(simulation: Simulation, call: Call, tenant: Tenant) -> Reply:
    """Answer one cmdlet."""
    call.cmdlet = name_of(call.body)
    return _run(simulation, tenant, Envelope(call.body, call.query, call.headers, f"{call.base}{call.path}"))


def batch(simulation: Simulation, call: Call, tenant: Tenant) -> Reply:
    """Answer a batch. Neither the order of execution nor that of the responses is promised, so both are shuffled."""
    requests = _requests(call.body)
    call.items = [
        {**recorder.item(each["method"], each["url"], each.get("body")), "cmdlet": name_of(each.get("body"))}
        for each in requests
    ]
    targets = [_targets(tenant, each.get("body")) for each in requests]
    resets(simulation, call, targets)
    order = sorted(
        range(len(requests)), key=lambda index: zlib.crc32(f"{len(requests)}{requests[index]['id']}".encode())
    )
    responses = []
    for index in order:
        reply = item_fault(simulation, call, targets[index]) or _item(
            simulation, call, tenant, requests[index], call.items[index]
        )
        call.items[index]["status"] = reply.status
        response: dict[str, Any] = {"id": requests[index]["id"], "status": reply.status, "headers": dict(reply.headers)}
        if reply.body is not None and not isinstance(reply.body, bytes):  # JSON cannot carry what is none
            response["body"] = reply.body
        responses.append(response)
    return Reply(body={"responses": responses[::-1]})


def _targets(tenant: Tenant, body: Json) -> list[str]:
    return [name_of(body) or "", f"POST /adminapi/beta/{tenant.id}/InvokeCommand"]


def _requests(body: Json) -> list[dict[str, Any]]:
    requests = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(requests, list) or not requests:
        raise refuse("Invalid batch payload format.")
    if len(requests) > MOST:
        raise refuse(f"A batch may hold at most {MOST} requests.")
    ids = [each.get("id") for each in requests if isinstance(each, dict)]
    if len(set(ids)) != len(requests) or not all(isinstance(each, str) and each for each in ids):
        raise refuse("Every request of a batch needs an id of its own.")
    for each in requests:
        if each.get("method") != "POST" or not isinstance(each.get("url"), str):
            raise refuse("Every request of a batch is a POST to InvokeCommand.")
    return requests


def _item(simulation: Simulation, call: Call, tenant: Tenant, request: dict[str, Any], record: dict[str, Any]) -> Reply:
    parts = urlsplit(request["url"])
    path = parts.path[parts.path.find("/adminapi/") :]
    try:
        if not re.fullmatch(rf"/adminapi/(beta|v1\.0)/{tenant.id}/InvokeCommand", path, re.IGNORECASE):
            raise refuse(f"The request '{path}' can't be part of this batch.")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        headers = {"Prefer": call.headers.get("Prefer", ""), **(request.get("headers") or {})}
        return _run(simulation, tenant, Envelope(request.get("body"), query, headers, f"{call.base}{path}"))
    except Refusal as refusal:
        record["refused"] = refusal.unknown
        return refusal.reply()


def _run(simulation: Simulation, tenant: Tenant, asked: Envelope) -> Reply:
    name, given = envelope(asked.body)
    found = bind(name, given)
    if not ROLES.intersection(tenant.app.entra_roles):
        # No role at all was seen to be answered with a run of NUL bytes instead of JSON.
        raise PlainError(403, bytes(64))
    if unknown := set(asked.query) - {"$select", "$skiptoken"}:
        raise refuse(f"The query parameter '{unknown.pop()}' is not supported.")
    reads = name.startswith("Get-")
    seen = simulation.faults.stale("exchange", [name], tenant) if reads else tenant
    before = copy.deepcopy(tenant) if not reads and simulation.faults.lags("exchange") else None
    run = Run(simulation, seen, name, given)
    rows = found.handler(run) or []
    if before is not None:
        simulation.faults.remember("exchange", before)
    return Reply(body=_answer(run, rows, asked))


def _answer(run: Run, rows: list[dict[str, Any]], asked: Envelope) -> dict[str, Any]:
    """Write a page of the answer. The next is had by posting the very same body to its link."""
    query, link = asked.query, asked.link
    prefer = next((value for name, value in asked.headers.items() if name.lower() == "prefer"), "")
    wanted = re.search(r"odata\.maxpagesize=(\d+)", prefer)
    size = int(wanted[1]) if wanted else _PAGE
    mark = f"{zlib.crc32(json.dumps(run.given, sort_keys=True).encode()):x}"
    start = _position(query.get("$skiptoken"), mark)
    selected = query.get("$select")
    body: dict[str, Any] = {
        "@odata.context": f"{link.rsplit('/', 1)[0]}/$metadata#Collection(Exchange.GenericHashTable)",
        "@adminapi.warnings": run.warnings,
        "@adminapi.errors": [],
        "@adminapi.confirmationmessage": None,
        "value": [_selected(row, selected) for row in rows[start : start + size]],
    }
    if start + size < len(rows):
        kept = f"$select={selected}&" if selected else ""
        body["@odata.nextLink"] = f"{link}?{kept}$skiptoken={mark}-{start + size}"
    return body


def _position(token: str | None, mark: str) -> int:
    if token is None:
        return 0
    given, _, start = token.partition("-")
    if given != mark or not start.isdigit():
        raise refuse("The skip token doesn't belong to this request.")
    return int(start)


def _selected(row: dict[str, Any], names: str | None) -> dict[str, Any]:
    if not names:
        return row
    chosen = {}
    for part in names.split(","):
        name = part.strip()
        if name not in row:
            raise refuse(f"Could not find a property named '{name}'.")
        chosen[name] = row[name]
    return chosen


def written_mailboxes(tenant: Tenant, call: Call) -> dict[str, str]:
    """Tell which mailboxes a request is going to change, and by which cmdlet, from what it says it will do."""
    bodies = [call.body]
    if isinstance(call.body, dict) and isinstance(call.body.get("requests"), list):
        bodies = [each.get("body") for each in call.body["requests"] if isinstance(each, dict)]
    found: dict[str, str] = {}
    for body in bodies:
        try:
            name, given = envelope(body)
            declared = CMDLETS.get(name)
            if declared and declared.writes:
                identity = str(given.get(declared.writes) or "").partition(":\\")[0]
                found[recipients.find_id(tenant, identity)] = name
        except ExchangeError:
            continue
    return found
