"""The words of the durable engine: turns and what orchestrators decide in them, activities, and refusals."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from dev.host.durable.store import Event

ENDED = frozenset({"Completed", "Failed", "Terminated", "Canceled"})


class ClientError(Exception):
    """A request that the hub refuses."""


class UnknownFunctionError(ClientError):
    """No orchestrator has the name."""


class InvalidIdError(ClientError):
    """The instance id has characters that Azure refuses."""


class InstanceExistsError(ClientError):
    """An instance of the id has not ended."""


class UnknownInstanceError(ClientError):
    """No instance has the id."""


class InstanceEndedError(ClientError):
    """The instance takes no more messages."""


class WrongStateError(ClientError):
    """The instance is already, or not, suspended."""


@dataclass(frozen=True)
class Turn:
    """One pass of an orchestrator: the history it has, and from `new_from` on what is new to it."""

    instance_id: str
    execution_id: str
    name: str
    input: str | None
    history: list[Event]
    new_from: int
    message_ids: tuple[int, ...]


@dataclass(frozen=True)
class ScheduleActivity:
    """An orchestrator's wish to have an activity run."""

    task_id: int
    name: str
    input: str | None


@dataclass(frozen=True)
class CreateTimer:
    """An orchestrator's wish to be woken."""

    task_id: int
    fire_at: str


@dataclass(frozen=True)
class Completion:
    """How an orchestrator ended; `immediate` does not wait for its open tasks."""

    status: str
    output: str | None
    immediate: bool = False

    @classmethod
    def failed(cls, text: str, *, immediate: bool = False) -> "Completion":
        """Describe a failure."""
        return cls("Failed", json.dumps(text), immediate)


@dataclass(frozen=True)
class Decision:
    """What a turn came to."""

    commands: list[ScheduleActivity | CreateTimer] = field(default_factory=list)
    completion: Completion | None = None
    custom_status: str | None = None
    cancelled_timers: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Activity:
    """A delivery of an activity; its id stays the same when it is delivered again."""

    id: int
    instance_id: str
    execution_id: str
    task_id: int
    name: str
    input: str | None


def open_tasks(history: Iterable[Event]) -> set[int]:
    """Tell which activities and timers a history has started and not ended."""
    tasks: set[int] = set()
    for event in history:
        match event["EventType"]:
            case "TaskScheduled" | "TimerCreated":
                tasks.add(event["EventId"])
            case "TaskCompleted" | "TaskFailed":
                tasks.discard(event["TaskScheduledId"])
            case "TimerFired":
                tasks.discard(event["TimerId"])
    return tasks
