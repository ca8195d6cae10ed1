"""What Durable Functions keeps of a run goes with the offboarding, and at the latest with the retention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from dev.host.durable.store import Store
from dev.processes import wait_until
from dev.stack import Options, Stack
from dev.tenant import seed

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.long

DAY = 24 * 60 * 60


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("retention"), Options(settings={"RETENTION_DAYS": "30"})) as stack:
        yield stack


def offboarded(cloud: Stack, alias: str, **more: Any) -> str:
    leaver = cloud.simulator.arrange(seed.CONTOSO, "user", create={"alias": alias})
    body = {"tenant": "contoso.example", "users": [leaver], "actions": {"disable_sign_in": True}, **more}
    answer = cloud.post("/api/offboardings", body)
    answer.raise_for_status()
    offboarding: str = answer.json()["offboardings"][0]["id"]
    wait_until(lambda: cloud.has_run_ended(f"{offboarding}-1"), 30, "the run had ended")
    return offboarding


def runs_kept(cloud: Stack) -> set[str]:
    hub = Store(str(cloud.folder / "host" / "Offboarding.sqlite"))
    try:
        return {row["instance"] for row in hub.rows("SELECT DISTINCT instance FROM history")}
    finally:
        hub.close()


def test_the_history_of_a_deleted_offboarding_is_removed(cloud: Stack) -> None:
    kept, deleted = offboarded(cloud, "kept"), offboarded(cloud, "deleted")
    assert {f"{kept}-1", f"{deleted}-1"} <= runs_kept(cloud)

    assert cloud.send("DELETE", f"/api/offboardings/{deleted}").status_code == requests.codes.no_content

    assert f"{kept}-1" in runs_kept(cloud)
    assert f"{deleted}-1" not in runs_kept(cloud)


def test_after_the_retention_nothing_is_left(cloud: Stack) -> None:
    offboarding = offboarded(cloud, "old")

    cloud.advance(31 * DAY)

    wait_until(lambda: f"{offboarding}-1" not in runs_kept(cloud), 30, "the retention had passed")
    assert cloud.get(f"/api/offboardings/{offboarding}").status_code == requests.codes.not_found
    assert cloud.get(f"/api/offboardings/{offboarding}/audit").status_code == requests.codes.not_found
