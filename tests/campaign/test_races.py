"""Moments that the seeds found, or find too rarely, each by its name."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from world import MINUTE, Odds, World

from dev.tenant import seed as seeds
from shared.base.problems import RefusedError
from shared.jobs.storage import rows
from shared.jobs.storage.store import PARTITION
from shared.offboarding.lifecycle import watch
from shared.offboarding.lifecycle.operations import Operations

if TYPE_CHECKING:
    from collections.abc import Callable

    from world import Cloud

CONTAIN = {"disable_sign_in": True, "reset_password": True}


@pytest.fixture
def world(cloud: Cloud) -> World:
    cloud.simulator.reset("small")
    return World(cloud, random.Random(0))


def meanwhile(world: World, number: int, deed: Callable[[], object]) -> None:
    """Let something happen before the request of that number from now on."""
    pause, left = world.pause, number

    def counted() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            deed()
        pause()

    world.pause = counted  # type: ignore[method-assign]


def failed(world: World) -> str:
    """Return a failed offboarding: cancelled before it began."""
    (one,) = world.submit([seeds.LIA], CONTAIN, scheduled_for="2031-01-01T00:00:00Z")
    world.perform("cancel", one)
    return one


def test_a_repeated_key_does_not_bring_back_what_was_deleted(world: World) -> None:
    (one,) = world.submit([seeds.LIA], CONTAIN, "key")
    world.run()
    world.perform("delete", one)

    with pytest.raises(RefusedError) as caught:
        world.submit([seeds.LIA], CONTAIN, "key")

    assert (caught.value.status, caught.value.code) == (409, "deleted")
    assert world.offboardings() == []


@pytest.mark.parametrize("moment", range(1, 8))
def test_what_is_retried_while_it_is_deleted_leaves_no_row_behind(world: World, moment: int) -> None:
    one = failed(world)

    def retry() -> None:
        with suppress(RefusedError):
            world.perform("retry", one)

    meanwhile(world, moment, retry)
    with suppress(RefusedError):
        world.perform("delete", one)
    world.run()

    assert world.wrong == []
    kept = {
        key
        for key in world.jobs.keys(PARTITION)
        if not key.startswith(("deleted|", "decided|")) and not key.endswith("|!cap")
    }
    assert kept == {key for each in world.offboardings() for key in rows.of(each)}


def test_nothing_is_left_of_what_was_deleted_after_the_retention(world: World) -> None:
    (one,) = world.submit([seeds.LIA], CONTAIN, "key")
    world.run()
    world.perform("delete", one)
    world.hub.advance(timedelta(days=364))
    watch.forget_old(world.app)
    assert world.details.keys(one)
    world.hub.advance(timedelta(days=2))

    watch.forget_old(world.app)

    assert world.details.partitions() == []
    assert world.jobs.keys(PARTITION) == []


def test_the_receipt_goes_with_the_last_that_is_known_of_its_offboardings(world: World) -> None:
    world.submit([seeds.LIA, seeds.CONTOSO_ADMIN], CONTAIN, "key")
    world.run()
    world.hub.advance(timedelta(days=366))

    watch.forget_old(world.app)

    assert world.jobs.keys(PARTITION) == []


def test_an_offboarding_that_cannot_be_looked_after_holds_up_no_other(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    lost, other = (world.submit([who], CONTAIN)[0] for who in (seeds.LIA, seeds.CONTOSO_ADMIN))
    world.hub.engine.store.forget(f"{lost}-1")
    world.hub.engine.store.forget(f"{other}-1")
    world.hub.advance(11 * MINUTE)
    world.details.range = _unreadable(world, lost)  # type: ignore[method-assign]

    assert [one.id for one in watch.wake(world.app)] == [other]
    assert f"Could not process {lost}" in caplog.text


def _unreadable(world: World, partition: str) -> Callable[..., object]:
    read = world.details.range

    def refusing(name: str, low: str, high: str, limit: int | None = None) -> object:
        if name == partition:
            raise ValueError("a row that nobody can read")
        return read(name, low, high, limit)

    return refusing


def test_a_claim_that_was_made_is_started_though_the_next_one_fails(world: World) -> None:
    soon = {"scheduled_for": "2030-01-01T00:01:00Z"}
    for who in (seeds.LIA, seeds.CONTOSO_ADMIN):
        world.submit([who], CONTAIN, **soon)
    world.hub.advance(2 * MINUTE)

    def fail() -> None:
        world.odds = Odds(storage_before=1)

    meanwhile(world, 5, fail)

    assert len(watch.wake(world.app)) == 1


def test_operations_on_what_is_deleted_say_so(world: World) -> None:
    one = failed(world)
    world.perform("delete", one)

    for operation in ("retry", "run-now", "cancel", "delete"):
        with pytest.raises(RefusedError) as caught:
            Operations(world.app, "op").perform(operation, one)  # type: ignore[arg-type]
        assert caught.value.status == 404


def test_a_change_that_cannot_be_read_back_for_a_while_is_no_failure(world: World) -> None:
    (one,) = world.submit([seeds.LIA], CONTAIN)
    while not any(step.state == "verifying" for step in world.details_of(one).steps.values()):
        world.hub.execute(world.hub.ready()[0])
    world.cloud.simulator.faults([{"service": "graph", "match": "GET", "kind": "status", "status": 503}])
    world.run(world.now + 12 * MINUTE)
    world.calm_down()
    world.run()

    steps = world.details_of(one).steps
    assert [steps[name].outcome for name in CONTAIN] == ["done", "done"]
