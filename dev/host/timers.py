"""Timer functions. When each is due is kept in the task hub, so a run missed while the host was down is made up."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from azure.functions.meta import Datum

from dev.host.app import AppError, Function, resolve
from dev.host.clock import Clock, from_text, to_text
from dev.host.durable.shim_v1 import InvocationError
from dev.host.durable.store import Store
from dev.host.ncron import Schedule

_NEVER = "0001-01-01T00:00:00.000000Z"
_LONGEST_WAIT = 3600.0
_logger = logging.getLogger("host.timers")
Invoke = Callable[[Function, Datum], Awaitable[object]]


class Timer:
    """One timer function. It never overlaps itself."""

    def __init__(self, function: Function, store: Store, clock: Clock, invoke: Invoke) -> None:
        self._function = function
        self._store = store
        self._clock = clock
        self._invoke = invoke
        self._wake = asyncio.Event()
        self._running = asyncio.Lock()
        self._expression = resolve(function.trigger["schedule"])
        try:
            self._schedule = Schedule(self._expression)
        except ValueError as error:
            raise AppError(f"function {function.name}: {error}") from error

    def wake(self) -> None:
        """Look at the clock again."""
        self._wake.set()

    async def run(self) -> None:
        """Wait and fire, for ever; a run that should have happened before the start is past due."""
        past_due = self._due() <= self._clock.now()
        if past_due or self._function.trigger.get("runOnStartup"):
            await self.fire(past_due=past_due)
        while True:
            wait = (self._due() - self._clock.now()).total_seconds()
            if wait <= 0:
                await self.fire(past_due=False)
                continue
            self._wake.clear()
            handle = asyncio.get_running_loop().call_later(min(wait, _LONGEST_WAIT), self._wake.set)
            await self._wake.wait()
            handle.cancel()

    async def fire(self, *, past_due: bool) -> None:
        """Run the function and only then note the next run, so that a run cut short is past due at the next start.

        The next counts from when this one began: a time that comes meanwhile is made up at once, as Azure does
        (azure-webjobs-sdk-extensions, TimerListener).
        """
        async with self._running:
            row = self._store.row("SELECT * FROM schedule WHERE function = ?", self._function.name)
            last, updated = (row["last"], row["updated"]) if row else (_NEVER, _NEVER)
            info = {
                "Schedule": {"AdjustForDST": True},
                "ScheduleStatus": {"Last": last, "LastUpdated": updated, "Next": to_text(self._due())},
                "IsPastDue": past_due,
            }
            started = self._clock.now()
            try:
                await self._invoke(self._function, Datum(json.dumps(info), "json"))
            except InvocationError as error:
                _logger.error("function %s failed: %s %s", self._function.name, error.message, error.stack)  # noqa: TRY400
            self._note(to_text(started), self._schedule.next(started))

    def _due(self) -> datetime:
        """Tell when the next run is due; a new or changed schedule counts from now."""
        row = self._store.row("SELECT * FROM schedule WHERE function = ?", self._function.name)
        if row and row["expression"] == self._expression:
            return from_text(row["next"])
        due = self._schedule.next(self._clock.now())
        self._note(row["last"] if row else _NEVER, due)
        return due

    def _note(self, last: str, due: datetime) -> None:
        self._store.change(
            "INSERT OR REPLACE INTO schedule VALUES (?, ?, ?, ?, ?)",
            *(self._function.name, self._expression, last, to_text(due), to_text(self._clock.now())),
        )
