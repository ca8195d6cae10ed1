"""Take away the person's rights on the calendars of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.actions.catalogue import EXCHANGE_ADMIN, Action, Area, graph_permission, register, results_of
from shared.actions.mailboxes import holdings
from shared.actions.mailboxes.holdings import CALENDAR, MAX_UNREAD_LOOKED_AT, Question, Right
from shared.actions.mailboxes.holdings_back import RightsBack
from shared.actions.mailboxes.scan import Mailbox, ScanSource
from shared.actions.outcome import ItemWords
from shared.actions.restoration import restores
from shared.microsoft365.graph import client, graph_calls
from shared.microsoft365.http.errors import MicrosoftError
from shared.microsoft365.http.wire import as_object, as_rows, text_at

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from shared.actions.catalogue import Results, Task, View
    from shared.actions.mailboxes.scan import Scans
    from shared.actions.outcome import Finding
    from shared.actions.reads.snapshot import Read, Snapshot
    from shared.microsoft365.cloud import TenantClients
    from shared.microsoft365.graph.graph_calls import GraphCall
    from shared.microsoft365.http.wire import Json

HELD: Final = holdings.survey("calendar_rights", "The rights on other calendars")


@register
class RemoveCalendarPermissions(Action):
    """Remove the person's entries from the default calendars of others.

    Entries are matched by address, never by display name, which two people may share. What stands for everybody cannot
    be removed and has no address (Learn: "calendarPermission resource type"). A scan finds the calendars, each of which
    is asked again live.
    """

    name = "remove_calendar_permissions"
    title = "Remove rights on other calendars"
    description = "Takes the person off the default calendars of others; further calendars of theirs are not looked at."
    portal_key = "removeCalendarPermissions"
    words = ItemWords("right", "rights", "removed")
    area = Area("Other calendars", "The person still has this right there.")
    permissions = (graph_permission("Calendars.ReadWrite"), EXCHANGE_ADMIN)
    destructive = True
    removes = True
    undo = "Share the calendars of snapshot.calendar_rights again."

    def survey(self, view: View, clients: TenantClients, scans: Scans) -> Snapshot | None:
        """Find out on which calendars the person is."""
        if HELD.name in view.now.values:
            return None
        names = holdings.names_of(view)
        found = scans.find(_scan_source(clients), names)
        held, unread = holdings.candidates(found, view.person.id)
        again = unread[:MAX_UNREAD_LOOKED_AT]
        questions = [_entries(mailbox, names) for mailbox in (*held, *again)]
        rights, errors = holdings.ask(clients.graph.batch, questions, may_fail={mailbox.id for mailbox in again})
        told = holdings.unread(questions, errors, unread[MAX_UNREAD_LOOKED_AT:])
        return holdings.kept(HELD, rights, told, holdings.note("The person was looked for", found))

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which of the entries are left."""
        return holdings.judge(view, HELD, "The person has no rights on other calendars.")

    def apply(self, task: Task) -> Results:
        """Remove the open entries."""
        rights = {right.item: right for right in task.view.now.get(HELD).rights}
        doomed = [rights[finding.item] for finding in task.open]
        calls = {right.item: graph_calls.delete_calendar_permission(right.owner, right.key) for right in doomed}
        return results_of(task.clients.graph.batch, calls)

    def proof_for(self, view: View) -> tuple[Read[Any], ...]:
        """Look again only at the calendars that had an entry."""
        owners = {right.owner: Mailbox(right.owner, right.name) for right in view.now.get(HELD).rights}
        names = holdings.names_of(view)
        return holdings.proof(HELD, [_entries(mailbox, names) for mailbox in owners.values()], "graph")


@dataclass(frozen=True)
class _Entry:
    """Somebody's entry in a calendar."""

    id: str
    address: str
    role: str


def _people(answer: Json) -> list[_Entry]:
    """Read the entries of people, whoever they are."""
    rows = as_rows(as_object(answer).get("value"))
    entries = [
        _Entry(text_at(row, "id"), text_at(row, "emailAddress", "address").casefold(), text_at(row, "role"))
        for row in rows
        if row.get("isRemovable") is not False
    ]
    return [entry for entry in entries if entry.id and entry.address]


def _scan_source(clients: TenantClients) -> ScanSource:
    def holders(mailboxes: Sequence[Mailbox]) -> list[Collection[str] | MicrosoftError]:
        answers = clients.graph.batch([graph_calls.list_calendar_permissions(mailbox.id) for mailbox in mailboxes])
        return [a if isinstance(a, MicrosoftError) else {entry.address for entry in _people(a)} for a in answers]

    what = "Looking for shared calendars"
    return ScanSource("calendars", what, client.BATCH_SIZE, holdings.mailboxes(clients), holders)


def _entries(mailbox: Mailbox, names: Collection[str]) -> Question:
    def read(answer: Any) -> list[Right]:  # noqa: ANN401 - Microsoft's JSON
        mine = [entry for entry in _people(answer) if entry.address in names]
        return [Right(CALENDAR, mailbox.id, mailbox.address, e.role, mailbox.id, (e.role,), e.id) for e in mine]

    call: GraphCall = graph_calls.list_calendar_permissions(mailbox.id)
    return Question(mailbox.id, mailbox.address, call, read)


@restores(RemoveCalendarPermissions)
class ShareCalendars(RightsBack):
    """Share the calendars with the person again, in the role they had."""

    held = HELD
    service = "graph"
    note = "Shared again in the same role."

    def questions(self, view: View, rights: Sequence[Right]) -> Iterable[Question]:
        """Ask the calendars that were shared."""
        names = holdings.names_of(view)
        owners = {right.owner: Mailbox(right.owner, right.name) for right in rights}
        return [_entries(mailbox, names) for mailbox in owners.values()]

    def batch(self, task: Task) -> Callable[[list[Any]], Sequence[Any]]:
        """Send to Graph."""
        return task.clients.graph.batch

    def grant(self, right: Right, upn: str) -> GraphCall:
        """Share a calendar."""
        return graph_calls.add_calendar_permission(right.owner, upn, right.rights[0])
