"""Take away the person's rights on the mailboxes of others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from shared.actions.catalogue import EXCHANGE_ADMIN, Action, Area, register, results_of
from shared.actions.mailboxes import holdings, mailbox_rows
from shared.actions.mailboxes.holdings import FULL_ACCESS, MAX_UNREAD_LOOKED_AT, Question, Right
from shared.actions.mailboxes.holdings_back import RightsBack
from shared.actions.mailboxes.scan import Mailbox, ScanSource
from shared.actions.outcome import ItemWords
from shared.actions.reads.account import USER
from shared.actions.reads.mailbox import own_row
from shared.actions.reads.snapshot import Read
from shared.actions.restoration import restores
from shared.base import identifiers
from shared.microsoft365.exchange import client
from shared.microsoft365.exchange import exchange_cmdlets as cmdlets
from shared.microsoft365.http.errors import MicrosoftError
from shared.microsoft365.http.wire import as_texts, text_at

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from shared.actions.catalogue import Results, Task, View
    from shared.actions.mailboxes.scan import Scans
    from shared.actions.outcome import Finding
    from shared.actions.reads.snapshot import Snapshot
    from shared.microsoft365.cloud import TenantClients
    from shared.microsoft365.exchange.exchange_cmdlets import Cmdlet
    from shared.microsoft365.http.wire import Json, JsonObject

SEND_AS: Final = "send_as"
ON_BEHALF: Final = {
    "send_on_behalf": ("Get-Mailbox", "Set-Mailbox"),
    "send_on_behalf_of_list": ("Get-DistributionGroup", "Set-DistributionGroup"),
    "send_on_behalf_of_group": ("Get-UnifiedGroup", "Set-UnifiedGroup"),
}
"""By kind of the right: what finds those on whose behalf a person may send, and what ends it."""

_ON_BEHALF_ROWS: Final = (*cmdlets.RECIPIENT_PROPERTIES, "Identity", "IsDirSynced")

HELD: Final = holdings.survey("mailbox_rights", "The rights on other mailboxes")
DISTINGUISHED_NAME: Final = Read(
    "own_recipient",
    "The person's name in Exchange",
    "exchange",
    lambda person: cmdlets.get_recipient(person.id),
    lambda row: text_at(row, "DistinguishedName"),
    own_row,
)


@register
class RemoveMailboxPermissions(Action):
    """Remove Full Access, Send As and Send on Behalf that were granted to the person directly.

    Send As and Send on Behalf are looked up live, the latter by distinguished name because no other filter works
    (Learn: "Filterable properties for the Filter parameter"). Full Access is known by mailbox only: a scan finds the
    mailboxes, each of which is asked again live. Inherited and denying entries are left, and so is what a group gives:
    `remove_groups` ends that.
    """

    name = "remove_mailbox_permissions"
    title = "Remove rights on other mailboxes"
    description = "Takes away the person's Full Access, Send As and Send on Behalf on the mailboxes of others."
    portal_key = "removePermissions"
    words = ItemWords("right", "rights", "removed")
    area = Area("Other mailboxes", "The person still has this right there.")
    reads = (USER, DISTINGUISHED_NAME)
    permissions = (EXCHANGE_ADMIN,)
    destructive = True
    removes = True
    undo = "Grant the rights of snapshot.mailbox_rights again."

    def survey(self, view: View, clients: TenantClients, scans: Scans) -> Snapshot | None:
        """Find out which rights the person holds."""
        if HELD.name in view.now.values:
            return None
        who = _Holder(_upn(view), holdings.names_of(view))
        distinguished_name = view.now.get(DISTINGUISHED_NAME)
        found = scans.find(_scan_source(clients), who.names)
        held, unread = holdings.candidates(found, view.person.id)
        again = unread[:MAX_UNREAD_LOOKED_AT]
        questions = [_send_as(who), *(_on_behalf(distinguished_name, kind) for kind in ON_BEHALF if distinguished_name)]
        questions += [_full_access(mailbox, who) for mailbox in (*held, *again)]
        rights, errors = holdings.ask(clients.exchange.batch, questions, may_fail={mailbox.id for mailbox in again})
        note = holdings.note("Full Access was looked for", found)
        told = holdings.unread(questions, errors, unread[MAX_UNREAD_LOOKED_AT:])
        return holdings.kept(HELD, _named(rights, clients), told, note)

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which of the rights are left."""
        return holdings.judge(view, HELD, "The person has no rights on other mailboxes.")

    def apply(self, task: Task) -> Results:
        """Remove the open rights, those on one mailbox in one request after another."""
        rights = {right.item: right for right in task.view.now.get(HELD).rights}
        upn = _upn(task.view)
        results: Results = {}
        for doomed in holdings.rounds([rights[finding.item] for finding in task.open]):
            results |= results_of(task.clients.exchange.batch, {right.item: _removal(right, upn) for right in doomed})
        return results

    def proof_for(self, view: View) -> tuple[Read[Any], ...]:
        """Look again only where something was removed."""
        who = _Holder(_upn(view), holdings.names_of(view))
        return holdings.proof(HELD, _questions(view, view.now.get(HELD).rights, who), "exchange")


@dataclass(frozen=True)
class _Holder:
    """The leaver, as Exchange is asked about them and as it shows them."""

    upn: str
    names: frozenset[str]


def _questions(view: View, rights: Sequence[Right], who: _Holder) -> list[Question]:
    """Return what to ask to see whether somebody holds rights that are known."""
    kinds = {right.kind for right in rights}
    questions = [_send_as(who)] if SEND_AS in kinds else []
    questions += [_on_behalf(view.now.get(DISTINGUISHED_NAME), kind) for kind in ON_BEHALF if kind in kinds]
    places = [Mailbox(right.owner, right.name) for right in rights if right.kind == FULL_ACCESS]
    return [*questions, *(_full_access(mailbox, who) for mailbox in places)]


