"""The client of Exchange Online: the `InvokeCommand` door of its PowerShell module, single or in batches of 10.

What is called stands in `exchange_cmdlets`. Microsoft documents the module (ExchangeOnlineManagement V3), not this
interface; its shapes are recorded in the tests. Success is an answer without an error: what it changed must be read
back, and many a "there was nothing to do" is a warning (`Rows.warnings`).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from shared.microsoft365.http.batching import Batches, Item
from shared.microsoft365.http.errors import Category, MicrosoftError, from_exchange, warning_category
from shared.microsoft365.http.messages import (
    Access,
    Request,
    Response,
    SentRequest,
    TokenSource,
    refuse_other_origin,
)
from shared.microsoft365.http.paging import Pages
from shared.microsoft365.http.wire import (
    Json,
    JsonObject,
    as_object,
    as_rows,
    as_texts,
    decode,
    encode,
    item_headers,
    item_status,
    lookup,
    text_at,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shared.microsoft365.exchange.exchange_cmdlets import Cmdlet
    from shared.microsoft365.http.transport import Transport

BATCH_SIZE = 10
"""What Microsoft's own module puts into one batch."""

PAGE_SIZE = 1000
SYSTEM_MAILBOX = "bb558c35-97f1-4cb9-8ff7-d53741dc928c"
NEXT = "@odata.nextLink"


class Rows(list[JsonObject]):
    """The rows a cmdlet returned, with what it said beside them.

    Attributes:
        warnings: texts such as "completed successfully but no settings of ... have been modified".
        next_link: where the next page is, when only one was asked for; else empty.
    """

    def __init__(self, rows: Iterable[JsonObject] = (), warnings: Iterable[str] = (), next_link: str = "") -> None:
        """Put rows and warnings together."""
        super().__init__(rows)
        self.warnings = tuple(warnings)
        self.next_link = next_link

    @property
    def already_done(self) -> bool:
        """Whether a warning says that it was so before."""
        return any(warning_category(warning) is Category.already_done for warning in self.warnings)


@dataclass(frozen=True)
class _Door:
    """The interface of one tenant."""

    base: str
    tenant_id: str

    @property
    def root(self) -> str:
        """Below it are the single cmdlets and the batches."""
        return f"{self.base}/adminapi/beta/{quote(self.tenant_id, safe='')}"

    @property
    def system_anchor(self) -> str:
        """The mailbox that every tenant has, for what concerns none in particular."""
        return f"APP:SystemMailbox{{{SYSTEM_MAILBOX}}}@{self.tenant_id}"

    def url(self, cmdlet: Cmdlet) -> str:
        """Return where a cmdlet is run."""
        select = f"?$select={quote(','.join(cmdlet.select), safe=',')}" if cmdlet.select else ""
        return f"{self.root}/InvokeCommand{select}"

    def headers(self, cmdlet: Cmdlet) -> dict[str, str]:
        """Return the headers of a cmdlet, alone or in a batch."""
        # Headers are ASCII; a mailbox whose UPN is not is reached through the system mailbox as well.
        anchor = cmdlet.anchor if cmdlet.anchor and cmdlet.anchor.isascii() else self.system_anchor
        return {
            "Accept": "application/json",
            "Content-Type": "application/json; charset=utf-8",
            "Prefer": f"odata.maxpagesize={PAGE_SIZE}",
            "X-AnchorMailbox": anchor,
            "X-CmdletName": cmdlet.name,
            "X-ResponseFormat": "json",
        }


class Exchange:
    """Exchange Online as one tenant sees it. Cheap to make; holds no state but the log it was given."""

    def __init__(
        self,
        tenant_id: str,
        transport: Transport,
        tokens: TokenSource,
        log: list[SentRequest],
        *,
        base: str = "https://outlook.office365.com",
        audience: str = "https://outlook.office365.com",
    ) -> None:
        """Bind the client to a tenant, by its id; every request is noted in `log`."""
        self._transport = transport
        self._access = Access(tokens, tenant_id, audience)
        self._log = log
        self._door = _Door(base.rstrip("/"), tenant_id)
        self._batches = _Batches(self._door, transport, self._access, log)

    def invoke(self, cmdlet: Cmdlet) -> Rows:
        """Run a cmdlet and return all its rows.

        Raises:
            MicrosoftError: the cmdlet failed, was refused or not answered.
        """
        pages, read = Pages("exchange"), self.page(cmdlet)
        link = read.next_link
        new = len(read)
        while link:
            pages.follow(link, new)
            page = self.page(cmdlet, link)
            read, link, new = _extended(read, page), page.next_link, len(page)
        return _extended(Rows(), read)

    def page(self, cmdlet: Cmdlet, next_link: str = "") -> Rows:
        """Run a cmdlet and return one page of its rows, with `next_link` for the next.

        Raises:
            MicrosoftError: as `invoke`; also when the link leads elsewhere.
        """
        response = self._post(cmdlet, next_link or self._door.url(cmdlet))
        return _rows(response.status, response.headers, response.body, decode(response.body))

    def batch(self, cmdlets: Sequence[Cmdlet]) -> list[Rows | MicrosoftError]:
        """Run cmdlets 10 to a request; return, in the order of the cmdlets, their rows or their error.

        The order of execution is not defined: cmdlets in a batch must not depend on each other.

        Raises:
            MicrosoftError: as `Batches.run`.
        """
        return self._batches.run(cmdlets)

    def _post(self, cmdlet: Cmdlet, url: str) -> Response:
        request = Request(
            "exchange",
            "POST",
            url,
            self._door.base,
            self._door.headers(cmdlet),
            encode(_input(cmdlet)),
            repeatable=cmdlet.repeatable,
            is_write=cmdlet.is_write,
            label=cmdlet.name,
            target=cmdlet.target,
        )
        return self._transport.send(request, self._access, self._log)


