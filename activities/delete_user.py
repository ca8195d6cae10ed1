"""Delete the account, last of all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from shared.actions.catalogue import Action, graph_permission, register
from shared.actions.outcome import Finding, Outcome, finding_of_state
from shared.actions.reads.account import USER
from shared.actions.reads.mailbox import MAILBOX
from shared.actions.reads.snapshot import Read
from shared.actions.restoration import Restoration, original_of, restores
from shared.microsoft365.graph import graph_calls
from shared.microsoft365.http.errors import Category, MicrosoftError

if TYPE_CHECKING:
    from shared.actions.catalogue import Task, View


def _is_listed(raw: Any) -> bool:  # noqa: ANN401 - Microsoft's JSON
    return raw is not None


DELETED_ITEM = Read(
    "deleted_item",
    "The deleted account",
    "graph",
    lambda person: graph_calls.get_deleted_user(person.id),
    _is_listed,
    lambda item, _: item,
)


@register
class DeleteUser(Action):
    """Move the account to the deleted items, where it can be restored for 30 days (Learn: "Delete a user").

    The mailbox goes with the account, also a shared one, so everything that sends mail on or opens the mailbox to
    others contradicts it. A synced account is deleted where it is mastered: here the next synchronisation would refuse
    or undo that, so it takes `force`.
    """

    name = "delete_user"
    title = "Delete the user"
    description = "Deletes the account with its mailbox, when all else went well. Restorable for 30 days."
    portal_key = "DeleteUser"
    proof = (USER, DELETED_ITEM)
    permissions = (graph_permission("User.DeleteRestore.All"), graph_permission("User.Read.All"))
    excludes = (
        "convert_to_shared",
        "forward_email",
        "set_out_of_office",
        "grant_mailbox_access",
        "grant_mailbox_access_automap",
        "grant_send_as",
        "grant_send_on_behalf",
    )
    destructive = True
    removes = True
    is_last = True
    proves_itself = True
    changes_account = True
    undo = "Restore the account from Entra's deleted users within 30 days; mailbox and licenses come back with it."

    def judge(self, view: View) -> Finding:
        """Find out whether the account is gone, and kept among the deleted ones."""
        was, user = view.first.get(USER), view.now.get(USER)
        is_synced = was is not None and was.is_synced
        if user is not None and is_synced and not view.force:
            return Finding(
                Outcome.needs_attention,
                "The account is managed in Active Directory: delete it there, and the next synchronisation deletes it "
                "here.",
            )
        advice = " Delete it in Active Directory, too, or it may come back." if is_synced else ""
        return finding_of_state(
            before=was is None,
            now=user is None and view.now.get(DELETED_ITEM),
            done="The account was deleted. It can be restored from Entra's deleted users for 30 days." + advice,
            already="The account had been deleted before.",
        )

    def apply(self, task: Task) -> None:
        """Make sure once more who it is, and delete the account."""
        graph, person = task.clients.graph, task.person
        user = USER.parse(graph.send(graph_calls.get_user(person.id)))
        if user is None or user.id.casefold() != person.id.casefold():
            text = f"Microsoft Graph answered with another account than that of {person.upn}: nothing was deleted."
            raise MicrosoftError("graph", Category.invalid, text)
        graph.send(graph_calls.delete_user(person.id))


RETURNED: Final = replace(USER, name="returned_account", title="The account")
RETURNED_MAILBOX: Final = replace(MAILBOX, name="returned_mailbox", title="The mailbox")
"""Asked under names of their own: what the run reads for its other steps, it reads when the account is back."""


@restores(DeleteUser)
class RestoreUser(Restoration):
    """Bring the account back from the deleted items, and wait for the mailbox it had: first of all."""

    reads = ()
    is_first = True
    proves_itself = True
    proof = (RETURNED, RETURNED_MAILBOX)

    def reads_later(self, view: View) -> tuple[Read[Any], ...]:
        """Look for the account where it may be."""
        del view
        return (RETURNED, RETURNED_MAILBOX, DELETED_ITEM)

    def judge(self, view: View) -> Finding:
        """Find out whether the account is there, and its mailbox."""
        if view.now.get(RETURNED) is None:
            if not view.now.get(DELETED_ITEM):
                text = "The account is not among the deleted ones any more: after 30 days nobody can bring it back."
                return Finding(Outcome.failed, text)
            return Finding(None, "The account is back.")
        had_mailbox = original_of(view).first.values.get(MAILBOX.name) is not None
        if had_mailbox and view.now.get(RETURNED_MAILBOX) is None:
            return Finding(None, "The account is back, and its mailbox is on the way.")
        was_there = view.first.get(RETURNED) is not None
        return finding_of_state(
            before=was_there, now=True, done="The account is back, blocked as it was.", already="The account was there."
        )

    def apply(self, task: Task) -> None:
        """Restore the account, unless only its mailbox is waited for."""
        if task.view.now.get(RETURNED) is None:
            task.clients.graph.send(graph_calls.restore_user(task.person.id))
