"""Scans of a tenant: on which mailboxes does a person hold something, where Microsoft keeps no index.

A scan lists the mailboxes and reads them, a hundred to a call of an activity, and keeps whom it found on which. It
serves everybody who leaves the tenant within a day. One caller at a time works on it; whoever comes when that one is
through, or is gone, carries on where it stands. Pure bookkeeping: what is asked of Microsoft is given to it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from shared import clock
from shared.microsoft365.errors import MicrosoftError
from shared.offboarding import rows
from shared.offboarding.catalogue import MoreToDoError
from shared.offboarding.reads import NOT_THERE
from shared.offboarding.table import LAST, ConflictError, Delete, Insert, Replace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from datetime import datetime

    from shared.offboarding.table import Operation, Row, Table

T = TypeVar("T")

MAX_AGE: Final = timedelta(days=1)
PER_CALL: Final = 100
_LONGEST_CALL: Final = timedelta(seconds=60)
_LEASE: Final = timedelta(minutes=3)
_BUSY_SECONDS: Final = 15
_QUICK_ROUNDS: Final = 2
_MAX_CALL_CHARS: Final = 100_000
_TODO: Final = "todo"
_HELD: Final = "held"
_UNREAD: Final = "unread"


@dataclass(frozen=True)
class Mailbox:
    """A mailbox of the tenant: its object id, and its address for people."""

    id: str
    address: str


@dataclass(frozen=True)
class Look:
    """What a kind of scan asks Microsoft. Both questions may raise `MicrosoftError`.

    `mailboxes` returns a page of the tenant's mailboxes and the link to the next. `holders` returns, for each of at
    most `at_once` mailboxes, the names (in lower case) of those who hold something there.
    """

    kind: str
    what: str
    at_once: int
    mailboxes: Callable[[str], tuple[list[Mailbox], str]]
    holders: Callable[[Sequence[Mailbox]], Sequence[Collection[str] | MicrosoftError]]


@dataclass(frozen=True)
class Found:
    """What a scan knows of a person: where they hold something, and the mailboxes it could not read."""

    made_at: datetime
    mailboxes: int
    held: tuple[Mailbox, ...]
    unread: tuple[Mailbox, ...]


@dataclass(frozen=True)
class Scan:
    """How far a scan is. `progress` counts pages over all scans of a kind, so that it never falls back."""

    id: str
    begun_at: datetime
    progress: int = 0
    listed: int = 0
    read: int = 0
    is_listed: bool = False
    next_link: str = ""
    busy_until: datetime | None = None
    etag: str = ""

    @property
    def is_complete(self) -> bool:
        """Tell whether every mailbox was read."""
        return self.is_listed and self.read >= self.listed

    def is_current(self, now: datetime) -> bool:
        """Tell whether it is young enough to be used or carried on."""
        return now - self.begun_at < MAX_AGE


class Scans:
    """The scans of one tenant."""

    def __init__(self, table: Table, tenant_id: str) -> None:
        self._table = table
        self._tenant_id = tenant_id

    def find(self, look: Look, names: Collection[str]) -> Found:
        """Return where one of `names` (in lower case) holds something, from a scan not older than a day.

        Raises:
            MoreToDoError: a page was read, or somebody else is reading one.
            MicrosoftError: nothing could be read; who comes next carries on.
        """
        return _Work(self._table, rows.scan_partition(self._tenant_id, look.kind), look).find(frozenset(names))


class _Work:
    """One caller's work on the scan of one kind."""

    def __init__(self, table: Table, partition: str, look: Look) -> None:
        self._table = table
        self._partition = partition
        self._look = look

    def find(self, names: frozenset[str]) -> Found:
        scan = self._head()
        if scan is None or not scan.is_complete or not scan.is_current(clock.now()):
            scan = self._carry_on(scan)
        return self._found(scan, names)

    def _carry_on(self, scan: Scan | None) -> Scan:
        """Do a page; returns the scan if that was the last one."""
        mine = self._take(scan)
        step = self._read if mine.is_listed else self._list
        try:
            ahead, parts, error = step(mine)
        except MicrosoftError as error:
            self._write(mine, _released(mine, error))
            raise
        ahead = self._write(mine, replace(ahead, progress=mine.progress + 1, busy_until=None), parts)
        if error and not error.retryable:
            raise error
        if error:
            raise MoreToDoError(ahead.progress, error.message, error.retry_after or _BUSY_SECONDS)
        if not ahead.is_complete:
            raise MoreToDoError(ahead.progress, self._so_far(ahead))
        return ahead

    def _take(self, scan: Scan | None) -> Scan:
        """Claim the scan, or begin a new one; what is claimed by somebody who is gone is free after a while."""
        now = clock.now()
        if scan and scan.busy_until and scan.busy_until > now:
            raise MoreToDoError(scan.progress, self._so_far(scan), _BUSY_SECONDS)
        if scan and scan.is_current(now):
            return self._write(scan, replace(scan, busy_until=now + _LEASE))
        fresh = Scan(secrets.token_hex(4), now, scan.progress if scan else 0, busy_until=now + _LEASE)
        mine = self._write(scan, fresh)
        self._sweep()
        return mine

    def _list(self, mine: Scan) -> tuple[Scan, list[Operation], None]:
        """List a page of the mailboxes."""
        mailboxes, link = self._look.mailboxes(mine.next_link)
        listed = [[mailbox.id, mailbox.address] for mailbox in mailboxes]
        parts = [
            operation
            for at in range(0, len(listed), PER_CALL)
            for operation in rows.scan_inserts(
                rows.scan_key(mine.id, _TODO, mine.listed + at), listed[at : at + PER_CALL]
            )
        ]
        return replace(mine, listed=mine.listed + len(listed), next_link=link, is_listed=not link), parts, None

    def _read(self, mine: Scan) -> tuple[Scan, list[Operation], MicrosoftError | None]:
        """Read the next mailboxes, until there are enough for a call or Microsoft has had enough."""
        todo, until = self._todo(mine), clock.now() + _LONGEST_CALL
        held: list[list[Any]] = []
        unread: list[list[str]] = []
        done = size = 0
        error: MicrosoftError | None = None
        while done < len(todo) and size < _MAX_CALL_CHARS and (done == 0 or clock.now() < until):
            batch = todo[done : done + self._look.at_once]
            try:
                answers = self._ask(batch)
            except MicrosoftError as refusal:
                if not done:
                    raise
                error = refusal
                break
            done += len(batch)
            for mailbox, answer in zip(batch, answers, strict=True):
                if not isinstance(answer, MicrosoftError) and answer:
                    held.append([mailbox.id, mailbox.address, sorted(answer)])
                    size += sum(map(len, answer))
                elif isinstance(answer, MicrosoftError) and answer.category not in NOT_THERE:
                    unread.append([mailbox.id, mailbox.address])
        found = {_HELD: held, _UNREAD: unread}
        parts = rows.scan_inserts(rows.scan_key(mine.id, _HELD, mine.read), found) if held or unread else []
        return replace(mine, read=mine.read + done), parts, error

    def _ask(self, batch: Sequence[Mailbox]) -> Sequence[Collection[str] | MicrosoftError]:
        """Ask about a batch; where the service as a whole fails or is throttled, that is raised.

        One mailbox that cannot be read does not hold up the scan.
        """
        answers = insist(self._look.holders, batch)
        errors = [a for a in answers if isinstance(a, MicrosoftError) and a.category not in NOT_THERE]
        throttled = [error for error in errors if error.retryable == "throttled"]
        if throttled or (len(errors) == len(batch) > 1):
            raise (throttled or errors)[0]
        return answers

    def _todo(self, mine: Scan) -> list[Mailbox]:
        low = rows.scan_key(mine.id, _TODO, max(mine.read - PER_CALL + 1, 0))
        page = self._table.range(self._partition, low, rows.scan_key(mine.id, _TODO, mine.read) + LAST)
        start, listed = max(rows.scan_parts(page.rows).items())
        return [Mailbox(*mailbox) for mailbox in listed[mine.read - start :]]

    def _found(self, scan: Scan, names: frozenset[str]) -> Found:
        prefix = rows.scan_prefix(scan.id, _HELD)
        parts = rows.scan_parts(self._table.range(self._partition, prefix, prefix + LAST).rows).values()
        head = self._head()
        if head is None or head.id != scan.id:  # it grew old, and somebody began anew, while it was read
            raise MoreToDoError(scan.progress, self._so_far(scan))
        held = {id_: Mailbox(id_, a) for part in parts for id_, a, who in part[_HELD] if not names.isdisjoint(who)}
        unread = {id_: Mailbox(id_, address) for part in parts for id_, address in part[_UNREAD]}
        return Found(scan.begun_at, scan.listed, tuple(held.values()), tuple(unread.values()))

    def _head(self) -> Scan | None:
        row = self._table.get(self._partition, rows.SCAN_HEAD)
        return _from_row(row) if row else None

    def _write(self, old: Scan | None, new: Scan, parts: Sequence[Operation] = ()) -> Scan:
        """Write the head over the version that was read, and what comes with it: all or nothing."""
        head = Replace(rows.SCAN_HEAD, _to_row(new), old.etag) if old else Insert(rows.SCAN_HEAD, _to_row(new))
        try:
            etags = self._table.transact(self._partition, [head, *parts])
        except ConflictError:
            raise MoreToDoError((old or new).progress, self._so_far(old or new), _BUSY_SECONDS) from None
        return replace(new, etag=etags[0])

    def _sweep(self) -> None:
        """Remove what older scans left behind; the new one has written nothing yet."""
        while found := self._table.range(self._partition, rows.SCAN_PART, rows.SCAN_PART + LAST, PER_CALL).rows:
            self._table.transact(self._partition, [Delete(row["key"]) for row in found])

    def _so_far(self, scan: Scan) -> str:
        if not scan.is_listed:
            return f"{self._look.what}: listing the tenant's mailboxes, {scan.listed:,} so far."
        return f"{self._look.what}: looked at {scan.read:,} of {scan.listed:,} mailboxes."


