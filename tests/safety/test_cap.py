"""How many people of one tenant may be submitted in an hour."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.base import clock
from shared.base.problems import RefusedError
from shared.offboarding.lookup import ListFilter, Lookup
from shared.offboarding.request import parsing
from shared.offboarding.request.submit import Submissions

if TYPE_CHECKING:
    from dev.lab import Lab


@pytest.fixture
def capped(lab: Lab) -> Lab:
    """Return the laboratory with a cap of three."""
    lab.app = replace(lab.app, settings=replace(lab.app.settings, max_per_tenant_and_hour=3))
    return lab


def people(lab: Lab, count: int, tenant: str = "fabrikam.example") -> list[str]:
    users = lab.simulator.state(tenant)["users"].values()
    names = [u["userPrincipalName"] for u in users if u["userType"] == "Member"]
    return sorted(name for name in names if not name.startswith(("admin@", "breakglass@")))[:count]


def submit(lab: Lab, upns: list[str], tenant: str = "fabrikam.example", key: str | None = None) -> list[str]:
    due = clock.to_text(clock.now() + timedelta(days=9))
    body: dict[str, Any] = {"tenant": tenant, "users": upns, "actions": {"disable_sign_in": True}}
    submission = parsing.parse(json.dumps({**body, "scheduled_for": due}).encode(), max_users=100)
    return [o.id for o in Submissions(lab.app).submit(submission, "operator", key).offboardings]


def stored(lab: Lab) -> int:
    return len(Lookup(lab.app).page(ListFilter(), None, 200)[0])


def test_what_would_be_too_many_is_refused_until_the_hour_is_over(capped: Lab) -> None:
    a, b, c, d = people(capped, 4)
    submit(capped, [a])
    capped.hub.advance(timedelta(minutes=20))
    submit(capped, [b])

    with pytest.raises(RefusedError) as caught:
        submit(capped, [c, d])

    assert (caught.value.status, caught.value.code) == (429, "too_many_for_tenant")
    assert 39 * 60 < (caught.value.retry_after or 0) <= 40 * 60 + 1
    assert stored(capped) == 2
    capped.hub.advance(timedelta(seconds=caught.value.retry_after))
    submit(capped, [c, d])
    assert stored(capped) == 4


def test_it_counts_for_each_tenant_alone(capped: Lab) -> None:
    submit(capped, people(capped, 3))
    submit(capped, people(capped, 3, "contoso.example")[:1], "contoso.example")
    assert stored(capped) == 4


def test_more_than_ever_fit_need_not_wait(capped: Lab) -> None:
    with pytest.raises(RefusedError) as caught:
        submit(capped, people(capped, 4))
    assert (caught.value.status, caught.value.retry_after) == (422, None)
    assert stored(capped) == 0


def test_a_repeat_counts_once(capped: Lab) -> None:
    first = submit(capped, people(capped, 3), key="k")
    assert submit(capped, people(capped, 3), key="k") == first


def test_locks_and_listing_do_not_meet(capped: Lab) -> None:
    ids = submit(capped, people(capped, 2))
    page, _ = Lookup(capped.app).page(ListFilter(tenant="fabrikam.example"), None, 10)
    assert sorted(o.id for o in page) == sorted(ids)
