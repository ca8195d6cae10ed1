"""The bodies that the existing portal's webhooks carry, in its plain and its standardised form.

Receivers that were built for them keep working. Names and shapes are the portal's own (portal contract, section 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.base import clock

if TYPE_CHECKING:
    from shared.notifications.message import Message

_COMMAND: Final = "Invoke-CIPPOffboardingJob"
_TYPE: Final = "User Offboarding"


def plain(message: Message) -> dict[str, Any]:
    """Return the plain form."""
    return {
        "tenantId": message.tenant.id,
        "Tenant": message.tenant.domain,
        "TaskInfo": {
            "RowKey": message.offboarding_id,
            "PartitionKey": "ScheduledTask",
            "Name": _name(message),
            "Command": _COMMAND,
            "Tenant": message.tenant.domain,
            "TaskState": message.state.value,
            "Reference": message.reference,
            "ScheduledTime": int(message.due_at.timestamp()),
            "ExecutedTime": int(message.ended_at.timestamp()),
        },
        "Results": _results(message),
        "AlertComment": None,
    }


def standardised(message: Message) -> dict[str, Any]:
    """Return the standardised form, schema 1.0."""
    task = {
        "id": message.offboarding_id,
        "name": _name(message),
        "command": _COMMAND,
        "state": message.state.value,
        "reference": message.reference,
        "scheduled": clock.to_text(message.due_at),
        "executed": clock.to_text(message.ended_at),
        "partition": "ScheduledTask",
    }
    payload = {
        "tenantId": message.tenant.id,
        "tenant": message.tenant.domain,
        "taskType": _TYPE,
        "executingUser": message.requested_by,
        "task": task,
        "results": _results(message),
        "alertComment": None,
    }
    return {
        "schemaVersion": "1.0",
        "source": _TYPE,
        "invoking": _COMMAND,
        "title": title(message),
        "tenant": message.tenant.domain,
        "generatedAt": clock.to_text(message.ended_at),
        "alertCount": 1,
        "payload": [payload],
    }


def title(message: Message) -> str:
    """Return the title as the portal's receivers know it."""
    reference = f" - Reference: {message.reference}" if message.reference else ""
    return f"{_TYPE} - {message.tenant.domain} - {_name(message)}{reference}"


def _name(message: Message) -> str:
    return f"Offboarding: {message.person.upn}"


def _results(message: Message) -> list[dict[str, str]]:
    """Return how it ended, then a row for each step, with one for each of its items beneath."""
    ended = ". ".join(filter(None, (message.result_words, message.explanation)))
    rows = [f"{ended.rstrip('.')}."]
    for step in message.steps:
        rows.append(f"{step.title}: {step.word}. {step.text}".rstrip())
        rows += [f"{step.title}: {text}" for text in step.item_texts]
    return [{"Results": row} for row in rows]
