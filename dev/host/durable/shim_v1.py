"""The protocol of the Durable extension with the 1.x SDKs ("OrchestratorShim"): JSON in, JSON out, and a second replay.

The SDK answers every turn with all the actions its orchestrator has taken since the start. The host then runs that list
as if it were the orchestrator: take an action, await it, ignore its failure, take the next. Both sides number their
tasks on their own; only the order of events keeps them together, so the order of numbering here is protocol too.
"""

import json
import traceback
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from enum import IntEnum
from typing import Any

from dev.host.clock import from_text, to_text
from dev.host.durable.model import Completion, CreateTimer, Decision, ScheduleActivity, Turn
from dev.host.durable.store import Event

_EVENT_TYPES = {
    "ExecutionStarted": 0,
    "ExecutionCompleted": 1,
    "ExecutionTerminated": 3,
    "TaskScheduled": 4,
    "TaskCompleted": 5,
    "TaskFailed": 6,
    "TimerCreated": 10,
    "TimerFired": 11,
    "OrchestratorStarted": 12,
    "OrchestratorCompleted": 13,
    "EventRaised": 15,
}
_STATUSES = {"Completed": 1, "Failed": 3, "Terminated": 5}
_LARGEST_CUSTOM_STATUS = 16 * 1024
_ERROR_LABEL = "\n\n$OutOfProcData$:"
_NOT_SERVED = {
    2: "call_sub_orchestrator",
    3: "call_sub_orchestrator_with_retry",
    4: "continue_as_new",
    7: "call_entity",
    8: "call_http",
    9: "signal_entity",
}
_HINT = "Was a change made to the orchestrator code after this instance had already started running?"


class _Action(IntEnum):
    CALL_ACTIVITY = 0
    CALL_ACTIVITY_WITH_RETRY = 1
    CREATE_TIMER = 5
    WAIT_FOR_EXTERNAL_EVENT = 6
    WHEN_ANY = 11
    WHEN_ALL = 12


class InvocationError(Exception):
    """A function raised: the worker's message ("ValueError: boom") and its stack."""

    def __init__(self, message: str, stack: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.stack = stack

    @classmethod
    def of(cls, error: Exception) -> "InvocationError":
        """Word an exception as Azure's worker does."""
        return cls(f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error)))


def worker_exit(code: int = 137) -> InvocationError:
    """Word the death of a worker in the middle of an invocation as the Functions host does (137: SIGKILL)."""
    return InvocationError(f"WorkerProcessExitException: python exited with code {code} (0x{code:X})")


class ReplayError(Exception):
    """The actions cannot be carried out: they contradict the history, or this host does not serve them."""

    def __init__(self, text: str, sent: Iterable[ScheduleActivity | CreateTimer] = ()) -> None:
        super().__init__(text)
        self.sent = list(sent)


# What the worker is given


def context_json(turn: Turn) -> str:
    """Write the orchestrator's context."""
    return json.dumps(
        {
            "history": [_worker_event(event, played=i < turn.new_from) for i, event in enumerate(turn.history)],
            "input": None if turn.input is None else json.loads(turn.input),
            "instanceId": turn.instance_id,
            "isReplaying": turn.new_from > 0,
            "parentInstanceId": None,
            "upperSchemaVersion": 1,
            "upperSchemaVersionNew": 3,
            "longRunningTimerIntervalDuration": "3.00:00:00",
            "maximumShortTimerDuration": "6.00:00:00",
            "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
        }
    )


def _worker_event(event: Event, *, played: bool) -> Event:
    kind = event["EventType"]
    written = {"EventId": -1, **event, "EventType": _EVENT_TYPES[kind], "IsPlayed": played}
    if kind == "ExecutionStarted":
        identity = {"InstanceId": written.pop("InstanceId"), "ExecutionId": written.pop("ExecutionId")}
        blanks = dict.fromkeys(("ParentInstance", "Tags", "ScheduledStartTime"))
        written |= {"Version": "", "OrchestrationInstance": identity, **blanks}
    elif kind == "TaskScheduled":
        written |= {"Version": "", "Input": json.dumps([event["Input"]])}
    elif kind == "ExecutionCompleted":
        written["OrchestrationStatus"] = _STATUSES[event["OrchestrationStatus"]]
    return written


# What the worker answers


def activity_result(text: str | None) -> str | None:
    """Read an activity's answer: JSON null is no result."""
    return None if text is None or text.strip() == "null" else text


def activity_failure(name: str, error: InvocationError) -> tuple[str, str]:
    """Word an activity's failure (Reason, Details) as .NET does, with its two blanks."""
    details = {
        "$type": "System.Exception, System.Private.CoreLib",
        "ClassName": "System.Exception",
        "Message": f" {error.message}",
        "Data": None,
        "InnerException": None,
        "StackTraceString": error.stack or None,
        "HResult": -2146233088,
    }
    return f"Activity function '{name}' failed:  {error.message}", json.dumps(details)


