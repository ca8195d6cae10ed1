"""Our REST API of what offboardings gave to others: what is open, and when it ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from shared.actions import catalogue
from shared.app import services
from shared.jobs.storage import keys
from shared.offboarding.lifecycle.operations import Operations
from shared.offboarding.lookup import Lookup
from triggers import bodies
from triggers.answers import from_opaque, json_answer, moment, no_page, opaque, query, whole_number
from triggers.routing import route

if TYPE_CHECKING:
    from collections.abc import Mapping

    import azure.functions as func

    from shared.access.caller import Caller

_PAGE = 100


@route("GET access", query=("limit", "next", "tenant", "until_before"))
def list_access(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """List what was given to others: by tenant, what ends first before what stays."""
    asked = query(req)
    start, limit = from_opaque(asked.get("next", "")), whole_number(req, "limit", _PAGE)
    if start and not start.startswith(keys.OPEN_ACCESS):
        raise no_page()
    lookup = Lookup(services.current(), caller.scope)
    found, following = lookup.open_access(asked.get("tenant"), moment(req, "until_before"), start, limit)
    return json_answer({"items": [_shown(row) for row in found], "next": opaque(following) if following else None})


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "offboarding": row["id"],
        "tenant": bodies.tenant(row["tenant_id"], row["tenant_domain"]),
        "user": {"id": row["person_id"], "upn": row["upn"], "display_name": row["display_name"]},
        "action": row["action"],
        "title": catalogue.title_of(row["action"]),
        "to": json.loads(row["to"]),
        "until": row["until"] or None,
    }


@route("PATCH offboardings/{id}/access/{action}")
def move_access(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Let access end at another moment; null lets it stay, a moment that is past ends it within a minute or two."""
    from shared.offboarding.request import parsing

    until = parsing.parse_until(req.get_body())
    operations = Operations(services.current(), caller.name, caller.scope)
    done = operations.move_access(req.route_params["id"], req.route_params["action"], until)
    return json_answer({"items": [bodies.access(one) for one in done.offboarding.access] if done.offboarding else []})
