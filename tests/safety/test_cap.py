"""How many people of one tenant may be submitted in an hour."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.base import clock
from shared.base.problems import RefusedError
from shared.jobs.storage.store import Locks, Store
from shared.offboarding.lifecycle.operations import Operations
from shared.offboarding.lookup import ListFilter, Lookup
from shared.offboarding.request import parsing
from shared.offboarding.request.submit import Submissions

if TYPE_CHECKING:
    from dev.lab import Lab
    from shared.offboarding.request.submission import Submission


@pytest.fixture
def capped(lab: Lab) -> Lab:
    """Return the laboratory with a cap of three."""
    lab.app = replace(lab.app, settings=replace(lab.app.settings, max_per_tenant_and_hour=3))
    return lab


def people(lab: Lab, count: int, tenant: str = "fabrikam.example") -> list[str]:
    users = lab.simulator.state(tenant)["users"].values()
    names = [u["userPrincipalName"] for u in users if u["userType"] == "Member"]
    return sorted(name for name in names if not name.startswith(("admin@", "breakglass@")))[:count]


def parsed(upns: list[str], tenant: str = "fabrikam.example") -> Submission:
    due = clock.to_text(clock.now() + timedelta(days=9))
    body: dict[str, Any] = {"tenant": tenant, "users": upns, "actions": {"disable_sign_in": True}}
    return parsing.parse(json.dumps({**body, "scheduled_for": due}).encode(), max_users=100)


def submit(lab: Lab, upns: list[str], tenant: str = "fabrikam.example", key: str | None = None) -> list[str]:
    return [o.id for o in Submissions(lab.app).submit(parsed(upns, tenant), "operator", key).offboardings]


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


def test_what_was_deleted_since_counts(capped: Lab) -> None:
    for offboarding_id in submit(capped, people(capped, 3)):
        Operations(capped.app, "op@msp.example").delete(offboarding_id)
    with pytest.raises(RefusedError) as caught:
        submit(capped, people(capped, 1))
    assert caught.value.status == 429
    assert stored(capped) == 0


def test_requests_at_the_same_moment_do_not_beat_it(lab: Lab) -> None:
    lab.app = replace(lab.app, settings=replace(lab.app.settings, max_per_tenant_and_hour=4))
    names = people(lab, 6)
    begin = threading.Barrier(len(names))

    def one(upn: str) -> int:
        begin.wait()
        with suppress(RefusedError):
            return len(submit(lab, [upn]))
        return 0

    with ThreadPoolExecutor(len(names)) as pool:
        assert sum(pool.map(one, names)) == 4
    assert stored(lab) == 4


def test_a_submission_in_between_is_seen(capped: Lab) -> None:
    """Both have read that there is room for three; the second to store looks again."""
    a, b, c, d = people(capped, 4)
    locks = capped.app.store.locks
    others = iter([[c, d]])

    class Late(Store):
        def locks(self, tenant_id: str) -> Locks:
            found = locks(tenant_id)
            for names in others:
                submit(capped, names)
            return found

    late = replace(capped.app, store=Late(capped.jobs, capped.details))
    with pytest.raises(RefusedError) as caught:
        Submissions(late).submit(parsed([a, b]), "operator")
    assert caught.value.status == 429
    assert stored(capped) == 2


def test_two_requests_do_not_take_the_last_two_administrators(lab: Lab) -> None:
    locks = lab.app.store.locks
    others = iter([["breakglass@fabrikam.example"]])

    class Late(Store):
        def locks(self, tenant_id: str) -> Locks:
            found = locks(tenant_id)
            for names in others:
                submit(lab, names)
            return found

    late = replace(lab.app, store=Late(lab.jobs, lab.details))
    with pytest.raises(RefusedError, match="Global Administrator"):
        Submissions(late).submit(parsed(["admin@fabrikam.example"]), "operator")
    assert stored(lab) == 1


def test_locks_and_listing_do_not_meet(capped: Lab) -> None:
    ids = submit(capped, people(capped, 2))
    page, _ = Lookup(capped.app).page(ListFilter(tenant="fabrikam.example"), None, 10)
    assert sorted(o.id for o in page) == sorted(ids)
