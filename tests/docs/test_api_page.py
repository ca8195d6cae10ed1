"""docs/api.md and docs/simulation.md are sessions that work, typed against what `python3 dev start` starts."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev import receivers
from dev.processes import ROOT
from dev.sinks import Sinks
from dev.stack import Options, Stack
from dev.tenant import seed
from shared.access.routes import ROUTES
from triggers.openapi.operations import OPERATIONS

pytestmark = pytest.mark.long

PAGE = (ROOT / "docs" / "api.md").read_text()
SIMULATION = (ROOT / "docs" / "simulation.md").read_text()
NOT_FOR_PEOPLE = {"GET health", "GET health/detail", "GET openapi.json", "GET docs", "POST tick"}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Sinks]]:
    """What `python3 dev start` starts."""
    with (
        Sinks.start() as sinks,
        Stack(tmp_path_factory.mktemp("api"), Options(settings=receivers.settings())) as stack,
    ):
        receivers.direct(stack, sinks)
        yield stack, sinks


def typed(page: str, started: tuple[Stack, Sinks], folder: Path) -> str:
    """Type every command of a page into one shell, and return what it prints."""
    stack, sinks = started
    script = folder / "session.sh"
    script.write_text("set -eu -o pipefail\n" + "\n".join(re.findall(r"(?ms)^```sh\n(.*?)^```$", page)))
    places = {
        "API": stack.api,
        "HOST": stack.api,
        "KEY": stack.key,
        "MASTER": stack.describe()["keys"]["master"],
        "SIM": stack.simulator.origin,
        "SINKS": sinks.origin,
    }

    ran = subprocess.run(  # noqa: S603 - what the page says to type
        ["bash", str(script)],  # noqa: S607 - the shell of whoever types it
        env={**os.environ, **places, "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr
    return ran.stdout


def test_every_command_of_the_api_page_works(started: tuple[Stack, Sinks], tmp_path: Path) -> None:
    told = typed(PAGE, started, tmp_path)

    answers = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    ended = {(one["user"]["upn"], one["state"], one["run"]) for one in answers if "steps" in one and "run" in one}
    assert ended == {
        ("ada@fabrikam.example", "Completed", 1),
        ("bo@fabrikam.example", "Failed", 0),
        ("archive@fabrikam.example", "Completed", 2),
    }
    (failed,) = [
        one["items"] for one in answers if [each.get("state") for each in one.get("items", ())][:1] == ["Failed"]
    ]
    assert failed[0]["user"]["upn"] == "archive@fabrikam.example"
    assert {one["service"] for one in started[1].arrived()} >= {"standard", "teams", "halo"}
    assert [problem["field"] for problem in answers[-1]["problems"]]
    assert answers[-1]["status"] == 400


def test_every_operation_is_on_the_page() -> None:
    operations = [name for name in OPERATIONS if name in ROUTES and name not in NOT_FOR_PEOPLE]
    page = PAGE.replace("/ada@fabrikam.example", "/{user}").replace("/grant_mailbox_access", "/{action}")
    page = re.sub(r"\b(?:contoso|fabrikam)\.example", "{tenant}", page)
    said = re.sub(r"\$\{?(?:ID|LATER|SOON|FAILED|GIVEN)\}?|…", "{id}", page)

    missing = [name for name in operations if name.partition(" ")[2] not in said]

    assert missing == []


def test_every_command_of_the_simulation_page_works(started: tuple[Stack, Sinks], tmp_path: Path) -> None:
    typed(SIMULATION, started, tmp_path)


def test_everybody_of_the_simulation_page_is_in_the_tenants() -> None:
    tenants = {tenant.domain: tenant for tenant in seed.build("standard").values()}
    people = re.findall(r"(?m)`(\w+)@(\w+\.example)`", SIMULATION)

    assert set(re.findall(r"(?m)^\| `(\w+\.example)` \|", SIMULATION)) == set(tenants)
    assert len(people) > 15
    for name, domain in people:
        assert tenants[domain].find_user(f"{name}@{domain}"), name
