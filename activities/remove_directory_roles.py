"""Take the person's administrator roles away, also those that can be activated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.actions.catalogue import Action, Area, graph_permission, register, results_of
from shared.actions.outcome import Finding, ItemWords, Outcome, finding_of_state
from shared.actions.reads.account import USER
from shared.actions.reads.snapshot import NOT_THERE, Person, Read
from shared.actions.restoration import Restoration, members_back, original_of, restores
from shared.microsoft365.graph import rights_calls
from shared.microsoft365.graph.graph_calls import GLOBAL_ADMINISTRATOR
from shared.microsoft365.http.wire import text_at
from shared.offboarding.tenants.protection import ADMINISTRATORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.actions.catalogue import Results, Task, View
    from shared.actions.reads.snapshot import Snapshot
    from shared.microsoft365.graph.graph_calls import GraphCall

_EVERYWHERE: Final = "/"


@dataclass(frozen=True)
class _Role:
    """A role that the person holds or can activate, at a scope.

    `item` follows from what was given, because an assignment that is made again has another id.
    """

    id: str
    definition: str
    name: str
    scope: str
    is_eligible: bool

    @property
    def item(self) -> str:
        return f"{'eligible' if self.is_eligible else 'assigned'} {self.definition} {self.scope}"

    @property
    def shown(self) -> str:
        """What administrators know it by."""
        notes = [
            note
            for note, holds in (
                ("can be activated", self.is_eligible),
                ("in one administrative unit", self.scope.startswith("/administrativeUnits/")),
                (f"at {self.scope}", self.scope != _EVERYWHERE and not self.scope.startswith("/administrativeUnits/")),
            )
            if holds
        ]
        return f"{self.name} ({', '.join(notes)})" if notes else self.name


def _keep(page: Any, _: Person) -> list[dict[str, Any]]:  # noqa: ANN401 - Microsoft's JSON
    return [
        {
            "id": row["id"],
            "definition": row["roleDefinitionId"],
            "name": text_at(row, "roleDefinition", "displayName") or row["roleDefinitionId"],
            "scope": row.get("directoryScopeId") or _EVERYWHERE,
        }
        for row in page["value"]
    ]


def _assigned(raw: Any) -> tuple[_Role, ...]:  # noqa: ANN401 - as `_keep` wrote it
    return tuple(_Role(**row, is_eligible=False) for row in raw or ())


def _eligible(raw: Any) -> tuple[_Role, ...]:  # noqa: ANN401 - as `_keep` wrote it
    return tuple(_Role(**row, is_eligible=True) for row in raw or ())


ASSIGNED: Final = Read(
    "directory_roles",
    "The administrator roles",
    "graph",
    lambda person: rights_calls.get_role_assignments(person.id),
    _assigned,
    _keep,
)
ELIGIBLE: Final = Read(
    "eligible_roles",
    "The administrator roles that can be activated",
    "graph",
    lambda person: rights_calls.get_role_eligibilities(person.id),
    _eligible,
    _keep,
    absent=NOT_THERE,
)
"""A tenant without the license for it has no such roles."""


@register
class RemoveDirectoryRoles(Action):
    """Remove direct assignments at any scope, and what Privileged Identity Management lets the person activate.

    Comes before what else touches the account: of an administrator the app may change much less (Learn: "Permissions
    and privileges for sensitive actions"). A role that a group gives goes with the group. The role of the last enabled
    Global Administrator stays.
    """

    name = "remove_directory_roles"
    title = "Remove administrator roles"
    description = "Takes away the person's directory roles, those limited to a unit and those that can be activated."
    words = ItemWords("role", "roles", "removed")
    area = Area("Administrator roles", "The person still holds it, or can activate it.")
    reads = (USER, ASSIGNED, ELIGIBLE, ADMINISTRATORS)
    proof = (ASSIGNED,)
    permissions = (graph_permission(rights_calls.ROLES),)
    before = (
        "disable_sign_in",
        "reset_password",
        "revoke_sessions",
        "remove_mfa_methods",
        "clear_immutable_id",
        "remove_licenses",
    )
    frees_account = True
    destructive = True
    removes = True
    undo = "Assign the roles of snapshot.directory_roles and snapshot.eligible_roles again."

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which roles are left."""
        if view.now.get(USER) is None:
            return [Finding(Outcome.already_done, "The account no longer exists.")]
        was, now = _roles(view.first), _roles(view.now)
        findings = [_judge(role, view, is_held=item in now, was_held=item in was) for item, role in (was | now).items()]
        if ELIGIBLE.name in view.now.errors:
            text = f"Could not be listed, so it is not known whether there are any: {view.now.errors[ELIGIBLE.name]}"
            findings.append(
                Finding(Outcome.needs_attention, text, ELIGIBLE.name, "Roles to be activated", is_unread=True)
            )
        return findings or [Finding(Outcome.already_done, "The person has no administrator role.")]

    def apply(self, task: Task) -> Results:
        """Remove the open ones."""
        roles, person = _roles(task.view.now), task.person.id
        calls = {finding.item: _removal(roles[finding.item], person) for finding in task.open}
        return results_of(task.clients.graph.batch, calls)

    def proof_for(self, view: View) -> tuple[Read[Any], ...]:
        """Look again at what can be activated where there was something."""
        return (ASSIGNED, ELIGIBLE) if view.now.values.get(ELIGIBLE.name) else (ASSIGNED,)


def _roles(snapshot: Snapshot) -> dict[str, _Role]:
    """Return every role by item; those to be activated are not known where they could not be listed."""
    eligible = snapshot.get(ELIGIBLE) if ELIGIBLE.name in snapshot.values else ()
    return {role.item: role for role in (*snapshot.get(ASSIGNED), *eligible)}


def _judge(role: _Role, view: View, *, is_held: bool, was_held: bool) -> Finding:
    if is_held and role.definition == GLOBAL_ADMINISTRATOR and not view.now.get(ADMINISTRATORS) - {view.person.id}:
        text = "There is no other enabled Global Administrator: give somebody else the role, then take it away here."
        return Finding(Outcome.needs_attention, text, role.item, role.shown)
    return finding_of_state(
        before=not was_held,
        now=not is_held,
        done="Removed.",
        already="It was gone already.",
        item=role.item,
        name=role.shown,
    )


def _removal(role: _Role, person: str) -> GraphCall:
    if role.is_eligible:
        return rights_calls.remove_eligibility(person, role.definition, role.scope)
    return rights_calls.remove_role(role.id)


@restores(RemoveDirectoryRoles)
class GiveDirectoryRoles(Restoration):
    """Give the roles again that the offboarding took; what was to end by itself does not end by itself any more."""

    reads = (USER, ASSIGNED, ELIGIBLE)
    proof = (ASSIGNED, ELIGIBLE)

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which roles are back."""
        return members_back(
            view,
            were=True,
            before=_roles(view.first),
            now=_roles(view.now),
            done="Back again.",
            already="Back already.",
        )

    def apply(self, task: Task) -> Results:
        """Give those that are left."""
        first, person = _roles(original_of(task.view).first), task.person.id
        calls = {finding.item: _gift(first[finding.item], person) for finding in task.open}
        return results_of(task.clients.graph.batch, calls)


def _gift(role: _Role, person: str) -> GraphCall:
    give = rights_calls.give_eligibility if role.is_eligible else rights_calls.give_role
    return give(person, role.definition, role.scope)
