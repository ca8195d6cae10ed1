"""Let people open the leaver's mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.actions.catalogue import register
from shared.actions.mailboxes.full_access import FullAccessGrant
from shared.actions.mailboxes.mailbox_grants import MailboxGrantBack
from shared.actions.outcome import ItemWords
from shared.actions.restoration import restores
from shared.microsoft365.exchange import exchange_cmdlets

if TYPE_CHECKING:
    from shared.actions.catalogue import View
    from shared.actions.mailboxes.grantees import Grantee
    from shared.actions.reads.snapshot import Person
    from shared.microsoft365.exchange.exchange_cmdlets import Cmdlet


@register
class GrantMailboxAccess(FullAccessGrant):
    """Give full access without auto-mapping.

    One who is to have it with auto-mapping, too, is left to that action: it writes the same entry.
    """

    name = "grant_mailbox_access"
    title = "Give access to the mailbox"
    description = "Lets people open the mailbox (full access); it does not appear in their Outlook by itself."
    portal_key = "AccessNoAutomap"
    words = ItemWords("person", "people", "given access")
    after = ("grant_mailbox_access_automap",)
    defers_to = "grant_mailbox_access_automap"

    def done(self, grantee: Grantee, view: View) -> str:
        """Say how the mailbox is opened."""
        del grantee, view
        return "Has full access; add the mailbox in Outlook by hand."

    def grant(self, person: Person, grantee: Grantee) -> Cmdlet:
        """Give full access without auto-mapping."""
        return exchange_cmdlets.add_mailbox_permission(person.id, grantee.id, automap=False)


@restores(GrantMailboxAccess)
class RevokeMailboxAccess(MailboxGrantBack):
    """Close the mailbox to those who were let in."""

    reads = GrantMailboxAccess.reads

    def revoke(self, person: Person, grantee: Grantee) -> Cmdlet:
        """Take the right back."""
        return exchange_cmdlets.remove_mailbox_permission(person.id, grantee.id)
