"""Bringing back what an offboarding changed: thing by thing, and only what is still as it was left.

An action that can be undone has a `Restoration` beside it in its file. One that cannot says in `undo` what a person
does instead.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar

from shared.actions import catalogue
from shared.actions.catalogue import Procedure
from shared.actions.outcome import WHOLE_STEP, Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from shared.actions.catalogue import Action, Original, Results, Task, View


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
        _restorations[action.name] = restoration()
        return restoration

    return register


@cache
def of(name: str) -> Restoration:
    """Return how the action `name` is undone; raises KeyError for an action that does not exist."""
    return _restorations.get(name) or _not_restorable(catalogue.get(name))


def can_be_undone(name: str) -> bool:
    """Return whether something of what an action does can be brought back by the app."""
    return name in _restorations


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


def values_back(view: View, done: str, titles: dict[str, str] | None = None) -> list[Finding]:
    """Judge the values that the step recorded as changed; `titles` names them for people where there are several."""
    original = original_of(view)
    findings = [
        brought_back(
            first=original.first.shown(path),
            left=left,
            before=view.first.shown(path),
            now=view.now.shown(path),
            overwrite=original.overwrite,
            done=done,
            item=path if len(original.left) > 1 else WHOLE_STEP,
            name=(titles or {}).get(path, path.partition(".")[2]),
        )
        for path, left in original.left.items()
    ]
    return findings or [NOTHING]


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
