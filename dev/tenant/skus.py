"""The licenses on sale, with Microsoft's ids ("Product names and service plan identifiers" on Learn)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """A service that a license switches on."""

    id: str
    name: str
    needs: str | None = None
    """The plan without which this one cannot be assigned."""


@dataclass(frozen=True)
class Sku:
    """A license that a tenant can buy."""

    id: str
    name: str
    plans: tuple[Plan, ...]


_EXCHANGE_1 = Plan("9aaf7827-d63c-4b61-89c3-182f06f82e5c", "EXCHANGE_S_STANDARD")
_EXCHANGE_2 = Plan("efb87545-963c-4e0d-99df-69c6916d9eb0", "EXCHANGE_S_ENTERPRISE")
_SHAREPOINT_1 = Plan("c7699d2e-19aa-44de-8edf-1736da088ca1", "SHAREPOINTSTANDARD")
_SHAREPOINT_2 = Plan("5dbe027f-2339-4123-9542-606e4d348a72", "SHAREPOINTENTERPRISE")
_TEAMS = Plan("57ff2da0-773e-42df-b2af-ffb7a2317929", "TEAMS1")
_PHONE = Plan("4828c8ec-dc2e-4779-b502-87ac9ce28ab7", "MCOEV", needs="TEAMS1")

E3 = Sku("05e9a617-0261-4cee-bb44-138d3ef5d965", "SPE_E3", (_EXCHANGE_2, _SHAREPOINT_2, _TEAMS))
E5 = Sku("06ebc4ee-1bb5-47dd-8120-11324bc54e06", "SPE_E5", (_EXCHANGE_2, _SHAREPOINT_2, _TEAMS, _PHONE))
BUSINESS_PREMIUM = Sku("cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46", "SPB", (_EXCHANGE_1, _SHAREPOINT_1, _TEAMS))
EXCHANGE_PLAN_1 = Sku("4b9405b0-7788-4568-add1-99614e613b69", "EXCHANGESTANDARD", (_EXCHANGE_1,))
EXCHANGE_PLAN_2 = Sku("19ec0d23-8335-4cbd-94ac-6050e30712fa", "EXCHANGEENTERPRISE", (_EXCHANGE_2,))
TEAMS_PHONE = Sku("e43b5b99-8dfb-405f-9987-dc307f34bcbd", "MCOEV", (_PHONE,))
POWER_BI = Sku("a403ebcc-fae0-4ca2-8c8c-7a907fd6c235", "POWER_BI_STANDARD", ())
FLOW_FREE = Sku("f30db892-07e9-47e9-837c-80727f46fd3d", "FLOW_FREE", ())
ENTRA_P2 = Sku("84a661c4-e949-4bd2-a560-ed7766fcaf2b", "AAD_PREMIUM_P2", ())

SKUS = {
    sku.id: sku
    for sku in (E3, E5, BUSINESS_PREMIUM, EXCHANGE_PLAN_1, EXCHANGE_PLAN_2, TEAMS_PHONE, POWER_BI, FLOW_FREE, ENTRA_P2)
}
