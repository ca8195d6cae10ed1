"""Sign the person out everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.actions.catalogue import Action, graph_permission, register
from shared.actions.outcome import Finding, Outcome, finding_of_state
from shared.actions.reads.account import USER
from shared.microsoft365.graph import graph_calls

if TYPE_CHECKING:
    from shared.actions.catalogue import Task, View


@register
class RevokeSessions(Action):
    """Invalidate refresh tokens and session cookies.

    Comes after the block and the new password: whoever signs in between revocation and block keeps fresh tokens (Learn:
    "Revoke user access in Microsoft Entra ID"). Access tokens live on for up to an hour where continuous access
    evaluation is not supported.
    """

    name = "revoke_sessions"
    title = "Revoke all sessions"
    description = "Signs the person out of every session and app."
    portal_key = "RevokeSessions"
    changes = ("user.signInSessionsValidFromDateTime",)
    permissions = (graph_permission("User.RevokeSessions.All"),)
    after = ("disable_sign_in", "reset_password")
    changes_account = True
    undo = "Cannot be undone, and need not be: the person signs in again."
    repeats = True

    def judge(self, view: View) -> Finding:
        """Find out whether sessions were revoked since the offboarding began."""
        was, user = view.first.get(USER), view.now.get(USER)
        if user is None or was is None:
            return Finding(Outcome.not_applicable, "The account no longer exists.")
        if user.is_guest:
            return Finding(Outcome.not_applicable, "A guest's sessions belong to the tenant the guest comes from.")
        return finding_of_state(
            before=False,
            now=user.sessions_valid_from > was.sessions_valid_from,
            done="All sessions are revoked; access tokens in use can live for up to an hour more.",
            already="",
        )

    def apply(self, task: Task) -> None:
        """Revoke the sessions."""
        task.clients.graph.send(graph_calls.revoke_sessions(task.person.id))
