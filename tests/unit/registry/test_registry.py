"""Every action is complete: file, declaration, permissions, portal key, documentation, test."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import function_app
from dev import docs
from shared.actions import catalogue
from shared.microsoft365.app_roles import APP_ROLES

ROOT = Path(__file__).parents[3]
ACTIONS = list(catalogue.all_actions().values()) if function_app.app else []


def test_there_are_actions() -> None:
    assert ACTIONS


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_an_action_has_a_file_of_its_name_and_no_other(action: catalogue.Action) -> None:
    assert Path(inspect.getfile(type(action))) == ROOT / "activities" / f"{action.name}.py"


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_a_declaration_says_everything(action: catalogue.Action) -> None:
    for text in (action.title, action.description, action.undo, inspect.getdoc(type(action))):
        assert text
    assert action.description.endswith(".")
    assert action.portal_key is None or action.portal_key.isalnum()
    assert action.permissions
    assert all(permission.name in APP_ROLES for permission in action.permissions)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_what_an_action_changes_is_what_it_reads_back(action: catalogue.Action) -> None:
    assert {path.partition(".")[0] for path in action.changes} <= {read.name for read in action.proof}


def test_portal_keys_are_unique() -> None:
    keys = [action.portal_key.lower() for action in ACTIONS if action.portal_key]

    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_an_action_is_tested_in_a_file_of_its_name(action: catalogue.Action) -> None:
    tests = ROOT / "tests" / "actions" / f"test_{action.name}.py"

    assert action.name in tests.read_text()


def test_a_file_in_activities_is_an_action_or_part_of_the_frame() -> None:
    frame = {"__init__", "attempt", "basis", "blueprint"}
    files = {path.stem for path in (ROOT / "activities").glob("*.py")}

    assert files - frame == {action.name for action in ACTIONS}


@pytest.mark.parametrize("path", docs.pages(), ids=lambda path: path.name)
def test_generated_pages_are_up_to_date(path: Path) -> None:
    """`python3 dev docs` writes them."""
    assert path.read_text(encoding="utf-8") == docs.pages()[path]
