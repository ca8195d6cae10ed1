"""Let people open the leaver's mailbox, which appears in their Outlook by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.actions.catalogue import register
from shared.actions.mailboxes.full_access import FullAccessGrant
from shared.actions.mailboxes.mailbox_grants import MailboxGrantBack
from shared.actions.outcome import ItemWords
from shared.actions.reads.mailbox import MAILBOX
from shared.actions.restoration import restores
from shared.microsoft365.exchange import exchange_cmdlets

if TYPE_CHECKING:
    from shared.actions.catalogue import View
    from shared.actions.mailboxes.grantees import Grantee
    from shared.actions.reads.snapshot import Person
    from shared.microsoft365.exchange.exchange_cmdlets import Cmdlet


@register
class GrantMailboxAccessAutomap(FullAccessGrant):
    """Give full access with auto-mapping.

    That works for people, not for groups (Learn: "Add-MailboxPermission"). Of a synced mailbox the list behind it,
    msExchDelegateListLink, is an attribute of Active Directory.
    """

    name = "grant_mailbox_access_automap"
    title = "Give access to the mailbox, shown in Outlook"
    description = "Lets people open the mailbox (full access), which appears in their Outlook by itself."
    portal_key = "AccessAutomap"
    words = ItemWords("person", "people", "given access")

    def done(self, grantee: Grantee, view: View) -> str:
        """Say when the mailbox appears, and where it may not."""
        mailbox = view.now.get(MAILBOX)
        if grantee.is_group:
            return "Has full access. Outlook shows a mailbox by itself to people only, so its members add it by hand."
        if mailbox and mailbox.is_synced:
            return (
                "Has full access. Set msExchDelegateListLink in Active Directory, too, or Outlook may stop showing the "
                "mailbox."
            )
        return "Has full access; the mailbox appears in Outlook within an hour."

    def grant(self, person: Person, grantee: Grantee) -> Cmdlet:
        """Give full access with auto-mapping."""
        return exchange_cmdlets.add_mailbox_permission(person.id, grantee.id, automap=True)


@restores(GrantMailboxAccessAutomap)
class RevokeMailboxAccessAutomap(MailboxGrantBack):
    """Close the mailbox to those who were let in; it leaves their Outlook."""

    reads = GrantMailboxAccessAutomap.reads

    def revoke(self, person: Person, grantee: Grantee) -> Cmdlet:
        """Take the right back."""
        return exchange_cmdlets.remove_mailbox_permission(person.id, grantee.id)
