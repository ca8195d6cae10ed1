"""The host dies at every boundary of a check of the person's access: nothing is lost, and nothing told twice."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from world import MINUTE, World

from dev.tenant import seed as seeds
from shared.jobs.records import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from world import Cloud

pytestmark = pytest.mark.long

DAY = timedelta(hours=24)
AGAIN = "access_open_again"


def new_world(cloud: Cloud) -> World:
    """Return a world in which somebody has just been submitted, and which looks at once and after a day."""
    cloud.simulator.reset("small")
    world = World(cloud, random.Random(0), settings={"ACCESS_CHECK_AFTER": "0h,24h"})
    world.leavers = {seeds.LIA}
    world.submit([seeds.LIA], {"disable_sign_in": True}, "key")
    return world


def through(world: World) -> None:
    """Run to the end of the offboarding, whoever dies on the way."""
    for _ in range(100):
        with world.survived():
            while ready := world.hub.ready():
                world.execute(ready[0])
        if world.offboardings()[0].has_ended:
            return
        world.hub.crash()
        world.hub.advance(MINUTE)
        with world.survived():
            world.tick()
    raise AssertionError("it did not end")


def ticks(world: World, count: int) -> None:
    for _ in range(count):
        with world.survived():
            world.tick()
        world.hub.advance(MINUTE)


def open_again(world: World) -> int:
    return [event.what for event in world.offboardings()[0].events].count(AGAIN)


def test_a_death_at_any_moment_of_a_run_that_looks(
    cloud: Cloud, record_property: Callable[[str, object], None]
) -> None:
    number = 0
    while True:
        world = new_world(cloud)
        number += 1
        world.kill_at = world.moments + number
        through(world)
        ticks(world, 20)
        world.kill_at = None
        (one,) = world.offboardings()
        assert one.state is State.completed
        assert world.app.store.details(one.id).checked, f"moment {number}"
        assert [due.at > world.now for due in one.checks.due] == [True]
        if not world.killed:
            break
    record_property("campaign", {"kills": number})
    assert number > 20


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_death_at_any_moment_of_a_later_look(
    cloud: Cloud, record_property: Callable[[str, object], None], *, comes_back: bool
) -> None:
    number = 0
    while True:
        world = new_world(cloud)
        through(world)
        if comes_back:
            cloud.simulator.arrange(seeds.CONTOSO, "user", user=seeds.LIA, set={"accountEnabled": True})
        world.hub.advance(DAY)
        number += 1
        world.kill_at = world.moments + number
        ticks(world, 5)
        (one,) = world.offboardings()
        assert open_again(world) == comes_back, f"moment {number}"
        assert one.checks.due == ()
        assert one.checks.count == 2
        if not world.killed:
            break
    record_property("campaign", {"kills": number})
    assert number > 3
