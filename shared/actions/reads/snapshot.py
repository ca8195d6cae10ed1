"""What is read of a person: before anything is changed, and again to prove that it was.

An action names the reads it decides on. They are gathered into one Graph and one Exchange batch, kept as the
offboarding's snapshot, and repeated by verification.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar, cast

from shared.microsoft365.http.errors import Category

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from shared.microsoft365.exchange.exchange_cmdlets import Cmdlet
    from shared.microsoft365.graph.graph_calls import GraphCall
    from shared.microsoft365.sharepoint import SharePoint

    SiteCall = Callable[[SharePoint, str], Any]
    """A question to SharePoint about the OneDrive at an address."""

T = TypeVar("T")

_SHOWN_OF_A_VALUE: Final = 500

Service = Literal["graph", "exchange", "sharepoint"]

NOT_THERE: Final = frozenset({Category.not_found, Category.not_provisioned, Category.not_licensed})


@dataclass(frozen=True)
class Person:
    """The leaver, pinned by object id: a later rename does not make it another person."""

    id: str
    upn: str
    display_name: str


@dataclass(frozen=True)
class Read(Generic[T]):
    """One question to Microsoft about a person.

    Graph and Exchange are asked in batches when a run begins; SharePoint, at the address that `DRIVE` gave, by the step
    that wants to know, because nothing else should wait for it.

    `keep` takes Microsoft's answer to what is stored (JSON, no secrets); `parse` takes what is stored to what actions
    work with. Errors in `absent` are an answer, too: stored as null.
    """

    name: str
    title: str
    service: Service
    call: Callable[[Person], GraphCall | Cmdlet | SiteCall]
    parse: Callable[[Any], T]
    keep: Callable[[Any, Person], Any]
    absent: frozenset[Category] = NOT_THERE


@dataclass(frozen=True)
class Survey(Generic[T]):
    """What is found out about a person by more than one question; kept in the snapshot as an answer to a read is."""

    name: str
    title: str
    parse: Callable[[Any], T]


class UnreadError(Exception):
    """What an action must know could not be read; the message says what and why."""


class MoreToDoError(Exception):
    """An action that works page by page has done a page: call it again in some seconds.

    `progress` grows with every page, so that no limit of attempts or of time ends it. What it found so far, it keeps
    itself.
    """

    def __init__(self, progress: int, message: str, seconds: float = 1) -> None:
        super().__init__(message)
        self.progress = progress
        self.seconds = seconds


@dataclass(frozen=True)
class Snapshot:
    """Answers to reads: values by name, and errors by name where Microsoft refused to answer."""

    values: Mapping[str, Any]
    errors: Mapping[str, str]

    @property
    def asked(self) -> frozenset[str]:
        """The names of the reads that were answered or refused."""
        return frozenset((*self.values, *self.errors))

    def get(self, read: Read[T] | Survey[T]) -> T:
        """Return the parsed answer to `read`; raises `UnreadError` where there is none."""
        if read.name in self.values:
            return read.parse(self.values[read.name])
        raise UnreadError(f"{read.title} could not be read: {self.errors.get(read.name, 'it was not asked for')}")

    def only(self, reads: Iterable[Read[Any]]) -> Snapshot:
        """Return the answers to `reads` alone, and their errors."""
        names = {read.name for read in reads}
        values = {n: v for n, v in self.values.items() if n in names}
        return Snapshot(values, {n: e for n, e in self.errors.items() if n in names})

    def without(self, other: Snapshot) -> Snapshot:
        """Return what `other` has neither an answer nor an error to."""
        asked = other.asked
        values = {n: v for n, v in self.values.items() if n not in asked}
        return Snapshot(values, {n: e for n, e in self.errors.items() if n not in asked})

    def shown(self, path: str) -> str | None:
        """Return the value at `path` as text, the beginning of a long one; None where it was not read.

        A path is a read and a property, such as `user.accountEnabled`.
        """
        read, _, name = path.partition(".")
        if read not in self.values:
            return None
        value = self.values[read]
        if name:
            value = cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return "" if value is None else text[:_SHOWN_OF_A_VALUE]

    def one_by_one(self) -> Iterator[Snapshot]:
        """Return each answer, or that there is none, by itself."""
        yield from (Snapshot({name: value}, {}) for name, value in self.values.items())
        yield from (Snapshot({}, {name: error}) for name, error in self.errors.items())

    def with_fallback(self, other: Snapshot) -> Snapshot:
        """Return the answers of this snapshot, filled up with those only `other` has."""
        values = {**other.values, **self.values}
        errors = {n: e for n, e in {**other.errors, **self.errors}.items() if n not in values}
        return Snapshot(values, errors)

    def filled_with(self, later: Snapshot) -> Snapshot:
        """Return the answers of this snapshot, filled up with those only `later` has.

        Where neither has one, the error is the later one: it was asked again.
        """
        values = {**later.values, **self.values}
        errors = {n: e for n, e in {**self.errors, **later.errors}.items() if n not in values}
        return Snapshot(values, errors)

    def applied_to(self, other: Snapshot) -> Snapshot:
        """Return `other` with what this snapshot read, and failed to read, in its place."""
        rest = other.without(self)
        return Snapshot({**rest.values, **self.values}, {**rest.errors, **self.errors})


NOTHING_READ: Final = Snapshot({}, {})
