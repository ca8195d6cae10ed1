"""A thousand at once, and what everything costs in requests to storage, however much is stored."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from world import World, everything

from dev.memory_table import MemoryTable
from dev.tenant import seed as seeds
from shared.actions import catalogue
from shared.actions.reads.snapshot import Person
from shared.app.services import Services
from shared.base import clock
from shared.jobs.records import Offboarding, Request, State, Tenant
from shared.jobs.storage import keys, rows
from shared.jobs.storage.store import PARTITION, Store
from shared.offboarding.lifecycle import watch
from shared.offboarding.lifecycle.operations import Operations
from shared.offboarding.lookup import ListFilter, Lookup

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from world import Cloud

    from shared.jobs.storage.table import Operation

pytestmark = pytest.mark.long

NOW = datetime(2030, 1, 1, tzinfo=UTC)
THOUSAND = 1_000


def planned(number: int, tenant: int) -> Offboarding:
    """Return an offboarding of one action that is due."""
    person = Person(f"person-{number}", f"person{number}@example.com", f"Person {number}")
    request = Request(Tenant(f"tenant-{tenant}", "example.com"), person, {"disable_sign_in": {}}, requested_by="op")
    submitted = NOW - timedelta(minutes=1, milliseconds=number)
    return Offboarding(keys.new_id(submitted), request, State.planned, submitted, wake_at=NOW)


def store_all(store: Store, offboardings: Sequence[Offboarding]) -> None:
    for start in range(0, len(offboardings), 20):
        store.add(offboardings[start : start + 20])


class WatchedTable(MemoryTable):
    """Counts runs in flight per tenant at every write, and the most there ever were."""

    def __init__(self) -> None:
        super().__init__()
        self.running: Counter[str] = Counter()
        self.most = 0

    def transact(self, partition: str, operations: Sequence[Operation]) -> list[str]:
        etags = super().transact(partition, operations)
        slots = Counter(key.split("|")[1] for key in self.keys(partition) if "|slot|" in key)
        self.most = max(self.most, *slots.values(), 0)
        return etags


@pytest.fixture
def still(cloud: Cloud) -> Iterator[None]:
    """Let time stand still."""
    clock.set_source(lambda: NOW)
    yield
    clock.set_source(clock.system_time)
    del cloud


@pytest.mark.usefixtures("still")
def test_two_hosts_and_a_thousand_due_make_a_thousand_runs(cloud: Cloud) -> None:
    jobs, details = WatchedTable(), MemoryTable()
    settings = cloud.settings(MAX_RUNS_PER_TENANT="3")
    hosts = [Services(settings, Store(jobs, details), cloud.microsoft365) for _ in range(2)]
    store_all(hosts[0].store, [planned(number, number % 100) for number in range(THOUSAND)])
    begun: list[str] = []

    def host(app: Services) -> None:
        """Start what is due and end it, tick after tick, until nothing is left."""
        while app.store.due(NOW):
            for claimed in watch.wake(app):
                begun.append(claimed.instance_id)
                current = app.store.get(claimed.id)
                assert current
                app.store.change(current, current.ended(NOW, None))

    threads = [threading.Thread(target=host, args=(app,)) for app in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(begun) == len(set(begun)) == THOUSAND
    ended = [rows.to_offboarding(row) for row in jobs.range(PARTITION, keys.JOB, keys.JOB + "~").rows]
    assert Counter((one.state, one.run) for one in ended) == {(State.completed, 1): THOUSAND}
    assert jobs.most <= 3
    assert not [key for key in jobs.keys(PARTITION) if key.startswith("wake|") or "|!slot" in key or "|!user" in key]


@pytest.fixture(params=[0, THOUSAND], ids=["empty", "1000-ended"])
def office(request: pytest.FixtureRequest, cloud: Cloud) -> World:
    """Return a world in which so many offboardings have ended."""
    cloud.simulator.reset("standard")
    world = World(cloud, random.Random(0), "fabrikam.example", room=20)
    world.written = lambda *_: None  # type: ignore[method-assign] # which looks at every row at every write
    store_all(
        world.app.store,
        [
            replace(planned(number, number % 3), state=State.completed, wake_at=None, ended_at=NOW)
            for number in range(request.param)
        ],
    )
    return world


def cost(world: World) -> int:
    """Return the requests to storage since the last time."""
    spent = world.jobs.requests + world.details.requests
    world.jobs.requests = world.details.requests = 0
    return spent


def people(world: World, count: int) -> list[str]:
    users = world.state()["users"].values()
    return [user["id"] for user in users if user["accountEnabled"] and user["userType"] == "Member"][5 : 5 + count]


BLOCK = {"disable_sign_in": True}
LATER = "2030-01-02T00:00:00Z"


def test_an_idle_tick_costs_one_request(office: World) -> None:
    office.submit(people(office, 1), BLOCK, scheduled_for=LATER)
    cost(office)

    assert watch.wake(office.app) == []

    assert cost(office) == 1


@pytest.mark.parametrize("due", [1, 5, 20])
def test_a_tick_costs_at_most_three_requests_for_each_that_is_due(office: World, due: int) -> None:
    office.submit(people(office, due), BLOCK, scheduled_for=LATER)
    office.hub.advance(timedelta(days=1))
    cost(office)

    assert len(watch.wake(office.app)) == due

    assert cost(office) <= 1 + 3 * due


def test_a_page_of_fifty_costs_at_most_two(office: World) -> None:
    office.submit(people(office, 60), BLOCK, scheduled_for=LATER)
    cost(office)

    for wanted in (ListFilter(), ListFilter(tenant=office.tenant)):
        found, _ = Lookup(office.app).page(wanted, None, 50)
        assert len(found) == 50
        assert cost(office) <= 2


@pytest.mark.parametrize("count", [1, 10, 24, 60, 100])
def test_a_submission_costs_two_and_one_for_every_twenty(office: World, count: int) -> None:
    cost(office)

    assert len(office.submit(people(office, count), BLOCK)) == count

    assert cost(office) <= 2 + -(-count // 20)


def test_the_whole_typical_offboarding_costs_at_most_ninety_besides_polls_and_scans(office: World) -> None:
    wanted = everything(seeds.CY, seeds.HELPDESK)
    chosen = {name: params for name, params in wanted.items() if catalogue.get(name).portal_key}
    cost(office)

    (one,) = office.submit([seeds.ADA], chosen)
    office.run()

    spent = cost(office) - office.jobs.apart - office.details.apart
    offboarding, details = Lookup(office.app).details(one)
    assert cost(office) <= 3
    assert offboarding.state is State.completed
    assert len(details.steps) == len(chosen)
    assert spent <= 90, f"{spent} requests for {len(chosen)} actions"


@pytest.mark.parametrize(("operation", "most"), [("run-now", 3), ("cancel", 3), ("delete", 5)])
def test_an_operation_costs_a_handful(office: World, operation: str, most: int) -> None:
    (one,) = office.submit(people(office, 1), BLOCK, scheduled_for=LATER)
    cost(office)

    Operations(office.app, "op").perform(operation, one)  # type: ignore[arg-type]

    assert cost(office) <= most
