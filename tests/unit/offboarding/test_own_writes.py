"""A write whose answer is lost: the SDK or the app repeats it, and recognises its own when that is refused."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import RequestsTransport
from azure.data.tables import TableClient

from shared.jobs.storage.azure_table import AzureTable
from shared.jobs.storage.table import LAST, WRITE_ID, ConflictError, Delete, Insert, Replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dev.azurite import Azurite

_numbers = itertools.count(1)
P = "partition"


class LossyTransport(RequestsTransport):
    """Repeats a transaction, as the SDK does after a time-out: the first answer is lost, `then` happens in between."""

    def __init__(self) -> None:
        super().__init__()
        self.loses: str | None = None
        self.then: Callable[[], object] = lambda: None
        self.urls: list[str] = []

    def send(self, request: Any, **options: Any) -> Any:
        self.urls.append(request.url)
        loses, self.loses = self.loses, None
        if request.method == "GET" or loses is None:
            self.loses = loses
            return super().send(request, **options)
        if loses == "request":
            raise ServiceRequestError("The connection was refused.")
        super().send(request, **options)
        self.then()
        if loses == "answer":
            raise ServiceResponseError("The answer timed out.")
        return super().send(request, **options)  # the SDK's repetition


@pytest.fixture
def transport() -> LossyTransport:
    return LossyTransport()


@pytest.fixture
def table(azurite: Azurite, transport: LossyTransport) -> Iterator[AzureTable]:
    name = f"own{next(_numbers)}"
    with TableClient.from_connection_string(
        azurite.connection_string, name, transport=transport, retry_total=0
    ) as client:
        table = AzureTable(client)
        table.transact(P, [Insert("old", {"n": 1}), Insert("doomed", {"n": 1})])
        yield table


def test_a_repeated_write_is_recognised_as_ones_own(table: AzureTable, transport: LossyTransport) -> None:
    old = table.get(P, "old")
    assert old
    transport.loses = "repeated"

    etags = table.transact(P, [Replace("old", {"n": 2}, old["etag"]), Insert("new", {"n": 1}), Delete("doomed")])

    now = {row["key"]: row for row in table.range(P, "", LAST).rows}
    assert etags == [now["old"]["etag"], now["new"]["etag"], ""]
    assert now["old"]["n"] == 2
    assert now["old"][WRITE_ID] == now["new"][WRITE_ID]


def test_a_repeated_removal_is_recognised_as_ones_own(table: AzureTable, transport: LossyTransport) -> None:
    transport.loses = "repeated"

    assert table.transact(P, [Delete("doomed")]) == [""]


def test_somebody_elses_write_in_between_is_a_conflict(table: AzureTable, transport: LossyTransport) -> None:
    old = table.get(P, "old")
    assert old
    transport.then = lambda: table.transact(P, [Replace("old", {"n": 3})])
    transport.loses = "repeated"

    with pytest.raises(ConflictError):
        table.transact(P, [Replace("old", {"n": 2}, old["etag"])])

    now = table.get(P, "old")
    assert now
    assert now["n"] == 3


def test_of_what_was_written_together_only_what_somebody_else_wrote_since_is_a_conflict(
    table: AzureTable, transport: LossyTransport
) -> None:
    old = table.get(P, "old")
    assert old
    transport.then = lambda: table.transact(P, [Replace("old", {"n": 3})])
    transport.loses = "repeated"

    refused, etags = table._transact_together(P, [[Replace("old", {"n": 2}, old["etag"])], [Insert("new", {"n": 1})]])

    now = {row["key"]: row for row in table.range(P, "", LAST).rows}
    assert isinstance(refused, ConflictError)
    assert now["old"]["n"] == 3
    assert etags == [now["new"]["etag"]]


def test_two_who_insert_the_same_row_do_not_take_it_for_their_own(table: AzureTable) -> None:
    one, other = table._transact_together(P, [[Insert("new", {"n": 1})], [Insert("new", {"n": 2})]])

    assert isinstance(one, list)
    assert isinstance(other, ConflictError)


def test_somebody_elses_insert_is_a_conflict(table: AzureTable) -> None:
    with pytest.raises(ConflictError):
        table.transact(P, [Insert("old", {"n": 2}), Delete("doomed")])

    assert table.get(P, "doomed")


@pytest.mark.parametrize(("loses", "is_made"), [("answer", True), ("request", False)])
def test_a_write_without_an_answer_is_neither_success_nor_conflict(
    table: AzureTable, transport: LossyTransport, loses: str, *, is_made: bool
) -> None:
    transport.loses = loses

    with pytest.raises((ServiceResponseError, ServiceRequestError)):
        table.transact(P, [Insert("new", {"n": 1})])

    assert (table.get(P, "new") is not None) == is_made


@pytest.mark.parametrize("key", ["old", "new"])
def test_a_repeated_write_of_one_row_is_recognised_as_ones_own(
    table: AzureTable, transport: LossyTransport, key: str
) -> None:
    old = table.get(P, "old")
    assert old
    transport.loses = "repeated"

    etags = table.transact(P, [Replace(key, {"n": 2}, old["etag"]) if key == "old" else Insert(key, {"n": 2})])

    now = table.get(P, key)
    assert now
    assert (etags, now["n"]) == ([now["etag"]], 2)


@pytest.mark.parametrize("key", ["old", "gone"])
def test_a_row_that_changed_or_is_gone_is_a_conflict(table: AzureTable, key: str) -> None:
    stale = "W/\"datetime'2026-01-01T00%3A00%3A00.0000000Z'\""

    with pytest.raises(ConflictError):
        table.transact(P, [Replace(key, {"n": 2}, stale)])


def test_one_row_is_written_without_a_transaction(table: AzureTable, transport: LossyTransport) -> None:
    table.transact(P, [Replace("old", {"n": 2})])
    assert not transport.urls[-1].endswith("$batch")
    table.transact(P, [Replace("old", {"n": 2}), Insert("new", {})])
    assert transport.urls[-1].endswith("$batch")