def insist(ask: Callable[[Sequence[T]], Iterable[Any]], things: Sequence[T]) -> list[Any]:
    """Ask about things, and at once again about those for which the answer is a passing fault."""
    answers = list(ask(things))
    for _ in range(_QUICK_ROUNDS):
        faulty = [at for at, a in enumerate(answers) if isinstance(a, MicrosoftError) and a.retryable == "transient"]
        if not faulty:
            break
        for at, answer in zip(faulty, ask([things[at] for at in faulty]), strict=True):
            answers[at] = answer
    return answers


def _released(scan: Scan, error: MicrosoftError) -> Scan:
    """Return the scan for whoever comes next; a link that is refused stays refused, so that one begins anew."""
    is_stuck = not scan.is_listed and scan.next_link and not error.retryable
    return replace(scan, busy_until=None, begun_at=scan.begun_at - MAX_AGE if is_stuck else scan.begun_at)


def _to_row(scan: Scan) -> Row:
    return {
        "id": scan.id,
        "begun_at": clock.to_text(scan.begun_at),
        "progress": scan.progress,
        "listed": scan.listed,
        "read": scan.read,
        "is_listed": scan.is_listed,
        "next_link": scan.next_link,
        "busy_until": clock.to_text(scan.busy_until) if scan.busy_until else "",
    }


def _from_row(row: Row) -> Scan:
    return Scan(
        id=row["id"],
        begun_at=clock.from_text(row["begun_at"]),
        progress=row["progress"],
        listed=row["listed"],
        read=row["read"],
        is_listed=row["is_listed"],
        next_link=row["next_link"],
        busy_until=clock.from_text(row["busy_until"]) if row["busy_until"] else None,
        etag=row["etag"],
    )
