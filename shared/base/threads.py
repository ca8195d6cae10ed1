"""Threads that go on with what the caller is about (its trace, what its log lines name), or do something together."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import TYPE_CHECKING, Final, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PATIENCE_SECONDS: Final = 0.5

P = ParamSpec("P")
A = TypeVar("A")
K = TypeVar("K")
Q = TypeVar("Q")
T = TypeVar("T")


class Threads(ThreadPoolExecutor):
    """A pool whose work sees the context variables of whoever gives it."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `fn` on a thread, in a copy of the caller's context."""
        return super().submit(copy_context().run, fn, *args, **kwargs)


class Coalescer(Generic[K, Q, A]):
    """Does what several threads want of the same thing at the same time in one go.

    Rounds follow one another: whoever comes while one is under way is in the next, together with all who come until
    that begins. So no answer is older than its request. Nobody waits who comes alone, and nobody for long: what hangs
    holds up only those who came with it.
    """

    def __init__(
        self, do: Callable[[K, Sequence[Q]], Sequence[A | Exception]], patience_seconds: float = _PATIENCE_SECONDS
    ) -> None:
        """Take what a round does, and how long it waits for the one before.

        It returns the answer to each request, or what whoever asks is to be told instead.
        """
        self._do = do
        self._patience_seconds = patience_seconds
        self._lock = threading.Lock()
        self._newest: dict[K, _Round[Q, A]] = {}

    def ask(self, thing: K, request: Q) -> A:
        """Return the answer to a request, whether this thread or another gets it; raises what the round raises."""
        with self._lock:
            newest = self._newest.get(thing)
            mine = _Round[Q, A](newest) if newest is None or newest.has_begun else newest
            self._newest[thing] = mine
            place = len(mine.requests)
            mine.requests.append(request)
        if place == 0:
            self._carry_out(thing, mine)
        answer = mine.answers.result()[place]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _carry_out(self, thing: K, mine: _Round[Q, A]) -> None:
        if mine.before:
            wait([mine.before.answers], self._patience_seconds)
        with self._lock:
            mine.before, mine.has_begun = None, True
        try:
            mine.answers.set_result(self._do(thing, mine.requests))
        except BaseException as error:  # noqa: BLE001 - the others must not wait for ever
            mine.answers.set_exception(error)
        with self._lock:
            if self._newest.get(thing) is mine:
                del self._newest[thing]


class _Round(Generic[Q, A]):
    """Requests that are carried out together, after the round before."""

    def __init__(self, before: _Round[Q, A] | None) -> None:
        self.before = before
        self.has_begun = False
        self.requests: list[Q] = []
        self.answers: Future[Sequence[A | Exception]] = Future()
