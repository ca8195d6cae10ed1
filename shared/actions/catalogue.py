"""The catalogue of actions: what each one is, declares and does.

An action is one file in `activities/`; importing it registers it here, and the first question here has all of them
imported. The plan, the API's schema, the portal's mapping and the permission manifest follow from the declarations.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeVar

from shared.actions import loader, portal_form
from shared.actions.outcome import ItemWords
from shared.actions.reads.account import USER
from shared.actions.reads.perform import perform
from shared.microsoft365.app_roles import EXCHANGE, GRAPH
from shared.microsoft365.http.errors import MicrosoftError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from shared.actions.mailboxes.scan import Scans
    from shared.actions.outcome import Finding, Outcome
    from shared.actions.reads.snapshot import Person, Read, Snapshot
    from shared.microsoft365.cloud import TenantClients
    from shared.microsoft365.graph.graph_calls import GraphCall


@dataclass(frozen=True)
class Permission:
    """An application permission that an action needs, by the API that grants it."""

    api: Literal["Microsoft Graph", "Exchange Online", "SharePoint"]
    name: str


def graph_permission(name: str) -> Permission:
    """Name an application permission of Microsoft Graph."""
    return Permission(GRAPH, name)


EXCHANGE_ADMIN: Final = Permission(EXCHANGE, "Exchange.ManageAsApp")
"""Needs an Exchange role for the service principal besides (Learn: "App-only authentication in Exchange Online")."""


@dataclass(frozen=True)
class After:
    """An order edge that holds only while another action is not selected, too."""

    action: str
    unless: str


@dataclass(frozen=True)
class Area:
    """What of a person's access an action closes: its name in the access check, and what is said while it is open."""

    title: str
    open: str


@dataclass(frozen=True)
class Original:
    """The step of an offboarding whose change a restoration brings back.

    `first` is what was there before it, `items` (id -> name) are those it changed, `left` are the values it changed,
    by read and property, as it left them (the beginning of long ones). `overwrite` brings back what was changed since,
    too.
    """

    first: Snapshot
    items: Mapping[str, str]
    left: Mapping[str, str]
    overwrite: bool = False


@dataclass(frozen=True)
class View:
    """Everything a judgement rests on: what was, what is, and what was asked for."""

    person: Person
    first: Snapshot
    now: Snapshot
    params: Mapping[str, Any]
    selected: Mapping[str, Mapping[str, Any]]
    """Every selected action with its parameters."""
    force: bool
    outcomes: Mapping[str, Outcome] = field(default_factory=dict[str, "Outcome"])
    original: Original | None = None
    """What is brought back; None in an offboarding."""
    is_freed: bool = False
    """Whether a step took from the account, a short while ago, what kept the app from changing it."""


@dataclass(frozen=True)
class Task:
    """What a procedure is given to change the tenant: the view, the open items, and the tenant's clients."""

    view: View
    open: Sequence[Finding]
    clients: TenantClients

    @property
    def person(self) -> Person:
        """The leaver."""
        return self.view.person

    @property
    def params(self) -> Mapping[str, Any]:
        """The action's parameters as the request gave them."""
        return self.view.params


T = TypeVar("T")
Results = dict[str, MicrosoftError | None]
"""By item id: None where Microsoft accepted the change, else why not."""


def results_of(batch: Callable[[list[T]], Sequence[object]], calls: Mapping[str, T]) -> Results:
    """Send the calls, by item id, in batches; what fails as a whole is the answer for each of its items."""
    if not calls:
        return {}
    try:
        answers = batch(list(calls.values()))
    except MicrosoftError as error:
        return dict.fromkeys(calls, error)
    return {
        item: answer if isinstance(answer, MicrosoftError) else None
        for item, answer in zip(calls, answers, strict=True)
    }


