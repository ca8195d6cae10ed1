"""Stop sending the leaver's mail on to somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.actions.catalogue import EXCHANGE_ADMIN, Action, Area, register
from shared.actions.mailboxes.first_values import MailboxValues
from shared.actions.outcome import Finding, Outcome, finding_of_state
from shared.actions.reads.account import USER
from shared.actions.reads.mailbox import MAILBOX
from shared.actions.restoration import restores
from shared.microsoft365.exchange import exchange_cmdlets
from shared.microsoft365.http.errors import Category, MicrosoftError

if TYPE_CHECKING:
    from shared.actions.catalogue import Task, View
    from shared.actions.reads.mailbox import Mailbox


@register
class DisableForwarding(Action):
    """Clear the mailbox's forwarding, both kinds.

    Of a synced mailbox, ForwardingAddress is an attribute of Active Directory and may be refused; ForwardingSmtpAddress
    is not (Learn: "Microsoft Entra Connect Sync: Attributes synchronized"). The latter is cleared all the same: it is
    ignored beside the former, and would take effect the moment that is gone (Learn: "Set-Mailbox").
    """

    name = "disable_forwarding"
    title = "Stop e-mail forwarding"
    description = "Ends the mailbox's forwarding. Inbox rules that forward are removed with the inbox rules."
    portal_key = "disableForwarding"
    area = Area("Forwarding", "Mail is sent on to somebody else.")
    reads = (USER, MAILBOX)
    proof = (MAILBOX,)
    changes = ("mailbox.ForwardingAddress", "mailbox.ForwardingSmtpAddress", "mailbox.DeliverToMailboxAndForward")
    permissions = (EXCHANGE_ADMIN,)
    excludes = ("forward_email",)
    lane = "mailbox"
    undo = "Set the forwarding of snapshot.mailbox again."

    def judge(self, view: View) -> Finding:
        """Find out whether mail is still forwarded."""
        was, mailbox = view.first.get(MAILBOX), view.now.get(MAILBOX)
        if mailbox is None:
            return Finding(Outcome.not_applicable, "There is no mailbox.")
        to = _target(was) if was else None
        advice = " Clear altRecipient in Active Directory, too, or it may come back." if mailbox.is_synced else ""
        return finding_of_state(
            before=to is None,
            now=_target(mailbox) is None,
            done=f"Mail is no longer forwarded to {to}.{advice}",
            already="Mail was not forwarded.",
        )

    def apply(self, task: Task) -> None:
        """Clear the forwarding; of a synced mailbox at least the part that is the cloud's."""
        person, mailbox = task.person.id, task.view.now.get(MAILBOX)
        try:
            task.clients.exchange.invoke(exchange_cmdlets.clear_forwarding(person))
        except MicrosoftError as error:
            if error.category is not Category.on_prem_mastered or mailbox is None or mailbox.forwards_to_smtp is None:
                raise
            task.clients.exchange.invoke(exchange_cmdlets.set_mailbox(person, ForwardingSmtpAddress=None))
            if mailbox.forwards_to is not None:
                raise

    def settle_error(self, finding: Finding, error: MicrosoftError) -> Finding | None:
        """Say where the forwarding of a synced mailbox is changed."""
        del finding
        if error.category is not Category.on_prem_mastered:
            return None
        text = "The forwarding is managed in Active Directory: clear altRecipient there."
        return Finding(Outcome.needs_attention, text)


def _target(mailbox: Mailbox) -> str | None:
    return mailbox.forwards_to or mailbox.forwards_to_smtp


@restores(DisableForwarding)
class ForwardAgain(MailboxValues):
    """Forward mail as before."""

    done = "Mail is forwarded as before."
