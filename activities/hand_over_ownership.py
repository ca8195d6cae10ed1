"""Make a colleague the owner of what the person owns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from shared.actions.catalogue import Action, Area, graph_permission, register, results_of
from shared.actions.mailboxes import grantees
from shared.actions.outcome import Finding, ItemWords, Outcome, finding_of_state
from shared.actions.reads.account import OWNED_GROUPS, USER
from shared.actions.reads.snapshot import Person, Read
from shared.actions.restoration import Restoration, members_back, original_of, restores
from shared.base import identifiers
from shared.microsoft365.graph import graph_calls, rights_calls
from shared.microsoft365.http.errors import Category, MicrosoftError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shared.actions.catalogue import Results, Task, View
    from shared.actions.mailboxes.grantees import Grantee
    from shared.actions.reads.account import Group
    from shared.actions.reads.snapshot import Snapshot
    from shared.microsoft365.cloud import TenantClients
    from shared.microsoft365.graph.graph_calls import GraphCall
    from shared.microsoft365.graph.rights_calls import OwnedApp


@dataclass(frozen=True)
class Params:
    """Who becomes the owner: object id or address."""

    to: str

    def __post_init__(self) -> None:
        """Refuse what cannot name a person."""
        identifiers.check_person(self.to)


_APPS: Final[Mapping[str, OwnedApp]] = {
    "#microsoft.graph.application": "application",
    "#microsoft.graph.servicePrincipal": "servicePrincipal",
}
_KINDS: Final = {"group": "group", "application": "app registration", "servicePrincipal": "enterprise application"}


@dataclass(frozen=True)
class _Owned:
    """Something that is owned; `group` is None for an application."""

    id: str
    name: str
    kind: str
    group: Group | None = None

    @property
    def shown(self) -> str:
        return f"{self.name} ({_KINDS[self.kind]})"


def _keep(page: Any, _: Person) -> list[dict[str, Any]]:  # noqa: ANN401 - Microsoft's JSON
    return [
        {"id": row["id"], "name": row.get("displayName") or row["id"], "kind": _APPS[row["@odata.type"]]}
        for row in page["value"]
        if row.get("@odata.type") in _APPS
    ]


def _apps(raw: Any) -> tuple[_Owned, ...]:  # noqa: ANN401 - as `_keep` wrote it
    return tuple(_Owned(**row) for row in raw or ())


def _ids(raw: Any) -> frozenset[str]:  # noqa: ANN401 - as it was kept
    return frozenset(raw or ())


OWNED_APPS: Final = Read(
    "owned_apps",
    "The applications that the person owns",
    "graph",
    lambda person: rights_calls.get_owned_objects(person.id),
    _apps,
    _keep,
)


def _owned_by(colleague: Grantee) -> Read[frozenset[str]]:
    call = rights_calls.get_owned_objects(colleague.id)
    return _ids_in(call, f"owned_by {colleague.id}", f"What {colleague.name} owns")


def _groups_of(colleague: Grantee) -> Read[frozenset[str]]:
    call = graph_calls.get_user_groups(colleague.id)
    return _ids_in(call, f"groups_of {colleague.id}", f"The groups of {colleague.name}")


def _ids_in(call: GraphCall, name: str, title: str) -> Read[frozenset[str]]:
    return Read(name, title, "graph", lambda _: call, _ids, lambda page, _: [row["id"] for row in page["value"]])


@register
class HandOverOwnership(Action):
    """Add the colleague to the owners of groups, teams and applications, then take the person off them.

    In this order, so that nothing is without an owner in between. An owner of a team is to be a member, too (Learn:
    "Add or remove members and owners of a team"). Comes before the groups are left, which leaves alone what is handed
    over.
    """

    name = "hand_over_ownership"
    title = "Hand over ownership"
    description = "Makes a colleague the owner of the groups, teams and applications that the person owns."
    words = ItemWords("thing", "things", "handed over")
    params = Params
    area = Area("Ownership", "The person still owns it, and whoever owns it can change it.")
    reads = (USER, OWNED_GROUPS, OWNED_APPS)
    permissions = (
        graph_permission("Directory.Read.All"),
        graph_permission("Group.ReadWrite.All"),
        graph_permission(rights_calls.APPLICATIONS),
    )
    after = ("disable_sign_in",)
    before = ("remove_groups",)
    only_inside = True
    removes = True
    undo = "Make the person an owner again of what snapshot.owned_groups and snapshot.owned_apps list."

    def reads_for(self, params: Mapping[str, Any]) -> tuple[Read[Any], ...]:
        """Ask who takes over, too."""
        return (*self.reads, *(grantees.account_reads(params["to"]) if "to" in params else ()))

    def reads_later(self, view: View) -> tuple[Read[Any], ...]:
        """Ask what the colleague owns and is in, once it is known who that is."""
        colleague = _colleague(view.params, view.now)
        is_anything = _owned(view.first) | _owned(view.now)
        return (_owned_by(colleague), _groups_of(colleague)) if colleague and is_anything else ()

    def proof_for(self, view: View) -> tuple[Read[Any], ...]:
        """Look again at what both own."""
        colleague = _colleague(view.params, view.now)
        return (OWNED_GROUPS, OWNED_APPS, *((_owned_by(colleague),) if colleague else ()))

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out what the person owns, and whether the colleague does."""
        was, now = _owned(view.first), _owned(view.now)
        if view.now.get(USER) is None or not was | now:
            return [Finding(Outcome.already_done, "The person owns nothing.")]
        if "to" not in view.params:
            return [_judge(one, is_owned=item in now, has_heir=True) for item, one in (was | now).items()]
        colleague = _colleague(view.params, view.now)
        if colleague is None:
            text = f"There is nobody called {view.params['to']} in this tenant."
            return [Finding(Outcome.failed, text)]
        if colleague.id == view.person.id:
            return [Finding(Outcome.failed, "The colleague is the leaver.")]
        theirs = view.now.get(_owned_by(colleague))
        return [
            _judge(one, is_owned=item in now, has_heir=item in theirs, heir=colleague.name)
            for item, one in (was | now).items()
        ]

    def apply(self, task: Task) -> Results:
        """Add the colleague everywhere, then take the person off where that was accepted."""
        colleague = _colleague(task.params, task.view.now)
        if colleague is None:
            raise ValueError("Nothing is open where nobody takes over.")
        doomed = [_owned(task.view.now)[f.item] for f in task.open if f.item in _owned(task.view.now)]
        results = _added(colleague, doomed, task.view.now, task.clients)
        accepted = [one for one in doomed if results.get(one.id) is None]
        results |= results_of(task.clients.graph.batch, {one.id: _removal(one, task.person.id) for one in accepted})
        return {item: _later(error) for item, error in results.items()}


