"""The host dies at every single boundary between two requests, of everything that can be asked for."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from invariants import violations
from world import MINUTE, Killed, World

from dev.tenant import seed as seeds
from shared.base.problems import RefusedError
from shared.jobs.records import Reason, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from world import Cloud

pytestmark = pytest.mark.long

ACTIONS = {"disable_sign_in": True, "reset_password": True, "revoke_sessions": True, "hide_from_address_lists": True}
LATER = "2030-01-01T00:30:00Z"


def submitted(world: World) -> None:
    world.submit([seeds.LIA], ACTIONS, "key")


def planned(world: World) -> None:
    world.submit([seeds.LIA], ACTIONS, "key", scheduled_for=LATER)


def failed(world: World) -> None:
    planned(world)
    world.perform("cancel", only(world))


def refused_by_microsoft(world: World) -> None:
    """Fail as steps do, which can be retried; what was cancelled cannot."""
    world.cloud.simulator.faults([{"service": "graph", "match": "PATCH", "kind": "status", "status": 403}])
    submitted(world)
    world.run()
    world.cloud.simulator.faults([])
    assert world.offboardings()[0].reason is Reason.steps_failed


def running(world: World) -> None:
    submitted(world)
    for _ in range(6):
        world.hub.execute(world.hub.ready()[0])


def only(world: World) -> str:
    return world.offboardings()[0].id


def perform(operation: str) -> Callable[[World], None]:
    return lambda world: world.perform(operation, only(world))


def tick(world: World) -> None:
    world.hub.advance(31 * MINUTE)
    world.tick()


def run(world: World) -> None:
    """Run to the end, or to the death of the host."""
    while ready := world.hub.ready():
        world.hub.execute(ready[0])
    world.run()


CASES: dict[str, tuple[Callable[[World], None], Callable[[World], None], set[Any]]] = {
    "submit": (lambda _: None, submitted, {State.completed}),
    "start": (planned, tick, {State.completed}),
    "run": (submitted, run, {State.completed}),
    "run, lost and cancelled": (submitted, run, {State.completed, Reason.cancelled}),
    "run-now": (planned, perform("run-now"), {State.completed}),
    "retry": (refused_by_microsoft, perform("retry"), {State.completed}),
    "cancel planned": (planned, perform("cancel"), {State.completed, Reason.cancelled}),
    "cancel running": (running, perform("cancel"), {State.completed, Reason.cancelled}),
    "delete": (failed, perform("delete"), {None, Reason.cancelled}),
}


@pytest.mark.parametrize("case", CASES)
def test_killed_at_every_boundary(cloud: Cloud, case: str, record_property: Callable[[str, object], None]) -> None:
    arrange, act, ends = CASES[case]
    moment = 0
    while True:
        moment += 1
        cloud.simulator.reset("small")
        world = World(cloud, random.Random(moment))
        world.leavers = {seeds.LIA}
        arrange(world)
        world.kill_at = world.moments + moment
        try:
            act(world)
        except Killed:
            repeat(world, case)
        world.run()

        assert violations(world, seeds.CONTOSO_ADMIN, seeds.CONTOSO_ADMIN) == [], f"killed at {moment}"
        seen = {one.reason or one.state for one in world.offboardings()} or {None}
        assert seen <= ends, f"killed at {moment}"
        assert world.state()["users"][seeds.LIA]["password_resets"] <= 1 + world.killed, f"killed at {moment}"
        if not world.killed:
            break
    record_property("campaign", {"kills": moment - 1})
    assert moment > 2


def repeat(world: World, case: str) -> None:
    """Have whoever got no answer ask again; what is done already may be refused."""
    if case == "submit":
        submitted(world)
    elif case == "run, lost and cancelled":
        world.hub.engine.store.forget(f"{only(world)}-1")
        with suppress(RefusedError):
            world.perform("cancel", only(world))
    elif case not in {"run", "start"}:
        with suppress(RefusedError):
            if world.offboardings():
                CASES[case][1](world)


@pytest.mark.parametrize("fate", ["kill_at", "worker_dies_at"])
def test_whoever_waits_begins_once_wherever_the_end_of_the_run_before_is_killed(cloud: Cloud, fate: str) -> None:
    moment = 0
    while True:
        moment += 1
        cloud.simulator.reset("small")
        world = World(cloud, random.Random(moment), room=1)
        people = [seeds.LIA, *_others(world, 2)]
        world.leavers = set(people)
        world.submit(people, {"disable_sign_in": True})
        while not any(one.has_ended for one in world.offboardings()) and (ready := world.hub.ready()):
            if ready[0].name == "finish_run":
                break
            world.hub.execute(ready[0])
        setattr(world, fate, world.moments + moment)
        world.run()

        assert violations(world, seeds.CONTOSO_ADMIN, seeds.CONTOSO_ADMIN) == [], f"killed at {moment}"
        assert {one.state for one in world.offboardings()} == {State.completed}, f"killed at {moment}"
        if not world.killed:
            break
    assert {one.run for one in world.offboardings()} == {1}
    assert moment > 10


def _others(world: World, count: int) -> list[str]:
    users = world.state()["users"].values()
    return [u["id"] for u in users if u["accountEnabled"] and u["id"] != seeds.CONTOSO_ADMIN][8 : 8 + count]
