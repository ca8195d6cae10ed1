from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed
from shared.base.problems import RefusedError
from shared.offboarding.tenants.listing import Directory

if TYPE_CHECKING:
    from dev.tenant.process import Simulator
    from shared.app.services import Services
    from shared.offboarding.tenants.listing import ListedUser


def _everybody(app: Services, tenant: str) -> dict[str, ListedUser]:
    found: dict[str, ListedUser] = {}
    link = ""
    while True:
        page = Directory(app).users(tenant, next_link=link, top=90)
        found |= {user.id: user for user in page.users}
        link = page.next_link
        if not link:
            return found


def test_all_people_come_page_by_page(partner: Services, simulator: Simulator) -> None:
    everybody = _everybody(partner, "fabrikam.example")

    assert set(everybody) == set(simulator.state(seed.FABRIKAM)["users"])
    names = [user.display_name for user in everybody.values()]
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("user", "badges"),
    [
        (seed.CY, set()),
        (seed.ADMIN, {"admin", "unlicensed"}),
        (seed.GUEST, {"guest", "unlicensed"}),
        (seed.SHARED, {"disabled", "unlicensed"}),
        (seed.HELPDESK, {"admin"}),
    ],
)
def test_badges(partner: Services, user: str, badges: set[str]) -> None:
    assert set(_everybody(partner, "fabrikam.example")[user].badges) == badges


def test_the_badge_of_a_synced_person(partner: Services) -> None:
    assert "synced" in _everybody(partner, "hybrid.example")[seed.SYNCED].badges


@pytest.mark.parametrize("text", ["Cast", "ada", "ADA"])
def test_people_are_searched_by_the_beginning_of_words(partner: Services, text: str) -> None:
    found = Directory(partner).users("fabrikam.example", search=text).users

    assert seed.ADA in {user.id for user in found}
    assert len(found) < 20


@pytest.mark.parametrize("text", ['"', "\\", "' or 1 eq 1", "displayName:x", "(", "a OR b", "%", "é"])
def test_no_search_text_is_more_than_a_text(partner: Services, text: str) -> None:
    assert Directory(partner).users("fabrikam.example", search=text).users == ()


@pytest.mark.parametrize("text", ["x" * 101, "two\nlines"])
def test_a_search_text_has_limits(partner: Services, text: str) -> None:
    with pytest.raises(RefusedError):
        Directory(partner).users("fabrikam.example", search=text)


def test_people_are_listed_though_administrators_cannot_be(partner: Services, simulator: Simulator) -> None:
    simulator.faults([{"service": "graph", "match": "directoryRoles", "kind": "status", "status": 403}])
    page = Directory(partner).users("fabrikam.example")
    simulator.faults([])

    assert page.users
    assert "Who is an administrator could not be read" in page.warnings[0]
