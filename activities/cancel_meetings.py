"""Cancel the meetings that the person organised, while the mailbox can still tell the attendees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.actions.catalogue import EXCHANGE_ADMIN, Action, register
from shared.actions.outcome import Finding, Outcome, finding_of_state
from shared.actions.reads.account import USER
from shared.actions.reads.mailbox import MAILBOX
from shared.actions.reads.snapshot import Snapshot
from shared.microsoft365.exchange import exchange_cmdlets

if TYPE_CHECKING:
    from shared.actions.catalogue import Task, View
    from shared.microsoft365.cloud import TenantClients
    from shared.microsoft365.http.errors import MicrosoftError

_QUEUED = "cancellations_queued"
"""What `read_back` answers, and no snapshot ever holds: Exchange tells nobody how far it got with the queue."""


@register
class CancelMeetings(Action):
    """Let Exchange cancel the meetings of the coming two years that the person organises and others attend.

    The cancellations are queued and mailed later, and nothing can be read that tells how far they are (Learn:
    "Remove-CalendarEvents"). So the best proof there is, is that Exchange took the order, and `read_back`, which is
    asked only then, says just that. A repetition finds no meeting left. A series with one date in the time is cancelled
    as a whole.
    """

    name = "cancel_meetings"
    title = "Cancel meetings"
    description = "Cancels the meetings of the next two years that the person organised, and tells the attendees."
    portal_key = "removeCalendarInvites"
    reads = (USER, MAILBOX)
    proof = ()
    permissions = (EXCHANGE_ADMIN,)
    after = ("disable_sign_in",)
    lane = "mailbox"
    destructive = True
    undo = "Cannot be undone: the attendees are told."
    proves_itself = True
    repeats = True

    def judge(self, view: View) -> Finding:
        """Find out whether Exchange took the order."""
        if view.now.get(MAILBOX) is None:
            return Finding(Outcome.not_applicable, "There is no mailbox.")
        return finding_of_state(
            before=False,
            now=_QUEUED in view.now.values,
            done="Exchange has taken the order to cancel the meetings of the next two years; it mails the "
            "cancellations within minutes.",
            already="",
        )

    def apply(self, task: Task) -> None:
        """Order the cancellations."""
        person = task.person
        task.clients.exchange.invoke(exchange_cmdlets.cancel_meetings(person.id, anchor=person.upn))

    def read_back(self, view: View, clients: TenantClients) -> tuple[Snapshot, list[MicrosoftError]]:
        """Answer that the order was taken: nobody asks before that."""
        del view, clients
        values: dict[str, Any] = {_QUEUED: True}
        return Snapshot(values, {}), []
