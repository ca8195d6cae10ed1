"""Waiting no longer than the caller does: Azure Static Web Apps cut a request at 45 seconds, and portals repeat it."""

from __future__ import annotations

import time
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING, TypeVar

from shared.base.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class DeadlineError(Exception):
    """The time is over, and the work is not done."""


class Deadline:
    """A moment by which all that is asked for in its name must have been answered."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until = time.monotonic() + seconds

    def run(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, or raise `DeadlineError`.

        Work that is late goes on by itself and ends at the limits of its own calls: a thread cannot be stopped.
        """
        threads = Threads(1, "deadline")
        try:
            return threads.submit(work).result(max(self._until - time.monotonic(), 0))
        except FutureTimeoutError:
            raise DeadlineError(f"There was no answer within {self.seconds:.0f} seconds.") from None
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
