"""What a run read is kept whole or not at all, also where it takes several transactions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dev.memory_table import MemoryTable
from shared.actions.outcome import StepState
from shared.actions.reads.snapshot import NOTHING_READ, Snapshot
from shared.jobs.records import Step
from shared.jobs.storage import keys
from shared.jobs.storage.store import Store
from shared.jobs.storage.table import ConflictError

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


FIRST, SECOND = ("graph", 1), ("graph", 2)


def test_what_an_attempt_at_reading_finds_is_one_row(store: Store, table: Interrupted) -> None:
    seen = Snapshot({"user": "ada", "groups": ["one"]}, {"devices": "refused"})

    assert store.put_reading("one", 1, FIRST, seen) == seen
    assert table.keys("one") == [keys.reading(1, *FIRST)]
    assert store.details("one").latest(1) == seen


def test_of_two_deliveries_of_an_attempt_the_first_counts(store: Store) -> None:
    store.put_reading("one", 1, FIRST, Snapshot({"user": "ada"}, {}))

    kept = store.put_reading("one", 1, FIRST, Snapshot({"user": "bo", "mailbox": "m"}, {}))

    assert kept == Snapshot({"user": "ada", "mailbox": "m"}, {})
    assert store.details("one").latest(1) == kept


def test_a_late_delivery_of_an_attempt_that_found_nothing_adds_nothing_to_what_the_next_has_found(store: Store) -> None:
    store.put_reading("one", 1, FIRST, NOTHING_READ)
    store.put_reading("one", 1, SECOND, Snapshot({"user": "ada"}, {}))

    assert store.put_reading("one", 1, FIRST, Snapshot({"user": "bo"}, {})) == Snapshot({"user": "ada"}, {})
    assert store.details("one").latest(1) == Snapshot({"user": "ada"}, {})


def test_what_is_too_long_for_one_row_is_kept_whole_all_the_same(store: Store) -> None:
    seen = read("a", user="ada")

    assert store.put_reading("one", 1, FIRST, seen) == seen
    assert store.put_reading("one", 1, FIRST, read("b", user="bo")) == seen
    assert store.details("one").latest(1) == seen


def test_what_a_step_finds_out_is_kept_with_its_row_also_where_that_takes_several_transactions(store: Store) -> None:
    (step,) = store.put_steps("one", [Step("remove_groups", 1)])

    kept, step = store.put_found("one", step, read("a"))

    assert store.details("one").latest(1) == kept == read("a")
    assert store.put_steps("one", [step])


def test_of_a_step_that_somebody_else_has_written_nothing_is_kept(store: Store) -> None:
    (step,) = store.put_steps("one", [Step("remove_groups", 1)])
    store.put_steps("one", [step])

    with pytest.raises(ConflictError):
        store.put_found("one", step, read("a", user="ada"))

    assert store.details("one").latest(1) == NOTHING_READ


def test_what_was_found_before_counts(store: Store) -> None:
    (step,) = store.put_steps("one", [Step("remove_groups", 1)])
    _, step = store.put_found("one", step, Snapshot({"user": "ada"}, {}))

    assert store.put_found("one", step, Snapshot({"user": "bo"}, {}))[0] == Snapshot({"user": "ada"}, {})


def test_of_two_deliveries_that_find_the_same_one_goes_on(store: Store) -> None:
    (step,) = store.put_steps("one", [Step("remove_groups", 1)])
    begun = replace(step, state=StepState.running)
    found = Snapshot({"user": "ada"}, {})
    store.put_found("one", begun, found)

    with pytest.raises(ConflictError):
        store.put_found("one", begun, found)


def test_a_step_that_finds_nothing_new_is_written_all_the_same(store: Store) -> None:
    (step,) = store.put_steps("one", [Step("remove_groups", 1)])
    store.put_snapshot("one", 1, Snapshot({"user": "ada"}, {}))

    store.put_found("one", replace(step, state=StepState.running), Snapshot({"user": "ada"}, {}))

    assert store.steps("one")["remove_groups"].state is StepState.running


def test_what_is_remembered_follows_what_is_written(store: Store) -> None:
    store.put_steps("one", [Step("remove_groups", 1)])
    store.details_to_remember("one")

    (step,) = store.put_steps("one", [store.details("one").steps["remove_groups"]])
    _, step = store.put_found("one", step, Snapshot({"user": "ada"}, {}))

    remembered = store.remembered("one")
    assert remembered
    assert remembered.latest(1) == store.details("one").latest(1)
    assert remembered.steps["remove_groups"].etag == store.details("one").steps["remove_groups"].etag


def test_only_the_newest_runs_are_remembered(store: Store) -> None:
    for number in range(60):
        store.details_to_remember(f"{number}")

    assert [number for number in range(60) if store.remembered(f"{number}")] == list(range(10, 60))
