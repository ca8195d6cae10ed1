"""Bringing back what an offboarding changed: thing by thing, and only what is still as it was left.

An action that can be undone has a `Restoration` beside it in its file. One that cannot says in `undo` what a person
does instead.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from shared.actions import catalogue
from shared.actions.catalogue import Procedure
from shared.actions.outcome import WHOLE_STEP, Finding, Outcome
from shared.actions.reads.snapshot import UnreadError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from shared.actions.catalogue import Action, Original, Results, Task, View
    from shared.actions.reads.snapshot import Read


class Restoration(Procedure):
    """How one action is undone. Lane, permissions and values are the action's own unless declared."""

    action: ClassVar[type[Action]]
    is_first: ClassVar[bool] = False
    """True: nothing can be asked about the person before it is done."""


R = TypeVar("R", bound=Restoration)

_restorations: dict[str, Restoration] = {}

KEPT: Final = "Changed since: left as it is now. Set overwrite to bring back what was there before the offboarding."


NOTHING: Final = Finding(Outcome.not_applicable, "The offboarding had changed nothing here.")


def restores(action: type[Action]) -> Callable[[type[R]], type[R]]:
    """Register how `action` is undone."""

    def register(restoration: type[R]) -> type[R]:
        restoration.action, restoration.name = action, action.name
        for name in ("permissions", "lane", "changes"):
            if name not in vars(restoration):
                setattr(restoration, name, getattr(action, name))
        restoration.words = replace(action.words, done="as before")
        _restorations[action.name] = restoration()
        return restoration

    return register


@cache
def of(name: str) -> Restoration:
    """Return how the action `name` is undone; raises KeyError for an action that does not exist."""
    action = catalogue.get(name)  # which imports the restorations, too
    return _restorations.get(name) or _not_restorable(action)


def can_be_undone(name: str) -> bool:
    """Return whether something of what an action does can be brought back by the app."""
    return name in catalogue.all_actions() and name in _restorations


def procedure(name: str, *, backwards: bool) -> Procedure:
    """Return what the step `name` does, in an offboarding or in a restoration."""
    return of(name) if backwards else catalogue.get(name)


class _ByHand(Restoration):
    """What only a person can bring back, or nobody."""

    reads = ()
    proof = ()
    permissions = ()

    def judge(self, view: View) -> Finding:
        """Say what a person does instead."""
        del view
        return Finding(Outcome.not_applicable, catalogue.get(self.name).undo)

    def apply(self, task: Task) -> Results | None:
        """Never asked: there is nothing open."""
        raise NotImplementedError


def _not_restorable(action: Action) -> Restoration:
    by_hand = _ByHand()
    by_hand.name = action.name  # pyright: ignore[reportAttributeAccessIssue] - one instance for each such action
    return by_hand


def original_of(view: View) -> Original:
    """Return what is brought back; raises ValueError in an offboarding, which has none."""
    if view.original is None:
        raise ValueError("Only a restoration has something to bring back.")
    return view.original


def brought_back(
    *,
    first: object,
    left: object,
    before: object,
    now: object,
    overwrite: bool,
    done: str,
    already: str = "It was as before the offboarding already.",
    kept: str = KEPT,
    item: str = WHOLE_STEP,
    name: str = "",
) -> Finding:
    """Judge one thing: `first` is what has to come back, `left` how the offboarding left it.

    As it was first: `done`, or `already_done` where this restoration found it so (`before`). As it was left: open.
    Else somebody changed it since: left alone and named, unless `overwrite`.
    """
    if now == first:
        is_done = before != first
        return Finding(Outcome.done if is_done else Outcome.already_done, done if is_done else already, item, name)
    if now == left or overwrite:
        return Finding(None, done, item, name)
    return Finding(Outcome.needs_attention, kept, item, name)


def values_back(view: View, done: str) -> Finding:
    """Judge the values that the step recorded as changed, as one thing: half of a forwarding would be another one."""
    original = original_of(view)
    paths = tuple(original.left)
    if not paths:
        return NOTHING
    first = {path: original.first.shown(path) for path in paths}
    now = {path: view.now.shown(path) for path in paths}
    unread = [path for path in paths if now[path] is None]
    if unread:
        raise UnreadError(f"{', '.join(unread)} could not be read, so it is not known whether it has to come back.")
    changed_since = [path for path in paths if now[path] not in {first[path], original.left[path]}]
    return brought_back(
        first=first,
        left=now if not changed_since else original.left,
        before={path: view.first.shown(path) for path in paths},
        now=now,
        overwrite=original.overwrite,
        done=done,
        kept=f"{', '.join(path.partition('.')[2] or path for path in changed_since)}: {KEPT[0].lower()}{KEPT[1:]}",
    )


def first_values(view: View, read: Read[Any]) -> dict[str, Any]:
    """Return the properties of `read` that the step changed, as they were first."""
    original = original_of(view)
    names = [path.partition(".")[2] for path in original.left if path.partition(".")[0] == read.name]
    return {name: original.first.values[read.name].get(name) for name in names}


def members_back(
    view: View,
    *,
    were: bool,
    before: Collection[str],
    now: Collection[str],
    done: str,
    already: str = "It was as before the offboarding already.",
) -> list[Finding]:
    """Judge the items that the step changed, each of which is there or not: `were` tells how they were first."""
    findings = [
        brought_back(
            first=were,
            left=not were,
            before=item in before,
            now=item in now,
            overwrite=True,
            done=done,
            already=already,
            item=item,
            name=name,
        )
        for item, name in original_of(view).items.items()
    ]
    return findings or [NOTHING]
