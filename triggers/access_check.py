"""Our REST API for looking, now, whether somebody can still get at anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.app import services
from shared.base import identifiers
from shared.base.problems import refused
from shared.offboarding.access_check.look import look
from shared.offboarding.tenants import people
from shared.offboarding.tenants.tenants import Tenants
from triggers import bodies
from triggers.answers import json_answer
from triggers.routing import route

if TYPE_CHECKING:
    import azure.functions as func

    from shared.access.caller import Caller

_ANSWER_WITHIN_SECONDS = 35.0
"""Less than a Static Web App allows a request."""


@route("GET tenants/{tenant}/users/{user}/access")
def get_user_access(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Look at everything that a person can still get at; nothing is changed, and nothing of it is kept."""
    app = services.current()
    tenant_id = Tenants(app, caller.scope).resolve(req.route_params["tenant"])
    found = people.find(tenant_id, [_person_in(req)], app.microsoft365)
    person = people.person_of(found.users[0])
    clients, scans = app.microsoft365.tenant(tenant_id), app.store.known_scans(tenant_id)
    check, _ = people.in_time(lambda: look(person, clients, scans), _ANSWER_WITHIN_SECONDS)
    tenant = bodies.tenant(tenant_id, found.tenant.domain)
    return json_answer({"tenant": tenant, "user": bodies.person(person), **check.to_json()})


def _person_in(req: func.HttpRequest) -> str:
    """Return whom the address names; what cannot name anybody is nobody's."""
    name = req.route_params["user"]
    try:
        identifiers.check_person(name)
    except ValueError:
        text = f"There is no user {identifiers.shown(name)} in this tenant."
        raise refused(404, "user_not_found", text, "user") from None
    return name
