"""Replace the password by one that nobody knows."""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING, Final

from shared.actions.catalogue import Action, graph_permission, register
from shared.actions.outcome import Finding, Outcome, finding_of_state
from shared.actions.reads.account import USER
from shared.microsoft365.graph import graph_calls
from shared.microsoft365.http.errors import Category, MicrosoftError

if TYPE_CHECKING:
    from shared.actions.catalogue import Task, View

_CLASSES: Final = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "!#$%&*+-=?@_")
_LENGTH: Final = 40


def _password() -> str:
    """Return a random password with a character of each class that Entra's complexity rule counts."""
    characters = [secrets.choice(kind) for kind in _CLASSES]
    characters += [secrets.choice("".join(_CLASSES)) for _ in range(_LENGTH - len(characters))]
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)


@register
class ResetPassword(Action):
    """Set a random password, use it for this one request, and forget it.

    Only a delegated call can reset the password of a synced user (Graph permissions reference: resetPassword has no
    application permission), so that is left to a person.
    """

    name = "reset_password"
    title = "Reset the password"
    description = "Sets a random password that nobody is told, and that is kept nowhere."
    portal_key = "ResetPass"
    changes = ("user.lastPasswordChangeDateTime",)
    permissions = (graph_permission("User-PasswordProfile.ReadWrite.All"),)
    destructive = True
    changes_account = True
    undo = "Cannot be undone: set a new password."
    repeats = True

    def judge(self, view: View) -> Finding:
        """Find out whether the password was changed since the offboarding began."""
        was, user = view.first.get(USER), view.now.get(USER)
        if user is None or was is None:
            return Finding(Outcome.not_applicable, "The account no longer exists.")
        if user.is_guest:
            return Finding(Outcome.not_applicable, "A guest's password belongs to the tenant the guest comes from.")
        if user.is_synced:
            return Finding(
                Outcome.needs_attention, "The password is managed in Active Directory: reset it there, twice."
            )
        return finding_of_state(
            before=False,
            now=user.password_changed > was.password_changed,
            done="The password was replaced by a random one that nobody was told and that is kept nowhere.",
            already="",
        )

    def apply(self, task: Task) -> None:
        """Set a random password; another one where Microsoft's banned list should ever meet the first."""
        try:
            task.clients.graph.send(graph_calls.set_password(task.person.id, _password()))
        except MicrosoftError as error:
            if error.category is not Category.invalid:
                raise
            task.clients.graph.send(graph_calls.set_password(task.person.id, _password()))
