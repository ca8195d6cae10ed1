"""What is read of a person: before anything is changed, and again to prove that it was.

An action names the reads it decides on. They are gathered into one Graph and one Exchange batch, kept as the
offboarding's snapshot, and repeated by verification.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar

from shared.microsoft365 import exchange_cmdlets, graph_calls
from shared.microsoft365.errors import Category, MicrosoftError
from shared.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from shared.microsoft365.cloud import TenantClients
    from shared.microsoft365.exchange_cmdlets import Cmdlet
    from shared.microsoft365.graph_calls import GraphCall
    from shared.microsoft365.sharepoint import SharePoint

    SiteCall = Callable[[SharePoint, str], Any]
    """A question to SharePoint about the OneDrive at an address."""

T = TypeVar("T")

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

    def over(self, other: Snapshot) -> Snapshot:
        """Return the answers of this snapshot, filled up with those only `other` has."""
        values = {**other.values, **self.values}
        errors = {n: e for n, e in {**other.errors, **self.errors}.items() if n not in values}
        return Snapshot(values, errors)

    def instead_of(self, other: Snapshot) -> Snapshot:
        """Return `other` with what this snapshot read, and failed to read, in its place."""
        asked = {*self.values, *self.errors}
        values = {n: v for n, v in other.values.items() if n not in asked}
        errors = {n: e for n, e in other.errors.items() if n not in asked}
        return Snapshot({**values, **self.values}, {**errors, **self.errors})


NOTHING_READ: Final = Snapshot({}, {})


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
    try:
        return list(zip(mine, batch([read.call(person) for read in mine]), strict=True))
    except MicrosoftError as error:
        return [(read, error) for read in mine]


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


@dataclass(frozen=True)
class Licence:
    """One assignment of a licence to the person: direct where `group` is None, else inherited from that group."""

    sku: str
    group: str | None


@dataclass(frozen=True)
class User:
    """The account in the directory."""

    id: str
    upn: str
    display_name: str
    mail: str | None
    addresses: tuple[str, ...]
    enabled: bool
    is_guest: bool
    is_synced: bool
    immutable_id: str | None
    licences: tuple[Licence, ...]
    sessions_valid_from: str
    password_changed: str


def _parse_user(raw: Any) -> User | None:  # noqa: ANN401 - Microsoft's JSON
    if raw is None:
        return None
    return User(
        id=raw["id"],
        upn=raw["userPrincipalName"],
        display_name=raw.get("displayName") or raw["userPrincipalName"],
        mail=raw.get("mail"),
        addresses=tuple(a.split(":", 1)[-1].casefold() for a in raw.get("proxyAddresses") or ()),
        enabled=bool(raw.get("accountEnabled")),
        is_guest=raw.get("userType") == "Guest",
        is_synced=raw.get("onPremisesSyncEnabled") is True,
        immutable_id=raw.get("onPremisesImmutableId") or None,
        licences=tuple(Licence(a["skuId"], a.get("assignedByGroup")) for a in raw.get("licenseAssignmentStates") or ()),
        sessions_valid_from=raw.get("signInSessionsValidFromDateTime") or "",
        password_changed=raw.get("lastPasswordChangeDateTime") or "",
    )


@dataclass(frozen=True)
class Group:
    """A group the person is a direct member of."""

    id: str
    name: str
    mail: str | None
    is_mail_enabled: bool
    is_unified: bool
    is_dynamic: bool
    membership_rule: str
    is_synced: bool
    gives_licences: bool
    is_role_assignable: bool
    is_restricted: bool


def _parse_groups(raw: Any) -> tuple[Group, ...]:  # noqa: ANN401 - Microsoft's JSON
    return tuple(
        Group(
            id=g["id"],
            name=g.get("displayName") or g["id"],
            mail=g.get("mail"),
            is_mail_enabled=bool(g.get("mailEnabled")),
            is_unified="Unified" in (g.get("groupTypes") or ()),
            is_dynamic="DynamicMembership" in (g.get("groupTypes") or ()) or bool(g.get("membershipRule")),
            membership_rule=g.get("membershipRule") or "",
            is_synced=g.get("onPremisesSyncEnabled") is True,
            gives_licences=bool(g.get("assignedLicenses")),
            is_role_assignable=g.get("isAssignableToRole") is True,
            is_restricted=g.get("isManagementRestricted") is True,
        )
        for g in raw or ()
    )


_NO_GUID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Mailbox:
    """The mailbox in Exchange Online."""

    kind: str
    address: str
    distinguished_name: str
    is_hidden: bool
    is_synced: bool
    is_on_hold: bool
    has_archive: bool
    forwards_to: str | None
    forwards_to_smtp: str | None
    keeps_copy: bool
    send_on_behalf: tuple[str, ...]

    @property
    def is_shared(self) -> bool:
        """Tell whether the mailbox lives without a licence of its own."""
        return self.kind == "SharedMailbox"


def _parse_mailbox(raw: Any) -> Mailbox | None:  # noqa: ANN401 - Microsoft's JSON
    if raw is None:
        return None
    return Mailbox(
        kind=raw.get("RecipientTypeDetails") or "",
        address=raw.get("PrimarySmtpAddress") or "",
        distinguished_name=raw.get("DistinguishedName") or "",
        is_hidden=bool(raw.get("HiddenFromAddressListsEnabled")),
        is_synced=bool(raw.get("IsDirSynced")),
        is_on_hold=bool(raw.get("LitigationHoldEnabled")) or bool(raw.get("InPlaceHolds")),
        has_archive=(raw.get("ArchiveGuid") or _NO_GUID) != _NO_GUID or raw.get("ArchiveStatus") == "Active",
        forwards_to=raw.get("ForwardingAddress") or None,
        forwards_to_smtp=(raw.get("ForwardingSmtpAddress") or "").removeprefix("smtp:") or None,
        keeps_copy=bool(raw.get("DeliverToMailboxAndForward")),
        send_on_behalf=tuple(raw.get("GrantSendOnBehalfTo") or ()),
    )


def own_row(rows: Any, person: Person) -> Any:  # noqa: ANN401 - Microsoft's JSON
    """Return the row about `person`: Exchange answers with everybody's where it does not know the one asked for."""
    row = only_row(rows, person)
    if row and (row.get("ExternalDirectoryObjectId") or "").casefold() != person.id.casefold():
        raise UnreadError("Exchange answered with another person's mailbox")
    return row