def decide(turn: Turn, reply: str | InvocationError) -> Decision:
    """Turn the worker's answer into a decision; one that cannot be carried out fails the instance.

    What it had started until then is sent all the same: DurableTask.Core fails the instance beside its other decisions.
    """
    try:
        return carry_out(turn, reply)
    except ReplayError as error:
        text = f"Orchestrator function '{turn.name}' failed: {error}"
        return Decision(error.sent, Completion.failed(text, immediate=True))


def carry_out(turn: Turn, reply: str | InvocationError) -> Decision:
    """Find what is new in the worker's answer and, when every action has been awaited, how the instance ends."""
    state, failure = _read(turn.name, reply)
    if state is None:
        # The shim's orchestrator throws before it takes an action: whatever history has of actions contradicts that.
        Replay(turn.history).run([])
        return Decision(completion=Completion.failed(failure or "", immediate=True))
    custom_status = json.dumps(state["customStatus"]) if "customStatus" in state else None
    if custom_status and len(custom_status.encode("utf-16-le")) > _LARGEST_CUSTOM_STATUS:
        size = len(custom_status.encode("utf-16-le")) / 1024
        raise ReplayError(
            "The UTF-16 size of the JSON-serialized payload must not exceed 16 KB. "
            f"The current payload is {size:,.0f} KB."
        )
    replay = Replay(turn.history)
    replay.run([action for batch in state["actions"] for action in batch])
    completion = None
    if failure is not None and replay.finished:
        completion = Completion.failed(failure)
    elif state["isDone"] and replay.finished:
        completion = Completion("Completed", json.dumps(state["output"]) if "output" in state else None)
    return Decision(replay.new_commands(), completion, custom_status, frozenset(replay.cancelled))


def _read(name: str, reply: str | InvocationError) -> tuple[dict[str, Any] | None, str | None]:
    """Split an answer into the SDK's state (none if the failure was outside its replay) and the text of the failure."""
    if isinstance(reply, str):
        return json.loads(reply), None
    _, label, state_text = reply.message.rpartition(_ERROR_LABEL)
    if label:
        state = json.loads(state_text)
        return state, f"Orchestrator function '{name}' failed: {state['error']}"
    cause = f"One or more errors occurred. (Result: Failure\nException: {reply.message}\nStack: {reply.stack})"
    return None, f"Orchestrator function '{name}' failed: {cause}"


# The replay


class _Task:
    """Something that is awaited."""

    def __init__(self) -> None:
        self.done = False
        self.failed = False
        self._callbacks: list[Callable[[], None]] = []

    def when_done(self, callback: Callable[[], None]) -> None:
        if self.done:
            callback()
        else:
            self._callbacks.append(callback)

    def end(self, *, failed: bool = False) -> None:
        if not self.done:
            self.done, self.failed = True, failed
            for callback in self._callbacks:
                callback()


