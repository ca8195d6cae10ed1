"""How the SDK reads the times in the history of an orchestration.

Each turn replays the whole history, and the SDK reads the time of every event of it with dateutil, which recognises
dates of any form: 0.1 ms each, three quarters of a turn. The host writes them in one form, which Python reads itself.
"""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from typing import Any, Final

# By its name: the package has the class under the name of the module.
_events: Final[Any] = import_module("azure.durable_functions.models.history.HistoryEvent")
_any_form: Final[Any] = _events.dt_parse


def read_iso_first() -> None:
    """Have the SDK read ISO 8601 directly, and any other form as it did; repeatable."""
    _events.dt_parse = _moment


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return _any_form(text)
