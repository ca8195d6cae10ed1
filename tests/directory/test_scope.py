"""Listing for an operator of some tenants, across them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from shared.access.scope import EVERYTHING, Scope
from shared.actions.reads.snapshot import Person
from shared.jobs.records import Offboarding, Request, State, Tenant
from shared.jobs.storage import keys
from shared.offboarding.lookup import ListFilter, Lookup

if TYPE_CHECKING:
    from shared.app.services import Services

_TENANTS = [f"0000000{number}-0000-4000-8000-000000000000" for number in range(4)]


@pytest.fixture
def stored(partner: Services) -> list[Offboarding]:
    """Twenty-three offboardings, newest first, spread over four tenants."""
    made: list[Offboarding] = []
    for number in range(23):
        at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=number)
        tenant = _TENANTS[number * number % 4 if number < 12 else number % 4]
        person = Person(f"person{number}", f"p{number}@example.com", "P")
        request = Request(Tenant(tenant, "example.com"), person, {"disable_sign_in": {}})
        made.append(Offboarding(keys.new_id(at), request, State.planned, at, wake_at=at))
    partner.store.add(made)
    return sorted(made, key=lambda one: one.id)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("mine", [[], _TENANTS[:1], _TENANTS[1:3], _TENANTS])
@pytest.mark.parametrize("user", ["", "p1"])
def test_pages_hold_all_of_ones_tenants_once_and_nothing_else(
    partner: Services, stored: list[Offboarding], limit: int, mine: list[str], user: str
) -> None:
    service = Lookup(partner, Scope(tenants=frozenset(mine)))
    found: list[str] = []
    start = None
    while True:
        page, start = service.page(ListFilter(user=user), start, limit)
        assert len(page) <= limit
        found += [one.id for one in page]
        if start is None:
            break

    wanted = [one for one in stored if one.request.tenant.id in mine and user in one.request.person.upn]
    assert found == [one.id for one in wanted]


def test_who_may_see_all_needs_one_look(partner: Services, stored: list[Offboarding]) -> None:
    page, start = Lookup(partner, EVERYTHING).page(ListFilter(), None, 50)

    assert [one.id for one in page] == [one.id for one in stored]
    assert start is None
