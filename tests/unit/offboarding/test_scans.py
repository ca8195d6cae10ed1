"""The bookkeeping of a scan: every mailbox is read, nothing is counted twice, whoever dies and whoever comes."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from azure.data.tables import TableClient

from dev.memory_table import MemoryTable
from shared.actions.mailboxes.scan import Found, Mailbox, ScanSource, retry_transient
from shared.actions.reads.snapshot import MoreToDoError
from shared.base import clock
from shared.jobs.storage import keys
from shared.jobs.storage.azure_table import AzureTable
from shared.jobs.storage.scans import MAX_AGE, PER_CALL, ReadScans, Scan, Scans
from shared.microsoft365.http.errors import Category, MicrosoftError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dev.azurite import Azurite
    from shared.jobs.storage.table import Operation, Page

BUSY = MicrosoftError("exchange", Category.throttled, "Slow down.", retry_after=40)
DOWN = MicrosoftError("exchange", Category.transient, "Not now.")
GONE = MicrosoftError("exchange", Category.not_found, "No such mailbox.")
CLOSED = MicrosoftError("exchange", Category.auth_role, "You may not.")
ADA = frozenset({"ada@x.example"})


class Time:
    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)

    def pass_by(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def time() -> Iterator[Time]:
    passing = Time()
    clock.set_source(lambda: passing.now)
    yield passing
    clock.set_source(clock.system_time)


class Weighed(MemoryTable):
    """A table that refuses what Table Storage would: entities of 1 MiB, properties of 64 KiB, transactions of 4 MiB."""

    rows_read = 0

    def transact(self, partition: str, operations: Sequence[Operation]) -> list[str]:
        weights = [_weight(getattr(operation, "row", {})) for operation in operations]
        assert max(weights) < 2**20
        assert sum(weights) < 4 * 2**20
        return super().transact(partition, operations)

    def range(self, partition: str, low: str, high: str, limit: int | None = None) -> Page:
        page = super().range(partition, low, high, limit)
        self.rows_read += len(page.rows)
        return page


def _weight(row: dict[str, Any]) -> int:
    assert all(len(value) <= 30_000 for value in row.values() if isinstance(value, str))
    return sum(2 * len(str(value)) for value in row.values())


@dataclass
class Tenant:
    """A tenant without Microsoft: who holds something on which of its mailboxes."""

    mailboxes: list[Mailbox]
    holders: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    faults: dict[str, list[MicrosoftError]] = field(default_factory=dict[str, list[MicrosoftError]])
    """By mailbox, what is answered at first."""
    page_size: int = 1000
    at_once: int = 10
    asked: list[str] = field(default_factory=list[str])
    listings: int = 0
    on_read: Any = lambda: None

    @classmethod
    def of(cls, count: int, held: Sequence[int] = (), **more: Any) -> Tenant:
        mailboxes = [Mailbox(f"id-{n:05}", f"person{n}@x.example") for n in range(count)]
        holders = {mailboxes[n].id: ["ada@x.example", "bo@x.example"] for n in held}
        return cls(mailboxes, holders, **more)

    def look(self) -> ScanSource:
        return ScanSource("full_access", "Looking", self.at_once, self._page, self._read)

    def _page(self, link: str) -> tuple[list[Mailbox], str]:
        self.listings += 1
        start = int(link or 0)
        end = start + self.page_size
        return self.mailboxes[start:end], str(end) if end < len(self.mailboxes) else ""

    def _read(self, mailboxes: Sequence[Mailbox]) -> list[list[str] | MicrosoftError]:
        assert len(mailboxes) <= self.at_once
        self.on_read()
        self.asked += [mailbox.id for mailbox in mailboxes]
        return [self._answer(mailbox.id) for mailbox in mailboxes]

    def _answer(self, mailbox: str) -> list[str] | MicrosoftError:
        faults = self.faults.get(mailbox)
        return faults.pop(0) if faults else self.holders.get(mailbox, [])


@dataclass
class Calls:
    """What it took until the answer was there."""

    count: int = 0
    most_mailboxes: int = 0
    most_table_requests: int = 0
    progress: list[int] = field(default_factory=list[int])
    waits: list[float] = field(default_factory=list[float])


def find(scans: Scans, tenant: Tenant, table: MemoryTable, names: frozenset[str] = ADA) -> tuple[Found, Calls]:
    """Come back until the scan is complete, as an offboarding does."""
    calls = Calls()
    while True:
        calls.count += 1
        asked, requests = len(tenant.asked), table.requests
        try:
            found = scans.find(tenant.look(), names)
        except MoreToDoError as more:
            calls.progress.append(more.progress)
            calls.waits.append(more.seconds)
        else:
            return found, calls
        finally:
            calls.most_mailboxes = max(calls.most_mailboxes, len(tenant.asked) - asked)
            calls.most_table_requests = max(calls.most_table_requests, table.requests - requests)


def ids(found: Found) -> list[str]:
    return [mailbox.id for mailbox in found.held]


def test_twenty_thousand_mailboxes_stay_under_every_limit(time: Time) -> None:
    del time
    table, tenant = Weighed(), Tenant.of(20_000, held=range(0, 20_000, 7))
    scans = Scans(table, "tenant")

    found, calls = find(scans, tenant, table)

    assert ids(found) == [f"id-{n:05}" for n in range(0, 20_000, 7)]
    assert found.mailboxes == 20_000
    assert sorted(tenant.asked) == sorted(mailbox.id for mailbox in tenant.mailboxes)
    assert calls.count == 20 + 200
    assert calls.most_mailboxes == PER_CALL
    # A page takes four: read and claim the head, read what is to do, write. The last also reads what was found.
    assert calls.most_table_requests == 6
    assert table.requests == 1 + 20 * 3 + 200 * 4 + 2
    assert calls.progress == sorted(set(calls.progress))


def test_the_next_leaver_of_the_day_costs_no_scan(time: Time) -> None:
    table, tenant = Weighed(), Tenant.of(20_000, held=[3, 19_999])
    find(Scans(table, "tenant"), tenant, table)
    tenant.asked.clear()
    table.rows_read = 0
    time.pass_by(hours=23)

    found, calls = find(Scans(table, "tenant"), tenant, table, frozenset({"bo@x.example"}))

    assert ids(found) == ["id-00003", "id-19999"]
    assert calls.count == 1
    assert calls.most_table_requests == 3
    assert table.rows_read == 2
    assert tenant.asked == []
    assert clock.now() - found.made_at == timedelta(hours=23)


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250, 1000, 1001])
def test_every_mailbox_is_read_once_whatever_their_number(time: Time, count: int) -> None:
    del time
    table, tenant = Weighed(), Tenant.of(count, held=[count - 1] if count else [], page_size=130)

    found, _ = find(Scans(table, "tenant"), tenant, table)

    assert tenant.asked == [mailbox.id for mailbox in tenant.mailboxes]
    assert len(found.held) == min(count, 1)
    assert found.mailboxes == count


def test_tenants_and_kinds_do_not_mix(time: Time) -> None:
    del time
    table, full, empty = Weighed(), Tenant.of(5, held=[1]), Tenant.of(5)

    assert ids(find(Scans(table, "one"), full, table)[0]) == ["id-00001"]
    assert ids(find(Scans(table, "two"), empty, table)[0]) == []


def test_a_day_later_it_is_made_anew_and_the_old_one_is_swept_away(time: Time) -> None:
    table, tenant = Weighed(), Tenant.of(250, held=[1])
    _, before = find(Scans(table, "tenant"), tenant, table)
    keys = table.keys("scan|tenant|full_access")
    tenant.holders = {"id-00002": ["ada@x.example"]}
    time.pass_by(seconds=MAX_AGE.total_seconds())

    found, after = find(Scans(table, "tenant"), tenant, table)

    assert ids(found) == ["id-00002"]
    assert len(table.keys("scan|tenant|full_access")) == len(keys)
    assert after.progress[0] > before.progress[-1]


@pytest.mark.usefixtures("time")
def test_what_a_complete_scan_found_is_read_once_in_a_process() -> None:
    tenant, table, read = Tenant.of(250, held=[1, 240]), Weighed(), ReadScans()
    find(Scans(table, "tenant", read), tenant, table)

    found, calls = find(Scans(table, "tenant", read), tenant, table)

    assert (ids(found), calls.most_table_requests) == (["id-00001", "id-00240"], 1)


def test_a_scan_that_another_process_has_made_since_is_read(time: Time) -> None:
    tenant, table, read = Tenant.of(250, held=[1]), Weighed(), ReadScans()
    find(Scans(table, "tenant", read), tenant, table)
    time.pass_by(seconds=MAX_AGE.total_seconds())
    tenant.holders = {"id-00002": ["ada@x.example"]}
    find(Scans(table, "tenant"), tenant, table)

    assert ids(find(Scans(table, "tenant", read), tenant, table)[0]) == ["id-00002"]


@pytest.mark.usefixtures("time")
def test_of_a_scan_that_is_removed_the_process_keeps_nothing() -> None:
    tenant, table, read = Tenant.of(250, held=[1]), Weighed(), ReadScans()
    find(Scans(table, "tenant", read), tenant, table)
    head = table.get("scan|tenant|full_access", keys.SCAN_HEAD)
    assert head
    scan = Scan(head["id"], clock.now())
    assert read.get("scan|tenant|full_access", scan)

    Scans(table, "tenant", read).forget()

    assert read.get("scan|tenant|full_access", scan) is None


class Mortal(Weighed):
    """A table whose writer dies now and then, before or after its write."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.chance = random.Random(seed)

    def transact(self, partition: str, operations: Sequence[Operation]) -> list[str]:
        fate = self.chance.random()
        if fate < 0.15:
            raise RuntimeError("killed before")
        etags = super().transact(partition, operations)
        if fate > 0.85:
            raise RuntimeError("killed after")
        return etags


