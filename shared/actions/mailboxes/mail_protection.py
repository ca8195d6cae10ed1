"""Whether taking licenses away would cost the mailbox.

A user mailbox without a license is deleted after 30 days; a shared one lives without, unless it is over 50 GB, has an
archive or is on hold (Learn: "Convert a user mailbox to a shared mailbox", "About shared mailboxes").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.actions.outcome import OPENS_GATE
from shared.actions.reads import holds
from shared.actions.reads.account import USER
from shared.actions.reads.mailbox import ARCHIVE_ONLINE, MAILBOX, MAILBOX_SIZE, ORGANIZATION_HOLDS

if TYPE_CHECKING:
    from shared.actions.catalogue import View
    from shared.actions.reads.snapshot import Read

SAFE_BELOW_BYTES: Final = 49 * 1024**3
"""1 GiB under the limit: mail keeps arriving."""

_ARCHIVE: Final = "An administrator of Exchange has to move or remove the archive first."

READS: Final = (MAILBOX, MAILBOX_SIZE, ORGANIZATION_HOLDS)


def reads_later(view: View) -> tuple[Read[Any], ...]:
    """Return what matters only where a synced person has no mailbox here."""
    if view.now.values.get(MAILBOX.name, "unread") is not None or view.now.values.get(USER.name) is None:
        return ()
    user = view.now.get(USER)
    return (ARCHIVE_ONLINE,) if user is not None and user.is_synced and user.mail else ()


def danger(view: View) -> str | None:
    """Say what would happen to the mail without a license, and who can do what about it.

    None where it is safe, or the operator wants it anyway.

    Raises:
        UnreadError: what must be known of the mailbox could not be read.
    """
    if view.force or "delete_user" in view.selected:
        return None
    mailbox = view.now.get(MAILBOX)
    if mailbox is None:
        was_asked_for = ARCHIVE_ONLINE.name in {*view.now.values, *view.now.errors}
        if was_asked_for and view.now.get(ARCHIVE_ONLINE):
            text = "The mailbox is on-premises, and its online archive would be deleted 30 days after the license."
            return f"{text} {_ARCHIVE}"
        return None
    held = (*mailbox.holds, *holds.of_organization(view.now.get(ORGANIZATION_HOLDS), mailbox.excluded_from))
    size = view.now.get(MAILBOX_SIZE) or 0
    dangers = (
        (
            mailbox.needs_license and view.outcomes.get("convert_to_shared") not in OPENS_GATE,
            "The mailbox is not shared: without a license it would be deleted after 30 days.",
            "Select the conversion to a shared mailbox as well, or the deletion of the user.",
        ),
        (
            bool(held),
            f"The mailbox is on hold, which needs a license: {', '.join(held)}.",
            "A compliance administrator has to lift the hold first.",
        ),
        (mailbox.has_archive, "The mailbox has an archive, which needs a license.", _ARCHIVE),
        (
            size >= SAFE_BELOW_BYTES,
            f"The mailbox holds {size / 1024**3:.1f} GiB; a shared mailbox without a license may hold 50.",
            "An administrator of Exchange has to make it smaller first.",
        ),
    )
    return next((f"{text} {what_to_do}" for is_so, text, what_to_do in dangers if is_so), None)
