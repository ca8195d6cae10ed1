"""The durable engine: instances, turns, activities and timers, with the rules of DurableTask.Core.

It knows neither the worker's protocol (shim_v1.py) nor threads, loops and HTTP: it hands out turns and activities
and records what came of them, so a server (dispatcher.py) and a seeded test (inprocess.py) drive the same code. Every
public method is one transaction: a process killed between two calls has done the whole of a step or none of it.
"""

import json
import logging
import uuid
from collections.abc import Collection, Iterable
from datetime import timedelta

from dev.host.clock import Clock, to_text
from dev.host.durable.model import (
    ENDED,
    Activity,
    Completion,
    CreateTimer,
    Decision,
    InstanceEndedError,
    InstanceExistsError,
    InvalidIdError,
    ScheduleActivity,
    Turn,
    UnknownFunctionError,
    UnknownInstanceError,
    WrongStateError,
    open_tasks,
)
from dev.host.durable.store import Event, Row, Store

_LONGEST_ID = 256
_logger = logging.getLogger("host.durable")


class Engine:
    """The rules of a task hub."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        orchestrators: Collection[str],
        activities: Collection[str],
        visibility_timeout: timedelta = timedelta(minutes=5),
    ) -> None:
        self.store = store
        self.clock = clock
        self._orchestrators = orchestrators
        self._activities = activities
        self.visibility_timeout = visibility_timeout

    # What clients ask for

    def start(self, name: str, instance_id: str | None, input_: str | None, traceparent: str | None = None) -> str:
        """Create an instance, in place of an ended one of the same id, as a part of a trace."""
        if name not in self._orchestrators:
            known = ", ".join(sorted(self._orchestrators))
            raise UnknownFunctionError(
                f"The function '{name}' doesn't exist, is disabled, or is not an orchestrator function. "
                f"Additional info: The following are the known orchestrator functions: {known}"
            )
        instance_id = _checked_id(instance_id) if instance_id else uuid.uuid4().hex
        now = self._now()
        execution_id = uuid.uuid4().hex
        with self.store.transaction():
            existing = self.store.instance(instance_id)
            if existing and existing["status"] not in ENDED:
                status = existing["status"]
                raise InstanceExistsError(f"An Orchestration instance with the status {status} already exists.")
            self.store.forget(instance_id)
            self.store.change(
                "INSERT INTO instance VALUES (?, ?, ?, 'Pending', ?, NULL, NULL, ?, ?)",
                *(instance_id, execution_id, name, input_, now, now),
            )
            started = {"Name": name, "Input": input_, "InstanceId": instance_id, "ExecutionId": execution_id}
            self.store.add_message(instance_id, {"EventType": "ExecutionStarted", "Timestamp": now, **started})
            if traceparent:
                self.store.change("INSERT INTO trace VALUES (?, ?)", instance_id, traceparent)
        return instance_id

    def traceparent(self, instance_id: str) -> str | None:
        """Tell the trace that an instance was started in."""
        row = self.store.row("SELECT traceparent FROM trace WHERE instance = ?", instance_id)
        return row["traceparent"] if row else None

    def raise_event(self, instance_id: str, name: str, data: str) -> None:
        """Send an external event."""
        self._send(instance_id, "EventRaised", Name=name, Input=data)

    def terminate(self, instance_id: str, reason: str) -> None:
        """End an instance at its next turn, whatever it waits for."""
        self._send(instance_id, "ExecutionTerminated", Input=reason)

    def suspend(self, instance_id: str) -> None:
        """Hold an instance's messages until it is resumed."""
        self._change_status(instance_id, {"Pending", "Running"}, "Suspended")

    def resume(self, instance_id: str) -> None:
        """Release the messages of a suspended instance."""
        self._change_status(instance_id, {"Suspended"}, "Running")

    def purge(self, instance_id: str) -> bool:
        """Remove an instance, ended or not, as the Azure Storage provider does; return whether there was one."""
        with self.store.transaction():
            if not self.store.instance(instance_id):
                return False
            self.store.forget(instance_id)
            return True

    # Turns

    def ready_turns(self) -> list[str]:
        """List the instances that have messages to act on, oldest message first."""
        rows = self.store.rows(
            "SELECT message.instance AS id FROM message LEFT JOIN instance ON instance.id = message.instance "
            "WHERE instance.status IS NOT 'Suspended' OR message.kind = 'ExecutionTerminated' "
            "GROUP BY message.instance ORDER BY min(message.id)"
        )
        return [row["id"] for row in rows]

    def begin_turn(self, instance_id: str) -> Turn | None:
        """Take an instance's messages; None if they need no worker (timers that were cancelled).

        The messages stay in the inbox until commit_turn(), so a turn that is lost is simply taken again.
        """
        instance = self.store.instance(instance_id)
        messages = self.store.messages(instance_id)
        ids = tuple(id_ for id_, _ in messages)
        if not messages or not instance or instance["status"] in ENDED:
            self.store.delete_messages(ids)
            return None
        history = self.store.history(instance_id)
        new = _without_late_timers([event for _, event in messages], open_tasks(history))
        if not new:
            self.store.delete_messages(ids)
            return None
        started = {"EventType": "OrchestratorStarted", "Timestamp": self._now()}
        return Turn(
            instance_id, instance["execution"], instance["name"], instance["input"],
            [*history, started, *new], len(history), ids,
        )  # fmt: skip

    def commit_turn(self, turn: Turn, decision: Decision) -> None:
        """Record a turn: its messages, what it schedules and whether it has ended."""
        decision = _terminated(turn, self._checked(turn, decision))
        now = self._now()
        scheduled = [_scheduling_event(command, now) for command in decision.commands]
        events = [*turn.history[turn.new_from :], *scheduled]
        completion = decision.completion
        if completion and not completion.immediate:
            waiting = open_tasks([*turn.history, *scheduled]) - decision.cancelled_timers
            completion = None if waiting else completion
        if completion:
            events.append(_completed_event(completion, [*turn.history, *scheduled], now))
        events.append({"EventType": "OrchestratorCompleted", "Timestamp": now})
        with self.store.transaction():
            instance = self.store.instance(turn.instance_id)
            if not instance or instance["execution"] != turn.execution_id or instance["status"] in ENDED:
                return
            self.store.delete_messages(turn.message_ids)
            self.store.append_history(turn.instance_id, turn.new_from, events)
            self._add_work(turn, decision.commands, now)
            status = completion.status if completion else _running(instance)
            self.store.change(
                "UPDATE instance SET status = ?, output = ?, custom_status = ?, updated = ? WHERE id = ?",
                *(status, completion and completion.output, decision.custom_status, now, turn.instance_id),
            )
            if completion:
                self.store.clear_pending(turn.instance_id)
        if completion and completion.status == "Failed":
            _logger.error("instance %s failed: %s", turn.instance_id, json.loads(completion.output or "null"))

    def _checked(self, turn: Turn, decision: Decision) -> Decision:
        """Fail the instance that calls an activity which does not exist.

        Azure leaves it in Running for good: the error is lost inside the extension. A hang tells a developer nothing.
        """
        for command in decision.commands:
            if isinstance(command, ScheduleActivity) and command.name not in self._activities:
                known = ", ".join(sorted(self._activities))
                text = (
                    f"Orchestrator function '{turn.name}' failed: The function '{command.name}' doesn't exist, is "
                    f"disabled, or is not an activity function. The following are the known activity functions: {known}"
                )
                return Decision(
                    completion=Completion.failed(text, immediate=True), custom_status=decision.custom_status
                )
        return decision

    def _add_work(self, turn: Turn, commands: Iterable[ScheduleActivity | CreateTimer], now: str) -> None:
        for command in commands:
            if isinstance(command, CreateTimer):
                self.store.change(
                    "INSERT INTO timer (instance, task, fire_at) VALUES (?, ?, ?)",
                    *(turn.instance_id, command.task_id, command.fire_at),
                )
            else:
                self.store.change(
                    "INSERT INTO activity (instance, execution, task, name, input, visible_at) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    *(turn.instance_id, turn.execution_id, command.task_id, command.name, command.input, now),
                )

    # Activities

    def ready_activities(self, limit: int = -1) -> list[Activity]:
        """List the activities that may be delivered now."""
        rows = self.store.rows(
            "SELECT * FROM activity WHERE visible_at <= ? ORDER BY visible_at, id LIMIT ?", self._now(), limit
        )
        return [_activity(row) for row in rows]

    def activity(self, activity_id: int) -> Activity | None:
        """Find an activity that has not been recorded yet."""
        row = self.store.row("SELECT * FROM activity WHERE id = ?", activity_id)
        return _activity(row) if row else None

    def lease(self, activity_ids: Collection[int]) -> None:
        """Hide activities for the visibility time-out: they are being worked on. A worker that lives leases again."""
        self._set_visible(activity_ids, to_text(self.clock.now() + self.visibility_timeout))

    def release(self, activity_ids: Collection[int]) -> None:
        """Give activities back at once."""
        self._set_visible(activity_ids, self._now())

    def release_all(self) -> None:
        """Give back every activity, as if the time-out had passed."""
        self.store.change("UPDATE activity SET visible_at = ?", self._now())

    def complete_activity(self, activity: Activity, result: str | None) -> bool:
        """Record a result, and return whether it is the first; a second stands in the history, but does not count."""
        return self._end_activity(activity, {"EventType": "TaskCompleted", "Result": result})

    def fail_activity(self, activity: Activity, reason: str, details: str) -> bool:
        """Record a failure in the same way."""
        return self._end_activity(activity, {"EventType": "TaskFailed", "Reason": reason, "Details": details})

    def _end_activity(self, activity: Activity, event: Event) -> bool:
        with self.store.transaction():
            is_first = self.store.change("DELETE FROM activity WHERE id = ?", activity.id) > 0
            instance = self.store.instance(activity.instance_id)
            if instance and instance["execution"] == activity.execution_id and instance["status"] not in ENDED:
                placed = {**event, "Timestamp": self._now(), "TaskScheduledId": activity.task_id}
                self.store.add_message(activity.instance_id, placed)
            return is_first

    def _set_visible(self, activity_ids: Collection[int], moment: str) -> None:
        with self.store.transaction():
            for id_ in activity_ids:
                self.store.change("UPDATE activity SET visible_at = ? WHERE id = ?", moment, id_)

    # Timers

    def due_timers(self) -> list[Row]:
        """List the timers whose time has come."""
        return self.store.rows("SELECT * FROM timer WHERE fire_at <= ? ORDER BY fire_at, id", self._now())

    def fire_timer(self, timer_id: int) -> None:
        """Turn a timer into a message."""
        with self.store.transaction():
            row = self.store.row("DELETE FROM timer WHERE id = ? RETURNING *", timer_id)
            if row:
                fired = {"EventType": "TimerFired", "TimerId": row["task"], "FireAt": row["fire_at"]}
                self.store.add_message(row["instance"], {**fired, "Timestamp": self._now()})

    def next_due(self) -> str | None:
        """Tell when the next timer fires or the next hidden activity comes back."""
        row = self.store.row(
            "SELECT min(moment) AS moment FROM (SELECT min(fire_at) AS moment FROM timer "
            "UNION ALL SELECT min(visible_at) FROM activity WHERE visible_at > ?)",
            self._now(),
        )
        return row["moment"] if row else None

    def _now(self) -> str:
        return to_text(self.clock.now())

    def _send(self, instance_id: str, kind: str, **fields: str) -> None:
        with self.store.transaction():
            self._living(instance_id)
            self.store.add_message(instance_id, {"EventType": kind, "Timestamp": self._now(), **fields})

    def _change_status(self, instance_id: str, allowed: set[str], status: str) -> None:
        with self.store.transaction():
            current = self._living(instance_id)["status"]
            if current not in allowed:
                raise WrongStateError(f"Cannot make the instance {status}: it is {current}.")
            self.store.change(
                "UPDATE instance SET status = ?, updated = ? WHERE id = ?", status, self._now(), instance_id
            )

    def _living(self, instance_id: str) -> Row:
        instance = self.store.instance(instance_id)
        if not instance:
            raise UnknownInstanceError(f"No instance with ID '{instance_id}' was found.")
        if instance["status"] in ENDED:
            raise InstanceEndedError(f"The instance '{instance_id}' has ended: {instance['status']}.")
        return instance