class _Batches(Batches["Cmdlet", Rows]):
    """Batches of Exchange Online."""

    service = "exchange"
    size = BATCH_SIZE

    def __init__(self, door: _Door, transport: Transport, access: Access, log: list[SentRequest]) -> None:
        """Take the tenant's interface besides."""
        super().__init__(transport, access, log)
        self._door = door

    def begin(self, call: Cmdlet) -> Item[Cmdlet, Rows]:
        return Item(call, self._door.url(call), Pages("exchange"), Rows())

    def request(self, items: Sequence[Item[Cmdlet, Rows]]) -> Request:
        return Request(
            "exchange",
            "POST",
            f"{self._door.root}/$batch",
            self._door.base,
            {
                "Accept": "application/json",
                "Content-Type": "application/json; charset=utf-8",
                "Prefer": f"odata.maxpagesize={PAGE_SIZE};odata.continue-on-error",
                "X-AnchorMailbox": self._door.system_anchor,
            },
            encode({"requests": [self._item_request(number, item) for number, item in enumerate(items)]}),
            repeatable=all(item.call.repeatable for item in items),
            label="$batch",
        )

    def answers(self, response: Response) -> list[JsonObject]:
        answer = _content(response.status, response.headers, response.body, decode(response.body))
        return as_rows(answer.get("responses"))

    def take(self, item: Item[Cmdlet, Rows], answer: JsonObject) -> None:
        page = _rows(item_status(answer) or 0, item_headers(answer), b"", answer.get("body"))
        if page.next_link:
            refuse_other_origin("exchange", page.next_link, self._door.base)
            item.pages.follow(page.next_link, len(page))
        item.result = _extended(item.result, page)
        item.url = page.next_link

    def sent(self, item: Item[Cmdlet, Rows]) -> SentRequest:
        cmdlet = item.call
        return SentRequest("exchange", "POST", cmdlet.name, None, "", is_write=cmdlet.is_write, target=cmdlet.target)

    def _item_request(self, number: int, item: Item[Cmdlet, Rows]) -> JsonObject:
        headers = {**self._door.headers(item.call), "client-request-id": str(uuid.uuid4())}
        return {"id": str(number), "method": "POST", "url": item.url, "headers": headers, "body": _input(item.call)}


def _input(cmdlet: Cmdlet) -> JsonObject:
    return {"CmdletInput": {"CmdletName": cmdlet.name, "Parameters": dict(cmdlet.parameters)}}


def _extended(read: Rows, page: Rows) -> Rows:
    return Rows([*read, *page], [*read.warnings, *page.warnings])


def _rows(status: int, headers: Mapping[str, str], raw: bytes, parsed: Json) -> Rows:
    content = _content(status, headers, raw, parsed)
    if lookup(content, "@adminapi.errors") or lookup(content, "error"):
        # The cmdlet reported errors and still ended: it is not known how far it came, so it did not succeed.
        raise from_exchange(status, headers, content)
    return Rows(as_rows(content.get("value")), as_texts(content.get("@adminapi.warnings")), text_at(content, NEXT))


def _content(status: int, headers: Mapping[str, str], raw: bytes, parsed: Json) -> JsonObject:
    """Return the content of a success (an empty object for none), or raise what the answer means."""
    if not 200 <= status < 300:  # noqa: PLR2004
        raise from_exchange(status, headers, parsed)
    if parsed is None and raw.strip():
        message = "Exchange Online gave an answer that breaks off or is not JSON."
        raise MicrosoftError("exchange", Category.transient, message, status=status, code="NotJson")
    return as_object(parsed)
