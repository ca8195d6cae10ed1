"""Take the person out of the administrative units, which say who may administer whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.actions.catalogue import Action, graph_permission, register, results_of
from shared.actions.outcome import Finding, ItemWords, Outcome, findings_of_removal
from shared.actions.reads.account import USER
from shared.actions.reads.snapshot import Read
from shared.actions.restoration import Restoration, members_back, restores
from shared.microsoft365.graph import graph_calls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.actions.catalogue import Results, Task, View

UNITS = Read(
    "administrative_units",
    "The administrative units",
    "graph",
    lambda person: graph_calls.get_administrative_units(person.id),
    lambda kept: {row["id"]: row["displayName"] for row in kept},
    lambda page, _: page["value"],
)


@register
class RemoveAdministrativeUnits(Action):
    """Remove each membership, so that the rights of a unit's administrators no longer reach the account."""

    name = "remove_administrative_units"
    title = "Remove from administrative units"
    description = "Takes the person out of administrative units."
    words = ItemWords("unit", "units", "left")
    reads = (USER, UNITS)
    proof = (UNITS,)
    permissions = (graph_permission("AdministrativeUnit.ReadWrite.All"),)
    after = ("disable_sign_in",)
    removes = True
    undo = "Add the person to the units of snapshot.administrative_units again."

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which units the person is still in."""
        if view.now.get(USER) is None:
            return [Finding(Outcome.not_applicable, "The account no longer exists.")]
        found = findings_of_removal(view.first.get(UNITS), view.now.get(UNITS), "Removed.")
        return found or [Finding(Outcome.already_done, "The person was in no administrative unit.")]

    def apply(self, task: Task) -> Results:
        """Leave the open ones."""
        person = task.person.id
        calls = {each.item: graph_calls.remove_from_administrative_unit(each.item, person) for each in task.open}
        return results_of(task.clients.graph.batch, calls)


@restores(RemoveAdministrativeUnits)
class JoinAdministrativeUnits(Restoration):
    """Put the person into the units again."""

    reads = (USER, UNITS)
    proof = (UNITS,)

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which units the person is in again."""
        first, now = view.first.get(UNITS), view.now.get(UNITS)
        return members_back(view, were=True, before=first, now=now, done="Added again.", already="Added already.")

    def apply(self, task: Task) -> Results:
        """Join the open ones."""
        person = task.person.id
        calls = {each.item: graph_calls.add_to_administrative_unit(each.item, person) for each in task.open}
        return results_of(task.clients.graph.batch, calls)