def _owned(snapshot: Snapshot) -> dict[str, _Owned]:
    groups = [_Owned(group.id, group.name, "group", group) for group in snapshot.get(OWNED_GROUPS)]
    return {one.id: one for one in (*groups, *snapshot.get(OWNED_APPS))}


def _colleague(params: Mapping[str, Any], snapshot: Snapshot) -> Grantee | None:
    return grantees.find(params["to"], snapshot, as_recipient=False) if "to" in params else None


def _judge(one: _Owned, *, is_owned: bool, has_heir: bool, heir: str = "") -> Finding:
    if is_owned and one.group and one.group.is_synced:
        text = "It is synchronised: name another owner in Active Directory."
        return Finding(Outcome.needs_attention, text, one.id, one.shown)
    if is_owned and one.group and one.group.is_exchange_group:
        text = "Name another owner in the Exchange admin center."
        return Finding(Outcome.needs_attention, text, one.id, one.shown)
    return finding_of_state(
        before=False,
        now=not is_owned and has_heir,
        done=f"{heir} owns it now.",
        already="",
        item=one.id,
        name=one.shown,
    )


def _added(colleague: Grantee, things: Iterable[_Owned], now: Snapshot, clients: TenantClients) -> Results:
    """Make the colleague an owner, and of a team a member, where they are not."""
    owned, joined = now.get(_owned_by(colleague)), now.get(_groups_of(colleague))
    new = [one for one in things if one.id not in owned]
    owners: dict[str, GraphCall] = {one.id: _addition(one, colleague.id) for one in new}
    members = {
        one.id: graph_calls.add_group_member(one.id, colleague.id)
        for one in new
        if one.id not in joined and _has_members(one)
    }
    said = _sent({**owners, **{f"{item} member": call for item, call in members.items()}}, clients)
    return {item: said[item] or said.get(f"{item} member") for item in owners}


