"""Scans of a tenant: on which mailboxes does a person hold something, where Microsoft keeps no index.

A scan lists the mailboxes and reads them, a hundred to a call of an activity, and keeps whom it found on which. It
serves everybody who leaves the tenant within a day. One caller at a time works on it; whoever comes when that one is
through, or is gone, carries on where it stands. Pure bookkeeping: what is asked of Microsoft is given to it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeGuard, get_args

from shared.actions.mailboxes.scan import Found, Kind, Mailbox, retry_transient
from shared.actions.reads.snapshot import NOT_THERE, MoreToDoError
from shared.base import clock
from shared.jobs.storage import keys, rows
from shared.jobs.storage.table import LAST, ConflictError, Insert, Replace, clear
from shared.microsoft365.http.errors import MicrosoftError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from shared.actions.mailboxes.scan import Answer, ScanSource
    from shared.jobs.storage.table import Operation, Row, Table

MAX_AGE: Final = timedelta(days=1)
PER_CALL: Final = 100
_LONGEST_CALL: Final = timedelta(seconds=60)
_LEASE: Final = timedelta(minutes=3)
_BUSY_SECONDS: Final = 15
_FEWEST: Final = 2
_MAX_CHARS: Final = 100_000
_MOST_KEPT: Final = 10
_TODO: Final = "todo"
_HELD: Final = "held"
_UNREAD: Final = "unread"


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
    at_once: int = 0
    """How many mailboxes to ask for in one request; 0: as many as there may be."""
    busy_until: datetime | None = None
    etag: str = ""

    @property
    def is_complete(self) -> bool:
        """Return whether every mailbox was read."""
        return self.is_listed and self.read >= self.listed

    def is_ahead_of(self, other: Scan) -> bool:
        """Return whether more is listed or read than there was."""
        return (self.listed, self.read, self.is_listed) != (other.listed, other.read, other.is_listed)

    def is_current(self, now: datetime) -> bool:
        """Return whether it is young enough to be used or carried on."""
        return now - self.begun_at < MAX_AGE


_Page: TypeAlias = "tuple[Scan, list[Operation], MicrosoftError | None]"
"""The scan after a page, what to keep of it, and why it ended early."""
_Parts: TypeAlias = "Sequence[dict[str, Any]]"
"""What pages found: mailboxes on which somebody holds something, and those that could not be read."""


class ReadScans:
    """What complete scans found, as this process has read it: nothing of them changes any more.

    Of the scans of a tenant the last is kept, and of all of them the few that were read last.
    """

    def __init__(self) -> None:
        """Know of none yet."""
        self._lock = threading.Lock()
        self._scans: dict[str, tuple[str, _Parts]] = {}

    def get(self, partition: str, scan: Scan) -> _Parts | None:
        """Return the parts of a scan; None where they were not read, or another was since."""
        id_, parts = self._scans.get(partition, ("", None))
        return parts if id_ == scan.id else None

    def put(self, partition: str, scan: Scan, parts: _Parts) -> None:
        """Keep the parts of a complete scan."""
        with self._lock:
            self._scans.pop(partition, None)
            self._scans = dict([*self._scans.items(), (partition, (scan.id, parts))][-_MOST_KEPT:])

    def forget(self, partition: str) -> None:
        """Keep nothing of a scan that is removed."""
        with self._lock:
            self._scans.pop(partition, None)


class Scans:
    """The scans of one tenant."""

    def __init__(self, table: Table, tenant_id: str, kept: ReadScans | None = None) -> None:
        self._table = table
        self._tenant_id = tenant_id
        self._kept = kept or ReadScans()

    def find(self, source: ScanSource, names: Collection[str]) -> Found:
        """Return where one of `names` (in lower case) holds something, from a scan not older than a day.

        Raises:
            MoreToDoError: a page was read, or somebody else is reading one.
            MicrosoftError: nothing could be read; who comes next carries on.
        """
        partition = keys.scan_partition(self._tenant_id, source.kind)
        return _Scanner(self._table, partition, source, self._kept).find(frozenset(names))

    def forget(self) -> None:
        """Remove what every scan of the tenant found."""
        for kind in get_args(Kind):
            partition = keys.scan_partition(self._tenant_id, kind)
            clear(self._table, partition)
            self._kept.forget(partition)


class KnownScans:
    """What the last scans of a tenant found, however old it is: for whoever only looks, and begins none."""

    def __init__(self, table: Table, tenant_id: str, kept: ReadScans | None = None) -> None:
        self._table = table
        self._tenant_id = tenant_id
        self._kept = kept or ReadScans()

    def find(self, source: ScanSource, names: Collection[str]) -> Found:
        """Return where one of `names` (in lower case) held something; raises `MoreToDoError` where nobody knows."""
        partition = keys.scan_partition(self._tenant_id, source.kind)
        return _Scanner(self._table, partition, source, self._kept).known(frozenset(names))


class _Scanner:
    """One caller's work on the scan of one kind."""

    def __init__(self, table: Table, partition: str, source: ScanSource, kept: ReadScans) -> None:
        self._table = table
        self._partition = partition
        self._source = source
        self._kept = kept

    def find(self, names: frozenset[str]) -> Found:
        scan = self._head()
        if scan is None or not scan.is_complete or not scan.is_current(clock.now()):
            scan = self._carry_on(scan)
        return self._found(scan, names)

    def known(self, names: frozenset[str]) -> Found:
        """Return what the last scan found; raises `MoreToDoError` where there was none, or one is under way."""
        scan = self._head()
        if scan is None:
            raise MoreToDoError(0, "Nobody has looked through the mailboxes of the tenant yet.")
        if not scan.is_complete:
            raise MoreToDoError(scan.progress, self._so_far(scan))
        return self._found(scan, names)

    def _carry_on(self, scan: Scan | None) -> Scan:
        """Do a page; returns the scan if that was the last one."""
        mine = self._take(scan)
        ahead, parts, error = (self._read if mine.is_listed else self._list)(mine)
        moved = ahead.is_ahead_of(mine)
        ahead = self._write(mine, replace(ahead, progress=mine.progress + moved, busy_until=None), parts)
        if error and not (moved and error.retryable):
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
        fresh = Scan(keys.new_scan_id(now), now, scan.progress if scan else 0, busy_until=now + _LEASE)
        mine = self._write(scan, fresh)
        self._sweep(mine)
        return mine

    def _list(self, mine: Scan) -> _Page:
        """List a page of the mailboxes."""
        try:
            mailboxes, link = self._source.mailboxes(mine.next_link)
        except MicrosoftError as error:
            # A link that is refused stays refused: whoever comes next begins anew.
            is_stuck = mine.next_link and not error.retryable
            return (replace(mine, begun_at=mine.begun_at - MAX_AGE) if is_stuck else mine), [], error
        listed = [[mailbox.id, mailbox.address] for mailbox in mailboxes]
        parts = [
            operation
            for at in range(0, len(listed), PER_CALL)
            for operation in rows.scan_inserts(keys.scan(mine.id, _TODO, mine.listed + at), listed[at : at + PER_CALL])
        ]
        return replace(mine, listed=mine.listed + len(listed), next_link=link, is_listed=not link), parts, None

    def _read(self, mine: Scan) -> _Page:
        """Read the next mailboxes, until there are enough for a call or Microsoft has had enough.

        After a request that failed as a whole the next ones are smaller, and after a call without one larger again.
        """
        todo, until = self._todo(mine), clock.now() + _LONGEST_CALL
        read: list[tuple[Mailbox, Answer]] = []
        error: MicrosoftError | None = None
        at_once = mine.at_once or self._source.at_once
        while len(read) < len(todo) and not error and (not read or clock.now() < until) and _chars(read) < _MAX_CHARS:
            batch = todo[len(read) : len(read) + at_once]
            try:
                answers, error = _usable(retry_transient(self._source.holders, batch))
            except MicrosoftError as refusal:
                error, at_once = refusal, max(at_once // 2, _FEWEST)
                break
            read += zip(batch, answers, strict=False)
        if not error:
            at_once = min(2 * at_once, self._source.at_once)
        parts = _parts(keys.scan(mine.id, _HELD, mine.read), read)
        return replace(mine, read=mine.read + len(read), at_once=at_once), parts, error

    def _todo(self, mine: Scan) -> list[Mailbox]:
        low = keys.scan(mine.id, _TODO, max(mine.read - PER_CALL + 1, 0))
        page = self._table.range(self._partition, low, keys.scan(mine.id, _TODO, mine.read) + LAST)
        start, listed = max(rows.scan_parts(page.rows).items())
        return [Mailbox(*mailbox) for mailbox in listed[mine.read - start :]]

    def _found(self, scan: Scan, names: frozenset[str]) -> Found:
        parts = self._kept.get(self._partition, scan)
        if parts is None:
            parts = self._all_held(scan)
            self._kept.put(self._partition, scan, parts)
        held = {id_: Mailbox(id_, a) for part in parts for id_, a, who in part[_HELD] if not names.isdisjoint(who)}
        unread = {id_: Mailbox(id_, address) for part in parts for id_, address in part[_UNREAD]}
        return Found(scan.begun_at, scan.listed, tuple(held.values()), tuple(unread.values()))

    def _all_held(self, scan: Scan) -> _Parts:
        """Return all that a complete scan found."""
        prefix = keys.scan_prefix(scan.id, _HELD)
        parts = list(rows.scan_parts(self._table.range(self._partition, prefix, prefix + LAST).rows).values())
        head = self._head()
        if head is None or head.id != scan.id:  # it grew old, and somebody began anew, while it was read
            raise MoreToDoError(scan.progress, self._so_far(scan))
        return parts

    def _head(self) -> Scan | None:
        row = self._table.get(self._partition, keys.SCAN_HEAD)
        return _from_row(row) if row else None

    def _write(self, old: Scan | None, new: Scan, parts: Sequence[Operation] = ()) -> Scan:
        """Write the head over the version that was read, and what comes with it: all or nothing."""
        head = Replace(keys.SCAN_HEAD, _to_row(new), old.etag) if old else Insert(keys.SCAN_HEAD, _to_row(new))
        try:
            etags = self._table.transact(self._partition, [head, *parts])
        except ConflictError:
            raise MoreToDoError((old or new).progress, self._so_far(old or new), _BUSY_SECONDS) from None
        return replace(new, etag=etags[0])

    def _sweep(self, mine: Scan) -> None:
        """Remove what older scans left behind, and nothing of this one: whoever hangs here may have been overtaken."""
        clear(self._table, self._partition, keys.SCAN_PART, keys.SCAN_PART + mine.id)

    def _so_far(self, scan: Scan) -> str:
        if not scan.is_listed:
            return f"{self._source.what}: listing the tenant's mailboxes, {scan.listed:,} so far."
        return f"{self._source.what}: looked at {scan.read:,} of {scan.listed:,} mailboxes."


def _usable(answers: Sequence[Answer]) -> tuple[Sequence[Answer], MicrosoftError | None]:
    """Return the answers up to the first that was throttled, and that; none where the service as a whole fails.

    One mailbox that cannot be read does not hold up the scan.
    """
    errors = [answer for answer in answers if _is_failure(answer)]
    if len(errors) == len(answers) > 1:
        return [], errors[0]
    for at, answer in enumerate(answers):
        if _is_failure(answer) and answer.retryable == "throttled":
            return answers[:at], answer
    return answers, None


def _is_failure(answer: Answer) -> TypeGuard[MicrosoftError]:
    return isinstance(answer, MicrosoftError) and answer.category not in NOT_THERE


def _chars(read: Sequence[tuple[Mailbox, Answer]]) -> int:
    return sum(len(name) for _, answer in read if not isinstance(answer, MicrosoftError) for name in answer)


def _parts(key: str, read: Sequence[tuple[Mailbox, Answer]]) -> list[Operation]:
    """Return what keeps the answers about mailboxes where somebody holds something or that could not be read."""
    held = [[m.id, m.address, sorted(a)] for m, a in read if a and not isinstance(a, MicrosoftError)]
    unread = [[m.id, m.address] for m, a in read if _is_failure(a)]
    return rows.scan_inserts(key, {_HELD: held, _UNREAD: unread}) if held or unread else []


def _to_row(scan: Scan) -> Row:
    return {
        "id": scan.id,
        "begun_at": clock.to_text(scan.begun_at),
        "progress": scan.progress,
        "listed": scan.listed,
        "read": scan.read,
        "is_listed": scan.is_listed,
        "next_link": scan.next_link,
        "at_once": scan.at_once,
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
        at_once=row["at_once"],
        busy_until=clock.from_text(row["busy_until"]) if row["busy_until"] else None,
        etag=row["etag"],
    )
