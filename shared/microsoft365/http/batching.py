"""What the batches of Microsoft Graph and of Exchange Online have in common.

Calls go out together and are answered one by one; a list that does not fit into an answer is asked for again with the
next batch; every item stands in the log as if it had been sent alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from shared.microsoft365.http import telemetry
from shared.microsoft365.http.error_rules import SERVICE_NAMES
from shared.microsoft365.http.errors import Category, MicrosoftError, Service
from shared.microsoft365.http.messages import Access, Request, Response, SentRequest, refused_status
from shared.microsoft365.http.wire import JsonObject, item_headers, item_status, request_id_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shared.microsoft365.http.paging import Pages
    from shared.microsoft365.http.transport import Transport

Call = TypeVar("Call")
Result = TypeVar("Result")


@dataclass
class Item(Generic[Call, Result]):
    """A call on its way through one or more batches.

    Attributes:
        url: what to ask next; empty once it is answered to the end.
        pages: what has been seen of its list.
        result: what was answered so far.
        error: why it was not answered to the end.
    """

    call: Call
    url: str
    pages: Pages
    result: Result
    error: MicrosoftError | None = None


class Batches(ABC, Generic[Call, Result]):
    """How a service takes batches."""

    service: ClassVar[Service]
    size: ClassVar[int]

    def __init__(self, transport: Transport, access: Access, log: list[SentRequest]) -> None:
        """Take what sends, whose token is sent, and the log for every item."""
        self._transport = transport
        self._access = access
        self._log = log

    @abstractmethod
    def begin(self, call: Call) -> Item[Call, Result]:
        """Return a call that has not been sent yet."""

    @abstractmethod
    def request(self, items: Sequence[Item[Call, Result]]) -> Request:
        """Return the request for these items; their ids are their places."""

    @abstractmethod
    def answers(self, response: Response) -> list[JsonObject]:
        """Return the answers to the items; raises `MicrosoftError` where the batch as a whole was refused."""

    @abstractmethod
    def take(self, item: Item[Call, Result], answer: JsonObject) -> None:
        """Take an answer into the item, with the address of the next page; raises `MicrosoftError`."""

    @abstractmethod
    def sent(self, item: Item[Call, Result]) -> SentRequest:
        """Return how the item stands in the log, without what came of it."""

    def chunks(self, items: Sequence[Item[Call, Result]]) -> Iterable[Sequence[Item[Call, Result]]]:
        """Cut into requests."""
        return (items[start : start + self.size] for start in range(0, len(items), self.size))

    def run(self, calls: Sequence[Call]) -> list[Result | MicrosoftError]:
        """Send the calls, as many to a request as it takes; return, in their order, each one's result or error.

        Nothing is tried again here, except a batch as a whole that was turned away.

        Raises:
            MicrosoftError: a batch as a whole was refused or not answered: what became of its items is not known.
        """
        items = [self.begin(call) for call in calls]
        while any(item.url for item in items):
            for chunk in self.chunks([item for item in items if item.url]):
                self._send(chunk)
        return [item.error or item.result for item in items]

    def _send(self, items: Sequence[Item[Call, Result]]) -> None:
        answers: dict[str, JsonObject] = {}
        sent: list[SentRequest] = []
        try:
            response = self._transport.send(self.request(items), self._access, sent)
            answers = {str(row.get("id")): row for row in self.answers(response)}
        finally:
            self._note(sent, items, answers)
        for number, item in enumerate(items):
            self._settle(item, answers.get(str(number)))

    def _note(
        self, sent: Sequence[SentRequest], items: Sequence[Item[Call, Result]], answers: Mapping[str, JsonObject]
    ) -> None:
        self._log.extend(sent)
        if not sent:
            return
        for number, item in enumerate(items):
            answer = answers.get(str(number), {})
            telemetry.item_answered(self.service, item_status(answer))
            entry = self.sent(item)
            status = item_status(answer) or refused_status(sent[-1])
            request_id = request_id_of(item_headers(answer))
            self._log.append(
                replace(entry, status=status, client_request_id=sent[-1].client_request_id, request_id=request_id)
            )

    def _settle(self, item: Item[Call, Result], answer: JsonObject | None) -> None:
        """Take an item's answer; what is left in `item.url` is the next page to ask for."""
        item.url = ""
        if answer is None:
            name = SERVICE_NAMES[self.service]
            message = f"{name} left this call out of its answer to a batch: whether it was carried out is not known."
            item.error = MicrosoftError(self.service, Category.transient, message, code="MissingFromBatch")
            return
        try:
            self.take(item, answer)
        except MicrosoftError as error:
            item.url, item.error = "", error