def _terminated(turn: Turn, decision: Decision) -> Decision:
    """End an instance that is terminated; what it started in the same turn is sent all the same (DurableTask.Core)."""
    for event in turn.history[turn.new_from :]:
        if event["EventType"] == "ExecutionTerminated":
            ended = Completion("Terminated", json.dumps(event["Input"]), immediate=True)
            return Decision(decision.commands, ended, decision.custom_status, decision.cancelled_timers)
    return decision


def _checked_id(instance_id: str) -> str:
    if (
        len(instance_id) > _LONGEST_ID
        or instance_id.startswith("@")
        or any(character in "/\\#?" or not character.isprintable() for character in instance_id)
    ):
        raise InvalidIdError(f"The instance id {instance_id!r} is not allowed.")
    return instance_id


def _without_late_timers(events: list[Event], waiting: set[int]) -> list[Event]:
    """Drop timers that are not open: they were cancelled. An activity that ended twice stays twice in the history."""
    return [event for event in events if event["EventType"] != "TimerFired" or event["TimerId"] in waiting]


def _activity(row: Row) -> Activity:
    return Activity(row["id"], row["instance"], row["execution"], row["task"], row["name"], row["input"])


def _scheduling_event(command: ScheduleActivity | CreateTimer, now: str) -> Event:
    event = {"EventId": command.task_id, "Timestamp": now}
    if isinstance(command, CreateTimer):
        return {"EventType": "TimerCreated", "FireAt": command.fire_at, **event}
    return {"EventType": "TaskScheduled", "Name": command.name, "Input": command.input, **event}


def _completed_event(completion: Completion, history: list[Event], now: str) -> Event:
    next_id = sum(event["EventType"] in ("TaskScheduled", "TimerCreated") for event in history)
    return {
        "EventType": "ExecutionCompleted",
        "EventId": next_id,
        "Timestamp": now,
        "OrchestrationStatus": completion.status,
        "Result": completion.output,
    }


def _running(instance: Row) -> str:
    """Keep a suspension that came while the turn ran."""
    return "Suspended" if instance["status"] == "Suspended" else "Running"
