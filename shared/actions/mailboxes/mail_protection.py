"""Whether taking licenses away would cost the mailbox.

A user mailbox without a license is deleted after 30 days; a shared one lives without, unless it is over 50 GB, has an
archive or is on hold (Learn: "Convert a user mailbox to a shared mailbox", "About shared mailboxes").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.actions.outcome import OPENS_GATE
from shared.actions.reads.mailbox import MAILBOX, MAILBOX_SIZE

if TYPE_CHECKING:
    from shared.actions.catalogue import View

SAFE_BELOW_BYTES: Final = 49 * 1024**3
"""1 GiB under the limit: mail keeps arriving."""

READS: Final = (MAILBOX, MAILBOX_SIZE)


def danger(view: View) -> str | None:
    """Say what would happen to the mail without a license; None where it is safe or the operator wants it anyway.

    Raises:
        UnreadError: what must be known of the mailbox could not be read.
    """
    if view.force or "delete_user" in view.selected:
        return None
    mailbox = view.now.get(MAILBOX)
    if mailbox is None:
        return None
    size = view.now.get(MAILBOX_SIZE) or 0
    dangers = (
        (
            not mailbox.is_shared and view.outcomes.get("convert_to_shared") not in OPENS_GATE,
            "The mailbox is not shared: without a license it would be deleted after 30 days.",
        ),
        (mailbox.is_on_hold, "The mailbox is on hold, which needs a license."),
        (mailbox.has_archive, "The mailbox has an archive, which needs a license."),
        (
            size >= SAFE_BELOW_BYTES,
            f"The mailbox holds {size / 1024**3:.1f} GiB; a shared mailbox without a license may hold 50.",
        ),
    )
    return next((text for is_so, text in dangers if is_so), None)