class Procedure(ABC):
    """What a step does, forwards in an offboarding or backwards in a restoration.

    `judge` alone decides what is right: it is asked before anything is written (what is so already or cannot apply is
    never written), and after (what it still finds open was not achieved, whatever Microsoft answered). `apply` only
    writes. Both can be repeated at any time.
    """

    name: ClassVar[str]
    reads: ClassVar[tuple[Read[Any], ...]] = (USER,)
    proof: ClassVar[tuple[Read[Any], ...]] = (USER,)
    """What is read again to prove the change; the rest of `reads` is taken from the run's snapshot."""
    words: ClassVar[ItemWords] = ItemWords()
    """What its items are called in the line that sums them up."""
    changes: ClassVar[tuple[str, ...]] = ()
    """The values that are its own to change, besides items: a read's name and a property, for the audit record."""
    permissions: ClassVar[tuple[Permission, ...]]
    lane: ClassVar[str | None] = None
    proves_itself: ClassVar[bool] = False
    """True: read back at once, because a gate hangs on it or the service is slow; else the verify node does."""
    repeats: ClassVar[bool] = False
    """True: done again in every offboarding, even where the tenant looks as wanted."""
    changes_account: ClassVar[bool] = False
    """True: it changes the account itself, which who may do depends on where the account is."""
    removes: ClassVar[bool] = False
    """True: "not found" is an answer as good as success."""

    surveys_names: ClassVar[bool] = False
    """True: what its survey finds out is only what things are called."""

    def reads_for(self, params: Mapping[str, Any]) -> tuple[Read[Any], ...]:
        """Return what the action decides on, where that depends on its parameters."""
        del params
        return self.reads

    def survey(self, view: View, clients: TenantClients, scans: Scans) -> Snapshot | None:
        """Find out what takes more than one question, before `judge` is asked; it is kept with the run's snapshot.

        It changes nothing: the step may have been cancelled or taken over by then. None: there is nothing (more) to
        find out.

        Raises:
            MoreToDoError: a page of it is done.
            MicrosoftError: Microsoft did not answer.
        """
        del view, clients, scans
        return None

    def reads_later(self, view: View) -> tuple[Read[Any], ...]:
        """Return what the step itself asks before it judges: SharePoint, and what only the snapshot shows to matter."""
        return tuple(read for read in self.reads_for(view.params) if read.service == "sharepoint")

    @abstractmethod
    def judge(self, view: View) -> Finding | Sequence[Finding]:
        """Compare what is with what is wanted; raises `UnreadError` where what must be known could not be read."""

    @abstractmethod
    def apply(self, task: Task) -> Results | None:
        """Make the open items so; None means accepted as a whole. Raises `MicrosoftError` where all of it failed."""

    def proof_for(self, view: View) -> tuple[Read[Any], ...]:
        """Return what is read again to prove the change, where that depends on what was found."""
        del view
        return self.proof

    def read_back(self, view: View, clients: TenantClients) -> tuple[Snapshot, list[MicrosoftError]]:
        """Read again what proves the change; returns the answers, and the errors that are worth asking again."""
        return perform(self.proof_for(view), view.person, clients, view.now)

    def insists_on(self, view: View, missing: Sequence[Finding]) -> Sequence[GraphCall]:
        """Return what to ask once more where `missing` was accepted and does not show, and Microsoft needs that.

        It is sent while the open items are looked for again; what goes wrong shows when they are never seen.
        """
        del view, missing
        return ()

    def settle_error(self, finding: Finding, error: MicrosoftError) -> Finding | None:
        """Judge a refusal by Microsoft that only this action understands; None leaves it to the common rules."""
        del finding, error
        return None


class Action(Procedure):
    """One thing that can be selected in an offboarding."""

    title: ClassVar[str]
    description: ClassVar[str]
    portal_key: ClassVar[str | None] = None
    """What the portal's form calls it; None: the portal does not know it, and only our API can select it."""
    params: ClassVar[type | None] = None
    """A frozen dataclass of the action's parameters; None: the action is only switched on."""
    after: ClassVar[tuple[str | After, ...]] = ()
    """Actions that must have ended, however, before this one begins, where they are selected."""
    before: ClassVar[tuple[str, ...]] = ()
    """Actions that wait for this one: `after`, said by the earlier of the two."""
    requires: ClassVar[tuple[str, ...]] = ()
    excludes: ClassVar[tuple[str, ...]] = ()
    defers_to: ClassVar[str | None] = None
    """Another action with a list of people, `to`, that must not share a person with this one's: that one has them."""
    can_end: ClassVar[bool] = False
    """True: what it gives to others can end by itself, at the moment `until` among its parameters."""
    only_inside: ClassVar[bool] = False
    """True: nobody outside the tenant can be named in `to`, because they cannot be given what it gives."""
    warns_with: ClassVar[Mapping[str, str]] = {}
    """By another action: what to tell the operator when both are selected."""
    warns_without: ClassVar[Mapping[str, str]] = {}
    """By another action: what to tell the operator when it is not selected."""
    frees_account: ClassVar[bool] = False
    """True: what it takes away keeps the app from changing the account, and Microsoft may notice late that it is gone.
    """
    area: ClassVar[Area | None] = None
    """What the access check looks at through this action: what it would still find to do is open."""
    destructive: ClassVar[bool] = False
    undo: ClassVar[str]
    is_last: ClassVar[bool] = False
    """True: begins only after verification and when every other step settled well."""

    def from_portal(self, form: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Read the action's parameters out of the portal's form (keys in lower case); None where it is off.

        Raises `RefusedError` 400 where that cannot be read.
        """
        return self.portal_params(self.portal_key, form) if self.portal_key else None

    def portal_params(self, key: str, form: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Read the parameters out of what the form holds under the action's key; None where that means off."""
        return {} if portal_form.is_on(form, key) else None

    def remarks(self, params: Mapping[str, Any]) -> Iterable[str]:
        """Say what the operator should know of these parameters before anything is done."""
        del params
        return ()


_actions: dict[str, Action] = {}

A = TypeVar("A", bound=Action)


def register(action: type[A]) -> type[A]:
    """Add an action to the catalogue; two of one name are a programming error."""
    if action.name in _actions:
        raise ValueError(f"Two actions are called {action.name!r}.")
    _actions[action.name] = action()
    return action


def get(name: str) -> Action:
    """Return the action `name`; raises KeyError."""
    return all_actions()[name]


def all_actions() -> Mapping[str, Action]:
    """Return every action by name, in the order of registration."""
    loader.load()
    return _actions


def title_of(name: str) -> str:
    """Return the title of an action, or its name where a later release dropped it."""
    actions = all_actions()
    return actions[name].title if name in actions else name