def only_row(rows: Any, person: Person) -> Any:  # noqa: ANN401 - Microsoft's JSON
    """Return the one row of an answer, or None."""
    del person
    if len(rows) > 1:
        raise UnreadError(f"Exchange answered with {len(rows)} objects instead of one")
    return rows[0] if rows else None


def _size_in_bytes(raw: Any) -> int | None:  # noqa: ANN401 - Microsoft's JSON
    """Read the bytes out of a text such as "12.3 GB (13,207,024,435 bytes)"; None where there is no mailbox."""
    if raw is None:
        return None
    match = re.search(r"\(([\d,. ]+) bytes\)", str(raw.get("TotalItemSize") or ""))
    return int(re.sub(r"\D", "", match.group(1))) if match else 0


def _domains(raw: Any) -> frozenset[str]:  # noqa: ANN401 - Microsoft's JSON
    domains: list[dict[str, str]] = raw["verifiedDomains"] if raw else []
    return frozenset(domain["name"].casefold() for domain in domains)


def _site_url(raw: Any) -> str | None:  # noqa: ANN401 - Microsoft's JSON
    """Return the address of the OneDrive's site: where the drive does not say, that of its library without the name."""
    if raw is None:
        return None
    ids: dict[str, str] = raw.get("sharePointIds") or {}
    return ids.get("siteUrl") or str(raw["webUrl"]).rstrip("/").rpartition("/")[0]


USER = Read("user", "The account", "graph", lambda p: graph_calls.get_user(p.id), _parse_user, lambda user, _: user)
GROUPS = Read(
    "groups",
    "The groups",
    "graph",
    lambda p: graph_calls.get_user_groups(p.id),
    _parse_groups,
    lambda page, _: page["value"],
)
DOMAINS = Read(
    "organization",
    "The tenant's domains",
    "graph",
    lambda _: graph_calls.get_organization(),
    _domains,
    lambda page, _: page["value"][0] if page["value"] else None,
)
MAILBOX = Read(
    "mailbox", "The mailbox", "exchange", lambda p: exchange_cmdlets.get_mailbox(p.id), _parse_mailbox, own_row
)
MAILBOX_SIZE = Read(
    "mailbox_statistics",
    "The size of the mailbox",
    "exchange",
    lambda p: exchange_cmdlets.get_mailbox_statistics(p.id),
    _size_in_bytes,
    only_row,
)
DRIVE = Read("drive", "The OneDrive", "graph", lambda p: graph_calls.get_drive(p.id), _site_url, lambda drive, _: drive)
