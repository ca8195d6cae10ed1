"""Cut the link between the cloud account and an account that was in Active Directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.actions.catalogue import Action, graph_permission, register
from shared.actions.outcome import Finding, Outcome, finding_of_state
from shared.actions.reads.account import FEDERATED_DOMAINS, USER
from shared.actions.restoration import Restoration, first_values, restores, values_back
from shared.microsoft365.graph import graph_calls
from shared.microsoft365.http.errors import Category, MicrosoftError

if TYPE_CHECKING:
    from shared.actions.catalogue import Task, View


@register
class ClearImmutableId(Action):
    """Set onPremisesImmutableId to null, for accounts that are no longer synchronised and still carry a value.

    Entra refuses the change while the account is synchronised: it has to leave the scope of the synchronisation first,
    which deletes it here, and be restored (Learn: "Delete user", "Restore deleted directory object").
    """

    name = "clear_immutable_id"
    title = "Clear the immutable id"
    description = "Cuts the link to an account in Active Directory that is no longer synchronised."
    portal_key = "ClearImmutableId"
    reads = (USER, FEDERATED_DOMAINS)
    changes = ("user.onPremisesImmutableId",)
    permissions = (graph_permission("User.ReadWrite.All"),)
    after = ("disable_sign_in",)
    changes_account = True
    undo = "Set onPremisesImmutableId to the value in snapshot.user again."

    def judge(self, view: View) -> Finding:
        """Find out whether the account still carries an immutable id."""
        was, user = view.first.get(USER), view.now.get(USER)
        if user is None or was is None:
            return Finding(Outcome.not_applicable, "The account no longer exists.")
        if user.is_synced:
            return Finding(
                Outcome.needs_attention,
                "The account is synchronised. Delete it in Active Directory or take it out of the synchronisation's "
                "scope, restore it in Entra once it is deleted there, and then clear the immutable id.",
            )
        return finding_of_state(
            before=was.immutable_id is None,
            now=user.immutable_id is None,
            done="The immutable id was cleared. If an account with the same address is still in the synchronisation's "
            "scope, the next synchronisation may link the two again.",
            already="There was no immutable id.",
        )

    def apply(self, task: Task) -> None:
        """Clear the immutable id; say what stands in the way where the domain is federated."""
        try:
            task.clients.graph.send(graph_calls.clear_immutable_id(task.person.id))
        except MicrosoftError as error:
            user = task.view.now.get(USER)
            domain = user.upn.rpartition("@")[2].casefold() if user else ""
            if error.category is not Category.invalid or domain not in task.view.now.get(FEDERATED_DOMAINS):
                raise
            text = (
                f"{domain} is federated, and its people need the immutable id to sign in. Change the user name to a "
                "managed domain first (such as the tenant's onmicrosoft.com), then clear the id."
            )
            raise MicrosoftError("graph", Category.invalid, f"{text} {error.message}") from error


@restores(ClearImmutableId)
class SetImmutableId(Restoration):
    """Link the account again to the one it came from, where it is not synchronised by now."""

    def judge(self, view: View) -> Finding:
        """Find out whether the account carries its immutable id."""
        user = view.now.get(USER)
        if user is None:
            return Finding(Outcome.not_applicable, "The account no longer exists.")
        if user.is_synced:
            return Finding(Outcome.not_applicable, "The account is synchronised: its immutable id is kept there.")
        return values_back(view, "The immutable id is set again.")

    def apply(self, task: Task) -> None:
        """Set the immutable id."""
        value = first_values(task.view, USER)["onPremisesImmutableId"]
        task.clients.graph.send(graph_calls.set_immutable_id(task.person.id, value))
