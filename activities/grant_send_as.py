"""Let people send mail as the leaver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.actions.catalogue import register
from shared.actions.mailboxes.mailbox_grants import SEND_AS, MailboxGrant, MailboxGrantBack
from shared.actions.outcome import ItemWords
from shared.actions.reads.account import USER
from shared.actions.reads.mailbox import MAILBOX
from shared.actions.restoration import restores
from shared.microsoft365.exchange import exchange_cmdlets

if TYPE_CHECKING:
    from shared.actions.catalogue import View
    from shared.actions.mailboxes.grantees import Grantee
    from shared.actions.reads.snapshot import Person, Snapshot
    from shared.microsoft365.exchange.exchange_cmdlets import Cmdlet


@register
class GrantSendAs(MailboxGrant):
    """Give the right Send As, which full access does not include (Learn: "Add-RecipientPermission")."""

    name = "grant_send_as"
    title = "Let people send as the leaver"
    description = "Lets people send mail that looks as if the leaver had sent it."
    portal_key = "AccessSendAs"
    words = ItemWords("person", "people", "allowed")
    reads = (USER, MAILBOX, SEND_AS)
    proof = (SEND_AS,)
    undo = "Remove the right of those who are not in snapshot.send_as."
    already = "Could send as the leaver already."

    def has(self, grantee: Grantee, snapshot: Snapshot) -> bool:
        """Return whether somebody may send as the leaver."""
        return not grantee.names.isdisjoint(snapshot.get(SEND_AS))

    def done(self, grantee: Grantee, view: View) -> str:
        """Say what the grantee can do now."""
        del grantee, view
        return "Can send as the leaver within an hour."

    def grant(self, person: Person, grantee: Grantee) -> Cmdlet:
        """Give the right."""
        return exchange_cmdlets.add_recipient_permission(person.id, grantee.id)


@restores(GrantSendAs)
class RevokeSendAs(MailboxGrantBack):
    """No longer let them send as the person."""

    reads = GrantSendAs.reads

    def revoke(self, person: Person, grantee: Grantee) -> Cmdlet:
        """Take the right back."""
        return exchange_cmdlets.remove_recipient_permission(person.id, grantee.id)
