"""What is asked of a PSA system, whichever it is: one ticket for an offboarding, and notes on it.

Nothing here knows a default client: a tenant without one has no ticket made anywhere, because it would stand in the
queue of another customer.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any, Final

from shared.base.texts import cut
from shared.notifications.formats import mail
from shared.notifications.transport.delivery_error import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.notifications.message import Message
    from shared.notifications.transport.answer import Answer
    from shared.notifications.transport.guard import Guard

_NOT_SIGNED_IN: Final = frozenset({401, 403})
MAX_TEXT: Final = 8_000
"""Autotask's limit for a ticket's description, the smallest of the three."""
_MAX_WARNING: Final = 500


@dataclass(frozen=True)
class Ticket:
    """A ticket that exists; `client` is whose it is, `texts` what was written into it."""

    number: str
    client: str
    texts: tuple[str, ...] = ()

    def tells(self, mark: str) -> bool:
        """Return whether a message was written into it already."""
        return any(mark in text for text in self.texts)


@dataclass(frozen=True)
class Draft:
    """What is written: `key` is the offboarding's id, `mark` the message's, which stands in the text."""

    key: str
    title: str
    text: str
    html: str
    mark: str


@dataclass(frozen=True)
class Told:
    """Where a message was written; `warning` is why it is not the ticket that the request names."""

    number: str
    warning: str = ""


class Psa(ABC):
    """A PSA system. Every method raises `DeliveryError`."""

    name: str

    def tell(self, message: Message, client: str) -> Told:
        """Write a message into the ticket that the request names, or that the offboarding has, or else into a new one.

        A message that was written before is not written again. Where the named ticket cannot take it, the offboarding
        has a ticket of its own that says so: a wrong number must not cost the result.
        """
        draft = draft_of(message)
        if not message.ticket:
            return Told(self.upsert_ticket(client, draft))
        try:
            return Told(self.add_note(self._named(message.ticket, client), draft))
        except DeliveryError as error:
            if error.retry or error.status in _NOT_SIGNED_IN:
                raise
            warning = f"{cut(str(error), _MAX_WARNING - 60)} The result is in a ticket of its own."
        text, html = f"{warning}\n\n{draft.text}", f"<p>{escape(warning)}</p>{draft.html}"
        return Told(self.upsert_ticket(client, replace(draft, text=text, html=html)), warning)

    def upsert_ticket(self, client: str, draft: Draft) -> str:
        """Make the ticket of an offboarding, or write a note into the one it has; return its number."""
        found = self.find(draft.key)
        if found is None:
            return self.create(client, draft)
        return self.add_note(found, draft)

    def add_note(self, ticket: Ticket, draft: Draft) -> str:
        """Write a note unless it is there already; return the number of the ticket."""
        if not ticket.tells(draft.mark):
            self.write_note(ticket, draft)
        return ticket.number

    def _named(self, number: str, client: str) -> Ticket:
        """Return the ticket that the request names, if it is the client's."""
        ticket = self.ticket(number)
        if ticket is None:
            raise DeliveryError(f"{self.name} has no ticket {number}, which the request names.")
        if ticket.client.casefold() != client.casefold():
            raise DeliveryError(
                f"Ticket {number} belongs to another client of {self.name}; nothing was written into it."
            )
        return ticket

    @abstractmethod
    def check(self) -> None:
        """Sign in, as a test of the settings."""

    @abstractmethod
    def find(self, key: str) -> Ticket | None:
        """Return the ticket that was made for a key."""

    @abstractmethod
    def ticket(self, number: str) -> Ticket | None:
        """Return a ticket by its number."""

    @abstractmethod
    def create(self, client: str, draft: Draft) -> str:
        """Make a ticket and return its number."""

    @abstractmethod
    def write_note(self, ticket: Ticket, draft: Draft) -> None:
        """Write a note into a ticket."""


def draft_of(message: Message) -> Draft:
    """Return what is written about a message."""
    mark = f"Message {message.id}"
    text = cut(mail.plain(message), MAX_TEXT - _MAX_WARNING - len(message.link) - len(mark) - 4)
    if message.link not in text:
        text = f"{text}\n{message.link}"
    return Draft(
        message.offboarding_id, message.title, f"{text}\n\n{mark}", f"{mail.fragment(message)}<p>{mark}</p>", mark
    )


class Caller:
    """Sends JSON to a PSA system through the guard.

    `is_final` tells of a refusal whose status promises otherwise that trying again is in vain.
    """

    def __init__(
        self,
        guard: Guard,
        name: str,
        base: str,
        headers: Mapping[str, str],
        is_final: Callable[[Answer], bool] = lambda _: False,
    ) -> None:
        self._guard = guard
        self._is_final = is_final
        self._name = name
        self._base = base.rstrip("/")
        self._headers = {"Accept": "application/json", **headers}

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Read; None where there is nothing. Raises `DeliveryError`."""
        answer = self._guard.send("GET", self._base + path, self._headers)
        return None if answer.status == 404 else self.read(answer)  # noqa: PLR2004

    def post(self, path: str, content: object) -> Any:  # noqa: ANN401 - JSON
        """Write; raises `DeliveryError`."""
        headers = {"Content-Type": "application/json", **self._headers}
        return self.read(self._guard.send("POST", self._base + path, headers, json.dumps(content).encode()))

    def read(self, answer: Answer) -> Any:  # noqa: ANN401 - JSON
        """Return what an answer holds; raises `DeliveryError` where it is no success."""
        if not answer.is_success:
            raise answer.refusal(self._name, final=self._is_final(answer))
        return answer.json()
