"""Threads that have the same question at the same time ask it once, and get no answer from before they asked."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from shared.base.threads import Joined

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

AT_ONCE = 8


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        yield threads


class Question(str):
    """A question that says when it was put: it is looked up while nobody else may put one."""

    __slots__ = ("is_put",)

    def __hash__(self) -> int:
        self.is_put.set()
        return super().__hash__()

    @classmethod
    def new(cls) -> Question:
        question = cls("how often?")
        question.is_put = threading.Event()
        return question


class Oracle:
    """Answers with how often it was asked; the first answer waits until it is let go."""

    def __init__(self) -> None:
        self.joined: Joined[str, int] = Joined()
        self.is_asked, self.may_answer = threading.Event(), threading.Event()
        self.count = 0
        self.fails = False

    def ask(self, question: str = "how often?") -> int:
        return self.joined.ask(question, self._answer)

    def asked_at_once(self, threads: ThreadPoolExecutor) -> tuple[Future[int], list[Future[int]]]:
        """Have the question put while it is being answered already; return the first who asks, and the others."""
        first = threads.submit(self.ask)
        self.is_asked.wait()
        questions = [Question.new() for _ in range(AT_ONCE - 1)]
        others = [threads.submit(self.ask, question) for question in questions]
        for question in questions:
            question.is_put.wait()
        return first, others

    def _answer(self) -> int:
        self.count += 1
        count = self.count
        self.is_asked.set()
        self.may_answer.wait()
        if self.fails:
            raise ConnectionError(f"answer {count}")
        return count


def test_who_asks_while_an_answer_is_under_way_shares_the_next_one(threads: ThreadPoolExecutor) -> None:
    oracle = Oracle()
    first, others = oracle.asked_at_once(threads)

    assert not any(other.done() for other in others)
    oracle.may_answer.set()

    assert first.result() == 1
    assert {other.result() for other in others} == {2}
    assert oracle.count == 2


def test_who_asks_afterwards_is_answered_anew() -> None:
    oracle = Oracle()
    oracle.may_answer.set()

    assert [oracle.ask(), oracle.ask(), oracle.ask("something else?")] == [1, 2, 3]


def test_a_failure_is_everybodys_and_the_next_to_ask_asks_again(threads: ThreadPoolExecutor) -> None:
    oracle = Oracle()
    oracle.fails = True
    first, others = oracle.asked_at_once(threads)
    oracle.may_answer.set()

    assert str(first.exception()) == "answer 1"
    assert {str(other.exception()) for other in others} == {"answer 2"}
    oracle.fails = False
    assert oracle.ask() == 3


def test_one_question_does_not_wait_for_another(threads: ThreadPoolExecutor) -> None:
    oracle = Oracle()
    slow = threads.submit(oracle.ask)
    oracle.is_asked.wait()

    assert oracle.joined.ask("something else?", lambda: 7) == 7
    oracle.may_answer.set()
    assert slow.result() == 1
