"""What the host indexes: the functions, without the code behind them."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from activities import ACTIONS
from dev.processes import ROOT
from shared.access.routes import ROUTES
from shared.actions import Loader
from triggers import routing, schedule
from triggers.functions import HANDLERS, MODULE_OF, WITH_CLIENT

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

NOT_TO_INDEX = (
    "activities.attempt",
    "shared.actions.catalogue",
    "shared.jobs",
    "shared.microsoft365",
    "triggers.routing",
)
"""What most of the code hangs on."""


def python(code: str) -> list[str]:
    """Run code in a process that has imported nothing of the app but `function_app`; return the words it prints."""
    command = [sys.executable, "-c", f"import function_app\n{code}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter
    return done.stdout.split()


def test_each_route_has_one_function() -> None:
    assert set(MODULE_OF) == set(ROUTES)
    assert sum(len(routes) for routes in HANDLERS.values()) == len(ROUTES)


@pytest.mark.parametrize("module", HANDLERS)
def test_a_module_declares_what_the_table_says_of_it(module: str) -> None:
    importlib.import_module(module)
    declared = {name: one for name, one in routing.DECLARED.items() if one.handle.__module__ == module}

    assert {name: one.handle.__name__ for name, one in declared.items()} == HANDLERS[module]
    with_client = {name for name, one in declared.items() if inspect.iscoroutinefunction(one.handle)}
    assert with_client == WITH_CLIENT & declared.keys()


def test_a_module_that_another_call_is_importing_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = SimpleNamespace(declared=threading.Event(), go_on=threading.Event())
    (tmp_path / "half_way.py").write_text("""
from moments import declared, go_on
from triggers.routing import route

@route("GET half-way")
def handle():
    return helper()

declared.set()
go_on.wait()

def helper():
    return "whole"
""")

    def import_module(name: str) -> ModuleType:
        moments.go_on.set()  # as time would
        return importlib.import_module(name)

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "moments", moments)
    monkeypatch.setattr(routing, "MODULE_OF", {"GET half-way": "half_way"})
    first = threading.Thread(target=importlib.import_module, args=["half_way"], daemon=True)
    first.start()
    moments.declared.wait()
    monkeypatch.setattr(routing, "import_module", import_module)

    try:
        assert routing.declared_for("GET half-way").handle() == "whole"
    finally:
        moments.go_on.set()
        first.join()
        del routing.DECLARED["GET half-way"], sys.modules["half_way"]


def test_the_timers_are_there() -> None:
    assert {name: timer.__name__ for name, timer in schedule.TIMERS.items()} == {"wake": "wake", "purge": "purge"}


def test_a_start_imports_what_it_takes_to_index_the_functions_and_not_what_they_do() -> None:
    loaded = python("import sys; print(*sys.modules)")

    ours = {name for name in loaded if name.partition(".")[0] in {"activities", "orchestrators", "shared", "triggers"}}
    assert {"activities.blueprint", "orchestrators.blueprint", "triggers.functions"} <= ours
    assert [name for name in NOT_TO_INDEX if name in ours] == []
    assert len(ours) <= 30, "each costs a cold start a millisecond or two"


def test_whoever_asks_the_catalogue_has_every_action() -> None:
    told = python("from shared.actions import catalogue; print(*catalogue.all_actions())")

    assert tuple(told) == ACTIONS


def test_several_who_ask_at_the_same_time_all_have_them() -> None:
    told = python("""
from concurrent.futures import ThreadPoolExecutor
from shared.actions import catalogue
with ThreadPoolExecutor(8) as threads:
    print(*threads.map(lambda _: len(catalogue.all_actions()), range(8)))
""")

    assert {int(count) for count in told} == {len(ACTIONS)}


def test_actions_that_could_not_be_imported_are_asked_for_again() -> None:
    loader, tries = Loader(), iter([True, False])

    def import_all() -> None:
        if next(tries):
            raise ImportError("no such module")

    loader.when_asked(import_all)
    with pytest.raises(ImportError):
        loader.load()
    loader.load()

    assert list(tries) == []
