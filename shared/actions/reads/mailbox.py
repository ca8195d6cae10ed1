"""The mailbox in Exchange Online, and its size."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.actions.reads.snapshot import Read, UnreadError
from shared.microsoft365.exchange import exchange_cmdlets

if TYPE_CHECKING:
    from shared.actions.reads.snapshot import Person

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
        """Return whether the mailbox lives without a license of its own."""
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
