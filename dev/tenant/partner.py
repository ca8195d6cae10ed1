"""The managed service provider that administers the other tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant.population import GLOBAL_ADMINISTRATOR, PARTNER_PERMISSIONS, Organisation, ident

if TYPE_CHECKING:
    from dev.tenant.state import Tenant


def build(customers: list[Tenant]) -> Tenant:
    """Build the partner's tenant with a relationship and a contract for each customer."""
    org = Organisation.found("msp", "Example Managed Services")
    admin = org.person("admin", "Partner Administrator")
    org.staff(5)
    org.directory_role("Global Administrator", GLOBAL_ADMINISTRATOR, admin)
    org.tenant.app.graph += PARTNER_PERMISSIONS
    for customer in customers:
        org.tenant.relationships.append(_relationship(customer, f"Administration of {customer.displayName}", "active"))
        org.tenant.contracts.append(
            {
                "id": ident("contract", customer.id),
                "contractType": "ResellerPartnerContract",
                "customerId": customer.id,
                "defaultDomainName": customer.domain,
                "displayName": customer.displayName,
            }
        )
    first = customers[0]
    org.tenant.relationships.append(_relationship(first, f"MLT_{first.displayName}", "active", "2027-01-31T00:00:00Z"))
    org.tenant.relationships.append(_relationship(first, "Last year", "expired", "2026-01-31T00:00:00Z"))
    return org.tenant


def _relationship(customer: Tenant, name: str, status: str, end: str = "2028-06-30T00:00:00Z") -> dict[str, Any]:
    return {
        "id": f"{ident('relationship', customer.id, name)}-{customer.id}",
        "displayName": name,
        "duration": "P730D",
        "customer": {"tenantId": customer.id, "displayName": customer.displayName},
        "autoExtendDuration": "P180D" if status == "active" else "PT0S",
        "createdDateTime": "2024-02-05T08:00:00Z",
        "activatedDateTime": "2024-02-05T09:00:00Z",
        "endDateTime": end,
        "lastModifiedDateTime": "2026-01-12T08:00:00Z",
        "status": status,
        "accessDetails": {"unifiedRoles": [{"roleDefinitionId": GLOBAL_ADMINISTRATOR}]},
    }
