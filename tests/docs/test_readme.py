"""What the README tells people to type works: every command is run by a test, but what needs the network by CI."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import function_app  # noqa: F401 - puts the actions into the catalogue
from dev.bench import CASES
from dev.processes import ROOT
from shared.app.host_settings import HOST_SETTINGS
from shared.app.settings import SETTINGS, Settings
from shared.offboarding.request import parsing

SAMPLE = ROOT / "local.settings.sample.json"
HERE = "tests/docs/test_readme.py"
# Where each command is run: a test, or the script that CI runs (which begins with the checks and ends with all tests).
RUN_BY = {
    "python3 dev demo": "tests/dev/test_demo_run.py::test_the_demonstration_succeeds_and_tells_what_it_did",
    "python3 dev start": "tests/dev/test_stack.py::test_a_line_says_where_everything_is_and_sigterm_stops_it",
    "python3 dev bench": f"{HERE}::test_the_bench_measures",
    "python3 dev test": ".ci/run",
    "python3 dev check": ".ci/run",
    "python3 dev package": ".ci/run",
    "cp local.settings.sample.json local.settings.json": f"{HERE}::test_the_sample_is_complete_once_filled_in",
    "python3 -m venv .venv-func && . .venv-func/bin/activate": "dev/environment.py::_build",
    "pip install -r requirements.txt": "dev/package.py::install",
    "func start": f"{HERE}::test_core_tools_find_what_they_look_for",
}


def blocks() -> list[str]:
    """Return the code blocks of the README that are not in another language, such as a diagram's."""
    fenced = re.findall(r"(?ms)^```(\w*)\n(.*?)^```$", (ROOT / "README.md").read_text())
    return [text for language, text in fenced if not language]


def commands() -> list[str]:
    lines = [line for block in blocks() for line in block.splitlines()]
    typed = [line.partition("#")[0].strip() for line in lines if re.match(r"(?:python3|pip|func|cp|azd|az|git) ", line)]
    return [command for command in typed if command]


def sample() -> dict[str, str]:
    return json.loads(SAMPLE.read_text())["Values"]


@pytest.mark.parametrize("command", commands())
def test_every_command_is_run_somewhere(command: str) -> None:
    file, _, name = RUN_BY[command].partition("::")
    text = (ROOT / file).read_text()

    assert f"def {name}(" in text if name else re.search(rf"(?m)^{command}\b", text)


@pytest.mark.long
def test_the_bench_measures(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    code = "from dev import __main__ as tool, bench; raise SystemExit(bench.run_bench(tool.parser().parse_args()))"
    shortest = CASES[0]

    subprocess.run([sys.executable, "-c", code, "bench", shortest, "--json", file], cwd=ROOT, check=True, timeout=120)  # noqa: S603 - our own interpreter

    assert all(figure > 0 for figure in json.loads(file.read_text())[shortest].values())


def test_the_sample_is_complete_once_filled_in() -> None:
    filled = {name: re.sub(r"<[^>]+>", "filled-in", value) for name, value in sample().items()}

    settings = Settings.parse(filled)

    assert settings.storage_connection == "UseDevelopmentStorage=true"
    assert settings.client_id == "filled-in"


def test_core_tools_find_what_they_look_for() -> None:
    assert sample()["FUNCTIONS_WORKER_RUNTIME"] == "python"
    assert {setting.name for setting in (*SETTINGS, *HOST_SETTINGS) if setting.default is None} <= set(sample())
    host = json.loads((ROOT / "host.json").read_text())
    assert host["version"] == "2.0"
    assert set(re.findall(r"%(\w+)%", json.dumps(host))) <= set(sample())
    assert (ROOT / "function_app.py").exists()


def test_the_request_that_it_shows_is_accepted() -> None:
    (shown,) = [block for block in blocks() if block.startswith("POST /api/offboardings\n")]

    submission = parsing.parse(shown.partition("\n")[2].encode(), max_users=1)

    assert set(submission.actions) == set(json.loads(shown.partition("\n")[2])["actions"])
