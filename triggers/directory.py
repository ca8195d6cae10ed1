"""Our REST API beside the offboardings: health, actions, tenants, people and defaults."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from shared.actions import catalogue, permissions, plan
from shared.app import host_settings, services, settings
from shared.base import clock
from shared.base.problems import refused
from shared.offboarding.onboarding import certificate, check
from shared.offboarding.request import defaults
from shared.offboarding.request.defaults import NOTHING_ADDED, DefaultsStore
from shared.offboarding.tenants import protected_names
from shared.offboarding.tenants.listing import Directory
from shared.offboarding.tenants.tenants import Tenants
from triggers.answers import from_opaque, is_asked, json_answer, no_page, opaque, query, whole_number
from triggers.routing import route

if TYPE_CHECKING:
    from collections.abc import Mapping

    import azure.functions as func

    from shared.access.caller import Caller
    from shared.actions.permissions import Granted
    from shared.actions.plan import Node
    from shared.offboarding.tenants.tenants import ManagedTenant

_PAGE = 100


@route("GET health")
def get_health(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Answer that the app runs, and nothing else: anybody may ask."""
    del req, caller
    if problem := host_settings.host_problem(os.environ):
        raise refused(503, "not_configured", problem)
    return json_answer({})


@route("GET health/detail")
def get_health_detail(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Say what an administrator has to do soon, or what does not work now: host, certificate, references."""
    del req, caller
    app = services.current()
    secrets = app.settings.notification_secrets.items()
    unresolved = (settings.unresolved(name) for name, value in secrets if settings.is_unresolved(value))
    expiry, names = certificate.warning(app.settings, clock.now()), protected_names.problems(app)
    told = (host_settings.host_problem(os.environ), expiry, *unresolved, *names)
    return json_answer({"warnings": [text for text in told if text]})


@route("GET actions", query=("tenant",))
def list_actions(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """List the actions that can be selected, with all that was declared of them.

    With `tenant`, `problem` says why an action cannot work there, as far as the app's tokens tell.
    """
    app, tenant = services.current(), query(req).get("tenant")
    granted: Granted = {}
    if tenant:
        granted = app.microsoft365.permissions_granted(Tenants(app, caller.scope).resolve(tenant))
    nodes = {node.name: node for node in plan.make(catalogue.all_actions().keys()).steps}
    return json_answer({"items": [_action(nodes[name], granted, caller) for name in catalogue.all_actions()]})


def _action(node: Node, granted: Granted, caller: Caller) -> dict[str, Any]:
    from shared.offboarding.request import parsing

    action = catalogue.get(node.name)
    return {
        "name": action.name,
        "title": action.title,
        "description": action.description,
        "parameters": parsing.parameters_schema(action.name),
        "portal_key": action.portal_key,
        "after": list(node.after),
        "requires": [one for one in node.requires if one in catalogue.all_actions()],
        "excludes": list(action.excludes),
        "lane": action.lane,
        "destructive": action.destructive,
        "undo": action.undo,
        "permissions": [asdict(one) for one in action.permissions],
        "allowed": action.name not in caller.scope.forbidden,
        "problem": " ".join(map(permissions.not_granted, permissions.missing(action, granted))),
    }


@route("GET tenants", query=("refresh",))
def list_tenants(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """List the tenants the caller may work in, and how old the list is; `refresh=true` asks Microsoft again."""
    listed = Tenants(services.current(), caller.scope).all(refresh=is_asked(req, "refresh"))
    age = int((clock.now() - listed.read_at).total_seconds())
    return json_answer(
        {
            "items": [_tenant(tenant) for tenant in listed.tenants],
            "read_at": clock.to_text(listed.read_at),
            "age_seconds": max(age, 0),
            "warnings": [listed.problem] if listed.problem else [],
        }
    )


def _tenant(tenant: ManagedTenant) -> dict[str, Any]:
    relationship = {"expires_at": tenant.expires_at, "extends": tenant.extends} if tenant.is_customer else None
    return {
        "id": tenant.id,
        "name": tenant.name,
        "domain": tenant.domain,
        "initial_domain": tenant.initial_domain,
        "domains": list(tenant.domains),
        "relationship": relationship,
        "problem": tenant.problem,
    }


@route("GET tenants/{tenant}/check")
def check_tenant(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Find out live what works in a tenant, and what an administrator still has to do there."""
    app = services.current()
    report = check.check(app, req.route_params["tenant"], caller.scope)
    expiry = certificate.warning(app.settings, clock.now())
    return json_answer(
        {
            "tenant": report.tenant_id,
            "checked_at": clock.to_text(report.checked_at),
            "ready": report.ready,
            "warnings": [expiry] if expiry else [],
            "audiences": [asdict(state) for state in report.audiences],
            "actions": [asdict(state) for state in report.actions],
        }
    )


@route("GET tenants/{tenant}/users", query=("limit", "next", "search"))
def list_users(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """List a tenant's people by name, or those that `search` finds; `next` fetches the following page."""
    searched, link = _link(query(req).get("next", ""))
    search = query(req).get("search", searched)
    found = Directory(services.current(), caller.scope).users(
        req.route_params["tenant"], search=search, next_link=link, top=whole_number(req, "limit", _PAGE)
    )
    token = opaque(f"{search}\n{found.next_link}") if found.next_link else None
    items = [asdict(user) | {"badges": list(user.badges)} for user in found.users]
    return json_answer({"items": items, "next": token, "warnings": list(found.warnings)})


def _link(token: str) -> tuple[str, str]:
    """Return what was searched for and the link to the next page, as an earlier page answered them."""
    search, mark, link = from_opaque(token).partition("\n")
    if token and not mark:
        raise no_page()
    return search, link


@route("GET tenants/{tenant}/defaults")
def get_tenant_defaults(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Get a tenant's default actions, and whose defaults those are."""
    return _resolved(caller, req.route_params["tenant"])


@route("PUT tenants/{tenant}/defaults")
def put_tenant_defaults(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Save a tenant's defaults; null clears them, and the operator's own apply again."""
    tenant = req.route_params["tenant"]
    _defaults(caller).save_for_tenant(tenant, defaults.parse(req.get_body()))
    return _resolved(caller, tenant)


@route("GET defaults")
def get_own_defaults(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Get the caller's default actions, used where a tenant has none."""
    del req
    return _resolved(caller, None)


@route("PUT defaults")
def put_own_defaults(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Save the caller's own defaults; null clears them."""
    own = defaults.parse(req.get_body())
    if own and own.additions != NOTHING_ADDED:
        text = "also and access_ends_after_days are set for a tenant: PUT /api/tenants/{tenant}/defaults."
        raise refused(422, "invalid_request", text)
    _defaults(caller).save_for_operator(own)
    return _resolved(caller, None)


def _defaults(caller: Caller) -> DefaultsStore:
    return DefaultsStore(services.current(), caller.name, caller.scope)


def _resolved(caller: Caller, tenant: str | None) -> func.HttpResponse:
    found = _defaults(caller).for_tenant(tenant)
    additions = _defaults(caller).additions_of(tenant) if tenant else NOTHING_ADDED
    warnings = list(plan.make(found.defaults.actions).warnings)
    return json_answer(
        {
            "source": found.source,
            "actions": _as_asked(found.defaults.actions),
            "notify": list(found.defaults.notify),
            "also": _as_asked(additions.also),
            "access_ends_after_days": additions.access_ends_after_days,
            "warnings": warnings,
        }
    )


def _as_asked(actions: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return actions as a request has them."""
    return {name: params or True for name, params in actions.items()}
