"""Each protection has a test that fails without it.

`protections.toml` says how each is switched off. Every run holds the list against the code, the tests and
docs/security.md; `python -m pytest tests/safety/test_protections.py --protections` switches them off one by one, in a
copy of this folder, and takes some minutes.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from dev.processes import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PROTECTIONS = tomllib.loads((ROOT / "tests" / "safety" / "protections.toml").read_text(encoding="utf-8"))["protection"]
NAMES = [one["name"] for one in PROTECTIONS]
_LINKED = (".venv", "node_modules")
_LEFT_OUT = (".git", "__pycache__", ".hypothesis", ".*_cache", *_LINKED)
_TESTS_FAILED = 1


@pytest.mark.parametrize("protection", PROTECTIONS, ids=NAMES)
def test_it_is_there_and_so_is_its_test(protection: dict[str, str]) -> None:
    file, _, name = protection["test"].partition("::")

    assert (ROOT / protection["file"]).read_text(encoding="utf-8").count(protection["text"]) == 1
    assert protection["without"] != protection["text"]
    assert re.search(rf"^ *def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_the_documentation_lists_them() -> None:
    rows = [f"| {one['name']} | `{one['file']}` | `{one['test'].partition('::')[2]}` |" for one in PROTECTIONS]
    told = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")

    assert len(set(NAMES)) == len(NAMES)
    assert "\n".join(rows) in told


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of this folder, with what was installed into it linked."""
    copy = tmp_path_factory.mktemp("copy") / "app"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    for place in (".venv", "dev/node_modules"):
        (copy / place).symlink_to(ROOT / place)
    return copy


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Switch off protections only where that is asked for."""
    if "switched_off" in metafunc.fixturenames:
        asked = bool(metafunc.config.getoption("--protections"))
        metafunc.parametrize("switched_off", PROTECTIONS if asked else [], ids=NAMES if asked else [])


def test_each_claim_against_a_threat_names_the_tests_that_show_it() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    threats = re.findall(r"(?m)^\| .* \|$", text.partition("| Threat |")[2].partition("\n\n")[0])
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(threats) >= 12
    for threat in threats:
        shown_by = re.findall(r"`(test_\w+)`", threat)
        assert shown_by, threat
        assert all(f"def {name}(" in tests for name in shown_by), threat


def test_without_it_a_test_fails(copied: Path, switched_off: dict[str, str]) -> None:
    changed, (test, _, name) = copied / switched_off["file"], switched_off["test"].partition("::")
    before = changed.read_text(encoding="utf-8")
    changed.write_text(before.replace(switched_off["text"], switched_off["without"]), encoding="utf-8")
    try:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test, "-k", name]
        run = subprocess.run(  # noqa: S603 - our own interpreter
            command, cwd=copied, capture_output=True, text=True, timeout=300, check=False
        )
    finally:
        changed.write_text(before, encoding="utf-8")

    assert run.returncode == _TESTS_FAILED, run.stdout[-3000:] + run.stderr[-1000:]
