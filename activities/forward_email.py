"""Send arriving mail on to a colleague or an outside address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - pydantic reads the field's type
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from shared.actions import portal_form
from shared.actions.catalogue import EXCHANGE_ADMIN, Action, register
from shared.actions.mailboxes.first_values import MailboxValues
from shared.actions.outcome import Finding, Outcome, finding_of_state
from shared.actions.reads.account import DOMAINS, USER
from shared.actions.reads.mailbox import MAILBOX
from shared.actions.reads.snapshot import Read
from shared.actions.restoration import restores
from shared.base import clock, identifiers
from shared.microsoft365.exchange import exchange_cmdlets
from shared.microsoft365.http.errors import Category, MicrosoftError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.actions.catalogue import Task, View
    from shared.actions.reads.mailbox import Mailbox
    from shared.actions.reads.snapshot import Snapshot


@dataclass(frozen=True)
class Params:
    """Where mail goes (object id or address), whether the mailbox keeps a copy of it, and until when."""

    to: str
    keep_copy: bool = False
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot name a recipient."""
        clock.check_offset(self.until)
        identifiers.check_person(self.to)


@dataclass(frozen=True)
class _Recipient:
    """A recipient of the tenant; `names` are all that Exchange has for it."""

    address: str
    distinguished_name: str
    names: frozenset[str]


_NAMES: Final = ("Identity", "Name", "Alias", "DistinguishedName", "ExternalDirectoryObjectId", "PrimarySmtpAddress")


def _parse_recipient(row: Any) -> _Recipient | None:  # noqa: ANN401 - Microsoft's JSON
    if not row:
        return None
    names = frozenset(str(row[name]).casefold() for name in _NAMES if row.get(name))
    return _Recipient(row.get("PrimarySmtpAddress") or "", row.get("DistinguishedName") or "", names)


def _recipient(params: Mapping[str, Any]) -> Read[_Recipient | None]:
    return Read(
        "forward_recipient",
        "The recipient of forwarded mail",
        "exchange",
        lambda _: exchange_cmdlets.get_recipient(params["to"]),
        _parse_recipient,
        lambda rows, _: rows[0] if len(rows) == 1 else None,
    )


def _goes_there(recipient: _Recipient) -> Read[bool]:
    """Ask whether the mailbox forwards to a recipient: how it shows a forwarding address tells nothing."""
    return Read(
        "forwards_to_the_recipient",
        "Where mail is forwarded",
        "exchange",
        lambda person: exchange_cmdlets.find_forwarding(person.id, recipient.distinguished_name),
        bool,
        lambda rows, _: bool(rows),
    )


