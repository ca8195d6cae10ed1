"""Take away the applications that the person may use, and what applications may do in the person's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.actions.catalogue import Action, Area, graph_permission, register, results_of
from shared.actions.outcome import Finding, ItemWords, Outcome, finding_of_state
from shared.actions.reads.account import USER
from shared.actions.reads.snapshot import Person, Read, Snapshot, Survey
from shared.actions.restoration import Restoration, members_back, original_of, restores
from shared.microsoft365.graph import rights_calls
from shared.microsoft365.http.errors import Category, MicrosoftError
from shared.microsoft365.http.wire import text_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.actions.catalogue import Results, Task, View
    from shared.actions.mailboxes.scan import Scans
    from shared.microsoft365.cloud import TenantClients
    from shared.microsoft365.graph.graph_calls import GraphCall

_GROUP: Final = "Group"


@dataclass(frozen=True)
class _Assignment:
    """An application that is assigned to the person, or to a group of theirs.

    `item` follows from what was assigned, because an assignment that is made again has another id.
    """

    id: str
    app: str
    app_name: str
    role: str
    group: str

    @property
    def item(self) -> str:
        return f"assigned {self.app} {self.role}{f' {self.group}' if self.group else ''}"


@dataclass(frozen=True)
class _Grant:
    """What an application may do in the person's name."""

    id: str
    app: str
    api: str
    scope: str

    @property
    def item(self) -> str:
        return f"granted {self.app} {self.api}"


def _keep_assignments(page: Any, _: Person) -> list[dict[str, Any]]:  # noqa: ANN401 - Microsoft's JSON
    return [
        {
            "id": row["id"],
            "app": row["resourceId"],
            "app_name": row.get("resourceDisplayName") or row["resourceId"],
            "role": row["appRoleId"],
            "group": (row.get("principalDisplayName") or row["principalId"]) if row["principalType"] == _GROUP else "",
        }
        for row in page["value"]
    ]


def _assignments(raw: Any) -> tuple[_Assignment, ...]:  # noqa: ANN401 - as it was kept
    return tuple(_Assignment(**row) for row in raw or ())


def _keep_grants(page: Any, person: Person) -> list[dict[str, Any]]:  # noqa: ANN401 - Microsoft's JSON
    return [
        {"id": row["id"], "app": row["clientId"], "api": row["resourceId"], "scope": (row.get("scope") or "").strip()}
        for row in page["value"]
        if (row.get("principalId") or "").casefold() == person.id.casefold()
    ]


def _grants(raw: Any) -> tuple[_Grant, ...]:  # noqa: ANN401 - as it was kept
    return tuple(_Grant(**row) for row in raw or ())


def _names(raw: Any) -> Mapping[str, str]:  # noqa: ANN401 - as it was kept
    return raw


ASSIGNED: Final = Read(
    "app_assignments",
    "The assigned applications",
    "graph",
    lambda person: rights_calls.get_app_role_assignments(person.id),
    _assignments,
    _keep_assignments,
)
GRANTED: Final = Read(
    "app_grants",
    "What applications may do in the person's name",
    "graph",
    lambda person: rights_calls.get_grants(person.id),
    _grants,
    _keep_grants,
)
APP_NAMES: Final = Survey("app_names", "What the applications are called", _names)


