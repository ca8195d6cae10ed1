"""The function app: its settings, its host.json and the table of its functions."""

import importlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import azure.functions as func

_TRIGGERS = frozenset({"httpTrigger", "timerTrigger", "orchestrationTrigger", "activityTrigger"})
_CLIENT = "durableClient"
_OVERRIDE = "azurefunctionsjobhost__"


class AppError(Exception):
    """The app cannot be served; the message says why."""


@dataclass(frozen=True, eq=False)
class Function:
    """One function: its bindings as function.json would have them, and its code unless a worker library owns that."""

    name: str
    trigger: dict[str, Any]
    clients: tuple[str, ...]
    returns_http: bool
    code: Callable[..., Any] | None

    @property
    def kind(self) -> str:
        """Name the type of the trigger."""
        return self.trigger["type"]

    @property
    def task_name(self) -> str:
        """Name the activity or orchestrator as callers do."""
        return self.trigger.get("activity") or self.trigger.get("orchestration") or self.name


class Functions:
    """The function table."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self.by_name = {function.name: function for function in functions}
        self.orchestrators = self._tasks("orchestrationTrigger")
        self.activities = self._tasks("activityTrigger")

    def of_kind(self, kind: str) -> list[Function]:
        """List the functions with a type of trigger."""
        return [function for function in self.by_name.values() if function.kind == kind]

    def _tasks(self, kind: str) -> dict[str, Function]:
        return {function.task_name: function for function in self.of_kind(kind)}


def describe_function(name: str, bindings: list[dict[str, Any]], code: Callable[..., Any] | None = None) -> Function:
    """Read a function's bindings, refusing those that this host does not serve."""
    triggers = [binding for binding in bindings if binding["type"] in _TRIGGERS]
    clients = [binding["name"] for binding in bindings if binding["type"] == _CLIENT]
    responses = [binding for binding in bindings if binding["type"] == "http" and binding["name"] == "$return"]
    served = [*triggers, *responses]
    refused = [b["type"] for b in bindings if b not in served and b["type"] != _CLIENT]
    if refused or len(triggers) != 1:
        types = ", ".join(refused) or "no trigger"
        raise AppError(f"function {name}: the binding {types} is not served by the development host")
    return Function(name, triggers[0], tuple(clients), bool(responses), code)


def enter(root: Path) -> None:
    """Make the app root what it is in Azure: working directory, first on the import path, its settings loaded."""
    os.chdir(root)
    sys.path.insert(0, str(root))
    file = root / "local.settings.json"
    if file.exists():
        for name, value in json.loads(file.read_text()).get("Values", {}).items():
            os.environ.setdefault(name, str(value))


def load_functions() -> list[Function]:
    """Import function_app.py and index it, once: the SDK refuses a second call of get_functions()."""
    module = importlib.import_module("function_app")
    apps = [value for value in vars(module).values() if isinstance(value, func.FunctionRegister)]
    if len(apps) != 1:
        raise AppError(f"function_app.py defines {len(apps)} function apps at its top level; one is needed")
    return [
        describe_function(
            each.get_function_name() or "",
            [json.loads(binding) for binding in each.get_raw_bindings()],
            each.get_user_function(),
        )
        for each in apps[0].get_functions()
    ]


def read_host_json(root: Path) -> dict[str, Any]:
    """Read host.json with the overrides of the environment (AzureFunctionsJobHost__a__b=value) laid over it."""
    file = root / "host.json"
    config: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    for name, value in os.environ.items():
        if name.lower().startswith(_OVERRIDE):
            _override(config, name.split("__")[1:], value)
    return config


def _override(config: dict[str, Any], path: list[str], value: str) -> None:
    for depth, part in enumerate(path, 1):
        key = next((key for key in config if key.lower() == part.lower()), part)
        if depth == len(path):
            config[key] = value
        else:
            config = config.setdefault(key, {})


def extension(config: dict[str, Any], name: str) -> dict[str, Any]:
    """Read the options of one extension."""
    return config.get("extensions", {}).get(name, {})


def resolve(text: str) -> str:
    """Replace %SETTING% by the setting's value."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in os.environ:
            raise AppError(f"the setting {name} of {text!r} is not defined")
        return os.environ[name]

    return re.sub(r"%([^%]+)%", value, text)
