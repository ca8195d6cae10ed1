"""Block the account's sign-in: the first thing that happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.actions.catalogue import Action, Area, graph_permission, register
from shared.actions.outcome import Finding, Outcome, finding_of_state
from shared.actions.reads.account import USER
from shared.actions.restoration import Restoration, restores, values_back
from shared.microsoft365.graph import graph_calls

if TYPE_CHECKING:
    from shared.actions.catalogue import Task, View


@register
class DisableSignIn(Action):
    """Set accountEnabled to false.

    The account of a synced user is mastered in Active Directory, so the next synchronisation may enable it again; it is
    blocked all the same, because that closes the gap now (Learn: "Revoke user access in Microsoft Entra ID").
    """

    name = "disable_sign_in"
    title = "Block sign-in"
    description = "Blocks the account, so that nobody can sign in with it."
    portal_key = "DisableSignIn"
    area = Area("Sign-in", "The account is enabled: whoever has the password can sign in.")
    changes = ("user.accountEnabled",)
    permissions = (graph_permission("User.EnableDisableAccount.All"), graph_permission("User.Read.All"))
    changes_account = True
    undo = "Enable the account again if snapshot.user.accountEnabled was true."

    def judge(self, view: View) -> Finding:
        """Find out whether sign-in is blocked."""
        was, user = view.first.get(USER), view.now.get(USER)
        if user is None or was is None:
            return Finding(Outcome.already_done, "The account no longer exists.")
        if not user.enabled and was.enabled and user.is_synced:
            return Finding(
                Outcome.needs_attention,
                "Sign-in is blocked in the cloud. Disable the account in Active Directory, too, or the next "
                "synchronisation may enable it again.",
            )
        return finding_of_state(
            before=not was.enabled,
            now=not user.enabled,
            done="Sign-in is blocked.",
            already="Sign-in was blocked already.",
        )

    def apply(self, task: Task) -> None:
        """Block sign-in; nothing else goes into this request, so that it cannot fail for another reason."""
        task.clients.graph.send(graph_calls.disable_user(task.person.id))


@restores(DisableSignIn)
class EnableSignIn(Restoration):
    """Set accountEnabled to true again, last of all."""

    def judge(self, view: View) -> Finding:
        """Find out whether the account is enabled."""
        user = view.now.get(USER)
        if user is not None and user.is_synced and not user.enabled:
            text = "Enable the account in Active Directory: the next synchronisation enables it here."
            return Finding(Outcome.needs_attention, text)
        return values_back(view, "Sign-in is open again. Set a new password in Entra: the old one is gone.")

    def apply(self, task: Task) -> None:
        """Open sign-in; nothing else goes into this request."""
        task.clients.graph.send(graph_calls.enable_user(task.person.id))
