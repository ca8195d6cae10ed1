"""Our REST API of what administrators changed: who set what, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.app import services
from shared.jobs.storage import setting_changes
from shared.offboarding.lookup import Lookup
from triggers.answers import json_answer, page_start, page_token, query, whole_number
from triggers.routing import route

if TYPE_CHECKING:
    import azure.functions as func

    from shared.access.caller import Caller

_PAGE = 100


@route("GET audit", query=("limit", "next", "tenant"))
def list_setting_changes(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """List changes of settings, newest first: those of the caller's tenants, and, where all are, of everything."""
    start, limit = page_start(query(req).get("next")), whole_number(req, "limit", _PAGE)
    found, next_id = Lookup(services.current(), caller.scope).setting_changes(query(req).get("tenant"), start, limit)
    return json_answer({"items": [setting_changes.shown(each) for each in found], "next": page_token(next_id)})
