"""Somebody is offboarded and brought back while hosts die: every recorded value is back in the end, or named."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from world import Killed, World

from dev.tenant import seed as seeds
from shared.offboarding.restoring import Restorations, Wish

if TYPE_CHECKING:
    from collections.abc import Callable

    from world import Cloud

pytestmark = pytest.mark.long

ACTIONS: dict[str, Any] = {
    "disable_sign_in": True,
    "remove_groups": True,
    "hide_from_address_lists": True,
    "forward_email": {"to": "successor@partner.example"},
}


def offboarded(world: World) -> str:
    world.submit([seeds.LIA], ACTIONS)
    world.run()
    return world.offboardings()[0].id


def restored(world: World, offboarding: str) -> None:
    stored = Restorations(world.app, "op").submit(offboarding, Wish())
    world.start(stored)
    while ready := world.hub.ready():
        world.hub.execute(ready[0])


def left_of(world: World) -> dict[str, Any]:
    """Return what the actions change, as it is."""
    state = world.state()
    mailbox = state["mailboxes"][seeds.LIA]
    names = (
        "HiddenFromAddressListsEnabled",
        "ForwardingAddress",
        "ForwardingSmtpAddress",
        "DeliverToMailboxAndForward",
    )
    return {
        "enabled": state["users"][seeds.LIA]["accountEnabled"],
        "groups": {key for key, group in state["groups"].items() if seeds.LIA in group["members"]},
        **{name: mailbox[name] for name in names},
    }


def test_killed_at_every_boundary_of_a_restoration(
    cloud: Cloud, record_property: Callable[[str, object], None]
) -> None:
    moment = 0
    while True:
        moment += 1
        cloud.simulator.reset("small")
        world = World(cloud, random.Random(moment))
        world.leavers = {seeds.LIA}
        before = left_of(world)
        offboarding = offboarded(world)
        assert left_of(world) != before
        world.kill_at = world.moments + moment
        try:
            restored(world, offboarding)
        except Killed:
            if len(world.offboardings()) == 1:  # it died before anything was stored: whoever asked asks again
                Restorations(world.app, "op").submit(offboarding, Wish())
        world.run()

        assert world.wrong == [], f"killed at {moment}"
        assert left_of(world) == before, f"killed at {moment}"
        assert {one.state for one in world.offboardings()} == {"Completed"}, f"killed at {moment}"
        if not world.killed:
            break
    record_property("campaign", {"kills": moment - 1})
    assert moment > 2


@pytest.mark.parametrize("seed", range(8))
def test_a_bad_day_for_a_restoration(cloud: Cloud, seed: int) -> None:
    """Throttling, faults, answers that lag: what is not back is named."""
    cloud.simulator.reset("small")
    world = World(cloud, random.Random(seed))
    world.leavers = {seeds.LIA}
    before = left_of(world)
    offboarding = offboarded(world)
    kinds: list[dict[str, Any]] = [
        {"kind": "throttle", "status": 429, "retry_after": 2},
        {"kind": "status", "status": 503},
        {"kind": "reset_after"},
    ]
    rules = [
        {"service": service, "probability": 0.2, "count": 10, **kind}
        for service in ("graph", "exchange")
        for kind in kinds
    ]
    cloud.simulator.faults(rules, seed=seed)
    Restorations(world.app, "op").submit(offboarding, Wish())
    world.run()

    newest = world.offboardings()[0]
    steps = world.details_of(newest.id).steps
    named = {name for name, step in steps.items() if step.outcome in {"failed", "needs_attention", "skipped"}}
    assert left_of(world) == before or named, {name: step.message for name, step in steps.items()}


OWNERS = {
    "enabled": "disable_sign_in",
    "groups": "remove_groups",
    "HiddenFromAddressListsEnabled": "hide_from_address_lists",
    "ForwardingAddress": "forward_email",
    "ForwardingSmtpAddress": "forward_email",
    "DeliverToMailboxAndForward": "forward_email",
}


def changed_since(world: World, chance: random.Random) -> None:
    """Let somebody change, by hand, some of what the offboarding had changed."""
    mailbox: list[dict[str, Any]] = [
        {"ForwardingSmtpAddress": "smtp:other@private.example"},
        {"HiddenFromAddressListsEnabled": False},
    ]
    for values in chance.sample(mailbox, chance.randint(0, 2)):
        world.cloud.simulator.arrange("contoso.example", "mailbox", mailbox=seeds.LIA, set=values)
    if chance.random() < 0.5:
        world.cloud.simulator.arrange("contoso.example", "user", user=seeds.LIA, set={"accountEnabled": True})


@pytest.mark.parametrize("seed", range(8))
def test_what_somebody_changed_since_is_back_or_named_whatever_dies_meanwhile(cloud: Cloud, seed: int) -> None:
    """Every recorded value is back, or as somebody left it and named."""
    cloud.simulator.reset("small")
    chance = random.Random(seed)
    world = World(cloud, chance)
    world.leavers = {seeds.LIA}
    before = left_of(world)
    offboarding = offboarded(world)
    changed_since(world, chance)
    found = left_of(world)
    fault = {"probability": 0.1, "count": 5, "kind": "status", "status": 503}
    rules = [{"service": service, **fault} for service in ("graph", "exchange")]
    cloud.simulator.faults(rules, seed=seed)
    world.kill_at = world.moments + chance.randint(2, 30)
    try:
        restored(world, offboarding)
    except Killed:
        if len(world.offboardings()) == 1:
            Restorations(world.app, "op").submit(offboarding, Wish())
    world.run()
    cloud.simulator.faults([])

    assert world.wrong == []
    steps = world.details_of(world.offboardings()[0].id).steps
    named = {name for name, step in steps.items() if step.outcome in {"failed", "needs_attention", "skipped"}}
    for value, now in left_of(world).items():
        assert now == before[value] or OWNERS[value] in named, (value, now, named)
        if value == "ForwardingSmtpAddress" and found[value] == "smtp:other@private.example":
            assert now == found[value]  # somebody's own decision is never written over
