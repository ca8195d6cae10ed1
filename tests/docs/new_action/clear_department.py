"""Take the department out of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.actions.catalogue import Action, graph_permission, register
from shared.actions.outcome import Finding, Outcome, finding_of_state
from shared.actions.reads.account import USER
from shared.actions.reads.snapshot import Read
from shared.microsoft365.graph import graph_calls
from shared.microsoft365.graph.graph_calls import GraphCall

if TYPE_CHECKING:
    from shared.actions.catalogue import Task, View

DEPARTMENT = Read(
    "department",
    "The department",
    "graph",
    lambda person: GraphCall("GET", graph_calls.user_path(person.id) + graph_calls.query(select="department")),
    lambda kept: kept,
    lambda answer, _: answer["department"],
)


@register
class ClearDepartment(Action):
    """Set the department to null, so that nothing that goes by departments finds the person."""

    name = "clear_department"
    title = "Clear the department"
    description = "Takes the department out of the account."
    portal_key = "ClearDepartment"
    reads = (USER, DEPARTMENT)
    proof = (USER, DEPARTMENT)
    permissions = (graph_permission("User.ReadWrite.All"),)
    after = ("disable_sign_in",)
    undo = "Set the department to snapshot.department again."

    def judge(self, view: View) -> Finding:
        """Find out whether there is a department."""
        if view.now.get(USER) is None:
            return Finding(Outcome.not_applicable, "The account no longer exists.")
        return finding_of_state(
            before=view.first.get(DEPARTMENT) is None,
            now=view.now.get(DEPARTMENT) is None,
            done="Cleared.",
            already="There was none.",
        )

    def apply(self, task: Task) -> None:
        """Clear it."""
        task.clients.graph.send(GraphCall("PATCH", graph_calls.user_path(task.person.id), {"department": None}))
