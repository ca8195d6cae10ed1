"""`--host func`: the plumbing, with a program of this name in front of the embedded host; CI runs the real one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableServiceClient

from dev.azurite import Azurite
from dev.core_tools import HOW_TO_GET_IT
from dev.processes import ROOT

pytestmark = pytest.mark.long

# What Core Tools are to the stack: a program that takes `start --port`, reads its settings from the environment, and
# asks for no key.
FUNC = """#!{python}
import json, os, sys
assert sys.argv[1:3] == ["start", "--port"]
assert sys.executable == os.environ["languageWorkers__python__defaultExecutablePath"]
assert all(f"{{service}}Endpoint=" in os.environ["AzureWebJobsStorage"] for service in ("Blob", "Queue", "Table"))
os.environ["HOST_KEYS_JSON"] = json.dumps({{"default": "", "master": ""}})
command = ["-m", "dev.host", "--root", os.getcwd(), "--data", "{data}", "--port", sys.argv[3]]
os.execv(sys.executable, [sys.executable, *command])
"""
CODE = "from dev import __main__ as tool, {module}; raise SystemExit({module}.run_{module}(tool.parser().parse_args()))"


def run(module: str, path: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CODE.format(module=module), module, "--host", "func", *map(str, arguments)]
    return subprocess.run(  # noqa: S603 - our own interpreter
        command, cwd=ROOT, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=180, check=False
    )


@pytest.mark.parametrize("module", ["demo", "start"])
def test_without_core_tools_one_sentence_says_how_to_get_them(module: str, tmp_path: Path) -> None:
    done = run(module, str(tmp_path))

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == HOW_TO_GET_IT
    assert done.stdout == ""


def test_the_demonstration_runs_under_what_is_called_func(tmp_path: Path) -> None:
    func = tmp_path / "func"
    func.write_text(FUNC.format(python=sys.executable, data=tmp_path / "data"))
    func.chmod(0o755)

    done = run("demo", f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "--latency", 0, "--json", tmp_path / "demo.json")

    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads((tmp_path / "demo.json").read_text())
    assert {each["state"] for each in (told["offboarding"], *told["others"])} == {"Completed"}


def test_storage_has_blobs_and_queues_beside_the_tables(tmp_path: Path) -> None:
    storage = Azurite(tmp_path, whole=True)
    try:
        with TableServiceClient.from_connection_string(storage.connection_string) as tables:
            tables.create_table("table")
            with pytest.raises(ResourceNotFoundError):
                tables.get_table_client("table").get_entity("a", "b")
        assert storage.connection_string.count("http://127.0.0.1:") == 3
    finally:
        storage.stop()