def _upn(view: View) -> str:
    user = view.now.get(USER)
    return user.upn if user else view.person.upn


def _scan_source(clients: TenantClients) -> ScanSource:
    def holders(mailboxes: Sequence[Mailbox]) -> list[Collection[str] | MicrosoftError]:
        answers = clients.exchange.batch([cmdlets.get_mailbox_permissions(mailbox.id) for mailbox in mailboxes])
        return [a if isinstance(a, MicrosoftError) else {_user(row) for row in a if _counts(row)} for a in answers]

    what = "Looking for Full Access"
    return ScanSource("full_access", what, client.BATCH_SIZE, holdings.mailboxes(clients), holders)


def _user(row: Json) -> str:
    return text_at(row, "User").casefold()


def _counts(row: JsonObject) -> bool:
    """Return whether an entry was granted to somebody, here, and not to the owner."""
    return not row.get("IsInherited") and not row.get("Deny") and not _user(row).startswith("nt authority")


def _full_access(mailbox: Mailbox, who: _Holder) -> Question:
    def read(rows: Any) -> list[Right]:  # noqa: ANN401 - Microsoft's JSON
        mailbox_rows.one_owner(rows, "Identity")
        mine = [row for row in rows if _counts(row) and _user(row) in who.names]
        rights = tuple(dict.fromkeys(right for row in mine for right in as_texts(row.get("AccessRights"))))
        place = text_at(mine[0], "Identity") if mine else ""
        return [Right(FULL_ACCESS, mailbox.id, mailbox.address, "Full Access", place, rights)] if mine else []

    return Question(mailbox.id, mailbox.address, cmdlets.get_mailbox_permissions(mailbox.id, who.upn), read)


def _send_as(who: _Holder) -> Question:
    def read(rows: Any) -> list[Right]:  # noqa: ANN401 - Microsoft's JSON
        mine = {
            text_at(row, "Identity")
            for row in rows
            if text_at(row, "Trustee").casefold() in who.names
            and not row.get("IsInherited")
            and row.get("AccessControlType") != "Deny"
        }
        return [Right(SEND_AS, place, place, "Send As", place) for place in sorted(filter(None, mine))]

    return Question(SEND_AS, "Send As", cmdlets.get_recipient_permissions(who.upn), read)


def _on_behalf(distinguished_name: str, kind: str) -> Question:
    def read(rows: Any) -> list[Right]:  # noqa: ANN401 - Microsoft's JSON
        return [_on_behalf_right(kind, row) for row in rows]

    cmdlet = replace(cmdlets.find_send_on_behalf(distinguished_name, ON_BEHALF[kind][0]), select=_ON_BEHALF_ROWS)
    return Question(kind, "Send on Behalf", cmdlet, read)


def _on_behalf_right(kind: str, row: JsonObject) -> Right:
    place, address = text_at(row, "Identity"), text_at(row, "PrimarySmtpAddress")
    owner = text_at(row, "ExternalDirectoryObjectId") or address
    return Right(kind, owner, address or place, "Send on Behalf", place, is_synced=bool(row.get("IsDirSynced")))


def _named(rights: Sequence[Right], clients: TenantClients) -> list[Right]:
    """Give a name for people to those that Exchange named by an id only: of new recipients, that is their name."""
    unnamed = [right for right in rights if identifiers.is_guid(right.name)]
    if not unnamed:
        return list(rights)
    answers = clients.exchange.batch([cmdlets.get_recipient(right.owner) for right in unnamed])
    addresses = {
        right.item: next((text_at(row, "PrimarySmtpAddress") for row in answer), "")
        for right, answer in zip(unnamed, answers, strict=True)
        if not isinstance(answer, MicrosoftError)
    }
    return [replace(right, name=addresses.get(right.item) or right.name) for right in rights]


def _removal(right: Right, upn: str) -> Cmdlet:
    if right.kind == FULL_ACCESS:
        return cmdlets.remove_mailbox_permission(right.owner, upn, right.rights or cmdlets.FULL_ACCESS)
    if right.kind == SEND_AS:
        return cmdlets.remove_recipient_permission(right.owner, upn)
    return cmdlets.remove_send_on_behalf(right.owner, upn, ON_BEHALF[right.kind][1])


@restores(RemoveMailboxPermissions)
class GrantMailboxPermissions(RightsBack):
    """Grant Full Access, Send As and Send on Behalf again."""

    reads = (USER, DISTINGUISHED_NAME)
    held = HELD
    service = "exchange"
    note = "Granted again; whether Outlook shows the mailbox by itself as before is not known."

    def questions(self, view: View, rights: Sequence[Right]) -> Iterable[Question]:
        """Ask the mailboxes for Full Access, and once for each of the other kinds."""
        who = _Holder(_upn(view), holdings.names_of(view))
        return _questions(view, rights, who)

    def batch(self, task: Task) -> Callable[[list[Any]], Sequence[Any]]:
        """Send to Exchange."""
        return task.clients.exchange.batch

    def grant(self, right: Right, upn: str) -> Cmdlet:
        """Give a right back."""
        if right.kind == FULL_ACCESS:
            return cmdlets.add_mailbox_rights(right.owner, upn, right.rights or cmdlets.FULL_ACCESS)
        if right.kind == SEND_AS:
            return cmdlets.add_recipient_permission(right.owner, upn)
        return cmdlets.add_send_on_behalf_of(right.owner, upn, ON_BEHALF[right.kind][1])
