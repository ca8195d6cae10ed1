"""What several threads want of the same thing at the same time is done at once, and for each as if it came alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from azure.data.tables import TableClient

from shared.base.threads import Coalescer
from shared.jobs.storage.azure_table import AzureTable
from shared.jobs.storage.table import MAX_OPERATIONS, ConflictError, Insert, Replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from dev.azurite import Azurite

AT_ONCE = 8
PATIENT = 600


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        yield threads


class Thing(str):
    """A thing that says when something was asked of it: it is looked up while nobody else may ask."""

    __slots__ = ("is_asked",)

    def __hash__(self) -> int:
        self.is_asked.set()
        return super().__hash__()

    @classmethod
    def new(cls) -> Thing:
        thing = cls("thing")
        thing.is_asked = threading.Event()
        return thing


class Held:
    """Holds what is done first until it is let go."""

    def __init__(self) -> None:
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def hold(self) -> None:
        self.has_begun.set()
        self.may_end.wait()

    def at_once(self, threads: ThreadPoolExecutor, ask: Callable[[Thing, int], Any]) -> list[Future[Any]]:
        """Have others ask while the first is under way, then let that go; return what each is told, the first first."""
        first = threads.submit(ask, Thing.new(), 0)
        self.has_begun.wait()
        things = [Thing.new() for _ in range(AT_ONCE - 1)]
        others = [threads.submit(ask, thing, number) for number, thing in enumerate(things, 1)]
        for thing in things:
            thing.is_asked.wait()
        self.may_end.set()
        return [first, *others]


@pytest.fixture
def held() -> Held:
    return Held()


class TestRounds:
    def test_who_asks_while_a_round_is_under_way_is_in_the_next_one(
        self, held: Held, threads: ThreadPoolExecutor
    ) -> None:
        rounds: list[list[int]] = []

        def square(_: str, numbers: Sequence[int]) -> list[int | Exception]:
            rounds.append(sorted(numbers))
            held.hold()
            return [number**2 for number in numbers]

        squares: Coalescer[str, int, int] = Coalescer(square, PATIENT)
        told = held.at_once(threads, squares.ask)

        assert [one.result() for one in told] == [number**2 for number in range(AT_ONCE)]
        assert rounds == [[0], list(range(1, AT_ONCE))]

    def test_a_round_that_breaks_is_everybodys_and_the_next_to_ask_asks_again(
        self, held: Held, threads: ThreadPoolExecutor
    ) -> None:
        rounds: list[int] = []

        def break_twice(_: str, numbers: Sequence[int]) -> list[int | Exception]:
            rounds.append(len(numbers))
            held.hold()
            if len(rounds) <= 2:
                raise ConnectionError(f"round {len(rounds)}")
            return list(numbers)

        broken: Coalescer[str, int, int] = Coalescer(break_twice, PATIENT)
        first, *others = held.at_once(threads, broken.ask)

        assert str(first.exception()) == "round 1"
        assert {str(other.exception()) for other in others} == {"round 2"}
        assert broken.ask("thing", 7) == 7

    def test_one_request_may_be_refused_alone(self, held: Held, threads: ThreadPoolExecutor) -> None:
        def refuse_three(_: str, numbers: Sequence[int]) -> list[int | Exception]:
            held.hold()
            return [ValueError("three") if number == 3 else number for number in numbers]

        told = held.at_once(threads, Coalescer(refuse_three, PATIENT).ask)

        assert str(told.pop(3).exception()) == "three"
        assert [one.result() for one in told] == [0, 1, 2, 4, 5, 6, 7]

    def test_nothing_waits_for_another_thing_nor_for_long(self, held: Held, threads: ThreadPoolExecutor) -> None:
        def hang_at_first(_: str, numbers: Sequence[int]) -> list[int | Exception]:
            if numbers == [0]:
                held.hold()
            return list(numbers)

        hanging: Coalescer[str, int, int] = Coalescer(hang_at_first, patience_seconds=0.01)
        first = threads.submit(hanging.ask, "thing", 0)
        held.has_begun.wait()

        assert hanging.ask("something else", 1) == 1
        assert hanging.ask("thing", 2) == 2
        assert not first.done()
        held.may_end.set()
        assert first.result() == 0


class TestTable:
    @pytest.fixture
    def sent(self) -> list[int]:
        """How many operations each request has had."""
        return []

    @pytest.fixture
    def table(self, azurite: Azurite, held: Held, sent: list[int], request: pytest.FixtureRequest) -> AzureTable:
        """A table whose first write, of a row called "first", takes as long as is wanted."""
        name = "".join(filter(str.isalnum, request.node.name))[:60]

        class Client(TableClient):
            def submit_transaction(self, operations: Any, **more: Any) -> Any:
                self.see([entity for _, entity, *_ in operations])
                return super().submit_transaction(operations, **more)

            def create_entity(self, entity: Any, **more: Any) -> Any:
                self.see([entity])
                return super().create_entity(entity, **more)

            def see(self, entities: list[Any]) -> None:
                if any(entity["RowKey"] == "0" for entity in entities):
                    held.hold()
                sent.append(len(entities))
                for entity in entities:
                    entity["PartitionKey"] = str.__str__(entity["PartitionKey"])  # the SDK looks at the type

        table = AzureTable(Client.from_connection_string(azurite.connection_string, name))
        table.transact("thing", [Insert("there before", {"number": -1})])
        sent.clear()
        return table

    def test_what_is_written_at_the_same_time_is_one_transaction(
        self, table: AzureTable, held: Held, sent: list[int], threads: ThreadPoolExecutor
    ) -> None:
        told = held.at_once(threads, lambda thing, n: table.transact(thing, [Insert(str(n), {"number": n})]))

        versions = [one.result() for one in told]
        assert sum(sent) == AT_ONCE
        assert len(sent) < AT_ONCE
        for number, etags in enumerate(versions):
            table.transact("thing", [Replace(str(number), {"number": number + 100}, *etags)])
        rows = table.range("thing", "0", "9").rows
        assert [row["number"] for row in rows] == [number + 100 for number in range(AT_ONCE)]

    def test_of_those_one_may_be_refused_and_the_others_are_written(
        self, table: AzureTable, held: Held, threads: ThreadPoolExecutor
    ) -> None:
        def write(thing: Thing, number: int) -> list[str]:
            return table.transact(thing, [Insert("there before" if number == 3 else str(number), {"number": number})])

        told = held.at_once(threads, write)

        assert isinstance(told.pop(3).exception(), ConflictError)
        assert all(one.result() for one in told)
        rows = table.range("thing", "", "~").rows
        assert [row["number"] for row in rows] == [0, 1, 2, 4, 5, 6, 7, -1]

    def test_two_that_write_the_same_row_are_told_apart(
        self, table: AzureTable, held: Held, threads: ThreadPoolExecutor
    ) -> None:
        def write(thing: Thing, number: int) -> list[str]:
            return table.transact(thing, [Insert("same" if number else "0", {"number": number})])

        _, *others = held.at_once(threads, write)

        assert sum(isinstance(one.exception(), ConflictError) for one in others) == AT_ONCE - 2

    def test_what_is_too_much_for_one_transaction_is_several(
        self, table: AzureTable, held: Held, sent: list[int], threads: ThreadPoolExecutor
    ) -> None:
        def write(thing: Thing, number: int) -> list[str]:
            many = 1 if number == 0 else MAX_OPERATIONS // 2
            rows = [Insert(f"{number}{n or ''}", {"number": number}) for n in range(many)]
            return table.transact(thing, rows)

        told = held.at_once(threads, write)

        assert all(len(one.result()) == MAX_OPERATIONS // 2 for one in told[1:])
        assert max(sent) == MAX_OPERATIONS // 2
