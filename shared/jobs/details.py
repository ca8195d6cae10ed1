"""What is known of an offboarding's run, and what a process remembers of the runs that it works on."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from shared.actions.reads.snapshot import NOTHING_READ
from shared.base import clock
from shared.jobs.storage import snapshots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from shared.actions.catalogue import Original
    from shared.actions.reads.snapshot import Snapshot
    from shared.jobs.records import Request, Step

_MOST_REMEMBERED: Final = 50
_REMEMBERED_FOR: Final = timedelta(minutes=1)
"""Far less than the time after which another run may take over."""


@dataclass(frozen=True)
class Details:
    """What is known of one offboarding's run so far; empty before its first run begins."""

    request: Request | None
    snapshots: dict[int, Snapshot]
    steps: dict[str, Step]
    cancelled_by: str
    checked: dict[str, Any] | None = None
    """What the last check of the person's access found, as it is stored."""

    def first(self) -> Snapshot:
        """Return what was there before anything was changed: of each read, the earliest answer there is.

        Where no run was answered, the error is the latest run's: it asked again.
        """
        first = NOTHING_READ
        for run in sorted(self.snapshots.keys() - {snapshots.ORIGINAL}):
            first = first.filled_with(self.snapshots[run])
        return first

    def original(self, step: str) -> Original | None:
        """Return what the step of a restoration brings back; None in an offboarding."""
        if self.request is None or snapshots.ORIGINAL not in self.snapshots:
            return None
        return snapshots.to_original(self.snapshots[snapshots.ORIGINAL], step, overwrite=self.request.overwrite)

    def have_ended(self, run: int) -> bool:
        """Return whether all steps have, by the run `run`."""
        return bool(self.steps) and all(step.has_ended and step.run <= run for step in self.steps.values())

    def has_looked(self, run: int) -> bool:
        """Return whether what was found of the person's access was found by the run `run`."""
        return self.checked is not None and self.checked["run"] == run

    def latest(self, run: int) -> Snapshot:
        """Return what the run `run` read at its beginning."""
        return self.snapshots.get(run, NOTHING_READ)

    def with_steps(self, written: Iterable[Step]) -> Details:
        """Return the details after steps were written."""
        return replace(self, steps={**self.steps, **{step.name: step for step in written}})

    def with_snapshot(self, run: int, kept: Snapshot) -> Details:
        """Return the details after a run read more."""
        return replace(self, snapshots={**self.snapshots, run: kept.with_fallback(self.latest(run))})


class Remembered:
    """The details of runs as this process read them a moment ago, with what it has written since.

    Other processes write, too. So what is remembered is never wrong about what was read and asked for, which does not
    change, but may lack what others found out; and where a step stands, only a write over the version that is
    remembered can tell.
    """

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._lock = threading.Lock()
        self._runs: dict[str, tuple[datetime, Details]] = {}

    def get(self, offboarding_id: str) -> Details | None:
        """Return what is remembered of an offboarding; None where that is nothing, or was read too long ago."""
        with self._lock:
            known = self._runs.get(offboarding_id)
        return known[1] if known and _is_fresh(known[0], clock.now()) else None

    def put(self, offboarding_id: str, details: Details) -> None:
        """Remember what has just been read; what was read too long ago, or longest ago, makes room."""
        now = clock.now()
        with self._lock:
            self._runs.pop(offboarding_id, None)
            fresh = [(one, known) for one, known in self._runs.items() if _is_fresh(known[0], now)]
            self._runs = dict([*fresh, (offboarding_id, (now, details))][-_MOST_REMEMBERED:])

    def change(self, offboarding_id: str, after: Callable[[Details], Details]) -> None:
        """Note what has been written of an offboarding, if it is remembered."""
        with self._lock:
            if known := self._runs.get(offboarding_id):
                self._runs[offboarding_id] = known[0], after(known[1])

    def forget(self, offboarding_id: str) -> None:
        """Remember nothing of an offboarding."""
        with self._lock:
            self._runs.pop(offboarding_id, None)


def _is_fresh(read_at: datetime, now: datetime) -> bool:
    """Return whether something was read a moment ago, also by a clock that was set back."""
    return abs(now - read_at) < _REMEMBERED_FOR
