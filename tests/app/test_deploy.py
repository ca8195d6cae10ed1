"""A deploy kills what runs (Learn: "Flex Consumption plan hosting", deployment), a restore has no task hub: no
offboarding minds."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from azure.data.tables import TableServiceClient

from dev.demo import expectations
from dev.processes import ROOT, wait_until
from dev.stack import Options, Stack
from dev.tenant import seed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.long

ACTIONS: dict[str, Any] = {
    "disable_sign_in": True,
    "reset_password": True,
    "revoke_sessions": True,
    "convert_to_shared": True,
    "hide_from_address_lists": True,
    "remove_groups": True,
    "remove_licenses": True,
}
DEPLOYED = ("function_app.py", "host.json", "activities", "orchestrators", "shared", "triggers")
MISSED_AFTER = 2 * 60


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("deploy"), Options(visibility_timeout=1)) as stack:
        yield stack


@pytest.fixture
def next_version(tmp_path: Path) -> Path:
    """The app as it is, in a place where it can be changed."""
    for name in DEPLOYED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    return tmp_path


class Offboarding:
    """An offboarding that has written something and has something left to write."""

    def __init__(self, stack: Stack, alias: str) -> None:
        self._stack = stack
        self.leaver = stack.simulator.arrange(seed.CONTOSO, "user", create={"alias": alias})
        self._before = stack.simulator.state(seed.CONTOSO)
        stack.simulator.latency(graph=50, exchange=50)
        body = {"tenant": "contoso.example", "users": [self.leaver], "actions": ACTIONS}
        answer = stack.post("/api/offboardings", body)
        answer.raise_for_status()
        self.id: str = answer.json()["offboardings"][0]["id"]
        wait_until(self._has_ended_a_step, 30, "a step had ended")
        assert stack.details(self.id)["state"] == "Running"

    def _has_ended_a_step(self) -> bool:
        return any(step["outcome"] for step in self._stack.details(self.id)["steps"])

    def end(self) -> dict[str, Any]:
        """Wait, and see that the tenant is as it must be, and that nothing visible was done twice."""
        self._stack.simulator.latency()
        ended = self._stack.wait_for_end(self.id)
        told = {step["name"]: (step["outcome"], step["message"]) for step in ended["steps"]}
        assert ended["state"] == "Completed", told
        after = self._stack.simulator.state(seed.CONTOSO)
        case = expectations.Case(self._before, after, self.leaver, seed.CONTOSO_ADMIN, seed.CONTOSO_ADMIN)
        assert expectations.unmet(case, ACTIONS) == []
        return ended


def test_a_deploy_in_mid_run_is_harmless(cloud: Stack, next_version: Path) -> None:
    offboarding = Offboarding(cloud, "same")

    cloud.deploy(next_version)

    assert offboarding.end()["run"] == 1


def test_a_run_keeps_its_plan_when_the_next_version_orders_the_steps_otherwise(
    cloud: Stack, next_version: Path
) -> None:
    _edit(
        next_version / "activities/remove_groups.py",
        "    after =",
        '    requires = ("convert_to_shared",)\n    after =',
    )
    offboarding = Offboarding(cloud, "otherwise")

    cloud.deploy(next_version)

    assert offboarding.end()["run"] == 1


def test_a_run_that_the_next_version_cannot_replay_is_carried_on_by_the_next_run(
    cloud: Stack, next_version: Path
) -> None:
    begin = '    begun: dict[str, Any] = yield from _insist(context, "begin_run", order)\n'
    waits_first = "    yield context.create_timer(context.current_utc_datetime + timedelta(seconds=1))\n"
    _edit(next_version / "orchestrators/offboard_user.py", begin, waits_first + begin)
    offboarding = Offboarding(cloud, "replay")

    cloud.deploy(next_version)
    wait_until(lambda: cloud.has_run_ended(f"{offboarding.id}-1"), 30, "the run had failed")
    cloud.advance(MISSED_AFTER)

    ended = offboarding.end()
    assert ended["run"] == 2
    assert "recovered" in [event["what"] for event in ended["events"]]


def test_a_copy_of_the_tables_goes_on_without_the_task_hub(cloud: Stack) -> None:
    """What docs/operations.md says of a restore: the rows are written back, the hub is new."""
    offboarding = Offboarding(cloud, "restored")
    cloud.kill_host()
    _write_back(cloud.storage.connection_string)
    for file in (cloud.folder / "host").glob("*.sqlite*"):
        file.unlink()
    cloud.restart_host()
    cloud.advance(2 * MISSED_AFTER)  # the hub that is gone knew how far the clock had been moved before

    ended = offboarding.end()
    assert ended["run"] == 2
    assert "recovered" in [event["what"] for event in ended["events"]]


def _write_back(connection_string: str) -> None:
    """Copy every row, remove it, and write the copy: it has another ETag then."""
    with TableServiceClient.from_connection_string(connection_string) as storage:
        for name in ("offboardings", "offboardingdetails"):
            table = storage.get_table_client(name)
            copy = [dict(row) for row in table.list_entities()]
            for row in copy:
                table.delete_entity(row)
            assert list(table.list_entities()) == []
            for row in copy:
                table.create_entity(row)


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")
