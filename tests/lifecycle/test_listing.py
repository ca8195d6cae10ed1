"""Pages, filters, and the idempotency key."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.base import clock
from shared.base.problems import RefusedError
from shared.jobs.records import State
from shared.offboarding.lookup import ListFilter, Lookup
from shared.offboarding.request import parsing
from shared.offboarding.request.submit import Submissions

if TYPE_CHECKING:
    from dev.lab import Lab
    from shared.offboarding.request.submit import Submitted

BLOCK = {"disable_sign_in": True}


def users(lab: Lab, count: int) -> list[str]:
    members = lab.simulator.state("fabrikam.example")["users"].values()
    names = {u["userPrincipalName"] for u in members if u["userType"] == "Member"}
    return sorted(names - {"admin@fabrikam.example", "breakglass@fabrikam.example"})[:count]


def submit(lab: Lab, upns: list[str], key: str | None = None, **more: Any) -> Submitted:
    body = {"tenant": "fabrikam.example", "users": upns, "actions": BLOCK, **more}
    submission = parsing.parse(json.dumps(body).encode(), max_users=100)
    return Submissions(lab.app).submit(submission, "operator", key)


def all_pages(lab: Lab, wanted: ListFilter, limit: int) -> list[str]:
    found, start = [], None
    while True:
        page, start = Lookup(lab.app).page(wanted, start, limit)
        assert len(page) <= limit
        found += [o.request.person.upn for o in page]
        if start is None:
            return found


def test_the_newest_come_first_and_pages_join_without_gaps_or_doubles(lab: Lab) -> None:
    upns = users(lab, 25)
    for upn in upns:
        submit(lab, [upn])
        lab.hub.advance(timedelta(seconds=1))

    assert all_pages(lab, ListFilter(), 10) == upns[::-1]
    assert all_pages(lab, ListFilter(tenant="fabrikam.example"), 7) == upns[::-1]
    assert all_pages(lab, ListFilter(tenant="contoso.example"), 7) == []


def test_filters(lab: Lab) -> None:
    lab.start(submit(lab, ["ada@fabrikam.example"], reference="TICKET-1").to_start[0])
    lab.run()
    lab.hub.advance(timedelta(hours=1))
    noon = clock.now()
    lab.hub.advance(timedelta(hours=1))
    submit(lab, ["bo@fabrikam.example"], reference="TICKET-2", scheduled_for=clock.to_text(noon + timedelta(days=1)))

    ada, bo = ["ada@fabrikam.example"], ["bo@fabrikam.example"]
    assert all_pages(lab, ListFilter(state=State.planned), 10) == bo
    assert all_pages(lab, ListFilter(state=State.completed), 10) == ada
    assert all_pages(lab, ListFilter(user="ADA@"), 10) == ada
    assert all_pages(lab, ListFilter(reference="TICKET-2"), 10) == bo
    assert all_pages(lab, ListFilter(until=noon), 10) == ada
    assert all_pages(lab, ListFilter(since=noon), 10) == bo
    assert all_pages(lab, ListFilter(since=noon, tenant="fabrikam.example", state=State.completed), 10) == []


def test_a_page_of_fifty_costs_one_request(lab: Lab) -> None:
    submit(lab, users(lab, 60))
    lab.jobs.requests = 0

    page, _ = Lookup(lab.app).page(ListFilter(), None, 50)

    assert len(page) == 50
    assert lab.jobs.requests == 1


def test_a_search_that_keys_cannot_answer_reads_at_most_four_pages(lab: Lab) -> None:
    submit(lab, users(lab, 60))
    lab.jobs.requests = 0

    Lookup(lab.app).page(ListFilter(user="nobody"), None, 50)

    assert lab.jobs.requests <= 4


@pytest.mark.parametrize("count", [1, 20, 24, 25, 60])
def test_a_submission_costs_few_requests(lab: Lab, count: int) -> None:
    upns = users(lab, count)
    lab.jobs.requests = lab.details.requests = 0

    submit(lab, upns, key="k1")

    assert lab.jobs.requests + lab.details.requests <= 2 + -(-count // 20)


def test_details_cost_two_requests(lab: Lab) -> None:
    offboarding = submit(lab, ["ada@fabrikam.example"]).to_start[0]
    lab.start(offboarding)
    lab.run()
    lab.jobs.requests = lab.details.requests = 0

    Lookup(lab.app).details(offboarding.id)

    assert lab.jobs.requests + lab.details.requests == 2


def test_a_repeated_submission_answers_with_the_first(lab: Lab) -> None:
    first = submit(lab, users(lab, 3), key="k1")

    again = submit(lab, users(lab, 3), key="k1")

    assert [o.id for o in again.offboardings] == [o.id for o in first.offboardings]
    assert again.to_start == ()


def test_the_same_key_with_another_body_is_refused(lab: Lab) -> None:
    submit(lab, users(lab, 3), key="k1")

    with pytest.raises(RefusedError) as caught:
        submit(lab, users(lab, 2), key="k1")

    assert caught.value.status == 409


def test_a_repeat_completes_a_submission_that_was_cut_short(lab: Lab) -> None:
    """Of sixty people the first transaction is made when the host dies."""
    upns = users(lab, 60)
    stored = lab.jobs.transact
    transactions: list[int] = []

    def dying(partition: str, operations: list[Any]) -> list[str]:
        if transactions:
            raise RuntimeError("The host was killed.")
        transactions.append(len(operations))
        return stored(partition, operations)

    lab.jobs.transact = dying  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        submit(lab, upns, key="k1")
    lab.jobs.transact = stored  # type: ignore[method-assign]

    again = submit(lab, upns, key="k1")

    assert len({o.id for o in again.offboardings}) == 60
    assert sorted(all_pages(lab, ListFilter(), 50)) == sorted(upns)
