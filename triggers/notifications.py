"""Our REST API of notifications: where they go, a test of it, and sending again what was given up."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from shared.app import services
from shared.base.problems import refused
from shared.notifications import outbox
from shared.offboarding.lookup import Lookup
from shared.offboarding.tenants.tenants import Tenants
from triggers.answers import json_answer, query
from triggers.routing import route

if TYPE_CHECKING:
    import azure.functions as func

    from shared.access.caller import Caller
    from shared.notifications.settings.preferences import Preferences


@route("GET settings/notifications")
def get_notifications(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Tell where notifications go unless a tenant says otherwise; no secret is shown."""
    del req
    return json_answer(_of_partner(caller).get())


@route("PUT settings/notifications")
def put_notifications(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Set where notifications go; a blank secret, or the word that stands for it, keeps what is stored."""
    from shared.notifications.settings import destinations

    return json_answer(_of_partner(caller).put(destinations.parse(req.get_body()), caller.name))


@route("POST settings/notifications/test", query=("destination", "channel"))
def test_notifications(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Send a test message to the destination of the query, or to all."""
    return _tested(req, _of_partner(caller))


@route("GET tenants/{tenant}/notifications")
def get_tenant_notifications(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Tell what a tenant has of its own; null stands for what it takes from the partner."""
    return json_answer(_of_tenant(req, caller).get())


@route("PUT tenants/{tenant}/notifications")
def put_tenant_notifications(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Set what a tenant has of its own."""
    from shared.notifications.settings import destinations

    return json_answer(_of_tenant(req, caller).put(destinations.parse(req.get_body()), caller.name))


@route("POST tenants/{tenant}/notifications/test", query=("destination", "channel"))
def test_tenant_notifications(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Send a test message to the destination of the query, or to all that count for the tenant."""
    return _tested(req, _of_tenant(req, caller))


@route("POST offboardings/{id}/notifications/resend", query=("destinations",))
def resend_notifications(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Let messages that were given up be delivered again, or those to the destinations of the query."""
    app = services.current()
    offboarding = Lookup(app, caller.scope).get(req.route_params["id"])
    named = [one for one in query(req).get("destinations", "").split(",") if one]
    changed = outbox.resend(app, offboarding.id, named, caller.name, caller.scope.origin)
    return json_answer({"notifications": [one.shown(changed.id) for one in changed.deliveries]}, 202)


def _of_partner(caller: Caller) -> Preferences:
    caller.scope.check_everywhere()
    from shared.notifications.settings.preferences import Preferences

    return Preferences(services.current())


def _of_tenant(req: func.HttpRequest, caller: Caller) -> Preferences:
    app = services.current()
    from shared.notifications.settings.preferences import Preferences

    tenant_id = Tenants(app, caller.scope).resolve(req.route_params["tenant"])
    return Preferences(app, tenant_id, sees_partner=caller.scope.tenants is None)


def _tested(req: func.HttpRequest, preferences: Preferences) -> func.HttpResponse:
    from shared.jobs.delivery import CHANNELS

    channel = query(req).get("channel")
    if channel is not None and channel not in CHANNELS:
        raise refused(400, "invalid_request", f"channel must be one of {', '.join(CHANNELS)}.", "channel")
    results = preferences.test(query(req).get("destination"), channel)
    return json_answer({"results": [asdict(one) for one in results]})
