"""CONTRIBUTING's ten lines are true: following them in a copy of the project gives an action that works."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dev.processes import ROOT
from shared.actions.catalogue import Action

pytestmark = pytest.mark.long

NEW = Path(__file__).parent / "new_action"
NAME = "remove_administrative_units"
NAME_BEFORE = '    "remove_app_access",\n'
CALLS_BEFORE = "# Licenses.\n"
APP_ROLE = '    "AdministrativeUnit.ReadWrite.All": "5eb59dd3-1da2-4329-8733-9dabdc435916",\n'
APP_ROLE_BEFORE = '    "Calendars.Read": '


def steps() -> list[str]:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text.partition("## Add an action\n")[2].partition("\n## ")[0]
    return re.findall(r"(?m)^\d+\. (.*(?:\n   .*)*)", section)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project."""
    root = tmp_path_factory.mktemp("copy") / "project"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(".*", "__pycache__", "node_modules"))
    return root


def insert(file: Path, before: str, text: str) -> None:
    content = file.read_text()
    assert content.count(before) == 1
    file.write_text(content.replace(before, text + before))


def run(root: Path, *arguments: str) -> str:
    """Run our Python in the copy, and show what it said if it fails."""
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, *arguments],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_there_are_ten_lines() -> None:
    assert len(steps()) == 10


def test_what_they_name_is_there() -> None:
    names = re.findall(r"`([^`]+)`", " ".join(steps()))
    assert len(names) > 15
    declared = {name for one in Action.__mro__ for name in vars(one).get("__annotations__", {})}
    example = "".join((NEW / name).read_text() for name in ("action.py", "belonging.py"))
    for name in names:
        if "/" in name or name.endswith(".py"):
            assert (ROOT / name.partition("<")[0]).exists() or (ROOT / name).parent.is_dir(), name
        elif name.startswith("@") or name in {"Action", "Finding"}:
            assert name in example, name
        elif not name.startswith("python3 dev"):
            assert hasattr(Action, name) or name in declared, name


def test_a_new_action_is_what_the_ten_lines_say_and_all_else_follows(copy: Path) -> None:
    shutil.copy(NEW / "action.py", copy / "activities" / f"{NAME}.py")
    insert(copy / "shared/microsoft365/graph/graph_calls.py", CALLS_BEFORE, (NEW / "graph_calls.txt").read_text())
    insert(copy / "shared/microsoft365/app_roles.py", APP_ROLE_BEFORE, APP_ROLE)
    shutil.copy(NEW / "belonging.py", copy / "dev" / "tenant" / "belongings" / "administrative_units.py")
    insert(copy / "activities/__init__.py", NAME_BEFORE, f'    "{NAME}",\n')
    run(copy, "-m", "dev.docs")
    shutil.copy(NEW / "action_tests.py", copy / "tests" / "actions" / f"test_{NAME}.py")
    shutil.copy(NEW / "follows.py", copy / "tests" / "test_follows.py")

    tests = (
        f"tests/actions/test_{NAME}.py",
        "tests/test_follows.py",
        "tests/unit/registry",
        "tests/dev/test_demo.py",
        "tests/onboarding/test_app_registration.py",
    )
    told = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests)

    assert re.search(r"\b\d+ passed in", told)
