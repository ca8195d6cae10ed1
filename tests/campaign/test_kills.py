"""kill -9 of the real host at random moments of real offboardings: it comes back, and everything ends well."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.data.tables import TableClient

from dev.demo import expectations
from dev.processes import StackError, wait_until
from dev.stack import Options, Stack
from dev.tenant import seed as seeds
from shared.jobs.storage import keys, rows
from shared.jobs.storage.azure_table import AzureTable
from shared.jobs.storage.store import PARTITION
from shared.jobs.storage.table import LAST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.long

IN_THE_SUITE, IN_THE_CAMPAIGN = 10, 100
ACTIONS = {
    "disable_sign_in": True,
    "reset_password": True,
    "revoke_sessions": True,
    "convert_to_shared": True,
    "hide_from_address_lists": True,
    "remove_groups": True,
    "remove_licenses": True,
}
TEN = 10
DEATHS_IN_THE_SUITE, DEATHS_IN_THE_CAMPAIGN = 4, 30
TWO_TICKS = 2 * 60
MOMENTS = 45
"""About as many requests as an offboarding takes."""
ASKS_FOR_SECONDS = 1_200
"""A client asks for as long as the kills go on: what earlier runs ask of Microsoft brings the next kill closer."""


def test_killed_hosts_lose_nothing(
    tmp_path: Path, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    kills = IN_THE_CAMPAIGN if request.config.getoption("--campaign") else IN_THE_SUITE
    rng = random.Random(kills)
    settings = {"MAX_RUNS_PER_TENANT": "10", "TICK_SCHEDULE": "*/5 * * * * *"}
    with (
        Stack(tmp_path, Options(visibility_timeout=1, settings=settings)) as stack,
        ThreadPoolExecutor(kills) as clients,
    ):
        stack.simulator.reset("small")
        stack.simulator.latency(graph=20, exchange=20)
        before = stack.simulator.state(seeds.CONTOSO)
        answers = []
        for number in range(kills):
            leaver = stack.simulator.arrange(seeds.CONTOSO, "user", create={"alias": f"leaver{number}"})
            before["users"][leaver] = stack.simulator.state(seeds.CONTOSO)["users"][leaver]
            seen = _requests_since(stack, 0)[-1:] or [{"n": 0}]
            answers.append(clients.submit(_ask_until_answered, stack, leaver))
            moment = rng.randint(1, MOMENTS)
            _wait_for_requests(stack, seen[0]["n"], moment)
            stack.kill_host()
            stack.restart_host()
        asked = [answer.result() for answer in answers]
        for one in asked:
            _wait_for_end(stack, one)
        after = stack.simulator.state(seeds.CONTOSO)

        for one in asked:
            details = stack.details(one)
            told = [f"{step['name']}: {step['outcome']}: {step['message']}" for step in details["steps"]]
            assert details["state"] == "Completed", told
            case = expectations.Case(before, after, details["user"]["id"], seeds.CONTOSO_ADMIN, seeds.CONTOSO_ADMIN)
            assert expectations.unmet(case, ACTIONS) == []
        assert len(set(asked)) == kills
        assert _orphans(stack) == []
        record_property("campaign", {"real kills": kills, "offboardings": kills})


def test_dead_workers_lose_nothing(
    tmp_path: Path, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    """Ten at once, while the worker dies in turns, in activities and between them; within two ticks all go on."""
    deaths = DEATHS_IN_THE_CAMPAIGN if request.config.getoption("--campaign") else DEATHS_IN_THE_SUITE
    rng = random.Random(deaths)
    settings = {"MAX_RUNS_PER_TENANT": "10", "TICK_SCHEDULE": "*/5 * * * * *"}
    with Stack(tmp_path, Options(visibility_timeout=1, settings=settings)) as stack:
        stack.simulator.reset("small")
        stack.simulator.latency(graph=20, exchange=20)
        create = [{"alias": f"leaver{number}"} for number in range(TEN)]
        leavers = [stack.simulator.arrange(seeds.CONTOSO, "user", create=one) for one in create]
        before = stack.simulator.state(seeds.CONTOSO)
        body = {"tenant": "contoso.example", "users": leavers, "actions": ACTIONS}
        answer = stack.post("/api/offboardings", body, {"Idempotency-Key": "ten"})
        answer.raise_for_status()
        asked = [one["id"] for one in answer.json()["offboardings"]]
        for death in range(1, deaths + 1):
            _wait_for_requests(stack, stack.simulator.requests()[-1]["n"], rng.randint(1, MOMENTS))
            if death % 2 == 0:  # at the third the host would give up
                stack.restart_host()
            stack.kill_worker()
            stack.advance(TWO_TICKS)
        for one in asked:
            _wait_for_end(stack, one)
        after = stack.simulator.state(seeds.CONTOSO)
        ended = [stack.details(one) for one in asked]

        assert {details["state"] for details in ended} == {"Completed"}, ended
        for details in ended:
            case = expectations.Case(before, after, details["user"]["id"], seeds.CONTOSO_ADMIN, seeds.CONTOSO_ADMIN)
            assert expectations.unmet(case, ACTIONS) == []
        assert _orphans(stack) == []
        runs = sum(details["run"] for details in ended)
        assert runs > TEN, "no death hit a turn"
        record_property("campaign", {"real deaths of the worker": deaths, "offboardings": TEN})


def _ask_until_answered(stack: Stack, leaver: str) -> str:
    """Submit with a key, again and again until there is an answer, as a client does whose server dies."""
    body = {"tenant": "contoso.example", "users": [leaver], "actions": ACTIONS}
    found: list[dict[str, Any]] = []

    def answered() -> bool:
        try:
            answer = stack.post("/api/offboardings", body, {"Idempotency-Key": leaver})
        except requests.RequestException:
            return False
        if answer.status_code == requests.codes.accepted:
            found.extend(answer.json()["offboardings"])
        return bool(found)

    wait_until(answered, ASKS_FOR_SECONDS, f"the submission of {leaver} was answered")
    return found[0]["id"]


def _requests_since(stack: Stack, number: int) -> list[dict[str, Any]]:
    return stack.simulator.requests(number)


def _wait_for_requests(stack: Stack, since: int, count: int) -> None:
    """Wait for a moment in the life of the offboarding: so many requests to Microsoft, or that there are no more."""
    try:
        wait_until(lambda: len(_requests_since(stack, since)) >= count, 2, "the moment had come")
    except StackError:
        return


def _wait_for_end(stack: Stack, offboarding: str) -> None:
    """Wait; where a run was lost, let the time pass after which it is missed."""
    for _ in range(8):
        try:
            stack.wait_for_end(offboarding, 5)
        except StackError:
            stack.advance(TWO_TICKS)
        else:
            return
    raise AssertionError(f"{offboarding} has not ended: {stack.details(offboarding)}")


def _orphans(stack: Stack) -> list[str]:
    with TableClient.from_connection_string(stack.storage.connection_string, "offboardings") as client:
        found = AzureTable(client).range(PARTITION, "", LAST).rows
    jobs = [rows.to_offboarding(row) for row in found if row["key"].startswith(keys.JOB)]
    derived = {key for job in jobs for key in rows.of(job)} | {job.receipt for job in jobs}
    found_keys = {row["key"] for row in found}
    # What counts a tenant's submissions, and what was decided, follow from no job.
    kept = {key for key in found_keys if not key.endswith("|!cap") and not key.startswith("decided|")}
    return sorted(kept ^ derived)
