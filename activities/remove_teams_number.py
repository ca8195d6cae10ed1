"""Take the Teams phone number back, so that it can be given to somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.actions.catalogue import Action, Area, graph_permission, register, results_of
from shared.actions.outcome import Finding, ItemWords, Outcome, findings_of_removal
from shared.actions.reads.account import USER
from shared.actions.reads.snapshot import Person, Read
from shared.actions.restoration import Restoration, members_back, original_of, restores
from shared.microsoft365.graph import graph_calls
from shared.microsoft365.http.errors import Category, MicrosoftError
from shared.microsoft365.http.wire import as_rows, lookup, text_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.actions.catalogue import Results, Task, View


@dataclass(frozen=True)
class _Number:
    """A number that is assigned to the person."""

    number: str
    type: str


def _keep(page: Any, person: Person) -> list[dict[str, Any]]:  # noqa: ANN401 - Microsoft's JSON
    names = ("telephoneNumber", "numberType", "assignmentStatus", "assignmentTargetId", "assignmentCategory")
    return [
        {name: row.get(name) for name in names}
        for row in page["value"]
        if (row.get("assignmentTargetId") or "").casefold() == person.id.casefold()
    ]


def _parse(raw: Any) -> tuple[_Number, ...] | None:  # noqa: ANN401 - Microsoft's JSON
    if raw is None:
        return None
    return tuple(
        _Number(row["telephoneNumber"], row["numberType"]) for row in raw if row["assignmentStatus"] != "unassigned"
    )


TEAMS_NUMBERS = Read(
    "teams_numbers",
    "The Teams phone numbers",
    "graph",
    lambda person: graph_calls.get_phone_numbers(person.id),
    _parse,
    _keep,
)


_NOT_OURS: Final = frozenset({Category.invalid, Category.conflict, Category.unknown, Category.on_prem_mastered})


@register
class RemoveTeamsNumber(Action):
    """Unassign each number of the person; it stays with the tenant.

    Teams answers 202 and works on; how that ends is read from the operation as far as it has ended already, and from
    the assignments afterwards (Learn: "numberAssignment: unassignNumber"). An operation fails where the number comes
    from a policy or from Active Directory (msRTCSIP-Line).
    """

    name = "remove_teams_number"
    title = "Remove the Teams phone number"
    description = "Takes the person's Teams phone numbers back; they stay with the tenant."
    portal_key = "RemoveTeamsPhoneDID"
    words = ItemWords("number", "numbers", "taken back")
    area = Area("Phone number", "It is still assigned to the person.")
    reads = (USER, TEAMS_NUMBERS)
    proof = (TEAMS_NUMBERS,)
    permissions = (graph_permission("TeamsTelephoneNumber.ReadWrite.All"),)
    removes = True
    undo = "Assign the numbers of snapshot.teams_numbers again."

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which numbers are still assigned."""
        user = view.now.get(USER)
        if user is None:
            return [Finding(Outcome.not_applicable, "The account no longer exists.")]
        if user.is_guest:
            return [Finding(Outcome.not_applicable, "A guest has no Teams phone number here.")]
        assigned = view.now.get(TEAMS_NUMBERS)
        if assigned is None:
            return [Finding(Outcome.not_applicable, "The tenant has no Teams Phone.")]
        now = {each.number: each.number for each in assigned}
        was = {each.number: each.number for each in view.first.get(TEAMS_NUMBERS) or ()}
        nothing = Finding(Outcome.already_done, "The person has no Teams phone number.")
        return findings_of_removal(was, now, "It is no longer assigned.") or [nothing]

    def apply(self, task: Task) -> Results:
        """Unassign the open numbers, and look which of the operations have failed already."""
        wanted = {finding.item for finding in task.open}
        numbers = [each for each in task.view.now.get(TEAMS_NUMBERS) or () if each.number in wanted]
        graph = task.clients.graph
        answers = graph.batch([graph_calls.unassign_number(each.number, each.type) for each in numbers])
        results: Results = {}
        operations: dict[str, str] = {}
        for each, answer in zip(numbers, answers, strict=True):
            results[each.number] = _at_once(task.view, answer) if isinstance(answer, MicrosoftError) else None
            if operation := graph_calls.operation_id(answer):
                operations[each.number] = operation
        states = graph.batch([graph_calls.get_operation(operation) for operation in operations.values()])
        failed = {number: state for number, state in zip(operations, states, strict=True) if _has_failed(state)}
        return results | {number: _refusal(task.view, state) for number, state in failed.items()}


def _has_failed(state: Any) -> bool:  # noqa: ANN401 - Microsoft's JSON
    return text_at(state, "status") == "failed"


def _at_once(view: View, error: MicrosoftError) -> MicrosoftError:
    """Explain a refusal at once: the number of a synced person comes from Active Directory, most likely."""
    user = view.now.get(USER)
    if error.retryable or error.category not in _NOT_OURS or user is None or not user.is_synced:
        return error
    return MicrosoftError(
        "graph", Category.on_prem_mastered, f"clear msRTCSIP-Line in Active Directory. {error.message}"
    )


def _refusal(view: View, state: Any) -> MicrosoftError:  # noqa: ANN401 - Microsoft's JSON
    """Describe an operation that failed: for a synced person the number comes from Active Directory, most likely."""
    said = " ".join(text_at(row, "message") for row in as_rows(lookup(state, "numbers"))).strip()
    user = view.now.get(USER)
    if user and user.is_synced:
        category, text = Category.on_prem_mastered, "clear msRTCSIP-Line in Active Directory."
    else:
        category, text = Category.invalid, "Teams did not give it up. If a policy assigns it, change that policy."
    return MicrosoftError("graph", category, f"{text} (Teams said: {said})" if said else text)


@restores(RemoveTeamsNumber)
class AssignNumbers(Restoration):
    """Assign the numbers again that nobody else has by now."""

    reads = (USER, TEAMS_NUMBERS)
    proof = (TEAMS_NUMBERS,)

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which numbers are back."""
        return members_back(
            view,
            were=True,
            before={each.number for each in view.first.get(TEAMS_NUMBERS) or ()},
            now={each.number for each in view.now.get(TEAMS_NUMBERS) or ()},
            done="Assigned again.",
            already="Assigned already.",
        )

    def apply(self, task: Task) -> Results:
        """Assign them; Teams answers 202 and works on."""
        wanted = {finding.item for finding in task.open}
        rows = original_of(task.view).first.values[TEAMS_NUMBERS.name] or ()
        numbers = [row for row in rows if row["telephoneNumber"] in wanted]
        calls = {
            row["telephoneNumber"]: graph_calls.assign_number(
                row["telephoneNumber"], row["numberType"], task.person.id, row["assignmentCategory"]
            )
            for row in numbers
        }
        return results_of(task.clients.graph.batch, calls)

    def settle_error(self, finding: Finding, error: MicrosoftError) -> Finding | None:
        """Say of a number that it is somebody else's, or gone."""
        if error.category in {Category.not_found, Category.conflict, Category.invalid}:
            text = f"The number cannot be assigned: give the person another. {error.message}"
            return Finding(Outcome.needs_attention, text, finding.item, finding.name)
        return None
