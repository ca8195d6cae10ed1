"""What actions ask of a scan: on which mailboxes of the tenant does a person hold something?

Microsoft keeps no index of that. How a scan goes on from page to page is in `shared/jobs/storage/scans.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias, TypeVar

from shared.microsoft365.http.errors import MicrosoftError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from datetime import datetime

T = TypeVar("T")

_QUICK_ROUNDS: Final = 2

Answer: TypeAlias = "Collection[str] | MicrosoftError"
"""The names, in lower case, of those who hold something on a mailbox, or why that is not known."""


@dataclass(frozen=True)
class Mailbox:
    """A mailbox of the tenant: its object id, and its address for people."""

    id: str
    address: str


Kind = Literal["full_access", "calendars"]


@dataclass(frozen=True)
class ScanSource:
    """What a kind of scan asks Microsoft. Both questions may raise `MicrosoftError`.

    `mailboxes` returns a page of the tenant's mailboxes and the link to the next. `holders` returns, for each of at
    most `at_once` mailboxes, who holds something there.
    """

    kind: Kind
    what: str
    at_once: int
    mailboxes: Callable[[str], tuple[list[Mailbox], str]]
    holders: Callable[[Sequence[Mailbox]], Sequence[Answer]]


@dataclass(frozen=True)
class Found:
    """What a scan knows of a person: where they hold something, and the mailboxes it could not read."""

    made_at: datetime
    mailboxes: int
    held: tuple[Mailbox, ...]
    unread: tuple[Mailbox, ...]


class Scans(Protocol):
    """The scans of one tenant."""

    def find(self, source: ScanSource, names: Collection[str]) -> Found:
        """Return where one of `names` (in lower case) holds something, from a scan not older than a day.

        Raises:
            MoreToDoError: a page was read, or somebody else is reading one.
            MicrosoftError: nothing could be read; who comes next carries on.
        """
        ...


def retry_transient(ask: Callable[[Sequence[T]], Iterable[Any]], things: Sequence[T]) -> list[Any]:
    """Ask about things, and at once again about those for which the answer is a passing fault."""
    answers = list(ask(things))
    for _ in range(_QUICK_ROUNDS):
        faulty = [at for at, a in enumerate(answers) if isinstance(a, MicrosoftError) and a.retryable == "transient"]
        if not faulty:
            break
        for at, answer in zip(faulty, ask([things[at] for at in faulty]), strict=True):
            answers[at] = answer
    return answers
