"""What a run read is kept whole or not at all, also where it takes several transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.memory_table import MemoryTable
from shared.actions.reads.snapshot import NOTHING_READ, Snapshot
from shared.jobs.storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.jobs.storage.table import Operation

LONG = 1_500_000
"""Characters that take more than one transaction."""


class Interrupted(MemoryTable):
    """A table at which something happens after a write."""

    def __init__(self) -> None:
        super().__init__()
        self.after_writing: Callable[[], Any] = lambda: None
        self.transactions = 0

    def transact(self, partition: str, operations: Sequence[Operation]) -> list[str]:
        etags = super().transact(partition, operations)
        self.transactions += 1
        happens, self.after_writing = self.after_writing, lambda: None
        happens()
        return etags


@pytest.fixture
def table() -> Interrupted:
    return Interrupted()


@pytest.fixture
def store(table: Interrupted) -> Store:
    return Store(MemoryTable(), table)


def read(text: str, **more: str) -> Snapshot:
    return Snapshot({"groups": text * LONG, **more}, {})


def dies() -> None:
    raise RuntimeError("The host was killed.")


def test_what_takes_several_transactions_is_kept_whole(store: Store, table: Interrupted) -> None:
    seen = read("a", user="ada")

    assert store.put_snapshot("one", 1, seen) == seen
    assert table.transactions > 1
    assert store.details("one").latest(1) == seen


def test_what_was_cut_off_was_not_read_and_is_kept_anew(store: Store, table: Interrupted) -> None:
    table.after_writing = dies
    with pytest.raises(RuntimeError):
        store.put_snapshot("one", 1, read("a"))

    assert store.details("one").latest(1) == NOTHING_READ
    assert store.put_snapshot("one", 1, read("b", user="ada")) == read("b", user="ada")
    assert store.details("one").latest(1) == read("b", user="ada")


def test_of_two_at_the_same_time_one_is_kept_and_both_go_by_it(store: Store, table: Interrupted) -> None:
    others: list[Snapshot] = []
    table.after_writing = lambda: others.append(store.put_snapshot("one", 1, read("b", user="bo")))

    kept = store.put_snapshot("one", 1, read("a", mailbox="m"))

    assert others == [read("b", user="bo")]
    assert kept == read("b", user="bo", mailbox="m")
    assert store.details("one").latest(1) == kept
