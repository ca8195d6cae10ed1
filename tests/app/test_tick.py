"""A timer that has stopped holds up nothing that somebody asks for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dev.stack import Options, Stack
from dev.tenant import seed
from shared.base import clock

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.long

HOUR = 60 * 60


@pytest.fixture(scope="module")
def dead_timer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    settings = {"TICK_SCHEDULE": "0 0 0 29 2 *", "FUNCTION_KEY_ROLE": "admin"}
    with Stack(tmp_path_factory.mktemp("tick"), Options(settings=settings)) as stack:
        yield stack


def test_what_is_due_begins_when_somebody_asks_for_it(dead_timer: Stack) -> None:
    leaver = dead_timer.simulator.arrange(seed.CONTOSO, "user", create={"alias": "waiting"})
    body = {"tenant": "contoso.example", "users": [leaver], "actions": {"disable_sign_in": True}}
    body["scheduled_for"] = clock.to_text(clock.now() + timedelta(hours=1))
    planned = dead_timer.post("/api/offboardings", body).json()["offboardings"][0]["id"]

    early = dead_timer.post("/api/tick", None)
    dead_timer.advance(2 * HOUR)
    still = dead_timer.get(f"/api/offboardings/{planned}").json()["state"]
    ticked = dead_timer.post("/api/tick", None)

    assert (early.status_code, early.json()) == (200, {"due": 0, "started": 0})
    assert still == "Planned"
    assert (ticked.status_code, ticked.json()) == (200, {"due": 1, "started": 1})
    assert dead_timer.wait_for_end(planned)["state"] == "Completed"
    assert dead_timer.post("/api/tick", None).json()["started"] == 0


def test_whoever_waits_for_room_begins_when_others_have_ended(dead_timer: Stack) -> None:
    people = [dead_timer.simulator.arrange(seed.CONTOSO, "user", create={"alias": f"one{n}"}) for n in range(8)]
    body = {"tenant": "contoso.example", "users": people, "actions": {"disable_sign_in": True}}

    submitted = dead_timer.post("/api/offboardings", body).json()["offboardings"]
    ended = [dead_timer.wait_for_end(one["id"]) for one in submitted]

    assert [one["state"] for one in submitted].count("Planned") == 5
    assert {(one["state"], one["run"]) for one in ended} == {("Completed", 1)}
