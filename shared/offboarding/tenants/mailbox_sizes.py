"""How full a tenant's mailboxes are, for a picker's warning.

Exchange tells the size of one mailbox at a time, ten to a request. So a tenant is measured at most once a day, and only
while it is small enough for somebody to wait for it; whoever submits is warned in any case, of the people chosen.
"""

from __future__ import annotations

import contextlib
from datetime import timedelta
from functools import partial
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
    from shared.app.services import Services
    from shared.microsoft365.exchange.client import Exchange

MAX_MAILBOXES: Final = 500
_FRESH_FOR: Final = timedelta(days=1)
_THREADS: Final = 5


def of_tenant(services: Services, tenant_id: str) -> dict[str, int]:
    """Return bytes by user principal name; nothing for a tenant with more than 500 mailboxes.

    Raises:
        RefusedError: 502, 503 Exchange did not list the mailboxes. One that is not measured is left out.
    """
    key = f"sizes|{tenant_id}"
    known = services.store.document(key)
    now = clock.now()
    if known and now - clock.from_text(known.content["read_at"]) < _FRESH_FOR:
        return known.content["sizes"]
    try:
        sizes = _measured(services.microsoft365.tenant(tenant_id).exchange)
    except MicrosoftError as error:
        raise people.unreachable(error) from error
    content = {"read_at": clock.to_text(now), "sizes": sizes}
    with contextlib.suppress(ConflictError):  # somebody else measured at the same time
        services.store.put_document(key, content, known.etag if known else None)
    return sizes


def _measured(exchange: Exchange) -> dict[str, int]:
    page = exchange.page(exchange_cmdlets.list_mailboxes(("ExternalDirectoryObjectId", "UserPrincipalName")))
    names = {text_at(row, "ExternalDirectoryObjectId"): text_at(row, "UserPrincipalName") for row in page}
    ids = [one for one, upn in names.items() if one and upn]
    if page.next_link or len(ids) > MAX_MAILBOXES:
        return {}
    chunks = [ids[start : start + BATCH_SIZE] for start in range(0, len(ids), BATCH_SIZE)]
    with Threads(_THREADS) as pool:
        answers = pool.map(partial(_batch, exchange), chunks)
        return {names[one]: size for answer in answers for one, size in answer.items()}


def _batch(exchange: Exchange, ids: list[str]) -> dict[str, int]:
    rows: list[Any] = exchange.batch([exchange_cmdlets.get_mailbox_statistics(one) for one in ids])
    found = {one: row for one, row in zip(ids, rows, strict=True) if not isinstance(row, MicrosoftError) and row}
    return {one: MAILBOX_SIZE.parse(row[0]) or 0 for one, row in found.items()}
