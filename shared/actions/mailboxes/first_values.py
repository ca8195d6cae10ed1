"""Bringing back values of the mailbox, with one Set-Mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from shared.actions.outcome import Finding, Outcome
from shared.actions.reads.account import USER
from shared.actions.reads.mailbox import MAILBOX
from shared.actions.restoration import Restoration, first_values, values_back
from shared.microsoft365.exchange import exchange_cmdlets
from shared.microsoft365.http.errors import Category

if TYPE_CHECKING:
    from shared.actions.catalogue import Task, View
    from shared.microsoft365.http.errors import MicrosoftError


class MailboxValues(Restoration):
    """Set what the step changed of the mailbox to what it was first, all of it at once."""

    reads = (USER, MAILBOX)
    proof = (MAILBOX,)
    done: ClassVar[str]

    def judge(self, view: View) -> Finding:
        """Find out whether the mailbox is as it was."""
        if view.now.get(MAILBOX) is None:
            return Finding(Outcome.not_applicable, "There is no mailbox.")
        return values_back(view, self.done)

    def apply(self, task: Task) -> None:
        """Set the values."""
        values = first_values(task.view, MAILBOX)
        task.clients.exchange.invoke(exchange_cmdlets.set_mailbox(task.person.id, **values))

    def settle_error(self, finding: Finding, error: MicrosoftError) -> Finding | None:
        """Say where a synced mailbox is changed."""
        del finding
        if error.category is not Category.on_prem_mastered:
            return None
        return Finding(Outcome.needs_attention, "The mailbox is managed in Active Directory: change it there.")
