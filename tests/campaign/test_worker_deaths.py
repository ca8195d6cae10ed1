"""The Python worker dies alone: the host lives, fails the turns and activities that were under way, and starts another.

A failed turn ends the instance of a run for good, so the timer has to notice: within two ticks everything goes on.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from invariants import violations
from world import MINUTE, WorkerDied, World

from dev.tenant import seed as seeds
from shared.jobs.records import State

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from world import Cloud

pytestmark = pytest.mark.long

ACTIONS = {"disable_sign_in": True, "reset_password": True, "revoke_sessions": True, "hide_from_address_lists": True}
TWO_TICKS = 2 * MINUTE
TEN = 10


def new_world(cloud: Cloud, count: int = 1, seed: int = 0) -> World:
    """Return a world in which so many people have just been submitted."""
    cloud.simulator.reset("small")
    create = [{"alias": f"leaver{number}"} for number in range(count)]
    people = [cloud.simulator.arrange(seeds.CONTOSO, "user", create=one) for one in create]
    world = World(cloud, random.Random(seed), room=TEN)
    world.leavers = set(people)
    world.submit(people, ACTIONS)
    return world


def took(world: World) -> timedelta:
    """Run to the end, and return how long the slowest took."""
    world.run()
    assert violations(world, seeds.CONTOSO_ADMIN, seeds.CONTOSO_ADMIN) == []
    assert {one.state for one in world.offboardings()} == {State.completed}
    return max(one.ended_at - one.requested_at for one in world.offboardings() if one.ended_at)


def run_until_it_dies(world: World) -> None:
    try:
        while ready := world.hub.ready():
            world.execute(ready[0])
    except WorkerDied:
        return


def test_a_death_in_any_turn_costs_two_ticks(cloud: Cloud, record_property: Callable[[str, object], None]) -> None:
    usual = took(new_world(cloud))
    number = 0
    while True:
        world = new_world(cloud)
        turns = 0
        while ready := world.hub.ready():
            is_the_one = ready[0].kind == "turn" and turns == number
            turns += ready[0].kind == "turn"
            world.hub.execute(ready[0], worker_dies=is_the_one)
            if is_the_one:
                break
        else:
            break
        had_ended = world.offboardings()[0].has_ended  # the last turn has only messages left to send
        assert took(world) <= usual + TWO_TICKS, f"turn {number}"
        assert world.offboardings()[0].run == (1 if had_ended else 2)
        number += 1
    record_property("campaign", {"deaths of the worker": number})
    assert number > 5


def test_a_death_at_any_moment_of_an_activity_costs_two_ticks(
    cloud: Cloud, record_property: Callable[[str, object], None]
) -> None:
    usual = took(new_world(cloud))
    moment = 0
    while True:
        moment += 1
        world = new_world(cloud)
        world.worker_dies_at = world.moments + moment
        run_until_it_dies(world)
        assert took(world) <= usual + TWO_TICKS, f"moment {moment}"
        if not world.killed:
            break
    record_property("campaign", {"deaths of the worker": moment - 1})
    assert moment > 10


def test_ten_that_are_under_way_when_it_dies_all_go_on(
    cloud: Cloud, record_property: Callable[[str, object], None]
) -> None:
    usual = took(new_world(cloud, TEN))
    for seed in range(5):
        world = new_world(cloud, TEN, seed)
        for _ in range(world.rng.randint(0, 15 * TEN)):
            world.execute(world.rng.choice(world.hub.ready()))
        under_way = {work.instance_id: work for work in world.hub.ready()}
        for work in under_way.values():
            world.hub.fail(work)

        assert took(world) <= usual + TWO_TICKS
    record_property("campaign", {"deaths of the worker": 5})