@register
class ForwardEmail(Action):
    """Set the mailbox's forwarding, and ask Exchange whether it goes to whom it was set.

    A recipient of the tenant goes into ForwardingAddress, any other address into ForwardingSmtpAddress; the other is
    cleared, because with both set the SMTP one is ignored (Learn: "Set-Mailbox"). Of a synced mailbox ForwardingAddress
    is altRecipient of Active Directory and may be refused; ForwardingSmtpAddress, which is not synchronised, then takes
    the recipient's address (Learn: "Microsoft Entra Connect Sync: Attributes synchronized").
    """

    name = "forward_email"
    title = "Forward e-mail"
    description = "Sends arriving mail on to a colleague or another address, and keeps a copy if wanted."
    portal_key = "forward"
    params = Params
    can_end = True
    reads = (USER, MAILBOX, DOMAINS)
    proof = (MAILBOX,)
    changes = ("mailbox.ForwardingAddress", "mailbox.ForwardingSmtpAddress", "mailbox.DeliverToMailboxAndForward")
    permissions = (EXCHANGE_ADMIN,)
    excludes = ("disable_forwarding", "delete_user")
    warns_with = MappingProxyType(
        {"set_out_of_office": "A mailbox that forwards its mail may not send the out-of-office message."}
    )
    lane = "mailbox"
    undo = "Set the forwarding of snapshot.mailbox again."

    def portal_params(self, key: str, form: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Read the chosen recipient and the switch beside it."""
        to = portal_form.one_person(form.get(key.lower()), key)
        return {"to": to, "keep_copy": portal_form.is_on(form, "KeepCopy")} if to else None

    def reads_for(self, params: Mapping[str, Any]) -> tuple[Read[Any], ...]:
        """Ask for the recipient, too: Exchange shows a forwarding address under another name than it was set by."""
        return (*self.reads, _recipient(params))

    def reads_later(self, view: View) -> tuple[Read[Any], ...]:
        """Ask whether it goes there already, where mail is forwarded to anybody inside."""
        known = all(read.name in view.now.values for read in (MAILBOX, _recipient(view.params)))
        mailbox = view.now.get(MAILBOX) if known else None
        return self._resolved(view) if mailbox is not None and mailbox.forwards_to is not None else ()

    def proof_for(self, view: View) -> tuple[Read[Any], ...]:
        """Look at the mailbox again, and ask where its mail goes."""
        return (*self.proof, *self._resolved(view))

    def _resolved(self, view: View) -> tuple[Read[Any], ...]:
        recipient = view.now.get(_recipient(view.params))
        return (_goes_there(recipient),) if recipient and recipient.distinguished_name else ()

    def judge(self, view: View) -> Finding:
        """Find out whether mail is forwarded as wanted."""
        was, mailbox = view.first.get(MAILBOX), view.now.get(MAILBOX)
        if mailbox is None:
            return Finding(Outcome.not_applicable, "There is no mailbox.")
        to, recipient = view.params["to"], view.now.get(_recipient(view.params))
        if recipient is None and _is_inside(view):
            return Finding(
                Outcome.failed, f"{to} is not a recipient in this tenant, so mail cannot be forwarded to it."
            )
        person = {view.person.id.casefold(), view.person.upn.casefold()}
        if to.casefold() in person or (recipient and recipient.names & person):
            return Finding(Outcome.failed, "Mail cannot be forwarded to the leaver.")
        shown = recipient.address if recipient else to
        copy = "a copy stays in the mailbox" if view.params["keep_copy"] else "no copy is kept"
        outside = "" if recipient else " Outbound spam policy may block forwarding to outside addresses."
        return finding_of_state(
            before=was is not None and _forwards(was, view.first, view.params, recipient),
            now=_forwards(mailbox, view.now, view.params, recipient),
            done=f"Mail is forwarded to {shown}; {copy}.{outside}",
            already=f"Mail was forwarded to {shown} already.",
        )

    def apply(self, task: Task) -> None:
        """Set the forwarding; of a synced mailbox, if need be, the kind that is the cloud's."""
        person, keep_copy = task.person.id, task.params["keep_copy"]
        recipient, mailbox = task.view.now.get(_recipient(task.params)), task.view.now.get(MAILBOX)
        cmdlet = exchange_cmdlets.set_forwarding(
            person, task.params["to"], external=recipient is None, keep_copy=keep_copy
        )
        try:
            task.clients.exchange.invoke(cmdlet)
        except MicrosoftError as error:
            is_free = mailbox is not None and mailbox.forwards_to is None
            if error.category is not Category.on_prem_mastered or recipient is None or not is_free:
                raise
            in_the_cloud = {"ForwardingSmtpAddress": recipient.address, "DeliverToMailboxAndForward": keep_copy}
            task.clients.exchange.invoke(exchange_cmdlets.set_mailbox(person, **in_the_cloud))

    def settle_error(self, finding: Finding, error: MicrosoftError) -> Finding | None:
        """Say where the forwarding of a synced mailbox is changed."""
        del finding
        if error.category is not Category.on_prem_mastered:
            return None
        text = "The forwarding is managed in Active Directory: set altRecipient there."
        return Finding(Outcome.needs_attention, text)


def _is_inside(view: View) -> bool:
    to: str = view.params["to"]
    return identifiers.is_guid(to) or to.rpartition("@")[2].casefold() in view.now.get(DOMAINS)


def _forwards(mailbox: Mailbox, snapshot: Snapshot, params: Mapping[str, Any], recipient: _Recipient | None) -> bool:
    if mailbox.keeps_copy != params["keep_copy"]:
        return False
    if recipient is None:
        return mailbox.forwards_to is None and (mailbox.forwards_to_smtp or "").casefold() == params["to"].casefold()
    names = {*recipient.names, params["to"].casefold()}
    if mailbox.forwards_to is None:
        return (mailbox.forwards_to_smtp or "").casefold() in names
    goes_there = _goes_there(recipient)
    if goes_there.name in snapshot.values:
        return mailbox.forwards_to_smtp is None and snapshot.get(goes_there)
    return mailbox.forwards_to_smtp is None and mailbox.forwards_to.casefold() in names


@restores(ForwardEmail)
class EndForwarding(MailboxValues):
    """Forward mail as before, or not at all."""

    done = "Mail is no longer forwarded by this offboarding; what was set before is set again."
