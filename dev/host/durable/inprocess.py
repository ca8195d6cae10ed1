"""A task hub without server, threads and waiting, for tests that choose what happens next.

The engine, the protocol and the SDK are the real ones; only time and order belong to the test:

    def hello(context):
        return (yield context.call_activity("greet", context.get_input()))

    def test_every_order() -> None:
        for seed in range(1000):
            hub = InProcessHub({"hello": hello}, {"greet": lambda name: f"Hello {name}"})
            hub.start("hello", "one", "Ann")
            hub.run(random.Random(seed).choice)
            assert hub.status("one")["output"] == "Hello Ann"

or step by step:

    work = hub.ready()               # turns, activity deliveries and due timers; a test picks one
    hub.execute(work[0])             # does it and records what came of it
    hub.execute(work[0], record=False)   # does it and loses the result, as a host killed just before recording
    hub.execute(work[0], worker_dies=True)  # begins it, and has the worker alone die: the host fails it
    hub.execute(work[0], deliveries=2)   # does it twice, as Azure may; the second result stands in the history, too
    hub.crash()                      # forgets every lease: what was lost is ready again
    hub.advance()                    # moves time to the next timer or lapsed lease; False if there is none
    replay(hello, hub.history("one"))    # runs changed code against a stored history
"""

import asyncio
import importlib
import inspect
import json
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from azure.durable_functions.orchestrator import Orchestrator
from azure.functions.meta import Datum

from dev.host.clock import Clock, from_text
from dev.host.durable import shim_v1
from dev.host.durable.engine import Engine
from dev.host.durable.model import Decision, Turn, UnknownInstanceError, open_tasks
from dev.host.durable.shim_v1 import InvocationError, ReplayError
from dev.host.durable.store import Event, Store
from dev.host.durable.views import status_view
from dev.host.worker import converter

# Two thirds of a replay go into parsing timestamps, nearly all of them the same ones again.
_history_event = importlib.import_module("azure.durable_functions.models.history.HistoryEvent")
_history_event.__dict__["dt_parse"] = lru_cache(10_000)(_history_event.dt_parse)

Code = Callable[..., Any]
Choose = Callable[[Sequence["Work"]], "Work"]


@dataclass(frozen=True)
class Work:
    """Something that may happen next. `id` is the instance of a turn, or the number of an activity or timer."""

    kind: Literal["turn", "activity", "timer"]
    instance_id: str
    name: str
    id: str | int


def virtual_clock(start: datetime = datetime(2030, 1, 1, tzinfo=UTC)) -> Clock:
    """Make a clock that stands still until it is advanced."""
    return Clock(source=lambda: start)


class InProcessHub:
    """A task hub in memory. Functions are generators and callables, or what the SDK's decorators made of them."""

    def __init__(
        self,
        orchestrators: Mapping[str, Code],
        activities: Mapping[str, Code],
        clock: Clock | None = None,
        visibility_timeout: timedelta = timedelta(minutes=5),
    ) -> None:
        self.clock = clock or virtual_clock()
        self._orchestrators = {name: _handle(code) for name, code in orchestrators.items()}
        self._activities = {name: _user_code(code) for name, code in activities.items()}
        self.engine = Engine(
            Store(),
            self.clock,
            orchestrators=self._orchestrators,
            activities=self._activities,
            visibility_timeout=visibility_timeout,
        )

    # What a client does

    def start(self, name: str, instance_id: str | None = None, input_: object = None) -> str:
        """Start an instance, encoding its input as the SDK's client does."""
        return self.engine.start(name, instance_id, None if input_ is None else json.dumps(json.dumps(input_)))

    def raise_event(self, instance_id: str, name: str, data: object = None) -> None:
        """Raise an event, encoding its data as the SDK's client does: the orchestrator gets JSON text."""
        self.engine.raise_event(instance_id, name, json.dumps(json.dumps(data)))

    def terminate(self, instance_id: str, reason: str = "") -> None:
        """Terminate an instance."""
        self.engine.terminate(instance_id, reason)

    def status(self, instance_id: str) -> dict[str, Any]:
        """Show an instance as the status API does."""
        row = self.engine.store.instance(instance_id)
        if not row:
            raise UnknownInstanceError(instance_id)
        return status_view(row)

    def instances(self, instance_ids: Iterable[str]) -> dict[str, str | None]:
        """Return the runtime status of each instance, None where there is none."""
        found = {instance_id: self.engine.store.instance(instance_id) for instance_id in instance_ids}
        return {instance_id: row["status"] if row else None for instance_id, row in found.items()}

    def history(self, instance_id: str) -> list[Event]:
        """Give an instance's history as it is stored; it is plain JSON."""
        return self.engine.store.history(instance_id)

    # What happens

    def ready(self) -> list[Work]:
        """List what may happen next, in an order that depends on nothing but what has happened."""
        engine = self.engine
        turns = [Work("turn", each, self.status(each)["name"], each) for each in engine.ready_turns()]
        activities = [Work("activity", each.instance_id, each.name, each.id) for each in engine.ready_activities()]
        timers = [Work("timer", row["instance"], row["fire_at"], row["id"]) for row in engine.due_timers()]
        return [*turns, *activities, *timers]

    def execute(self, work: Work, *, record: bool = True, deliveries: int = 1, worker_dies: bool = False) -> None:
        """Do a piece of work; without `record` its effects outside the hub are all that remains of it."""
        if worker_dies:
            self.fail(work)
        elif work.kind == "turn":
            self._take_turn(work.instance_id, record=record, deliveries=deliveries)
        elif work.kind == "activity":
            self._deliver(int(work.id), record=record, deliveries=deliveries)
        elif record:
            self.engine.fire_timer(int(work.id))

    def fail(self, work: Work) -> None:
        """Have the worker die while it does a turn or an activity: the host gets no answer, and fails it."""
        if work.kind == "turn":
            turn = self.engine.begin_turn(work.instance_id)
            if turn:
                self.engine.commit_turn(turn, shim_v1.decide(turn, shim_v1.worker_exit()))
        activity = self.engine.activity(int(work.id)) if work.kind == "activity" else None
        if activity:
            self.engine.fail_activity(activity, *shim_v1.activity_failure(activity.name, shim_v1.worker_exit()))

    def crash(self) -> None:
        """Lose every lease, as a host that comes back after the visibility time-out."""
        self.engine.release_all()

    def advance(self, step: timedelta | None = None) -> bool:
        """Move time, by default to the next timer or lapsed lease; tell whether there was one."""
        if step is None:
            due = self.engine.next_due()
            if due is None:
                return False
            step = max(from_text(due) - self.clock.now(), timedelta())
        self.clock.advance(step)
        return True

    def run(self, choose: Choose, most: int = 10_000) -> None:
        """Execute chosen work until none is left, moving time only when nothing else can happen."""
        for _ in range(most):
            ready = self.ready()
            if ready:
                self.execute(choose(ready))
            elif not self.advance():
                return
        raise RuntimeError(f"the instances have not come to rest in {most} steps")

    def _take_turn(self, instance_id: str, *, record: bool, deliveries: int) -> None:
        turn = self.engine.begin_turn(instance_id)
        if turn:
            replies = [_run_orchestrator(self._orchestrators[turn.name], turn) for _ in range(deliveries)]
            if record:
                self.engine.commit_turn(turn, shim_v1.decide(turn, replies[-1]))

    def _deliver(self, activity_id: int, *, record: bool, deliveries: int) -> None:
        activity = self.engine.activity(activity_id)
        if activity is None:
            raise LookupError(f"activity {activity_id} has been recorded; use deliveries=2 to run it twice")
        self.engine.lease([activity.id])
        for _ in range(deliveries):
            outcome = _run_activity(self._activities[activity.name], activity.input)
            if not record:
                continue
            if isinstance(outcome, InvocationError):
                self.engine.fail_activity(activity, *shim_v1.activity_failure(activity.name, outcome))
            else:
                self.engine.complete_activity(activity, shim_v1.activity_result(outcome))