class Replay:
    """The host's replay of an action list over a history.

    It may run ahead of the orchestrator: a `task_any` over tasks that were all scheduled before adds no action, so the
    next action is taken here before the orchestrator took it. That is harmless: tasks are numbered by the list alone.
    """

    def __init__(self, history: list[Event]) -> None:
        self.finished = False
        self.cancelled: set[int] = set()
        self._history = history
        self._now = from_text(history[0]["Timestamp"])
        self._next_id = 0
        self._open: dict[int, _Task] = {}
        self._unconfirmed: dict[int, ScheduleActivity | CreateTimer] = {}
        self._waiters: dict[str, list[_Task]] = defaultdict(list)
        self._events: dict[str, deque[None]] = defaultdict(deque)

    def run(self, actions: list[dict[str, Any]]) -> None:
        """Await the actions one after the other while the history goes by."""
        for event in self._history:
            if event["EventType"] == "ExecutionStarted":
                _drive(self._await_each(actions), _Task())
            else:
                self._process(event)

    def new_commands(self) -> list[ScheduleActivity | CreateTimer]:
        """List what the history does not know yet."""
        return [self._unconfirmed[id_] for id_ in sorted(self._unconfirmed)]

    def _await_each(self, actions: list[dict[str, Any]]) -> Iterator[_Task]:
        for action in actions:
            yield self._begin(action)
        self.finished = True

    def _process(self, event: Event) -> None:
        match event["EventType"]:
            case "OrchestratorStarted":
                self._now = max(self._now, from_text(event["Timestamp"]))
            case "TaskScheduled" | "TimerCreated":
                self._confirm(event)
            case "TaskCompleted":
                self._end(event["TaskScheduledId"])
            case "TaskFailed":
                self._end(event["TaskScheduledId"], failed=True)
            case "TimerFired":
                self._end(event["TimerId"])
            case "EventRaised":
                self._deliver(event["Name"].lower())

    def _confirm(self, event: Event) -> None:
        """Match a scheduling event with the command that this replay has made of the same number."""
        id_, kind, name = event["EventId"], event["EventType"], event.get("Name")
        command = self._unconfirmed.get(id_)
        made = "an activity task" if kind == "TaskScheduled" else "a timer"
        past = f"A previous execution of this orchestration scheduled {made} with sequence ID {id_}"
        past += f" named '{name}'" if name else ""
        if command is None:
            fault = "the current replay execution hasn't (yet?) scheduled this task."
        elif isinstance(command, ScheduleActivity) != (kind == "TaskScheduled"):
            fault = f"the current orchestration replay instead produced a {type(command).__name__} action with this ID."
        elif isinstance(command, ScheduleActivity) and command.name != name:
            fault = f"the current orchestration replay instead scheduled an activity task named '{command.name}'."
        else:
            del self._unconfirmed[id_]
            return
        raise ReplayError(f"Non-Deterministic workflow detected: {past}, but {fault} {_HINT}", self.new_commands())

    def _begin(self, action: dict[str, Any]) -> _Task:
        match action["actionType"]:
            case _Action.CALL_ACTIVITY:
                return self._schedule(action)
            case _Action.CALL_ACTIVITY_WITH_RETRY:
                task = _Task()
                _drive(self._retry(action, task), task)
                return task
            case _Action.CREATE_TIMER:
                return self._timer(action["fireAt"], cancelled=action["isCanceled"])
            case _Action.WAIT_FOR_EXTERNAL_EVENT:
                return self._wait(action["externalEventName"].lower())
            case _Action.WHEN_ANY | _Action.WHEN_ALL:
                parts = [self._begin(each) for each in action["compoundActions"]]
                return _joined(parts, 1 if action["actionType"] == _Action.WHEN_ANY else len(parts))
            case other:
                name = _NOT_SERVED.get(other, f"action type {other}")
                raise ReplayError(f"{name} is not served by the development host.")

    def _schedule(self, action: dict[str, Any]) -> _Task:
        return self._add(ScheduleActivity(self._next_id, action["functionName"], action["input"]))

    def _timer(self, fire_at: str, *, cancelled: bool = False) -> _Task:
        task = self._add(CreateTimer(self._next_id, fire_at))
        if cancelled:
            self.cancelled.add(self._next_id - 1)
            task.end()
        return task

    def _add(self, command: ScheduleActivity | CreateTimer) -> _Task:
        task = _Task()
        self._unconfirmed[self._next_id] = command
        self._open[self._next_id] = task
        self._next_id += 1
        return task

    def _retry(self, action: dict[str, Any], outcome: _Task) -> Iterator[_Task]:
        """Try again after a timer; there is one after the last failure too, due at once: the SDK counts on it."""
        options = action["retryOptions"]
        interval = timedelta(milliseconds=options["firstRetryIntervalInMilliseconds"])
        for left in reversed(range(options["maxNumberOfAttempts"])):
            attempt = self._schedule(action)
            yield attempt
            if not attempt.failed:
                return
            yield self._timer(to_text(self._now + interval if left else self._now))
        outcome.failed = True

    def _wait(self, name: str) -> _Task:
        task = _Task()
        if self._events[name]:
            self._events[name].popleft()
            task.end()
        else:
            self._waiters[name].append(task)
        return task

    def _deliver(self, name: str) -> None:
        """Give an event to the newest waiter, or keep it for the next one."""
        if self._waiters[name]:
            self._waiters[name].pop().end()
        else:
            self._events[name].append(None)

    def _end(self, id_: int, *, failed: bool = False) -> None:
        task = self._open.pop(id_, None)
        if task:
            task.end(failed=failed)


def _drive(routine: Iterator[_Task], outcome: _Task) -> None:
    """Run a routine until it awaits something that is not done, and again from there when it is."""
    for task in routine:
        if not task.done:
            task.when_done(lambda: _drive(routine, outcome))
            return
    outcome.end(failed=outcome.failed)


def _joined(parts: list[_Task], needed: int) -> _Task:
    """Await as many of the parts as are needed."""
    whole = _Task()
    left = [needed]

    def part_done() -> None:
        left[0] -= 1
        if left[0] <= 0:
            whole.end()

    if not parts:
        whole.end()
    for part in parts:
        part.when_done(part_done)
    return whole
