"""The client of Microsoft Graph: single calls with all their pages, and JSON batches of 20.

What is called stands in `graph_calls`. Everything that is not a success is a `MicrosoftError`; in a batch it stands
in the place of the item's answer, so that nothing can be taken for done that was not answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlsplit

from shared.microsoft365.graph import permissions_needed
from shared.microsoft365.http.batching import Batches, Item
from shared.microsoft365.http.errors import Category, MicrosoftError, from_graph
from shared.microsoft365.http.messages import (
    GRAPH_BATCH_READ_SECONDS,
    Access,
    Request,
    Response,
    SentRequest,
    TokenSource,
)
from shared.microsoft365.http.paging import Pages
from shared.microsoft365.http.wire import (
    Json,
    JsonObject,
    as_object,
    as_rows,
    decode,
    encode,
    header,
    item_headers,
    item_status,
    text_at,
)
from shared.microsoft365.tokens import permissions_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shared.microsoft365.graph.graph_calls import GraphCall
    from shared.microsoft365.http.transport import Transport

BATCH_SIZE = 20
"""Learn: "Combine multiple HTTP requests using JSON batching"."""

NEXT = "@odata.nextLink"


class Graph:
    """Microsoft Graph as one tenant sees it. Cheap to make; holds no state but the log it was given."""

    def __init__(
        self,
        tenant_id: str,
        transport: Transport,
        tokens: TokenSource,
        log: list[SentRequest],
        *,
        base: str = "https://graph.microsoft.com",
        audience: str = "https://graph.microsoft.com",
    ) -> None:
        """Bind the client to a tenant; every request is noted in `log`."""
        self._transport = transport
        self._access = Access(tokens, tenant_id, audience)
        self._log = log
        self._base = base.rstrip("/")
        self._batches = _Batches(self._base, transport, self._access, log)

    def may(self, permission: str) -> bool:
        """Return whether the app's token names a permission; asks nobody where a token is in memory.

        Raises:
            MicrosoftError: the sign-in was refused or not answered.
        """
        token = self._access.tokens.token(self._access.tenant_id, self._access.audience)
        return permission in (permissions_in(token) or ())

    def send(self, call: GraphCall) -> Json:
        """Send a call and return its parsed answer; None for one without content.

        A collection is read to its end: `{"value": [all rows]}`. Where Graph answers 202 with a `Location` (the work
        goes on as an operation), the answer is an object with `location`.

        Raises:
            MicrosoftError: the call was refused or not answered.
        """
        url = self._url(call)
        answer = self._request(call, url)
        link = text_at(answer, NEXT)
        if not link:
            return answer
        pages = Pages("graph")
        rows: list[Json] = as_rows(answer["value"])
        new = len(rows)
        while link:
            pages.follow(link, new)
            page = self._request(call, link)
            more = as_rows(page.get("value"))
            new, link = len(more), text_at(page, NEXT)
            rows += more
        return {**{name: value for name, value in answer.items() if name != NEXT}, "value": rows}

    def page(self, call: GraphCall, next_link: str = "") -> tuple[list[JsonObject], str]:
        """Read one page of a collection: its rows, and the link to the next page or an empty text.

        Raises:
            MicrosoftError: as `send`; also when the link leads elsewhere.
        """
        url = self._url(call)
        answer = self._request(call, _continued(url, next_link) if next_link else url)
        return as_rows(as_object(answer).get("value")), text_at(answer, NEXT)

    def batch(self, calls: Sequence[GraphCall]) -> list[Json | MicrosoftError]:
        """Send calls 20 to a request; return, in the order of the calls, what `send` would return, or the error.

        The calls must not depend on each other.

        Raises:
            MicrosoftError: as `Batches.run`.
        """
        return self._batches.run(calls)

    def _url(self, call: GraphCall) -> str:
        return f"{self._base}/{call.version}{call.path}"

    def _request(self, call: GraphCall, url: str) -> Json:
        headers = {"Accept": "application/json", **call.headers}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        body = None if call.body is None else encode(call.body)
        request = Request(
            "graph",
            call.method,
            url,
            self._base,
            headers,
            body,
            repeatable=call.repeatable,
            is_write=call.is_write,
            label=url.removeprefix(self._base).partition("?")[0],
        )
        response = self._transport.send(request, self._access, self._log)
        return _read(response.status, response.headers, response.body, decode(response.body), call)


class _Batches(Batches["GraphCall", Json]):
    """Batches of Microsoft Graph; an item's result is what `Graph.send` would return."""

    service = "graph"
    size = BATCH_SIZE

    def __init__(self, base: str, transport: Transport, access: Access, log: list[SentRequest]) -> None:
        """Take the address of the service besides."""
        super().__init__(transport, access, log)
        self._base = base

    def begin(self, call: GraphCall) -> Item[GraphCall, Json]:
        return Item(call, call.path, Pages("graph"), None)

    def chunks(self, items: Sequence[Item[GraphCall, Json]]) -> Iterator[Sequence[Item[GraphCall, Json]]]:
        """Cut into batches of one version each, because the version stands in the batch's address."""
        for version in dict.fromkeys(item.call.version for item in items):
            yield from super().chunks([item for item in items if item.call.version == version])

    def request(self, items: Sequence[Item[GraphCall, Json]]) -> Request:
        version = items[0].call.version
        return Request(
            "graph",
            "POST",
            f"{self._base}/{version}/$batch",
            self._base,
            {"Accept": "application/json", "Content-Type": "application/json"},
            encode({"requests": [_batch_request(number, item) for number, item in enumerate(items)]}),
            repeatable=all(item.call.repeatable for item in items),
            read_seconds=GRAPH_BATCH_READ_SECONDS,
            label=f"/{version}/$batch",
        )

    def answers(self, response: Response) -> list[JsonObject]:
        answer = _read(response.status, response.headers, response.body, decode(response.body))
        return as_rows(as_object(answer).get("responses"))

    def take(self, item: Item[GraphCall, Json], answer: JsonObject) -> None:
        read = _read(item_status(answer) or 0, item_headers(answer), b"", answer.get("body"), item.call)
        link = text_at(read, NEXT)
        if not link and item.result is None:
            item.result = read
            return
        rows = as_rows(as_object(read).get("value"))
        if link:
            item.pages.follow(link, len(rows))
            item.url = self._relative(link, item.call.version)
        facts = {name: value for name, value in as_object(read).items() if name != NEXT}
        item.result = {**facts, "value": [*as_rows(as_object(item.result).get("value")), *rows]}

    def sent(self, item: Item[GraphCall, Json]) -> SentRequest:
        path = f"/{item.call.version}{item.url.partition('?')[0]}"
        return SentRequest("graph", item.call.method, path, None, "", is_write=item.call.is_write)

    def _relative(self, link: str, version: str) -> str:
        """Make a next link relative, as the items of a batch are."""
        root = f"{self._base}/{version}"
        if not link.startswith(f"{root}/"):
            raise _not_followed()
        return link.removeprefix(root)


