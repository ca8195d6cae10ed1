"""Who else may open the mailbox, or send from it: rights that somebody granted, and that are told, not judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.actions.mailboxes.full_access import FULL_ACCESS
from shared.actions.mailboxes.mailbox_grants import SEND_AS
from shared.actions.reads.mailbox import MAILBOX
from shared.offboarding.access_check.verdict import AreaFound, Thing, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.actions.mailboxes.scan import Scans
    from shared.actions.reads.snapshot import Person, Read, Snapshot
    from shared.microsoft365.cloud import TenantClients

_GRANTED: Final = "Somebody granted it; whoever grants it takes it away."


class Delegates:
    """Full Access, Send As and Send on Behalf on the person's own mailbox."""

    title = "Delegates of the mailbox"
    action = ""

    def reads(self, since: datetime | None) -> tuple[Read[Any], ...]:
        """Ask for the three kinds of rights."""
        del since
        return (MAILBOX, FULL_ACCESS, SEND_AS)

    def reads_later(self, now: Snapshot, person: Person) -> tuple[Read[Any], ...]:
        """Ask nothing more."""
        del now, person
        return ()

    def survey(self, now: Snapshot, person: Person, clients: TenantClients, scans: Scans) -> Snapshot | None:
        """Find out nothing more."""
        del now, person, clients, scans

    def look(self, now: Snapshot, person: Person, since: datetime | None) -> AreaFound:
        """Name who has which right."""
        del person, since
        mailbox = now.get(MAILBOX)
        if mailbox is None:
            return AreaFound(self.title, self.action, "There is no mailbox.")
        held: list[tuple[str, Iterable[str]]] = [
            ("opens the mailbox", now.get(FULL_ACCESS)),
            ("sends as the person", now.get(SEND_AS)),
            ("sends on behalf of the person", mailbox.send_on_behalf),
        ]
        things = tuple(
            Thing(f"{what} {who}", f"{who} {what}", Verdict.left, _GRANTED)
            for what, people in held
            for who in sorted(people)
        )
        return AreaFound(self.title, self.action, "" if things else "Nobody else has a right on it.", things)
