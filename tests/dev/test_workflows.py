"""The workflows run commands that exist, with no more rights than they need."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev import __main__ as tool
from dev.environment import SUPPORTED
from dev.processes import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
# YAML 1.1 reads the key `on` as true.
ON = True
ON_THE_RUNNER = {"azd", "jq", "npm", ":"}
MANIFESTS = {"uv": "requirements.in", "npm": "package.json", "github-actions": ".github/workflows"}


def read(path: Path) -> dict[Any, Any]:
    return yaml.safe_load(path.read_text())


def jobs(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from read(path)["jobs"].items()


def commands(path: Path) -> list[list[str]]:
    """Return every command of a workflow or a shell script that begins a line."""
    if path.suffix == ".yml":
        return [shlex.split(step["run"]) for _, job in jobs(path) for step in job.get("steps", ()) if "run" in step]
    return [shlex.split(line.partition("||")[0]) for line in path.read_text().splitlines() if line.startswith("python")]


def test_there_is_one_for_every_change_and_one_that_deploys() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "deploy.yml"]


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / ".ci" / "run"], ids=lambda path: path.name)
def test_every_command_exists(path: Path) -> None:
    found = commands(path)

    assert found
    for program, *arguments in found:
        if program in {"python", "python3"}:
            given, rest = tool.parser().parse_known_args(arguments[1:])
            assert (ROOT / arguments[0]).is_dir()
            assert given.command
            assert not rest or given.command == "test"
            assert all((ROOT / each).exists() for each in rest if each != "--all")
        elif program not in ON_THE_RUNNER:
            assert os.access(ROOT / program, os.X_OK)


def test_every_supported_python_is_tried() -> None:
    matrix = read(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["everything"]["strategy"]["matrix"]

    assert set(matrix["python"]) == set(SUPPORTED)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_others_wrote_is_pinned_to_a_commit(path: Path) -> None:
    used = re.findall(r"uses: (\S+)", path.read_text())

    assert used
    for each in used:
        assert (ROOT / each).exists() or re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", each), each


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_only_the_job_that_deploys_may_sign_in_to_azure(path: Path) -> None:
    assert read(path)["permissions"] == {"contents": "read"}
    asked = {name: job["permissions"] for name, job in jobs(path) if "permissions" in job}

    assert asked == ({"deploy": {"contents": "read", "id-token": "write"}} if path.stem == "deploy" else {})


def test_only_a_release_that_passed_is_deployed() -> None:
    deploy = read(ROOT / ".github" / "workflows" / "deploy.yml")

    assert deploy[ON] == {"workflow_dispatch": None, "push": {"tags": ["v*"]}}
    assert deploy["jobs"]["ci"] == {"uses": "./.github/workflows/ci.yml"}
    assert deploy["jobs"]["deploy"]["needs"] == "ci"
    assert "secrets." not in str(deploy)


def test_a_deployment_names_the_installation_before_it_signs_in() -> None:
    commands = [step.get("run", "") for step in read(ROOT / ".github/workflows/deploy.yml")["jobs"]["deploy"]["steps"]]
    check = next(n for n, command in enumerate(commands) if "AZURE_ENV_NAME:?" in command)
    environment = {"PATH": os.environ["PATH"], "AZURE_ENV_NAME": "prod", "AZURE_LOCATION": "eastus2"}

    def succeeds(**without: str) -> bool:
        shell = ["bash", "-ec", commands[check]]
        return subprocess.run(shell, env=environment | without, capture_output=True, check=False).returncode == 0  # noqa: S603 - the workflow's own

    assert succeeds()
    assert not succeeds(AZURE_ENV_NAME="")
    assert not succeeds(AZURE_LOCATION="")
    assert check < next(n for n, command in enumerate(commands) if command.startswith("azd auth login"))
    assert "azd provision --no-state --no-prompt" in commands, "what was changed by hand is set back"


def test_what_is_kept_up_to_date_is_where_it_is_said_to_be() -> None:
    updates = read(ROOT / ".github" / "dependabot.yml")["updates"]

    assert {each["package-ecosystem"] for each in updates} == set(MANIFESTS)
    for each in updates:
        assert (ROOT / each["directory"].strip("/") / MANIFESTS[each["package-ecosystem"]]).exists()