def _sent(additions: Mapping[str, GraphCall], clients: TenantClients) -> Results:
    """Send additions; whoever was there already counts as added."""
    said = results_of(clients.graph.batch, additions)
    return {item: None if error and error.category is Category.already_done else error for item, error in said.items()}


def _has_members(one: _Owned) -> bool:
    """Return whether its owner is to be a member, too."""
    return one.group is not None and one.group.is_unified and not one.group.is_dynamic


def _addition(one: _Owned, person: str) -> GraphCall:
    if one.kind == "group":
        return graph_calls.add_group_owner(one.id, person)
    return rights_calls.add_app_owner(cast("OwnedApp", one.kind), one.id, person)


def _removal(one: _Owned, person: str) -> GraphCall:
    if one.kind == "group":
        return graph_calls.remove_group_owner(one.id, person)
    return rights_calls.remove_app_owner(cast("OwnedApp", one.kind), one.id, person)


def _later(error: MicrosoftError | None) -> MicrosoftError | None:
    """Try again where Graph does not see the new owner yet, and keeps the last one it sees."""
    if error is None or error.category is not Category.last_owner:
        return error
    return MicrosoftError(error.service, Category.transient, error.message, status=error.status, code=error.code)


@restores(HandOverOwnership)
class TakeBackOwnership(Restoration):
    """Make the person an owner again, and take the colleague off what they did not own before."""

    reads = (USER, OWNED_GROUPS, OWNED_APPS)

    def reads_later(self, view: View) -> tuple[Read[Any], ...]:
        """Ask what the colleague owns and is in now."""
        return tuple(read for one in _heirs(view) for read in (_owned_by(one), _groups_of(one)))

    def proof_for(self, view: View) -> tuple[Read[Any], ...]:
        """Look again at what both own."""
        return (OWNED_GROUPS, OWNED_APPS, *self.reads_later(view))

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out what is owned as before."""
        return members_back(
            view,
            were=True,
            before=_as_before(view, view.first),
            now=_as_before(view, view.now),
            done="The person owns it again.",
            already="The person owned it already.",
        )

    def apply(self, task: Task) -> Results:
        """Add the person, then take the colleague off where that was accepted."""
        view, first = task.view, _owned(original_of(task.view).first)
        wanted = [first[finding.item] for finding in task.open]
        mine = _owned(view.now)
        missing = {one.id: _addition(one, task.person.id) for one in wanted if one.id not in mine}
        results = _sent(missing, task.clients)
        accepted = [one for one in wanted if not results.get(one.id)]
        for colleague in _heirs(view):
            owned, joined = _given(view, _owned_by(colleague)), _given(view, _groups_of(colleague))
            calls = {one.id: _removal(one, colleague.id) for one in accepted if one.id in owned}
            leaving = {
                one.id: graph_calls.remove_group_member(one.id, colleague.id)
                for one in accepted
                if one.id in joined and _has_members(one)
            }
            results |= {i: _later(e) for i, e in results_of(task.clients.graph.batch, leaving).items() if e}
            results |= {i: _later(e) for i, e in results_of(task.clients.graph.batch, calls).items()}
        return results

    def settle_error(self, finding: Finding, error: MicrosoftError) -> Finding | None:
        """Say of what is gone that nobody can bring it back."""
        if error.category is Category.not_found:
            return Finding(Outcome.needs_attention, "It no longer exists.", finding.item, finding.name)
        return None


def _heirs(view: View) -> tuple[Grantee, ...]:
    colleague = _colleague(view.params, original_of(view).first)
    return (colleague,) if colleague else ()


def _given(view: View, read: Read[frozenset[str]]) -> frozenset[str]:
    """Return what the colleague has now and did not have before the offboarding."""
    return view.now.get(read) - original_of(view).first.get(read)


def _as_before(view: View, snapshot: Snapshot) -> set[str]:
    mine = set(_owned(snapshot))
    given = [
        snapshot.get(_owned_by(colleague)) - original_of(view).first.get(_owned_by(colleague))
        for colleague in _heirs(view)
    ]
    return mine.difference(*given)
