"""What the management API shows of an instance: its status and its history."""

import json
from typing import Any

from dev.host.durable.store import Event, Row

_HIDDEN = frozenset({"OrchestratorStarted", "OrchestratorCompleted", "TaskScheduled", "TimerCreated"})


def status_view(row: Row, *, show_input: bool = True) -> dict[str, Any]:
    """Show where an instance stands."""
    return {
        "name": row["name"],
        "instanceId": row["id"],
        "runtimeStatus": row["status"],
        "input": _value(row["input"]) if show_input else None,
        "customStatus": _value(row["custom_status"]),
        "output": _value(row["output"]),
        "createdTime": _seconds(row["created"]),
        "lastUpdatedTime": _seconds(row["updated"]),
    }


def _value(text: str | None) -> Any:  # noqa: ANN401 - JSON
    return None if text is None else json.loads(text)


def _seconds(moment: str) -> str:
    return f"{moment[:19]}Z"


def history_view(history: list[Event], *, show_output: bool) -> list[dict[str, Any]]:
    """Merge scheduling events into their completions, and show those that have none yet as they are."""
    scheduled = {
        event["EventId"]: event for event in history if event["EventType"] in ("TaskScheduled", "TimerCreated")
    }
    ended = {_task_id(event) for event in history}
    view: list[dict[str, Any]] = []
    for event in history:
        kind = event["EventType"]
        if kind in _HIDDEN and (kind.startswith("Orchestrator") or event["EventId"] in ended):
            continue
        shown = {key: value for key, value in event.items() if key not in ("EventId", "TaskScheduledId", "TimerId")}
        source = scheduled.get(_task_id(event))
        if source:
            shown["ScheduledTime"] = source["Timestamp"]
            shown |= {"FunctionName": source["Name"]} if "Name" in source else {}
        elif kind == "ExecutionStarted":
            shown["FunctionName"] = shown.pop("Name")
        if not show_output:
            shown.pop("Result", None)
        view.append(shown)
    return view


def _task_id(event: Event) -> Any:  # noqa: ANN401 - None where there is none
    return event.get("TaskScheduledId", event.get("TimerId"))
