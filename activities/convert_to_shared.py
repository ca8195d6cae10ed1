"""Turn the mailbox into a shared one, so that the mail lives on without a license."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from shared.actions.catalogue import EXCHANGE_ADMIN, Action, register
from shared.actions.outcome import Finding, Outcome, finding_of_state
from shared.actions.reads.account import USER
from shared.actions.reads.mailbox import MAILBOX
from shared.actions.restoration import Restoration, restores, values_back
from shared.microsoft365.exchange import exchange_cmdlets

if TYPE_CHECKING:
    from shared.actions.catalogue import Task, View
    from shared.actions.reads.snapshot import Read

LICENSED: Final = replace(USER, name="licensed_account", title="The licenses of the account")
"""The account at the moment of the conversion, when the licenses are back."""


@register
class ConvertToShared(Action):
    """Set the mailbox's type, and wait until it reads as shared.

    The conversion is asynchronous, and the license must not go before it is through: the gate of `remove_licenses`
    hangs on it (Learn: "Convert a user mailbox to a shared mailbox").
    """

    name = "convert_to_shared"
    title = "Convert to a shared mailbox"
    description = "Turns the mailbox into a shared mailbox, which colleagues can open and which needs no license."
    portal_key = "ConvertToShared"
    reads = (USER, MAILBOX)
    proof = (MAILBOX,)
    changes = ("mailbox.RecipientTypeDetails",)
    permissions = (EXCHANGE_ADMIN,)
    after = ("cancel_meetings",)
    lane = "mailbox"
    proves_itself = True
    undo = "Convert it back (Set-Mailbox -Type Regular) after assigning a license."

    def judge(self, view: View) -> Finding:
        """Find out whether the mailbox is shared."""
        was, mailbox, user = view.first.get(MAILBOX), view.now.get(MAILBOX), view.now.get(USER)
        if mailbox is None and user and user.is_synced and user.mail:
            return Finding(
                Outcome.needs_attention,
                "There is no mailbox in Exchange Online. Convert one on-premises there, with Set-RemoteMailbox.",
            )
        if mailbox is None:
            return Finding(Outcome.not_applicable, "There is no mailbox.")
        if mailbox.is_resource:
            return Finding(Outcome.not_applicable, "It is the mailbox of a room or the like, which needs no license.")
        advice = (
            " Set msExchRecipientTypeDetails in Active Directory, too, or the next synchronisation may turn it back."
            if mailbox.is_synced
            else ""
        )
        return finding_of_state(
            before=was is not None and was.is_shared,
            now=mailbox.is_shared,
            done="The mailbox was read back as a shared mailbox." + advice,
            already="The mailbox was shared already.",
        )

    def apply(self, task: Task) -> None:
        """Ask for the conversion."""
        task.clients.exchange.invoke(exchange_cmdlets.convert_to_shared(task.person.id))


@restores(ConvertToShared)
class ConvertToRegular(Restoration):
    """Make it a user mailbox again, once the person has a license: without one it is deleted after 30 days."""

    reads = (USER, MAILBOX)
    proof = (MAILBOX,)
    proves_itself = True

    def judge(self, view: View) -> Finding:
        """Find out whether it is a user mailbox."""
        if view.now.get(MAILBOX) is None:
            return Finding(Outcome.not_applicable, "There is no mailbox.")
        found = values_back(view, "The mailbox was read back as a user mailbox.")
        user = view.now.get(LICENSED)
        if found.is_open and (user is None or not user.licenses):
            text = "It stays a shared mailbox: without a license a user mailbox is deleted after 30 days. Assign one."
            return Finding(Outcome.needs_attention, text)
        return found

    def reads_later(self, view: View) -> tuple[Read[Any], ...]:
        """Look at the account when the licenses are back."""
        del view
        return (LICENSED,)

    def apply(self, task: Task) -> None:
        """Ask for the conversion."""
        task.clients.exchange.invoke(exchange_cmdlets.convert_to_regular(task.person.id))
