"""What a partner sees of its customers."""

from __future__ import annotations

from typing import Any

from dev.tenant.errors import GraphError
from dev.tenant.graph import odata
from dev.tenant.graph.router import Ask, route

_RELATIONSHIPS = ("DelegatedAdminRelationship.Read.All", "DelegatedAdminRelationship.ReadWrite.All")
_ROOT = "/tenantRelationships"


@route("GET", f"{_ROOT}/delegatedAdminRelationships", permissions=_RELATIONSHIPS, options=odata.LIST)
def relationships(ask: Ask) -> dict[str, Any]:
    """List the relationships of delegated administration, past ones included."""
    rows = odata.narrow(ask, ask.tenant.relationships, "delegatedAdminRelationship")
    body = odata.page(ask, rows, "tenantRelationships/delegatedAdminRelationships", most=300)
    body["value"] = [odata.select(ask, row, "delegatedAdminRelationship") for row in body["value"]]
    return body


@route("GET", f"{_ROOT}/delegatedAdminCustomers", permissions=_RELATIONSHIPS, options=odata.LIST)
def customers(ask: Ask) -> dict[str, Any]:
    """List the customers, each once."""
    found = {each["customer"]["tenantId"]: each["customer"]["displayName"] for each in ask.tenant.relationships}
    rows = [{"id": tenant_id, "tenantId": tenant_id, "displayName": name} for tenant_id, name in found.items()]
    rows = odata.narrow(ask, rows, "delegatedAdminCustomer")
    body = odata.page(ask, rows, "tenantRelationships/delegatedAdminCustomers", most=300)
    body["value"] = [odata.select(ask, row, "delegatedAdminCustomer") for row in body["value"]]
    return body


@route(
    "GET",
    f"{_ROOT}/findTenantInformationByTenantId(tenantId='{{tenant}}')",
    permissions=("CrossTenantInformation.ReadBasic.All",),
)
def tenant_information(ask: Ask, tenant: str) -> dict[str, Any]:
    """Tell what is public about a tenant."""
    found = ask.simulation.tenants.get(tenant)
    if found is None:
        raise GraphError(
            404, "Directory_ObjectNotFound", f"Unable to find tenant information for tenant id '{tenant}'."
        )
    return {
        "@odata.context": f"{ask.root}/$metadata#microsoft.graph.tenantInformation",
        "tenantId": found.id,
        "federationBrandName": None,
        "displayName": found.displayName,
        "defaultDomainName": found.domain,
    }


@route("GET", "/contracts", permissions=("Directory.Read.All", "Directory.ReadWrite.All"), options=odata.LIST)
def contracts(ask: Ask) -> dict[str, Any]:
    """List the customers by contract."""
    body = odata.page(ask, odata.narrow(ask, ask.tenant.contracts, "contract"), "contracts")
    body["value"] = [odata.select(ask, row, "contract") for row in body["value"]]
    return body
