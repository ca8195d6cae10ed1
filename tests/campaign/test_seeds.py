"""Seeded worlds in which hosts die, storage and messages fail and everybody interferes; a seed repeats its world."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from invariants import left_after_retention, violations
from world import MINUTE, Odds, World, parameters

from dev.demo import leavers
from dev.tenant import seed as seeds
from shared.actions import catalogue, plan
from shared.base import clock
from shared.jobs.records import Reason, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from world import Cloud

QUICK, IN_THE_SUITE, IN_THE_CAMPAIGN = 20, 200, 5_000
WHOLE_CATALOGUE_EVERY = 20
SETTLES_WITHIN = timedelta(hours=8)
"""Six runs, each given up after half an hour, and messages that are an hour late."""

MICROSOFT_FAULTS: list[dict[str, Any]] = [
    {"kind": "throttle", "status": 429, "retry_after": 7},
    {"kind": "throttle", "status": 429, "retry_after": 120},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 500},
    {"kind": "reset_before"},
    {"kind": "reset_after"},
]
_LINES = (Path(__file__).parent / "seeds.txt").read_text(encoding="utf-8").splitlines()
NAMED = [int(line.split()[0]) for line in _LINES if line[:1].isdigit()]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        count = IN_THE_CAMPAIGN if metafunc.config.getoption("--campaign") else IN_THE_SUITE
        others = sorted({*range(QUICK, count), *NAMED})
        metafunc.parametrize("seed", [*range(QUICK), *(pytest.param(one, marks=pytest.mark.long) for one in others)])


def test_seed(cloud: Cloud, seed: int, record_property: Callable[[str, object], None]) -> None:
    rng = random.Random(seed)
    story = Story(cloud, rng, is_whole=seed % WHOLE_CATALOGUE_EVERY == 0)
    world = story.world
    story.script()

    world.run(world.now + timedelta(hours=rng.choice([1, 3, 6])))
    world.calm_down()
    world.run(world.now + SETTLES_WITHIN)

    assert "\n".join(violations(world, story.colleague, story.other)) == ""
    figures = {"offboardings": len(world.before), "kills": world.killed, "faults": world.struck}
    record_property("campaign", {**figures, "requests": world.moments})

    story.retry_what_failed()
    world.run(world.now + SETTLES_WITHIN)

    assert "\n".join(violations(world, story.colleague, story.other)) == ""
    assert "\n".join(story.unhealed()) == ""
    assert left_after_retention(world) == []


class Story:
    """Who leaves, what is done to their offboardings, and what goes wrong."""

    def __init__(self, cloud: Cloud, rng: random.Random, *, is_whole: bool) -> None:
        self.rng = rng
        self.retried: set[str] = set()
        self.is_whole = is_whole
        cloud.simulator.reset("standard" if is_whole else "small")
        if is_whole:
            self.people = leavers.prepare(cloud.simulator, [catalogue.all_actions()] * 3)
            tenant, self.colleague, self.other = "fabrikam.example", leavers.COLLEAGUE, leavers.OTHER
        else:
            found = cloud.simulator.state("contoso.example")["users"].values()
            members = [user["id"] for user in found if user["accountEnabled"] and user["id"] != seeds.CONTOSO_ADMIN]
            self.people = [seeds.LIA, *members[8:11]]
            tenant, self.colleague, self.other = "contoso.example", members[20], members[21]
        self.world = World(cloud, rng, tenant, Odds.drawn(rng), room=rng.choice([1, 2, 3]))
        self.world.leavers = set(self.people)
        self.left_out = {"clear_immutable_id", rng.choice(["forward_email", "disable_forwarding"])}
        if rng.random() < 0.4:
            cloud.simulator.faults(self._microsoft_faults(), seed=rng.random())

    def _microsoft_faults(self) -> list[dict[str, Any]]:
        chosen = self.rng.sample(MICROSOFT_FAULTS, self.rng.randint(1, 3))
        services = ["graph", "exchange", "sharepoint"]
        return [
            {**fault, "service": self.rng.choice(services), "probability": self.rng.uniform(0.02, 0.2), "count": 30}
            for fault in chosen
        ]

    def script(self) -> None:
        """Have people submit offboardings, repeat what was not answered, and meddle."""
        rng, world = self.rng, self.world
        for number in range(rng.randint(1, 2 if self.is_whole else 4)):
            users = rng.sample(self.people, rng.choice([1, 1, 1, 2]))
            key = f"key-{number}" if rng.random() < 0.7 else None
            more: dict[str, Any] = {}
            if rng.random() < 0.3:
                due = world.now + MINUTE * rng.randint(1, 90)
                more["scheduled_for"] = clock.to_text(due)
            ask = _asked(world, users, self._actions(), key, more)
            moment = MINUTE * rng.choice([0, 0, 1, 5, 60])
            for repeat in range(3 if key else 1):
                world.at(moment + repeat * MINUTE * rng.choice([0, 1]), ask)
        for _ in range(rng.choice([0, 0, 1, 2, 4])):
            moment = timedelta(seconds=rng.choice([1, 30, 300, 3000, 9000]))
            for _ in range(rng.choice([1, 1, 2, 3])):  # now and then several people at once
                world.at(moment, self._meddle)

    def _actions(self) -> dict[str, Any]:
        names = list(catalogue.all_actions())
        if not self.is_whole:
            names = self.rng.sample(names, self.rng.randint(1, 5))
        if self.rng.random() < 0.7:
            names = ["disable_sign_in", "reset_password", "revoke_sessions", *names]
        asked = parameters(self.colleague, self.other)
        chosen: dict[str, Any] = {}
        names = [name for name in names if name not in self.left_out]
        for name in names:
            if not plan.make({**chosen, name: {}}).refusals:
                chosen[name] = asked.get(name, True)
        if "remove_licenses" in chosen and "convert_to_shared" not in chosen:
            del chosen["remove_licenses"]  # it would rightly be skipped, for the sake of the mail
        return chosen or {"disable_sign_in": True}

    def _meddle(self) -> None:
        known = [one.id for one in self.world.offboardings()]
        if known:
            operation = self.rng.choice(["cancel", "retry", "run-now", "delete"])
            self.world.perform(operation, self.rng.choice(known))

    def retry_what_failed(self) -> None:
        """Retry a failed offboarding of each person; a second is refused while it runs, a cancelled one always."""
        found = [one for one in self.world.offboardings() if one.state is State.failed and not one.cancelled_by]
        failed = {one.request.person.id: one.id for one in found}
        self.retried = set(failed.values())
        for id_ in sorted(self.retried):
            self.world.at(timedelta(), lambda id_=id_: self.world.perform("retry", id_))

    def unhealed(self) -> list[str]:
        """Return what still failed without a fault, other than because the account is gone."""
        return [
            f"{one.id}: {step.name} {step.outcome}: {step.message}"
            for one in self.world.offboardings()
            if one.id in self.retried and one.state is State.failed and one.reason is not Reason.refused
            for step in self.world.details_of(one.id).steps.values()
            if not step.is_settled
        ]


def _asked(world: World, users: list[str], actions: dict[str, Any], key: str | None, more: dict[str, Any]) -> Any:
    return lambda: world.submit(users, actions, key, **more)
