"""Full access to the leaver's mailbox, with or without auto-mapping: one entry for each person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.actions.mailboxes import grantees
from shared.actions.mailboxes.mailbox_grants import MailboxGrant, holders
from shared.actions.outcome import Finding, Outcome
from shared.actions.reads.account import USER
from shared.actions.reads.mailbox import MAILBOX
from shared.actions.reads.snapshot import Read
from shared.microsoft365.exchange import exchange_cmdlets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.actions.catalogue import View
    from shared.actions.mailboxes.grantees import Grantee
    from shared.actions.reads.snapshot import Snapshot

FULL_ACCESS: Final = Read(
    "full_access",
    "Who may open the mailbox",
    "exchange",
    lambda person: exchange_cmdlets.get_mailbox_permissions(person.id),
    *holders("FullAccess", "User"),
)


class FullAccessGrant(MailboxGrant):
    """Give full access.

    Of a person who has it, Exchange changes nothing, auto-mapping included, and shows nowhere which of the two they
    have: to change it, the access is removed and given again (Learn: "Add-MailboxPermission"). That is left to the
    operator, because it would take access away from somebody every time.
    """

    reads = (USER, MAILBOX, FULL_ACCESS)
    proof = (FULL_ACCESS,)
    undo = "Remove the full access of those who are not in snapshot.full_access."
    already = (
        "Had full access already. Whether Outlook shows the mailbox by itself is as it was: remove the access first to "
        "change that."
    )

    def judge(self, view: View) -> Finding | Sequence[Finding]:
        """Find out who may open the mailbox; the people of the action this one yields to are left to that."""
        found = super().judge(view)
        others = view.selected.get(self.defers_to or "")
        if isinstance(found, Finding) or others is None:
            return found
        reserved = grantees.by_id(others["to"], view.now.with_fallback(view.first))
        return [_left(finding) if finding.item in reserved else finding for finding in found]

    def has(self, grantee: Grantee, snapshot: Snapshot) -> bool:
        """Return whether somebody may open the mailbox."""
        return not grantee.names.isdisjoint(snapshot.get(FULL_ACCESS))


def _left(finding: Finding) -> Finding:
    text = "Gets access with auto-mapping instead (also requested)."
    return Finding(Outcome.not_applicable, text, finding.item, finding.name)
