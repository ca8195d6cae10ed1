"""Asking Microsoft what is to be read: the services side by side, one batch each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.actions.reads.onedrive import DRIVE
from shared.actions.reads.snapshot import NOTHING_READ, Snapshot, UnreadError
from shared.base.threads import Threads
from shared.microsoft365.http.errors import Category, MicrosoftError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from shared.actions.reads.snapshot import Person, Read, Service
    from shared.microsoft365.cloud import TenantClients


def perform(
    reads: Iterable[Read[Any]], person: Person, clients: TenantClients, known: Snapshot = NOTHING_READ
) -> tuple[Snapshot, list[MicrosoftError]]:
    """Ask Microsoft all `reads`, the services side by side, in one batch each; `known` tells where the OneDrive is.

    Returns the answers and the errors that are worth asking again; those are in the snapshot as errors, too. A service
    that cannot be reached at all gives an error for each of its reads and does not spoil the other's.
    """
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    retryable: list[MicrosoftError] = []
    wanted = list(reads)
    with Threads(3) as services:
        asked = (
            services.submit(_ask, "graph", clients.graph.batch, wanted, person),
            services.submit(_ask, "exchange", clients.exchange.batch, wanted, person),
            services.submit(_ask_site, wanted, person, clients, known),
        )
    for read, answer in (pair for pairs in asked for pair in pairs.result()):
        if not isinstance(answer, MicrosoftError):
            try:
                values[read.name] = read.keep(answer, person)
            except UnreadError as error:
                errors[read.name] = str(error)
        elif answer.category in read.absent:
            values[read.name] = None
        else:
            errors[read.name] = answer.message
            if answer.retryable:
                retryable.append(answer)
    return Snapshot(values, errors), retryable


def _ask(
    service: Service, batch: Callable[[list[Any]], list[Any]], reads: list[Read[Any]], person: Person
) -> list[tuple[Read[Any], Any]]:
    mine = [read for read in reads if read.service == service]
    if not mine:
        return []
    calls = [read.call(person) for read in mine]
    places, different = _alike(calls)
    try:
        answers = batch(different)
    except MicrosoftError as error:
        return [(read, error) for read in mine]
    return [(read, answers[place]) for read, place in zip(mine, places, strict=True)]


def _alike(calls: Sequence[Any]) -> tuple[list[int], list[Any]]:
    """Return the different calls, and for each call its place among them: what two actions ask is asked once."""
    different: list[Any] = []
    for call in calls:
        if call not in different:
            different.append(call)
    return [different.index(call) for call in calls], different


def _ask_site(
    reads: list[Read[Any]], person: Person, clients: TenantClients, known: Snapshot
) -> list[tuple[Read[Any], Any]]:
    answers: list[tuple[Read[Any], Any]] = []
    for read in (read for read in reads if read.service == "sharepoint"):
        call: Any = read.call(person)
        try:
            site_url = known.get(DRIVE)
            answers.append((read, call(clients.sharepoint, site_url) if site_url else _NO_ONEDRIVE))
        except UnreadError as error:
            answers.append((read, MicrosoftError("sharepoint", Category.unknown, str(error))))
        except MicrosoftError as error:
            answers.append((read, error))
    return answers


_NO_ONEDRIVE: Final = MicrosoftError("sharepoint", Category.not_provisioned, "There is no OneDrive.")
