"""From selected actions to a graph of nodes: pure, so that it can be shown before anything runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any, Final, cast

from shared.actions import catalogue, restoration
from shared.actions.catalogue import After
from shared.actions.outcome import OPENS_GATE, SETTLED_WELL

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from shared.actions.catalogue import Action, Procedure

SNAPSHOT_DIRECTORY: Final = "snapshot_directory"
SNAPSHOT_MAILBOX: Final = "snapshot_mailbox"
VERIFY: Final = "verify"


@dataclass(frozen=True)
class Node:
    """One activity of a run and what it waits for.

    `after` nodes must have ended, however; `requires` nodes must have ended with one of the outcomes in `opens_on`,
    else the node is skipped. Of the nodes that share a lane one is in flight at a time.
    """

    name: str
    after: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    opens_on: tuple[str, ...] = tuple(sorted(OPENS_GATE))
    lane: str | None = None
    is_step: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the form that travels through the orchestrator."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Node:
        """Read the form that travels through the orchestrator."""
        return cls(
            name=data["name"],
            after=tuple(data["after"]),
            requires=tuple(data["requires"]),
            opens_on=tuple(data["opens_on"]),
            lane=data["lane"],
            is_step=data["is_step"],
        )


@dataclass(frozen=True)
class Plan:
    """What a run will do: nodes in an order that respects every edge, what to warn of, and why not to begin."""

    nodes: tuple[Node, ...]
    warnings: tuple[str, ...]
    refusals: tuple[str, ...]

    @property
    def steps(self) -> tuple[Node, ...]:
        """The selected actions alone."""
        return tuple(node for node in self.nodes if node.is_step)


Selected = Mapping[str, Mapping[str, Any]]
"""Actions by name, with their parameters."""


def make(selected: Selected | Collection[str]) -> Plan:
    """Plan the `selected` actions, with parameters or names alone.

    Raises:
        KeyError: one of them does not exist.
        CycleError: they wait for each other.
    """
    chosen: Selected = {name: {} for name in selected}
    if isinstance(selected, Mapping):
        chosen = cast("Selected", selected)
    actions = [catalogue.get(name) for name in chosen]
    return Plan(
        nodes=nodes_of(chosen),
        warnings=tuple(_warnings(actions, chosen)),
        refusals=tuple(_refusals(actions, chosen)),
    )


def nodes_of(names: Collection[str]) -> tuple[Node, ...]:
    """Return the nodes of a plan alone, without what there is to say of it; raises as `make` does."""
    return tuple(_in_order(_nodes([catalogue.get(name) for name in names], frozenset(names))))


def in_order(names: Collection[str], *, backwards: bool = False) -> list[str]:
    """Return selected actions in the order of their plan, and behind them those that a later release dropped."""
    known = [name for name in names if name in catalogue.all_actions()]
    steps = (make_back(known) if backwards else make(known)).steps
    return [node.name for node in steps] + [name for name in names if name not in known]


def make_back(names: Collection[str]) -> Plan:
    """Plan the restoration of what the actions `names` changed; raises KeyError for one that does not exist.

    Whatever was changed later comes back earlier, so that sign-in, blocked first of all, is open again when the rest is
    there. What a restoration needs before anything can be asked about the person gates all of it.
    """
    selected = frozenset(names)
    first = tuple(name for name in names if restoration.of(name).is_first)
    rest = [restoration.of(name) for name in names if name not in first]
    nodes = [Node(name, is_step=True) for name in first]
    nodes.append(Node(SNAPSHOT_DIRECTORY, requires=first, is_step=False))
    if any(reads_mailbox(one) for one in rest):
        nodes.append(Node(SNAPSHOT_MAILBOX, requires=first, is_step=False))
    later: dict[str, list[str]] = {name: [] for name in names}
    actions = [catalogue.get(name) for name in names]
    for action, name in zip(actions, names, strict=True):
        required = (one for one in action.requires if one in selected)
        for earlier in dict.fromkeys((*_order(action, selected), *_earlier(action, actions), *required)):
            later[earlier].append(name)
    nodes += [
        Node(
            one.name,
            after=tuple(name for name in later[one.name] if name not in first),
            requires=(*first, *_snapshots(one)),
            lane=one.lane,
        )
        for one in rest
    ]
    if rest:
        steps = tuple(one.name for one in rest)
        nodes.append(Node(VERIFY, after=steps, requires=(SNAPSHOT_DIRECTORY,), is_step=False))
    return Plan(nodes=tuple(_in_order(nodes)), warnings=(), refusals=())


def _snapshots(procedure: Procedure) -> tuple[str, ...]:
    return (SNAPSHOT_DIRECTORY, SNAPSHOT_MAILBOX) if reads_mailbox(procedure) else (SNAPSHOT_DIRECTORY,)


def _nodes(actions: list[Action], selected: frozenset[str]) -> list[Node]:
    nodes = [Node(SNAPSHOT_DIRECTORY, is_step=False)]
    if any(reads_mailbox(action) for action in actions):
        nodes.append(Node(SNAPSHOT_MAILBOX, is_step=False))
    nodes += [_step(action, actions, selected) for action in actions if not action.is_last]
    others = tuple(node.name for node in nodes if node.is_step)
    if others:
        nodes.append(Node(VERIFY, after=others, requires=(SNAPSHOT_DIRECTORY,), is_step=False))
    proof = (VERIFY,) if others else (SNAPSHOT_DIRECTORY,)
    well = tuple(sorted(SETTLED_WELL))
    nodes += [Node(a.name, requires=(*proof, *others), opens_on=well) for a in actions if a.is_last]
    return nodes


def _step(action: Action, actions: list[Action], selected: frozenset[str]) -> Node:
    return Node(
        action.name,
        after=tuple(dict.fromkeys((*_order(action, selected), *_earlier(action, actions)))),
        requires=(*_snapshots(action), *(name for name in action.requires if name in selected)),
        lane=action.lane,
    )


def _order(action: Action, selected: frozenset[str]) -> Iterable[str]:
    for edge in action.after:
        if isinstance(edge, After):
            if edge.action in selected and edge.unless not in selected:
                yield edge.action
        elif edge in selected:
            yield edge


def _earlier(action: Action, actions: list[Action]) -> Iterable[str]:
    """Return the selected actions that say themselves that they come before this one."""
    return (other.name for other in actions if action.name in other.before)


def reads_mailbox(procedure: Procedure) -> bool:
    """Return whether a step decides on anything that only Exchange knows."""
    return any(read.service == "exchange" for read in procedure.reads)


def _in_order(nodes: list[Node]) -> list[Node]:
    """Place every node behind those it waits for, and first among its equals what most others wait for."""
    followers = Counter(name for node in nodes if node.name != VERIFY for name in {*node.after, *node.requires})
    return _placed(sorted(nodes, key=lambda node: -followers[node.name]))


def longest_path_first(nodes: Iterable[Node]) -> list[Node]:
    """Return nodes in the order in which to begin those that may begin at the same moment.

    The nodes of a lane follow one another, which makes theirs the longest path: nothing gets in their way, nor in that
    of what they alone wait for.
    """
    return _placed(sorted(nodes, key=lambda node: node.lane is None and node.name != SNAPSHOT_MAILBOX))


def _placed(nodes: list[Node]) -> list[Node]:
    """Place every node behind those it waits for, and else as they are."""
    by_name = {node.name: node for node in nodes}
    rank = {name: position for position, name in enumerate(by_name)}
    sorter = TopologicalSorter({node.name: {*node.after, *node.requires} for node in nodes})
    sorter.prepare()
    placed: list[Node] = []
    while ready := sorted(sorter.get_ready(), key=rank.__getitem__):
        placed += [by_name[name] for name in ready]
        sorter.done(*ready)
    return placed


def _warnings(actions: list[Action], selected: Selected) -> Iterable[str]:
    for action in actions:
        yield from action.remarks(selected[action.name])
        yield from (text for other, text in action.warns_with.items() if other in selected)
        yield from (text for other, text in action.warns_without.items() if other not in selected)


def _refusals(actions: list[Action], selected: Selected) -> Iterable[str]:
    for action in actions:
        if twice := named_twice(action, selected):
            yield (
                f"{', '.join(twice)}: named in {action.name} ({action.title}) and {action.defers_to} "
                f"({catalogue.title_of(action.defers_to or '')}); name a person in one of them."
            )
    pairs = {frozenset((action.name, other)): action for action in actions for other in action.excludes}
    for pair, action in pairs.items():
        if pair <= selected.keys():
            (other,) = pair - {action.name}
            yield (
                f"{action.name} ({action.title}) and {other} ({catalogue.title_of(other)}) contradict each other; "
                "select one of them."
            )


def named_twice(action: Action, selected: Selected) -> list[str]:
    """Return the people of this action who are also in the list of the action it yields people to."""
    theirs = {name.casefold() for name in selected.get(action.defers_to or "", {}).get("to", ())}
    return [name for name in selected[action.name].get("to", ()) if name.casefold() in theirs] if theirs else []
