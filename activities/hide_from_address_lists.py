"""Take the mailbox out of the address lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.microsoft365 import exchange_cmdlets
from shared.offboarding.catalogue import EXCHANGE_ADMIN, Action, register
from shared.offboarding.outcome import Finding, Outcome, compared
from shared.offboarding.reads import MAILBOX, USER

if TYPE_CHECKING:
    from shared.offboarding.catalogue import Task, View


@register
class HideFromAddressLists(Action):
    """Set HiddenFromAddressListsEnabled.

    For a synced user Exchange Online refuses that: it is an attribute of Active Directory (Learn: "Microsoft Entra
    Connect Sync: Attributes synchronized").
    """

    name = "hide_from_address_lists"
    title = "Hide from the address lists"
    description = "Takes the mailbox out of the global address list."
    portal_key = "HideFromGAL"
    reads = (USER, MAILBOX)
    proof = (MAILBOX,)
    permissions = (EXCHANGE_ADMIN,)
    lane = "mailbox"
    undo = "Show it again if snapshot.mailbox.HiddenFromAddressListsEnabled was false."

    def judge(self, view: View) -> Finding:
        """Find out whether the mailbox is hidden."""
        was, mailbox, user = view.first.get(MAILBOX), view.now.get(MAILBOX), view.now.get(USER)
        if mailbox is None:
            return Finding(Outcome.not_applicable, "There is no mailbox.")
        if user and user.is_synced and not mailbox.is_hidden:
            return Finding(
                Outcome.needs_attention,
                "Set msExchHideFromAddressLists in Active Directory: it is managed there for this user.",
            )
        return compared(
            before=was is not None and was.is_hidden,
            now=mailbox.is_hidden,
            done="The mailbox is hidden; offline address books follow within a day.",
            already="The mailbox was hidden already.",
        )

    def apply(self, task: Task) -> None:
        """Hide the mailbox."""
        task.clients.exchange.invoke(exchange_cmdlets.hide_from_address_lists(task.person.id))
