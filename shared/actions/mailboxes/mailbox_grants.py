"""What the four grants on the leaver's mailbox have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from shared.actions import catalogue
from shared.actions.catalogue import EXCHANGE_ADMIN, Action, graph_permission, results_of
from shared.actions.mailboxes import grantees
from shared.actions.outcome import Finding, Outcome
from shared.actions.reads.mailbox import MAILBOX
from shared.actions.reads.snapshot import Read, UnreadError
from shared.actions.restoration import Restoration, members_back, original_of
from shared.microsoft365.exchange import exchange_cmdlets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shared.actions.catalogue import Results, Task, View
    from shared.actions.mailboxes.grantees import Grantee
    from shared.actions.reads.snapshot import Person, Snapshot
    from shared.microsoft365.exchange.exchange_cmdlets import Cmdlet

_CANNOT_BE_GIVEN: Final = frozenset(
    {"MailUniversalDistributionGroup", "DynamicDistributionGroup", "GroupMailbox", "MailContact"}
)
"""Only security principals can be given a right (Learn: "Add-MailboxPermission")."""


class MailboxGrant(Action):
    """Give people a right on the leaver's mailbox, one item each.

    A group can be given one if it is a mail-enabled security group. Pointless beside a deletion of the account, which
    takes the mailbox along.
    """

    params = grantees.Params
    permissions = (EXCHANGE_ADMIN, graph_permission("User.Read.All"))
    excludes = ("delete_user",)
    can_end = True
    only_inside = True
    lane = "mailbox"
    already: ClassVar[str]

    def portal_params(self, key: str, form: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Read the people chosen in the action's picker."""
        return grantees.from_portal(form, key)

    def reads_for(self, params: Mapping[str, Any]) -> tuple[Read[Any], ...]:
        """Ask who is meant, too."""
        return (
            *self.reads,
            *(read for to in params["to"] for read in (*grantees.account_reads(to), grantees.recipient_read(to))),
        )

    def judge(self, view: View) -> Finding | Sequence[Finding]:
        """Find out who has the right."""
        if view.now.get(MAILBOX) is None:
            return Finding(Outcome.not_applicable, "There is no mailbox.")
        return grantees.findings(
            view, self.refusal, self.has, done=lambda grantee: self.done(grantee, view), already=self.already
        )

    def apply(self, task: Task) -> Results:
        """Give the right, ten people to a request."""
        people = grantees.by_id(task.params["to"], task.view.now)
        calls = {finding.item: self.grant(task.person, people[finding.item]) for finding in task.open}
        return results_of(task.clients.exchange.batch, calls)

    def refusal(self, grantee: Grantee) -> str | None:
        """Say why somebody cannot be given the right; None where they can."""
        if grantee.kind in _CANNOT_BE_GIVEN:
            return "Rights on a mailbox can be given to people and mail-enabled security groups only."
        return None

    @abstractmethod
    def has(self, grantee: Grantee, snapshot: Snapshot) -> bool:
        """Return whether somebody has the right."""

    @abstractmethod
    def done(self, grantee: Grantee, view: View) -> str:
        """Say what the grantee can do now."""

    @abstractmethod
    def grant(self, person: Person, grantee: Grantee) -> Cmdlet:
        """Return the call that gives the right."""


def holders(right: str, holder: str) -> tuple[Callable[[Any], frozenset[str]], Callable[[Any, Person], Any]]:
    """Return `parse` and `keep` of a read of rights: who holds `right` in the column `holder`, by name in lower case.

    Inherited rights are those of administrators, and a denied one is none; neither counts as given.
    """

    def parse(names: Any) -> frozenset[str]:  # noqa: ANN401 - Microsoft's JSON
        return frozenset(name.casefold() for name in names or ())

    def keep(rows: Any, _: Person) -> Any:  # noqa: ANN401 - Microsoft's JSON
        if len({row.get("Identity") for row in rows}) > 1:
            raise UnreadError("Exchange answered with the rights on several mailboxes.")
        given = [row for row in rows if not row.get("IsInherited") and not _is_denied(row)]
        return [row[holder] for row in given if right in row["AccessRights"] and row[holder] != _SELF]

    return parse, keep


_SELF: Final = "NT AUTHORITY\\SELF"


def _is_denied(row: Mapping[str, Any]) -> bool:
    return row.get("Deny") is True or row.get("AccessControlType") == "Deny"


SEND_AS: Final = Read(
    "send_as",
    "Who may send as the leaver",
    "exchange",
    lambda person: exchange_cmdlets.get_send_as(person.id),
    *holders("SendAs", "Trustee"),
)


class MailboxGrantBack(Restoration):
    """Take a right on the mailbox from those whom the offboarding gave it; who had it before keeps it."""

    action: ClassVar[type[MailboxGrant]]  # pyright: ignore[reportIncompatibleVariableOverride] - a narrower one

    @property
    def _grant(self) -> MailboxGrant:
        return cast("MailboxGrant", catalogue.get(self.name))

    def reads_for(self, params: Mapping[str, Any]) -> tuple[Read[Any], ...]:
        """Ask who has the right."""
        del params
        return self._grant.reads

    def proof_for(self, view: View) -> tuple[Read[Any], ...]:
        """Look again at who has it."""
        del view
        return self._grant.proof

    def judge(self, view: View) -> Finding | Sequence[Finding]:
        """Find out who still has it."""
        if view.now.get(MAILBOX) is None:
            return Finding(Outcome.not_applicable, "There is no mailbox.")
        people = self._people(view)
        return members_back(
            view,
            were=False,
            before={item for item, grantee in people.items() if self._grant.has(grantee, view.first)},
            now={item for item, grantee in people.items() if self._grant.has(grantee, view.now)},
            done="The right was taken back.",
            already="The right was gone already.",
        )

    def apply(self, task: Task) -> Results:
        """Take the right back, ten people to a request."""
        people = self._people(task.view)
        calls = {finding.item: self.revoke(task.person, people[finding.item]) for finding in task.open}
        return results_of(task.clients.exchange.batch, calls)

    def _people(self, view: View) -> dict[str, Grantee]:
        """Return those who were given it, under the names that Exchange had for them then."""
        original = original_of(view)
        return grantees.by_id(view.params["to"], original.first)

    @abstractmethod
    def revoke(self, person: Person, grantee: Grantee) -> Cmdlet:
        """Return the call that takes the right back."""
