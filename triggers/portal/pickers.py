"""What the portal's pickers offer: tenants, people, and how full mailboxes are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from shared.actions import portal_form
from shared.app import services
from shared.base.problems import refused
from shared.offboarding.request.defaults import DefaultsStore
from shared.offboarding.tenants import mailbox_sizes
from shared.offboarding.tenants.listing import MAX_TOP, PROPERTIES, Directory
from shared.offboarding.tenants.tenants import Tenants
from triggers.answers import json_answer
from triggers.portal import forms, wire
from triggers.routing import route

if TYPE_CHECKING:
    import azure.functions as func

    from shared.access.caller import Caller
    from shared.offboarding.tenants.tenants import ManagedTenant

_ALL_TENANTS: Final = {
    "customerId": "AllTenants",
    "defaultDomainName": "AllTenants",
    "displayName": "*All Tenants",
    "domains": "AllTenants",
    "GraphErrorCount": 0,
}
_SELECTED: Final = "id,userPrincipalName,displayName"
_MAX_PAGES: Final = 100


@route("GET,POST ListTenants", wire.text_refused)
def list_portal_tenants(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """List the caller's tenants; a list that could not be read whole has a row that says so."""
    query, form = wire.query(req), wire.body(req)
    listed = Tenants(services.current(), caller.scope).all(refresh=portal_form.is_on(form, "ClearCache"))
    rows = [_tenant(tenant) for tenant in listed.tenants]
    if portal_form.is_on(query, "IncludeOffboardingDefaults"):
        store = DefaultsStore(services.current(), caller.name, caller.scope)
        for row in rows:
            defaults = store.of_tenant_id(row["customerId"])
            row["offboardingDefaults"] = forms.form_of(defaults) if defaults else None
    if portal_form.is_on(query, "AllTenantSelector"):
        rows.insert(0, dict(_ALL_TENANTS))
    if listed.problem:
        rows.append({"customerId": "", "defaultDomainName": "", "displayName": listed.problem, "GraphErrorCount": 1})
    return json_answer(rows)


def _tenant(tenant: ManagedTenant) -> dict[str, Any]:
    return {
        "customerId": tenant.id,
        "defaultDomainName": tenant.domain,
        "initialDomainName": tenant.initial_domain or tenant.domain,
        "displayName": tenant.name,
        "domains": ",".join(tenant.domains),
        "relationshipEnd": tenant.expires_at,
        "GraphErrorCount": int(bool(tenant.problem)),
        "LastGraphError": tenant.problem,
    }


@route("GET ListTenantDetails", wire.text_refused)
def list_tenant_details(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Describe one tenant, for the card beside the header's picker and the page "Manage Tenant".

    That page shows the defaults from here and saves its whole form: what it is not told, the next save would wipe.
    """
    app = services.current()
    tenants = Tenants(app, caller.scope)
    tenant_id = tenants.resolve(_one_tenant(wire.query(req)))
    found = next((tenant for tenant in tenants.all().tenants if tenant.id == tenant_id), None)
    defaults = DefaultsStore(app, caller.name, caller.scope).of_tenant_id(tenant_id)
    properties = {"OffboardingDefaults": json.dumps(forms.form_of(defaults))} if defaults else {}
    described = _tenant(found) if found else {}
    return json_answer({"id": tenant_id, **described, "customProperties": properties, "Groups": []})


@route("GET ListGraphRequest", wire.text_refused)
def list_graph_request(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """List people: of all that upstream passes on to Graph, this alone, and of their properties the harmless ones."""
    query = wire.query(req)
    if query.get("endpoint", "").strip("/").casefold() != "users":
        raise refused(403, "forbidden", "Only the endpoint users is answered.", "Endpoint")
    names = _properties(query.get("$select") or _SELECTED)
    directory, tenant = Directory(services.current(), caller.scope), _one_tenant(query)
    rows, link = directory.raw_users(tenant, query.get("nextlink", ""), _top(query))
    if not portal_form.is_on(query, "manualPagination"):
        for _ in range(_MAX_PAGES):
            if not link:
                break
            more, link = directory.raw_users(tenant, link, _top(query))
            rows += more
    metadata = {"Endpoint": "users", **({"nextLink": link} if link else {})}
    return json_answer({"Results": [{name: row.get(name) for name in names} for row in rows], "Metadata": metadata})


def _one_tenant(query: dict[str, str]) -> str:
    tenant = wire.tenant_in(query)
    if not tenant:
        raise refused(403, "one_tenant", "Choose one tenant.", "tenantFilter")
    return tenant


def _properties(selected: str) -> list[str]:
    """Return the properties asked for as Graph spells them."""
    known = {name.casefold(): name for name in PROPERTIES}
    wanted = [name.strip() for name in selected.split(",") if name.strip()]
    if unknown := [name for name in wanted if name.casefold() not in known]:
        text = f"Only these properties of people are answered: {', '.join(sorted(PROPERTIES))}."
        raise refused(403, "forbidden", text, f"$select {len(unknown)}")
    return [known[name.casefold()] for name in wanted]


def _top(query: dict[str, str]) -> int:
    text = query.get("$top", "")
    return min(max(int(text), 1), MAX_TOP) if text.isascii() and text.isdecimal() and len(text) < 10 else MAX_TOP  # noqa: PLR2004 - no huge numbers


@route("GET ListMailboxes", wire.text_refused)
def list_mailboxes(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Tell how full mailboxes are, for the wizard's warning; what is not known is left out."""
    app = services.current()
    tenant_id = Tenants(app, caller.scope).resolve(_one_tenant(wire.query(req)))
    sizes = mailbox_sizes.of_tenant(app, tenant_id)
    return json_answer([{"UPN": upn, "storageUsedInBytes": size} for upn, size in sizes.items()])
