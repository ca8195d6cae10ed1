"""Take the mailbox out of the address lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.actions import restoration
from shared.actions.catalogue import EXCHANGE_ADMIN, Action, register
from shared.actions.outcome import Finding, Outcome, finding_of_state
from shared.actions.reads.account import USER
from shared.actions.reads.mailbox import MAILBOX, own_row
from shared.actions.reads.snapshot import Read
from shared.actions.restoration import Restoration, restores
from shared.microsoft365.exchange import exchange_cmdlets

if TYPE_CHECKING:
    from shared.actions.catalogue import Task, View
    from shared.actions.reads.snapshot import Snapshot


def _is_hidden(raw: Any) -> bool | None:  # noqa: ANN401 - Microsoft's JSON
    return None if raw is None else bool(raw["HiddenFromAddressListsEnabled"])


MAIL_USER: Final = Read(
    "mail_user", "The mail user", "exchange", lambda p: exchange_cmdlets.get_mail_user(p.id), _is_hidden, own_row
)
_IN_ACTIVE_DIRECTORY: Final = Finding(
    Outcome.needs_attention,
    "Set msExchHideFromAddressLists in Active Directory: it is managed there for this user.",
)


@register
class HideFromAddressLists(Action):
    """Set HiddenFromAddressListsEnabled.

    A guest is in the address lists as a mail user. For a synced user Exchange Online refuses the change: it is an
    attribute of Active Directory (Learn: "Microsoft Entra Connect Sync: Attributes synchronized").
    """

    name = "hide_from_address_lists"
    title = "Hide from the address lists"
    description = "Takes the mailbox out of the global address list."
    portal_key = "HideFromGAL"
    reads = (USER, MAILBOX)
    proof = (MAILBOX, MAIL_USER)
    changes = ("mailbox.HiddenFromAddressListsEnabled", "mail_user.HiddenFromAddressListsEnabled")
    permissions = (EXCHANGE_ADMIN,)
    lane = "mailbox"
    undo = (
        "Show it again if HiddenFromAddressListsEnabled was false in snapshot.mailbox, of a guest snapshot.mail_user."
    )

    def reads_later(self, view: View) -> tuple[Read[Any], ...]:
        """Ask for the mail user where there is no mailbox."""
        user = view.now.values.get(USER.name) and view.now.get(USER)
        no_mailbox = MAILBOX.name in view.now.values and view.now.get(MAILBOX) is None
        return (MAIL_USER,) if no_mailbox and user and user.is_guest else ()

    def proof_for(self, view: View) -> tuple[Read[Any], ...]:
        """Look at the mailbox again, and at the mail user only where that is what was hidden."""
        return self.proof if view.now.values.get(MAILBOX.name) is None else (MAILBOX,)

    def judge(self, view: View) -> Finding:
        """Find out whether mailbox or mail user are hidden."""
        user, is_hidden = view.now.get(USER), _hidden(view.now)
        if is_hidden is None and user and user.is_synced and user.mail:
            return _IN_ACTIVE_DIRECTORY
        if is_hidden is None:
            return Finding(Outcome.not_applicable, "There is no mailbox.")
        mailbox = view.now.get(MAILBOX)
        if mailbox and mailbox.is_synced and not is_hidden:
            return _IN_ACTIVE_DIRECTORY
        return finding_of_state(
            before=_hidden(view.first) is True,
            now=is_hidden,
            done="Hidden from the address lists; offline address books follow within a day.",
            already="It was hidden already.",
        )

    def apply(self, task: Task) -> None:
        """Hide the mailbox, or the mail user."""
        has_mailbox = task.view.now.get(MAILBOX) is not None
        hide = exchange_cmdlets.hide_from_address_lists if has_mailbox else exchange_cmdlets.hide_mail_user
        task.clients.exchange.invoke(hide(task.person.id))


def _hidden(snapshot: Snapshot) -> bool | None:
    """Return whether the leaver is hidden; None where there is neither mailbox nor mail user."""
    mailbox = snapshot.get(MAILBOX)
    if mailbox is not None:
        return mailbox.is_hidden
    return snapshot.get(MAIL_USER) if MAIL_USER.name in {*snapshot.values, *snapshot.errors} else None


@restores(HideFromAddressLists)
class ShowInAddressLists(Restoration):
    """Show the mailbox, or the mail user of a guest, in the address lists again."""

    reads = (USER, MAILBOX)
    proof = (MAILBOX, MAIL_USER)

    def reads_later(self, view: View) -> tuple[Read[Any], ...]:
        """Ask for the mail user where that was hidden."""
        hidden = restoration.original_of(view).left
        return (MAIL_USER,) if any(path.startswith(MAIL_USER.name) for path in hidden) else ()

    def judge(self, view: View) -> Finding:
        """Find out whether it is shown."""
        mailbox, left = view.now.get(MAILBOX), restoration.original_of(view).left
        if mailbox and mailbox.is_synced and left:
            return _IN_ACTIVE_DIRECTORY
        if any(path.startswith(MAILBOX.name) for path in left) and mailbox is None:
            return Finding(Outcome.not_applicable, "There is no mailbox.")
        return restoration.values_back(view, "It is in the address lists again; offline ones follow within a day.")

    def apply(self, task: Task) -> None:
        """Show it."""
        has_mailbox = task.view.now.get(MAILBOX) is not None
        show = exchange_cmdlets.show_in_address_lists if has_mailbox else exchange_cmdlets.show_mail_user
        task.clients.exchange.invoke(show(task.person.id))
