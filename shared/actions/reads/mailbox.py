"""The mailbox in Exchange Online, and its size."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.actions.reads import holds
from shared.actions.reads.snapshot import Read, UnreadError
from shared.microsoft365.exchange import exchange_cmdlets

if TYPE_CHECKING:
    from shared.actions.reads.snapshot import Person

_RESOURCES = frozenset({"RoomMailbox", "EquipmentMailbox", "SchedulingMailbox", "DiscoveryMailbox"})
_NO_GUID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Mailbox:
    """The mailbox in Exchange Online."""

    kind: str
    address: str
    distinguished_name: str
    alias: str
    is_hidden: bool
    is_synced: bool
    """Its Exchange attributes are managed in Active Directory (Learn: "Cloud-based management of Exchange attributes").
    """
    holds: tuple[str, ...]
    excluded_from: frozenset[str]
    """Organisation-wide holds that do not cover it."""
    has_archive: bool
    forwards_to: str | None
    forwards_to_smtp: str | None
    keeps_copy: bool
    send_on_behalf: tuple[str, ...]

    @property
    def is_shared(self) -> bool:
        """Return whether it is a shared mailbox."""
        return self.kind == "SharedMailbox"

    @property
    def is_resource(self) -> bool:
        """Return whether it is nobody's: a room and the like (Learn: "Create and manage room mailboxes")."""
        return self.kind in _RESOURCES

    @property
    def needs_license(self) -> bool:
        """Return whether it is deleted some time after its license."""
        return not self.is_shared and not self.is_resource


def _parse_mailbox(raw: Any) -> Mailbox | None:  # noqa: ANN401 - Microsoft's JSON
    if raw is None:
        return None
    return Mailbox(
        kind=raw.get("RecipientTypeDetails") or "",
        address=raw.get("PrimarySmtpAddress") or "",
        distinguished_name=raw.get("DistinguishedName") or "",
        alias=raw.get("Alias") or "",
        is_hidden=bool(raw.get("HiddenFromAddressListsEnabled")),
        is_synced=bool(raw.get("IsDirSynced")) and raw.get("IsExchangeCloudManaged") is not True,
        holds=holds.of_mailbox(raw),
        excluded_from=holds.exclusions(raw.get("InPlaceHolds") or ()),
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
        raise UnreadError("Exchange returned a different person's mailbox")
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


MAILBOX = Read(
    "mailbox", "The mailbox", "exchange", lambda p: exchange_cmdlets.get_mailbox(p.id), _parse_mailbox, own_row
)
ORGANIZATION_HOLDS = Read(
    "organization_holds",
    "The holds of the whole organisation",
    "exchange",
    lambda _: exchange_cmdlets.get_organization_config(),
    lambda entries: tuple(entries or ()),
    lambda rows, _: (rows[0].get("InPlaceHolds") if rows else None) or [],
)


def _has_archive(raw: Any) -> bool:  # noqa: ANN401 - Microsoft's JSON
    return bool(raw) and (raw.get("ArchiveGuid") or _NO_GUID) != _NO_GUID


ARCHIVE_ONLINE = Read(
    "archive_online",
    "The online archive of a mailbox on-premises",
    "exchange",
    lambda p: exchange_cmdlets.get_mail_user(p.id),
    _has_archive,
    own_row,
)
MAILBOX_SIZE = Read(
    "mailbox_statistics",
    "The size of the mailbox",
    "exchange",
    lambda p: exchange_cmdlets.get_mailbox_statistics(p.id),
    _size_in_bytes,
    only_row,
)
