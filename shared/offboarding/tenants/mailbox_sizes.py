"""How full a tenant's mailboxes are, for a picker's warning.

Exchange tells the size of one mailbox at a time, ten to a request. So a tenant is measured at most once a day, and only
while it is small enough for somebody to wait for it; whoever submits is warned in any case, of the people chosen.

A Static Web App waits 45 seconds for an answer (Learn: "API support in Azure Static Web Apps", constraints). So what is
not measured in time is left to the next request.
"""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import wait
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from shared.actions.reads.mailbox import MAILBOX_SIZE
from shared.base import clock
from shared.base.threads import Threads
from shared.jobs.storage.table import ConflictError
from shared.microsoft365.exchange import exchange_cmdlets
from shared.microsoft365.exchange.client import BATCH_SIZE
from shared.microsoft365.http.errors import MicrosoftError
from shared.microsoft365.http.wire import text_at
from shared.offboarding.tenants import people

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from concurrent.futures import Future

    from shared.app.services import Services
    from shared.microsoft365.exchange.client import Exchange

MAX_MAILBOXES: Final = 500
ANSWER_WITHIN: Final = timedelta(seconds=30)
_FRESH_FOR: Final = timedelta(days=1)
_THREADS: Final = 5


@dataclass(frozen=True)
class _Measurement:
    """Bytes by user principal name; `open` are the user principal names, by object id, that were not measured yet."""

    sizes: Mapping[str, int]
    open: Mapping[str, str]


def of_tenant(services: Services, tenant_id: str, within: timedelta = ANSWER_WITHIN) -> Mapping[str, int]:
    """Return bytes by user principal name, as far as measured; nothing for a tenant with more than 500 mailboxes.

    Raises:
        RefusedError: 502, 503 Exchange did not list the mailboxes, or measured none.
    """
    until = time.monotonic() + within.total_seconds()
    key = f"sizes|{tenant_id}"
    known = services.store.document(key)
    read_at = clock.from_text(known.content["read_at"]) if known else clock.now()
    begun = None
    if known and clock.now() - read_at < _FRESH_FOR:
        begun = _Measurement(known.content["sizes"], known.content.get("open", {}))
        if not begun.open:
            return begun.sizes
    else:
        read_at = clock.now()
    try:
        measured = _measure(services.microsoft365.tenant(tenant_id).exchange, begun, until)
    except MicrosoftError as error:
        raise people.unreachable(error) from error
    if measured is None:
        return {}
    content = {"read_at": clock.to_text(read_at), "sizes": dict(measured.sizes), "open": dict(measured.open)}
    with contextlib.suppress(ConflictError):  # somebody else measured at the same time
        services.store.put_document(key, content, known.etag if known else None)
    return measured.sizes


def _measure(exchange: Exchange, begun: _Measurement | None, until: float) -> _Measurement | None:
    """Begin or go on, until a moment of the process's own clock; None where not even the list came in time.

    Requests that are on their way then are left alone: they only read.
    """
    pool = Threads(_THREADS)
    try:
        if begun is None:
            begun = _Measurement({}, pool.submit(_listed, exchange).result(timeout=_left(until)))
        ids = list(begun.open)
        chunks = [ids[start : start + BATCH_SIZE] for start in range(0, len(ids), BATCH_SIZE)]
        asked = [pool.submit(_batch, exchange, chunk) for chunk in chunks]
        answered, _ = wait(asked, timeout=_left(until))
        return _joined(begun, answered)
    except TimeoutError:
        return None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _left(until: float) -> float:
    return max(until - time.monotonic(), 0)


def _listed(exchange: Exchange) -> dict[str, str]:
    page = exchange.page(exchange_cmdlets.list_mailboxes(("ExternalDirectoryObjectId", "UserPrincipalName")))
    names = {text_at(row, "ExternalDirectoryObjectId"): text_at(row, "UserPrincipalName") for row in page}
    found = {one: upn for one, upn in names.items() if one and upn}
    return {} if page.next_link or len(found) > MAX_MAILBOXES else found


def _batch(exchange: Exchange, ids: list[str]) -> dict[str, int | None]:
    """Return bytes by object id; None for a mailbox that Exchange does not tell the size of."""
    rows: list[Any] = exchange.batch([exchange_cmdlets.get_mailbox_statistics(one) for one in ids])
    return {
        one: None if isinstance(row, MicrosoftError) or not row else MAILBOX_SIZE.parse(row[0]) or 0
        for one, row in zip(ids, rows, strict=True)
    }


def _joined(begun: _Measurement, answered: Iterable[Future[dict[str, int | None]]]) -> _Measurement:
    """Add what was answered; a batch that failed stays open, and raises where nothing else was measured."""
    sizes, still_open = dict(begun.sizes), dict(begun.open)
    failed: BaseException | None = None
    for batch in answered:
        if error := batch.exception():
            failed = error
            continue
        for one, size in batch.result().items():
            upn = still_open.pop(one)
            if size is not None:
                sizes[upn] = size
    if failed and (not sizes or not isinstance(failed, MicrosoftError)):
        raise failed
    return _Measurement(sizes, still_open)
