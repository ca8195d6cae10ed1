"""The client of Exchange Online: the `InvokeCommand` door of its PowerShell module, single or in batches of 10.

What is called stands in `exchange_cmdlets`. Microsoft documents the module (ExchangeOnlineManagement V3), not this
interface; its shapes are recorded in the tests. Success is an answer without an error: what it changed must be read
back, and many a "there was nothing to do" is a warning (`Rows.warnings`).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from shared.microsoft365.http import telemetry
from shared.microsoft365.http.errors import Category, MicrosoftError, from_exchange, warning_category
from shared.microsoft365.http.messages import (
    Access,
    Request,
    Response,
    SentRequest,
    TokenSource,
    refuse_other_origin,
    refused_status,
    request_id_of,
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


@dataclass
class _Item:
    """A cmdlet on its way through one or more batches."""

    cmdlet: Cmdlet
    url: str
    pages: Pages = field(default_factory=lambda: Pages("exchange"))
    read: Rows = field(default_factory=Rows)
    error: MicrosoftError | None = None


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
        self._base = base.rstrip("/")
        self._root = f"{self._base}/adminapi/beta/{quote(tenant_id, safe='')}"
        self._system_anchor = f"APP:SystemMailbox{{{SYSTEM_MAILBOX}}}@{tenant_id}"

    def invoke(self, cmdlet: Cmdlet) -> Rows:
        """Run a cmdlet and return all its rows.

        Raises:
            MicrosoftError: the cmdlet failed, was refused or not answered.
        """
        item = _Item(cmdlet, self._url(cmdlet))
        while item.url:
            page = self.page(cmdlet, item.url)
            _add_page(item, page)
        return item.read

    def page(self, cmdlet: Cmdlet, next_link: str = "") -> Rows:
        """Run a cmdlet and return one page of its rows, with `next_link` for the next.

        Raises:
            MicrosoftError: as `invoke`; also when the link leads elsewhere.
        """
        response = self._post(cmdlet, next_link or self._url(cmdlet))
        return _rows(response.status, response.headers, response.body, decode(response.body))

    def batch(self, cmdlets: Sequence[Cmdlet]) -> list[Rows | MicrosoftError]:
        """Run cmdlets 10 to a request; return, in the order of the cmdlets, their rows or their error.

        The order of execution is not defined: cmdlets in a batch must not depend on each other. Nothing is tried
        again here, except a batch as a whole that was turned away.

        Raises:
            MicrosoftError: a batch as a whole was refused or not answered: what became of its items is not known.
        """
        items = [_Item(cmdlet, self._url(cmdlet)) for cmdlet in cmdlets]
        waiting: list[_Item] = items
        while waiting:
            for start in range(0, len(waiting), BATCH_SIZE):
                self._send_batch(waiting[start : start + BATCH_SIZE])
            waiting = _unfinished(waiting)
        return [item.error or item.read for item in items]

    def _url(self, cmdlet: Cmdlet) -> str:
        select = f"?$select={quote(','.join(cmdlet.select), safe=',')}" if cmdlet.select else ""
        return f"{self._root}/InvokeCommand{select}"

    def _headers(self, cmdlet: Cmdlet) -> dict[str, str]:
        # Headers are ASCII; a mailbox whose UPN is not is reached through the system mailbox as well.
        anchor = cmdlet.anchor if cmdlet.anchor and cmdlet.anchor.isascii() else self._system_anchor
        return {
            "Accept": "application/json",
            "Content-Type": "application/json; charset=utf-8",
            "Prefer": f"odata.maxpagesize={PAGE_SIZE}",
            "X-AnchorMailbox": anchor,
            "X-CmdletName": cmdlet.name,
            "X-ResponseFormat": "json",
        }

    def _post(self, cmdlet: Cmdlet, url: str) -> Response:
        request = Request(
            "exchange",
            "POST",
            url,
            self._base,
            self._headers(cmdlet),
            encode(_input(cmdlet)),
            repeatable=cmdlet.repeatable,
            is_write=cmdlet.is_write,
            label=cmdlet.name,
            target=cmdlet.target,
        )
        return self._transport.send(request, self._access, self._log)

    def _send_batch(self, items: Sequence[_Item]) -> None:
        request = Request(
            "exchange",
            "POST",
            f"{self._root}/$batch",
            self._base,
            {
                "Accept": "application/json",
                "Content-Type": "application/json; charset=utf-8",
                "Prefer": f"odata.maxpagesize={PAGE_SIZE};odata.continue-on-error",
                "X-AnchorMailbox": self._system_anchor,
            },
            encode({"requests": [self._batch_request(number, item) for number, item in enumerate(items)]}),
            repeatable=all(item.cmdlet.repeatable for item in items),
            label="$batch",
        )
        answers: dict[str, JsonObject] = {}
        sent: list[SentRequest] = []
        try:
            response = self._transport.send(request, self._access, sent)
            answer = _content(response.status, response.headers, response.body, decode(response.body))
            answers = {str(row.get("id")): row for row in as_rows(answer.get("responses"))}
        finally:
            self._note(sent, items, answers)
        for number, item in enumerate(items):
            self._settle(item, answers.get(str(number)))

    def _batch_request(self, number: int, item: _Item) -> JsonObject:
        headers = {**self._headers(item.cmdlet), "client-request-id": str(uuid.uuid4())}
        return {"id": str(number), "method": "POST", "url": item.url, "headers": headers, "body": _input(item.cmdlet)}

    def _note(self, sent: Sequence[SentRequest], items: Sequence[_Item], answers: Mapping[str, JsonObject]) -> None:
        self._log.extend(sent)
        if not sent:
            return
        for number, item in enumerate(items):
            answer = answers.get(str(number), {})
            telemetry.item_answered("exchange", item_status(answer))
            entry = SentRequest(
                "exchange",
                "POST",
                item.cmdlet.name,
                item_status(answer) or refused_status(sent[-1]),
                sent[-1].client_request_id,
                request_id_of(item_headers(answer)),
                is_write=item.cmdlet.is_write,
                target=item.cmdlet.target,
            )
            self._log.append(entry)

    def _settle(self, item: _Item, answer: JsonObject | None) -> None:
        """Take an item's answer; what is left in `item.url` is the next page to ask for."""
        item.url = ""
        if answer is None:
            message = "Exchange Online left this cmdlet out of its answer to a batch: whether it was run is not known."
            item.error = MicrosoftError("exchange", Category.transient, message, code="MissingFromBatch")
            return
        try:
            page = _rows(item_status(answer) or 0, item_headers(answer), b"", answer.get("body"))
            if page.next_link:
                refuse_other_origin("exchange", page.next_link, self._base)
            _add_page(item, page)
        except MicrosoftError as error:
            item.error = error


def _input(cmdlet: Cmdlet) -> JsonObject:
    return {"CmdletInput": {"CmdletName": cmdlet.name, "Parameters": dict(cmdlet.parameters)}}


def _unfinished(items: Sequence[_Item]) -> list[_Item]:
    return [item for item in items if item.url]


def _add_page(item: _Item, page: Rows) -> None:
    item.url = ""
    if page.next_link:
        item.pages.follow(page.next_link, len(page))
    item.read = Rows([*item.read, *page], [*item.read.warnings, *page.warnings])
    item.url = page.next_link


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
