from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from shared.access.scope import Scope
from shared.base.problems import RefusedError
from shared.offboarding.tenants.tenants import Tenants

if TYPE_CHECKING:
    from dev.tenant.process import Simulator
    from shared.app.services import Services

    Hands = Any


def _asked(simulator: Simulator) -> int:
    return len([sent for sent in simulator.requests() if sent["service"] == "graph"])


def test_own_tenants_and_customers_are_one_list(partner: Services) -> None:
    listed = Tenants(partner).all()

    assert [tenant.domain for tenant in listed.tenants] == ["contoso.example", "fabrikam.example", "hybrid.example"]
    assert [tenant.is_customer for tenant in listed.tenants] == [True, True, False]
    assert listed.problem == ""
    hybrid = listed.tenants[2]
    assert hybrid.domains == ("hybrid.example", "hybrid.onmicrosoft.example")
    assert hybrid.expires_at == ""


def test_the_last_relationship_of_a_customer_counts_and_microsofts_own_does_not(partner: Services) -> None:
    contoso = Tenants(partner).all().tenants[0]

    assert contoso.expires_at == "2028-06-30T00:00:00Z"
    assert contoso.extends


def test_customers_cost_three_requests(partner: Services, simulator: Simulator) -> None:
    Tenants(partner).all()

    assert _asked(simulator) == 3


def test_the_list_is_kept_for_an_hour(partner: Services, simulator: Simulator, hands: Hands) -> None:
    first = Tenants(partner).all()
    asked = _asked(simulator)
    hands.advance(minutes=59)
    assert Tenants(partner).all() == first
    assert _asked(simulator) == asked
    hands.advance(minutes=2)
    assert Tenants(partner).all().read_at == hands.now
    assert _asked(simulator) == 2 * asked


def test_a_fresh_list_can_be_asked_for_but_not_all_the_time(
    partner: Services, simulator: Simulator, hands: Hands
) -> None:
    Tenants(partner).all()
    asked = _asked(simulator)
    Tenants(partner).all(refresh=True)
    assert _asked(simulator) == asked
    hands.advance(minutes=2)
    assert Tenants(partner).all(refresh=True).read_at == hands.now


def test_other_settings_make_the_kept_list_void(partner: Services, alone: Services) -> None:
    assert len(Tenants(partner).all().tenants) == 3
    assert [tenant.id for tenant in Tenants(alone).all().tenants] == [seed.HYBRID]


def test_the_last_list_stands_in_while_the_partner_is_unreachable(
    partner: Services, simulator: Simulator, hands: Hands
) -> None:
    Tenants(partner).all()
    hands.advance(hours=2)
    refused = {"service": "graph", "match": "tenantRelationships", "kind": "status", "status": 403}
    simulator.faults([refused])
    listed = Tenants(partner).all()
    simulator.faults([])

    assert len(listed.tenants) == 3
    assert "could not be listed" in listed.problem


def test_a_tenant_that_cannot_be_asked_is_listed_with_the_reason(partner: Services, simulator: Simulator) -> None:
    simulator.faults([{"service": "graph", "match": "organization", "kind": "status", "status": 403}])
    listed = Tenants(partner).all()
    simulator.faults([])

    (hybrid,) = [tenant for tenant in listed.tenants if tenant.id == seed.HYBRID]
    assert hybrid.problem
    assert hybrid.domain == seed.HYBRID


@pytest.mark.parametrize("reference", ["fabrikam.example", "fabrikam.onmicrosoft.example", seed.FABRIKAM.upper()])
def test_a_customer_is_found_by_id_and_domain(partner: Services, reference: str) -> None:
    assert Tenants(partner).resolve(reference) == seed.FABRIKAM


@pytest.mark.parametrize(
    "reference", ["msp.example", seed.MSP, "elsewhere.example", "no domain", "0000aaaa-0000-4000-8000-000000000001"]
)
def test_what_is_not_managed_does_not_exist(partner: Services, reference: str) -> None:
    with pytest.raises(RefusedError) as caught:
        Tenants(partner).resolve(reference)

    assert (caught.value.status, caught.value.code) == (404, "tenant_not_found")


def test_without_a_partner_a_customer_does_not_exist(alone: Services) -> None:
    with pytest.raises(RefusedError):
        Tenants(alone).resolve("fabrikam.example")


def test_an_operators_tenants_are_theirs_alone(partner: Services, simulator: Simulator) -> None:
    tenants = Tenants(partner, Scope(tenants=frozenset({seed.CONTOSO})))

    assert [tenant.id for tenant in tenants.all().tenants] == [seed.CONTOSO]
    assert tenants.resolve("contoso.example") == seed.CONTOSO
    asked = _asked(simulator)
    for reference in ("fabrikam.example", seed.HYBRID):
        with pytest.raises(RefusedError):
            tenants.resolve(reference)
    assert _asked(simulator) == asked


def test_whose_domain_it_is_may_be_unknown_for_now(partner: Services, simulator: Simulator) -> None:
    simulator.faults([{"service": "login", "match": ".", "kind": "status", "status": 503}])
    try:
        with pytest.raises(RefusedError) as caught:
            Tenants(partner).resolve("fabrikam.example")
    finally:
        simulator.faults([])

    assert caught.value.status == 503


def test_a_customer_whose_relationship_ended_is_managed_no_more(
    partner: Services, simulator: Simulator, hands: Hands
) -> None:
    assert Tenants(partner).still_manages(seed.FABRIKAM)
    hands.advance(minutes=2)
    simulator.faults([{"service": "graph", "match": "delegatedAdminRelationships", "kind": "status", "status": 503}])
    assert Tenants(partner).still_manages(seed.FABRIKAM), "not known"
    nobody = {"service": "graph", "match": "delegatedAdminRelationships", "kind": "status", "status": 200}
    simulator.faults([nobody | {"body": {"value": []}}])
    hands.advance(minutes=2)
    assert not Tenants(partner).still_manages(seed.FABRIKAM)
    simulator.faults([])
    assert Tenants(partner).still_manages(seed.HYBRID)