@pytest.mark.parametrize("seed", range(20))
def test_killed_anywhere_it_is_carried_on_and_nothing_is_counted_twice(time: Time, seed: int) -> None:
    table, tenant = Mortal(seed), Tenant.of(730, held=[0, 355, 729], page_size=300)
    for _ in range(500):
        time.pass_by(seconds=15)
        try:
            found = Scans(table, "tenant").find(tenant.look(), ADA)
        except (RuntimeError, MoreToDoError):
            continue
        break
    else:
        pytest.fail("it never came to an end")

    assert ids(found) == ["id-00000", "id-00355", "id-00729"]
    assert found.mailboxes == 730
    assert set(tenant.asked) == {mailbox.id for mailbox in tenant.mailboxes}


def test_while_one_reads_others_wait(time: Time) -> None:
    del time
    table, tenant = Weighed(), Tenant.of(30)
    told: list[MoreToDoError] = []

    def somebody_comes() -> None:
        with pytest.raises(MoreToDoError) as more:
            Scans(table, "tenant").find(tenant.look(), ADA)
        told.append(more.value)

    tenant.on_read = somebody_comes
    find(Scans(table, "tenant"), tenant, table)

    assert tenant.asked == [mailbox.id for mailbox in tenant.mailboxes]
    assert {more.seconds for more in told} == {15}
    assert str(told[0]) == "Looking: looked at 0 of 30 mailboxes."