def replay(orchestrator: Code, history: list[Event]) -> Decision:
    """Run an orchestrator against a stored history; raises ReplayError where it does not do what the history says."""
    started = next(event for event in history if event["EventType"] == "ExecutionStarted")
    turn = Turn(
        started["InstanceId"], started["ExecutionId"], started["Name"], started["Input"], history, len(history), ()
    )  # fmt: skip
    decision = shim_v1.carry_out(turn, _run_orchestrator(_handle(orchestrator), turn))
    if decision.commands:
        raise ReplayError(f"Non-Deterministic workflow detected: the history knows nothing of {decision.commands[0]}")
    ended = next((event for event in history if event["EventType"] == "ExecutionCompleted"), None)
    now = decision.completion
    if ended and ended["OrchestrationStatus"] != "Terminated":
        past = (ended["OrchestrationStatus"], ended["Result"])
        if now is None or past != (now.status, now.output):
            raise ReplayError(f"Non-Deterministic workflow detected: it ended with {past}, but the replay gives {now}")
    elif now and not ended and not open_tasks(history) - decision.cancelled_timers:
        raise ReplayError(f"Non-Deterministic workflow detected: it was still running, but the replay gives {now}")
    return decision


def _user_code(code: Code) -> Code:
    """Take the function out of what a decorator returned."""
    builder = getattr(code, "_function", None)
    return builder.get_user_function() if builder else code


def _handle(code: Code) -> Code:
    """Give the SDK's entry point of an orchestrator."""
    code = _user_code(code)
    return code if hasattr(code, "orchestrator_function") else Orchestrator.create(code)


def _run_orchestrator(handle: Code, turn: Turn) -> str | InvocationError:
    try:
        with _sdk_warnings(_ended_twice(turn.history)):
            return handle(shim_v1.context_json(turn))
    except Exception as error:  # noqa: BLE001 - whatever an orchestrator raises fails its instance
        return InvocationError.of(error)


def _run_activity(code: Code, input_: str | None) -> str | InvocationError:
    activity_trigger = converter("activityTrigger")
    try:
        with _sdk_warnings():
            result = code(activity_trigger.decode(Datum(input_ or "null", "string"), trigger_metadata={}))
            result = asyncio.run(result) if inspect.iscoroutine(result) else result
            return activity_trigger.encode(result, expected_type=None).value
    except Exception as error:  # noqa: BLE001 - whatever an activity raises is its failure
        return InvocationError.of(error)


def _ended_twice(history: list[Event]) -> set[int]:
    """Return the activities whose end stands twice in a history, as it does after two deliveries."""
    ends = Counter(event["TaskScheduledId"] for event in history if "TaskScheduledId" in event)
    return {task_id for task_id, count in ends.items() if count > 1}


@contextmanager
def _sdk_warnings(ended_twice: Iterable[int] = ()) -> Iterator[None]:
    """Ignore what the SDK says of correct programs, and make an error of its one sign of task numbers out of step."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="azure.functions df_loads was called without expected_type")
        warnings.filterwarnings(
            "ignore", message="Potential duplicate Task completion"
        )  # an event nobody waits for yet
        warnings.filterwarnings("error", message=r"Potential duplicate Task completion for TaskId: \d+$")
        for task_id in ended_twice:
            warnings.filterwarnings("ignore", message=rf"Potential duplicate Task completion for TaskId: {task_id}$")
        yield