def _batch_request(number: int, item: Item[GraphCall, Json]) -> JsonObject:
    request: JsonObject = {"id": str(number), "method": item.call.method, "url": item.url}
    headers = dict(item.call.headers)
    # Alone, a POST may go without a body; in a batch Graph refuses the whole batch without one.
    body = {} if item.call.body is None and item.call.method == "POST" else item.call.body
    if body is not None:
        headers["Content-Type"] = "application/json"
        request["body"] = body
    if headers:
        request["headers"] = headers
    return request


def _continued(url: str, link: str) -> str:
    """Return where the list at `url` goes on, as a link to a next page says; raises `MicrosoftError`.

    The link may come back from outside: it must not turn into another question under the app's permissions, such as
    one with a filter. So nothing of it is sent but the token of the page (Learn: "Paging Microsoft Graph data").
    """
    if link.partition("?")[0] != url.partition("?")[0]:
        raise _not_followed()
    own = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    given = parse_qsl(urlsplit(link).query, keep_blank_values=True)
    tokens = [value for name, value in given if name.lower() == "$skiptoken"]
    others = [(name, value) for name, value in given if name.lower() != "$skiptoken"]
    if len(tokens) != 1 or any(name != "$top" and own.get(name) != value for name, value in others):
        raise _not_followed()
    return f"{url}{'&' if '?' in url else '?'}$skiptoken={quote(tokens[0], safe='')}"


def _not_followed() -> MicrosoftError:
    message = "The link to the next page does not belong to this list of Microsoft Graph: nothing was sent."
    return MicrosoftError("graph", Category.invalid, message, code="OriginRefused")


def _read(status: int, headers: Mapping[str, str], raw: bytes, parsed: Json, call: GraphCall | None = None) -> Json:
    """Return the content of a success, or raise what the answer means."""
    if not 200 <= status < 300:  # noqa: PLR2004
        raise from_graph(status, headers, parsed, permissions_needed.advice(call) if call else "")
    if parsed is None and raw.strip():
        message = "Microsoft Graph gave an answer that breaks off or is not JSON."
        raise MicrosoftError("graph", Category.transient, message, status=status, code="NotJson")
    location = header(headers, "Location") if status == 202 else ""  # noqa: PLR2004
    return {**as_object(parsed), "location": location} if location else parsed
