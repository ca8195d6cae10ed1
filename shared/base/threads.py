"""Threads that go on with what the caller is about (its trace, and what its log lines name), or ask together."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
K = TypeVar("K")
T = TypeVar("T")


class Threads(ThreadPoolExecutor):
    """A pool whose work sees the context variables of whoever gives it."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `fn` on a thread, in a copy of the caller's context."""
        return super().submit(copy_context().run, fn, *args, **kwargs)


class Joined(Generic[K, T]):
    """Questions that several threads have at the same time, asked once.

    Whoever asks while an answer is under way shares the next one, so that no answer is older than its question. Threads
    get the same object, and the same exception.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: dict[K, _Round[T]] = {}

    def ask(self, question: K, answer: Callable[[], T]) -> T:
        """Return what `answer` returns, called by this thread or by another that asks the same."""
        with self._lock:
            before = self._newest.get(question)
            if before and not before.is_under_way:
                following, mine = before, None
            else:
                following = mine = self._newest[question] = _Round[T](before)
        if mine:
            self._answer(question, mine, answer)
        return following.result.result()

    def _answer(self, question: K, mine: _Round[T], answer: Callable[[], T]) -> None:
        if mine.before:
            wait([mine.before.result])
        with self._lock:
            mine.before, mine.is_under_way = None, True
        try:
            mine.result.set_result(answer())
        except BaseException as error:  # noqa: BLE001 - the others must not wait for ever
            mine.result.set_exception(error)
        with self._lock:
            if self._newest.get(question) is mine:
                del self._newest[question]


class _Round(Generic[T]):
    """One time that a question is asked: after the round before it, if there is one."""

    def __init__(self, before: _Round[T] | None) -> None:
        self.before = before
        self.is_under_way = False
        self.result: Future[T] = Future()
