"""Let people send mail on behalf of the leaver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.actions.catalogue import register
from shared.actions.mailboxes import grantees
from shared.actions.mailboxes.mailbox_grants import MailboxGrant, MailboxGrantBack
from shared.actions.outcome import Finding, ItemWords, Outcome
from shared.actions.reads.account import USER
from shared.actions.reads.mailbox import MAILBOX
from shared.actions.restoration import restores
from shared.microsoft365.exchange import exchange_cmdlets
from shared.microsoft365.http.errors import MicrosoftError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.actions.catalogue import Results, Task, View
    from shared.actions.mailboxes.grantees import Grantee
    from shared.actions.reads.snapshot import Person, Snapshot
    from shared.microsoft365.exchange.exchange_cmdlets import Cmdlet


@register
class GrantSendOnBehalf(MailboxGrant):
    """Add to GrantSendOnBehalfTo, one list of the mailbox, so everybody in one request.

    Of a synced mailbox it is publicDelegates, an attribute of Active Directory (Learn: "Microsoft Entra Connect Sync:
    Attributes synchronized").
    """

    name = "grant_send_on_behalf"
    title = "Let people send on behalf of the leaver"
    description = "Lets people send mail that says it was sent on behalf of the leaver."
    portal_key = "AccessSendOnBehalf"
    words = ItemWords("person", "people", "allowed")
    reads = (USER, MAILBOX)
    proof = (MAILBOX,)
    undo = "Remove those who are not in snapshot.mailbox.GrantSendOnBehalfTo."
    already = "Could send on behalf of the leaver already."

    def judge(self, view: View) -> Finding | Sequence[Finding]:
        """Find out who may send on behalf of the leaver."""
        found, mailbox = super().judge(view), view.now.get(MAILBOX)
        if isinstance(found, Finding) or mailbox is None or not mailbox.is_synced:
            return found
        text = "Add the person to publicDelegates in Active Directory: it is managed there for this mailbox."
        return [Finding(Outcome.needs_attention, text, f.item, f.name) if f.is_open else f for f in found]

    def apply(self, task: Task) -> Results:
        """Add everybody at once; where that is refused, one by one, so that one does not stand in another's way."""
        people = grantees.by_id(task.params["to"], task.view.now)
        wanted = [people[finding.item] for finding in task.open]
        results: Results = {}
        try:
            task.clients.exchange.invoke(exchange_cmdlets.add_send_on_behalf(task.person.id, *(g.id for g in wanted)))
        except MicrosoftError as error:
            if error.retryable or len(wanted) == 1:
                raise
            results = {grantee.id: self._add(task, grantee) for grantee in wanted}
        return results

    def _add(self, task: Task, grantee: Grantee) -> MicrosoftError | None:
        try:
            task.clients.exchange.invoke(self.grant(task.person, grantee))
        except MicrosoftError as error:
            return error
        return None

    def refusal(self, grantee: Grantee) -> str | None:
        """Say why somebody cannot send on behalf."""
        return super().refusal(grantee) or (None if grantee.kind else "Only somebody with a mailbox can send mail.")

    def has(self, grantee: Grantee, snapshot: Snapshot) -> bool:
        """Return whether somebody may send on behalf of the leaver."""
        mailbox = snapshot.get(MAILBOX)
        return mailbox is not None and any(name.casefold() in grantee.names for name in mailbox.send_on_behalf)

    def done(self, grantee: Grantee, view: View) -> str:
        """Say what the grantee can do now."""
        del grantee, view
        return "Can send on behalf of the leaver within an hour."

    def grant(self, person: Person, grantee: Grantee) -> Cmdlet:
        """Give the right to one person."""
        return exchange_cmdlets.add_send_on_behalf(person.id, grantee.id)


@restores(GrantSendOnBehalf)
class RevokeSendOnBehalf(MailboxGrantBack):
    """No longer let them send on behalf of the person."""

    reads = GrantSendOnBehalf.reads

    def revoke(self, person: Person, grantee: Grantee) -> Cmdlet:
        """Take the right back."""
        return exchange_cmdlets.remove_send_on_behalf(person.id, grantee.id)
