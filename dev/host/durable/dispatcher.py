"""Runs the engine's work on a worker: as much at once as host.json allows, never two turns of one instance.

Everything here runs on the host's loop, where the store lives; only the invocations leave it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from dev.host.clock import from_text
from dev.host.durable import shim_v1
from dev.host.durable.engine import Engine
from dev.host.durable.model import Activity

_LONGEST_REST = 0.25
_logger = logging.getLogger("host.durable")


class Invoker(Protocol):
    """What can run orchestrators and activities."""

    def run_orchestrator(self, name: str, context: str) -> Awaitable[str]:
        """Run a turn; raises InvocationError."""
        ...

    def run_activity(self, name: str, input_: str | None, traceparent: str | None) -> Awaitable[str | None]:
        """Run an activity in the trace its instance was started in; raises InvocationError."""
        ...


@dataclass(frozen=True)
class Limits:
    """How much runs at once."""

    activities: int
    orchestrators: int


class Dispatcher:
    """Hands ready work to the worker until it is stopped."""

    def __init__(self, engine: Engine, invoker: Invoker, limits: Limits) -> None:
        self._engine = engine
        self._invoker = invoker
        self._limits = limits
        self._wake = asyncio.Event()
        self._stopping = False
        self._renew_at = engine.clock.now()
        self._turns: set[str] = set()
        self._resting: set[str] = set()
        self._activities: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look for work now: a message has come or the clock has moved."""
        self._wake.set()

    async def run(self) -> None:
        """Dispatch until stop()."""
        while not self._stopping:
            self._wake.clear()
            self._engine_pass()
            timer = asyncio.get_running_loop().call_later(self._idle_seconds(), self._wake.set)
            await self._wake.wait()
            timer.cancel()

    async def stop(self, grace: float) -> None:
        """Take no more work, let what runs finish, and give back the activities that do not."""
        self._stopping = True
        self._wake.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        self._engine.release(self._activities)

    def _engine_pass(self) -> None:
        self._renew_leases()
        for timer in self._engine.due_timers():
            self._engine.fire_timer(timer["id"])
        self._take_activities()
        self._take_turns()

    def _renew_leases(self) -> None:
        """Lease again what runs here, before anything is taken: neither time nor its advance may deliver it twice."""
        now = self._engine.clock.now()
        if now >= self._renew_at:
            self._engine.lease(self._activities)
            self._renew_at = now + self._engine.visibility_timeout / 2

    def _take_activities(self) -> None:
        free = self._limits.activities - len(self._activities)
        if free <= 0:
            return
        taken = self._engine.ready_activities(free)
        self._engine.lease([activity.id for activity in taken])
        for activity in taken:
            self._activities.add(activity.id)
            self._spawn(self._run_activity(activity))

    def _take_turns(self) -> None:
        if len(self._turns) >= self._limits.orchestrators:
            return
        for instance_id in self._engine.ready_turns():
            if instance_id in self._turns or instance_id in self._resting:
                continue
            self._turns.add(instance_id)
            self._spawn(self._run_turn(instance_id))
            if len(self._turns) >= self._limits.orchestrators:
                return

    async def _run_activity(self, activity: Activity) -> None:
        try:
            traceparent = self._engine.traceparent(activity.instance_id)
            text = await self._invoker.run_activity(activity.name, activity.input, traceparent)
        except shim_v1.InvocationError as error:
            _logger.warning("activity %s of instance %s failed: %s", activity.name, activity.instance_id, error.message)
            self._engine.fail_activity(activity, *shim_v1.activity_failure(activity.name, error))
        else:
            self._engine.complete_activity(activity, shim_v1.activity_result(text))
        finally:
            self._activities.discard(activity.id)
            self.wake()

    async def _run_turn(self, instance_id: str) -> None:
        started = time.monotonic()
        try:
            turn = self._engine.begin_turn(instance_id)
            if turn:
                try:
                    reply = await self._invoker.run_orchestrator(turn.name, shim_v1.context_json(turn))
                except shim_v1.InvocationError as error:
                    reply = error
                self._engine.commit_turn(turn, shim_v1.decide(turn, reply))
        finally:
            self._turns.discard(instance_id)
            self._rest(instance_id, time.monotonic() - started)
            self.wake()

    def _rest(self, instance_id: str, seconds: float) -> None:
        """Leave an instance alone for as long as its turn took.

        A replay costs in proportion to its history: results that pile up meanwhile are all taken by one turn.
        """

        def rested() -> None:
            self._resting.discard(instance_id)
            self.wake()

        self._resting.add(instance_id)
        asyncio.get_running_loop().call_later(min(seconds, _LONGEST_REST), rested)

    def _idle_seconds(self) -> float:
        """Tell how long nothing can become ready by itself."""
        due = self._engine.next_due()
        seconds = self._engine.visibility_timeout.total_seconds() / 2
        if due:
            seconds = min(seconds, (from_text(due) - self._engine.clock.now()).total_seconds())
        return max(seconds, 0)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            _logger.critical("the host failed at its own work", exc_info=task.exception())
