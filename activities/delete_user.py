"""Delete the account, last of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.actions.catalogue import Action, graph_permission, register
from shared.actions.outcome import Finding, Outcome, compared
from shared.actions.reads.account import USER
from shared.actions.reads.snapshot import Read
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
    undo = "Restore the account from Entra's deleted users within 30 days; mailbox and licenses come back with it."

    def judge(self, view: View) -> Finding:
        """Find out whether the account is gone, and kept among the deleted ones."""
        was, user = view.first.get(USER), view.now.get(USER)
        is_synced = was is not None and was.is_synced
        if user is not None and is_synced and not view.force:
            return Finding(
                Outcome.needs_attention,
                "The account is managed in Active Directory: delete it there, and the next synchronisation deletes it "
                "here. Set force to delete it here all the same.",
            )
        advice = " Delete it in Active Directory, too, or it may come back." if is_synced else ""
        return compared(
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