@register
class RemoveAppAccess(Action):
    """Remove the assignments of applications to the person, and the grants of applications to act in their name.

    A grant outlives a new password: the application goes on with the tokens it has until sessions are revoked, and asks
    for more where the account is enabled again. What a group is assigned goes with the group, and what was granted for
    everybody is not the person's.
    """

    name = "remove_app_access"
    title = "Remove app access"
    description = "Takes away the applications assigned to the person, and what applications may do in their name."
    words = ItemWords("app", "apps", "removed")
    area = Area("Apps", "The person may still use it, or it may act in their name.")
    reads = (USER, ASSIGNED, GRANTED)
    proof = (ASSIGNED, GRANTED)
    permissions = (graph_permission(rights_calls.APP_ROLES), graph_permission(rights_calls.GRANTS))
    after = ("disable_sign_in",)
    surveys_names = True
    destructive = True
    removes = True
    undo = "Assign the applications of snapshot.app_assignments again; people consent to those of snapshot.app_grants."

    def survey(self, view: View, clients: TenantClients, scans: Scans) -> Snapshot | None:
        """Find out what the applications are called that may act for the person: a grant has no more than ids."""
        del scans
        if APP_NAMES.name in view.now.values or not (grants := view.now.get(GRANTED)):
            return None
        apps = list(dict.fromkeys(grant.app for grant in grants))
        answers = clients.graph.batch([rights_calls.get_service_principal(app) for app in apps])
        if again := next((one for one in answers if isinstance(one, MicrosoftError) and one.retryable), None):
            raise again
        named = {
            app: text_at(answer, "displayName")
            for app, answer in zip(apps, answers, strict=True)
            if not isinstance(answer, MicrosoftError)
        }
        return Snapshot({APP_NAMES.name: named}, {})

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which assignments and grants are left."""
        if view.now.get(USER) is None:
            return [Finding(Outcome.already_done, "The account no longer exists.")]
        was, now = _by_item(view.first), _by_item(view.now)
        findings = [
            _judge(one, _name(one, view.now), is_there=item in now, was_there=item in was)
            for item, one in (was | now).items()
        ]
        return findings or [Finding(Outcome.already_done, "No app was assigned, and none may act for the person.")]

    def apply(self, task: Task) -> Results:
        """Remove the open ones."""
        there, person = _by_item(task.view.now), task.person.id
        calls = {finding.item: _removal(there[finding.item], person) for finding in task.open}
        return results_of(task.clients.graph.batch, calls)


def _by_item(snapshot: Snapshot) -> dict[str, _Assignment | _Grant]:
    return {one.item: one for one in (*snapshot.get(ASSIGNED), *snapshot.get(GRANTED))}


def _name(one: _Assignment | _Grant, now: Snapshot) -> str:
    if isinstance(one, _Assignment):
        return one.app_name
    names: Mapping[str, str] = now.get(APP_NAMES) if APP_NAMES.name in now.values else {}
    name = names.get(one.app) or f"App {one.app}"
    return f"{name} (acts for the person: {one.scope})" if one.scope else name


def _judge(one: _Assignment | _Grant, name: str, *, is_there: bool, was_there: bool) -> Finding:
    if isinstance(one, _Assignment) and one.group:
        text = f"It is assigned to the group {one.group}, and goes with that."
        return Finding(Outcome.not_applicable, text, one.item, name)
    return finding_of_state(
        before=not was_there,
        now=not is_there,
        done="Removed.",
        already="It was gone already.",
        item=one.item,
        name=name,
    )


def _removal(one: _Assignment | _Grant, person: str) -> GraphCall:
    if isinstance(one, _Assignment):
        return rights_calls.remove_app_role(person, one.id)
    return rights_calls.remove_grant(one.id)


@restores(RemoveAppAccess)
class GiveAppAccess(Restoration):
    """Assign and grant again what the offboarding took."""

    reads = (USER, ASSIGNED, GRANTED)
    proof = (ASSIGNED, GRANTED)

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out what is back."""
        return members_back(
            view,
            were=True,
            before=_by_item(view.first),
            now=_by_item(view.now),
            done="Back again.",
            already="Back already.",
        )

    def apply(self, task: Task) -> Results:
        """Assign and grant what is left."""
        first, person = _by_item(original_of(task.view).first), task.person.id
        calls = {finding.item: _gift(first[finding.item], person) for finding in task.open}
        return results_of(task.clients.graph.batch, calls)

    def settle_error(self, finding: Finding, error: MicrosoftError) -> Finding | None:
        """Say of an application that is gone that nobody can bring it back."""
        if error.category is Category.not_found:
            return Finding(Outcome.needs_attention, "The application no longer exists.", finding.item, finding.name)
        return None


def _gift(one: _Assignment | _Grant, person: str) -> GraphCall:
    if isinstance(one, _Assignment):
        return rights_calls.give_app_role(person, one.app, one.role)
    return rights_calls.give_grant(person, one.app, one.api, one.scope)