def test_who_is_overtaken_while_reading_writes_nothing(time: Time) -> None:
    table, tenant = Weighed(), Tenant.of(30, held=[4])
    overtaken: list[Found] = []

    def much_later_somebody_comes() -> None:
        tenant.on_read = lambda: None
        time.pass_by(minutes=4)
        overtaken.append(find(Scans(table, "tenant"), tenant, table)[0])

    tenant.on_read = much_later_somebody_comes
    found, _ = find(Scans(table, "tenant"), tenant, table)

    assert ids(overtaken[0]) == ids(found) == ["id-00004"]
    assert len([key for key in table.keys("scan|tenant|full_access") if "|held|" in key]) == 1


class Slow(Weighed):
    """A table at which something happens before it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.before_reading: Any = lambda: None

    def range(self, partition: str, low: str, high: str, limit: int | None = None) -> Page:
        happens, self.before_reading = self.before_reading, lambda: None
        happens()
        return super().range(partition, low, high, limit)


@pytest.mark.parametrize("is_first", [True, False])
def test_who_begins_anew_and_hangs_takes_nothing_from_who_carries_on(time: Time, *, is_first: bool) -> None:
    table, tenant = Slow(), Tenant.of(30, held=[4])
    if not is_first:
        find(Scans(table, "tenant"), tenant, table)
        time.pass_by(seconds=MAX_AGE.total_seconds())
    carried_on: list[Found] = []

    def much_later_somebody_comes() -> None:
        time.pass_by(minutes=4)
        carried_on.append(find(Scans(table, "tenant"), tenant, table)[0])

    table.before_reading = much_later_somebody_comes
    found, _ = find(Scans(table, "tenant"), tenant, table)

    assert ids(carried_on[0]) == ids(found) == ["id-00004"]
    assert len([key for key in table.keys("scan|tenant|full_access") if "|held|" in key]) == 1


def test_a_long_call_is_cut_short(time: Time) -> None:
    table, tenant = Weighed(), Tenant.of(100)
    tenant.on_read = lambda: time.pass_by(seconds=25)

    _, calls = find(Scans(table, "tenant"), tenant, table)

    assert calls.most_mailboxes == 30
    assert tenant.asked == [mailbox.id for mailbox in tenant.mailboxes]


def test_mailboxes_that_everybody_may_open_fit_the_rows(time: Time) -> None:
    """500 entries is what one mailbox can have (Learn: Add-MailboxPermission)."""
    del time
    everybody = [f"somebody-with-a-long-name-{n:05}@subsidiary.x.example" for n in range(499)]
    table, tenant = Weighed(), Tenant.of(100)
    tenant.holders = {mailbox.id: [*everybody, "ada@x.example"] for mailbox in tenant.mailboxes}

    found, _ = find(Scans(table, "tenant"), tenant, table)

    assert len(found.held) == 100
    assert tenant.asked == [mailbox.id for mailbox in tenant.mailboxes]


def test_one_mailbox_that_cannot_be_read_does_not_hold_up_the_rest(time: Time) -> None:
    del time
    table, tenant = Weighed(), Tenant.of(20, held=[0])
    tenant.faults = {"id-00003": [DOWN] * 9, "id-00004": [CLOSED], "id-00005": [GONE], "id-00006": [DOWN]}

    found, _ = find(Scans(table, "tenant"), tenant, table)

    assert ids(found) == ["id-00000"]
    assert [mailbox.id for mailbox in found.unread] == ["id-00003", "id-00004"]


def test_throttled_half_way_keeps_what_was_read_and_waits_as_long_as_asked(time: Time) -> None:
    del time
    table, tenant = Weighed(), Tenant.of(100, held=[1, 60])
    tenant.faults = {"id-00042": [BUSY]}

    found, calls = find(Scans(table, "tenant"), tenant, table)

    assert ids(found) == ["id-00001", "id-00060"]
    assert calls.waits == [1, 40]
    assert len(tenant.asked) == 100 + 8


def test_after_a_request_that_failed_as_a_whole_the_next_are_smaller_for_a_while(time: Time) -> None:
    del time
    table, tenant = Weighed(), Tenant.of(400, held=[399])
    sizes: list[int] = []
    fails = iter([False, True, True, False])

    def holders(mailboxes: Sequence[Mailbox]) -> list[list[str] | MicrosoftError]:
        sizes.append(len(mailboxes))
        if next(fails, False):
            raise DOWN
        return tenant._read(mailboxes)

    look = ScanSource("full_access", "Looking", 10, tenant._page, holders)
    told: list[str] = []
    while True:
        try:
            found = Scans(table, "tenant").find(look, ADA)
        except (MoreToDoError, MicrosoftError) as error:
            told.append(str(error))
        else:
            break

    assert ids(found) == ["id-00399"]
    assert tenant.asked == [mailbox.id for mailbox in tenant.mailboxes]
    assert sizes[:5] == [10, 10, 5, 2, 2]
    assert sizes[-1] == 10
    assert told[1:3] == ["Not now.", "Not now."]


@pytest.mark.parametrize("refusal", [DOWN, CLOSED, BUSY])
def test_a_service_that_answers_nothing_is_no_empty_tenant(time: Time, refusal: MicrosoftError) -> None:
    del time
    table, tenant = Weighed(), Tenant.of(20, held=[0])
    tenant.faults = {mailbox.id: [refusal] * 9 for mailbox in tenant.mailboxes}
    scans = Scans(table, "tenant")
    with pytest.raises(MoreToDoError):
        scans.find(tenant.look(), ADA)

    with pytest.raises(MicrosoftError) as error:
        scans.find(tenant.look(), ADA)
    tenant.faults.clear()

    assert error.value is refusal
    assert ids(find(scans, tenant, table)[0]) == ["id-00000"]


def test_a_link_that_is_refused_leads_to_a_new_list(time: Time) -> None:
    del time
    table, tenant = Weighed(), Tenant.of(30, held=[29], page_size=20)
    scans, source = Scans(table, "tenant"), tenant.look()
    refused = replace(source, mailboxes=lambda link: _refuse() if link else ([], "x"))
    with pytest.raises(MoreToDoError):
        scans.find(refused, ADA)
    with pytest.raises(MicrosoftError):
        scans.find(refused, ADA)

    found, _ = find(scans, tenant, table)

    assert ids(found) == ["id-00029"]
    assert tenant.listings == 2


def _refuse() -> tuple[list[Mailbox], str]:
    raise MicrosoftError("exchange", Category.invalid, "The link has expired.")


def test_passing_faults_are_asked_again_at_once_and_nothing_else() -> None:
    answers: dict[str, list[Any]] = {"a": [1], "b": [DOWN, 2], "c": [BUSY], "d": [DOWN, DOWN, DOWN, 4], "e": [CLOSED]}
    asked: list[list[str]] = []

    def ask(things: Sequence[str]) -> list[Any]:
        asked.append(list(things))
        return [answers[thing].pop(0) for thing in things]

    assert retry_transient(ask, list("abcde")) == [1, 2, BUSY, DOWN, CLOSED]
    assert asked == [list("abcde"), ["b", "d"], ["d"]]


def test_it_is_the_same_on_table_storage(time: Time, azurite: Azurite) -> None:
    del time
    table = AzureTable(TableClient.from_connection_string(azurite.connection_string, "scans"))
    tenant = Tenant.of(2500, held=[0, 1234, 2499])

    found, calls = find(Scans(table, "tenant"), tenant, MemoryTable())

    assert ids(found) == ["id-00000", "id-01234", "id-02499"]
    assert tenant.asked == [mailbox.id for mailbox in tenant.mailboxes]
    assert calls.count == 3 + 25
