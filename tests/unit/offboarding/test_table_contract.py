"""The port to Table Storage, held by the real service's stand-in and by its twin in memory alike."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest
from azure.data.tables import TableClient

from dev.memory_table import MemoryTable
from shared.actions.reads.snapshot import Snapshot
from shared.jobs.storage import snapshots
from shared.jobs.storage.azure_table import AzureTable
from shared.jobs.storage.table import (
    LAST,
    MAX_OPERATIONS,
    MAX_VALUE_CHARS,
    WRITE_ID,
    ConflictError,
    Delete,
    Insert,
    Replace,
    UnfitRowError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.jobs.storage.table import Row, Table

_numbers = itertools.count(1)
P = "partition"


@pytest.fixture(params=["memory", "azurite"])
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    """Return a table that does not exist yet."""
    if request.param == "memory":
        yield MemoryTable()
        return
    connection = request.getfixturevalue("azurite").connection_string
    with TableClient.from_connection_string(connection, f"contract{next(_numbers)}") as client:
        yield AzureTable(client)


def keys(found: list[Row]) -> list[str]:
    return [row["key"] for row in found]


def content(row: Row | None) -> Row:
    assert row is not None
    return {name: value for name, value in row.items() if name not in {"key", "etag", WRITE_ID}}


def filled(table: Table, count: int = 10) -> Table:
    table.transact(P, [Insert(f"k{number:02}", {"n": number}) for number in range(count)])
    return table


def test_a_table_that_does_not_exist_is_empty(table: Table) -> None:
    assert table.get(P, "k") is None
    assert table.range(P, "", LAST).rows == []
    assert table.range(P, "", LAST, 5).next_key is None


def test_nothing_can_be_replaced_in_a_table_that_does_not_exist(table: Table) -> None:
    with pytest.raises(ConflictError):
        table.transact(P, [Replace("k", {"n": 1}, 'W/"1"')])


def test_what_was_written_is_read_with_its_key_and_etag(table: Table) -> None:
    row = {"text": "ä\u20ac \U0001f600", "number": 7, "yes": True, "no": False, "empty": ""}

    (etag,) = table.transact(P, [Insert("a|b", row)])

    found = table.get(P, "a|b")
    assert content(found) == row
    assert found
    assert (found["key"], found["etag"]) == ("a|b", etag)
    assert table.get("other", "a|b") is None


def test_a_range_is_in_order_and_without_its_upper_bound(table: Table) -> None:
    table.transact(P, [Insert(key, {}) for key in ("b|2", "a|1", "b|10", "c", "B|1", "b")])

    assert keys(table.range(P, "", LAST).rows) == ["B|1", "a|1", "b", "b|10", "b|2", "c"]
    assert keys(table.range(P, "b", "c").rows) == ["b", "b|10", "b|2"]
    assert keys(table.range(P, "b|", "b|" + LAST).rows) == ["b|10", "b|2"]
    assert table.range("other", "", LAST).rows == []


@pytest.mark.parametrize(("limit", "count", "next_key"), [(1, 1, "k01"), (9, 9, "k09"), (10, 10, None), (11, 10, None)])
def test_a_page_ends_where_the_next_begins(table: Table, limit: int, count: int, next_key: str | None) -> None:
    page = filled(table).range(P, "k", "l", limit)

    assert len(page.rows) == count
    assert page.next_key == next_key


def test_pages_together_are_everything_once(table: Table) -> None:
    filled(table)
    found: list[str] = []
    start: str | None = ""
    while start is not None:
        page = table.range(P, start, LAST, 3)
        found += keys(page.rows)
        start = page.next_key

    assert found == [f"k{number:02}" for number in range(10)]


def test_an_insert_of_what_exists_is_a_conflict(table: Table) -> None:
    filled(table, 1)

    with pytest.raises(ConflictError):
        table.transact(P, [Insert("k00", {"n": 2})])

    assert content(table.get(P, "k00")) == {"n": 0}


def test_a_replacement_writes_the_whole_row(table: Table) -> None:
    (etag,) = table.transact(P, [Insert("k", {"old": 1, "both": 1})])

    (newer,) = table.transact(P, [Replace("k", {"both": 2}, etag)])

    assert content(table.get(P, "k")) == {"both": 2}
    assert newer != etag


def test_a_replacement_over_a_stale_version_is_a_conflict(table: Table) -> None:
    (stale,) = table.transact(P, [Insert("k", {"n": 1})])
    (current,) = table.transact(P, [Replace("k", {"n": 2}, stale)])

    with pytest.raises(ConflictError):
        table.transact(P, [Replace("k", {"n": 3}, stale)])

    assert content(table.get(P, "k")) == {"n": 2}
    table.transact(P, [Replace("k", {"n": 4}, current)])


def test_a_replacement_without_a_version_writes_over_anything_and_nothing(table: Table) -> None:
    table.transact(P, [Replace("k", {"n": 1})])
    table.transact(P, [Replace("k", {"m": 2})])

    assert content(table.get(P, "k")) == {"m": 2}


def test_a_missing_row_spoils_the_transaction(table: Table) -> None:
    filled(table, 1)

    with pytest.raises(ConflictError):
        table.transact(P, [Delete("gone"), Replace("k00", {"n": 2})])
    with pytest.raises(ConflictError):
        table.transact(P, [Delete("gone"), Delete("k00")])

    assert content(table.get(P, "k00")) == {"n": 0}


def test_removing_what_is_all_gone_is_success(table: Table) -> None:
    """As a repetition of the same removal by the SDK is, which looks the same."""
    assert table.transact(P, [Delete("gone"), Delete("gone too", 'W/"1"')]) == ["", ""]


def test_a_row_is_removed_only_as_it_was_read(table: Table) -> None:
    (stale,) = table.transact(P, [Insert("k", {"n": 1})])
    (current,) = table.transact(P, [Replace("k", {"n": 2}, stale)])

    with pytest.raises(ConflictError):
        table.transact(P, [Delete("k", stale)])
    assert table.transact(P, [Delete("k", current)]) == [""]

    assert table.get(P, "k") is None


def test_a_transaction_is_made_as_a_whole_or_not_at_all(table: Table) -> None:
    filled(table, 3)
    before = table.range(P, "", LAST)

    with pytest.raises(ConflictError):
        table.transact(P, [Replace("k00", {"n": 9}), Insert("new", {}), Delete("k01"), Delete("missing")])

    assert table.range(P, "", LAST) == before


def test_a_transaction_tells_the_new_versions_in_order(table: Table) -> None:
    filled(table, 3)

    etags = table.transact(P, [Replace("k00", {"n": 9}), Delete("k01"), Insert("new", {}), Replace("k02", {"n": 8})])

    now = {row["key"]: row["etag"] for row in table.range(P, "", LAST).rows}
    assert etags == [now["k00"], "", now["new"], now["k02"]]


def test_a_transaction_has_a_hundred_operations(table: Table) -> None:
    etags = table.transact(P, [Insert(f"k{number:03}", {"n": number}) for number in range(MAX_OPERATIONS)])

    assert all(etags)
    assert len(table.range(P, "", LAST).rows) == MAX_OPERATIONS
    assert len(table.transact(P, [Delete(f"k{number:03}") for number in range(MAX_OPERATIONS)])) == MAX_OPERATIONS


@pytest.mark.parametrize("count", [0, MAX_OPERATIONS + 1])
def test_a_transaction_has_one_to_a_hundred_operations(table: Table, count: int) -> None:
    with pytest.raises(ValueError, match="1 to 100 operations"):
        table.transact(P, [Insert(f"k{number}", {}) for number in range(count)])


def test_a_transaction_names_a_row_once(table: Table) -> None:
    with pytest.raises(ValueError, match="each on a row of its own"):
        table.transact(P, [Insert("k", {}), Replace("k", {})])


def test_large_properties_and_rows_are_kept(table: Table) -> None:
    text = json.dumps({"list": ["äöü" * 1_000] * 9}, ensure_ascii=False)[:30_000]
    row = {f"json{number:02}": text for number in range(12)}

    for number in range(3):
        table.transact(P, [Insert(f"k{number}", row)])

    assert [content(found) for found in table.range(P, "", LAST).rows] == [row] * 3


@pytest.mark.parametrize("text", ["a", "\u00e4", "\u65e5"])
def test_the_largest_snapshots_fit_into_their_transactions(table: Table, text: str) -> None:
    snapshot = Snapshot({"one": text * 1_000_000, "two": text * 300_000, "three": text}, {"four": text})

    for operations in snapshots.inserts(1, snapshot):
        table.transact(P, operations)

    assert snapshots.read(table.range(P, "", LAST).rows)[1] == snapshot


def test_what_is_read_is_the_callers_own(table: Table) -> None:
    row = {"n": 1}
    table.transact(P, [Insert("k", row)])
    row["n"] = 2
    found = table.get(P, "k")
    assert found
    found["n"] = 3

    assert content(table.get(P, "k")) == {"n": 1}


def test_a_row_that_storage_takes_in_no_case_is_told_from_a_storage_that_is_down(table: Table) -> None:
    with pytest.raises(UnfitRowError):
        table.transact(P, [Insert("key", {"text": "x" * (MAX_VALUE_CHARS + 1)}), Insert("other", {})])

    assert table.range(P, "", LAST).rows == []


@pytest.mark.parametrize("unfit", ["a/b", "a\\b", "a#b", "a?b", "a\tb", "a\x7fb", "k" * 513])
def test_a_key_that_azure_refuses_is_refused_everywhere(table: Table, unfit: str) -> None:
    """Learn: "Understanding the Table service data model"."""
    with pytest.raises(UnfitRowError):
        table.transact(P, [Insert(unfit, {}), Insert("other", {})])

    assert table.range(P, "", LAST).rows == []


def test_whatever_a_read_is_called_it_is_kept_and_found(table: Table) -> None:
    answers = {"mailbox_rights/a b?c#d\\e": {"n": 1}, "mailbox_rights": {"n": 2}}
    for operations in snapshots.inserts(1, Snapshot(answers, {})):
        table.transact(P, operations)

    assert snapshots.read(table.range(P, "", LAST).rows)[1].values == answers
