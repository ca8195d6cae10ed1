"""How a person leaves a group: by its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.actions.catalogue import results_of
from shared.actions.outcome import Outcome
from shared.microsoft365.exchange import exchange_cmdlets
from shared.microsoft365.graph import graph_calls
from shared.microsoft365.http.errors import Category

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from shared.actions.catalogue import Results
    from shared.actions.reads.account import Group
    from shared.microsoft365.cloud import TenantClients
    from shared.microsoft365.exchange.exchange_cmdlets import Cmdlet
    from shared.microsoft365.graph.graph_calls import GraphCall


def cannot_be_removed(group: Group) -> tuple[Outcome, str] | None:
    """Say why nobody can take a member out of this group in the cloud; None where it can be done."""
    if group.is_dynamic:
        return Outcome.not_applicable, f"Its members follow a rule: {group.membership_rule}"
    if group.is_synced:
        return Outcome.needs_attention, "It is synchronised: remove the person in Active Directory."
    return None


def remove(
    groups: Sequence[Group], person_id: str, clients: TenantClients, more: Iterable[tuple[str, GraphCall]] = ()
) -> Results:
    """Remove the person from `groups` in batches; `more` Graph calls, by item id, ride along.

    Returns what Microsoft said by item id: the group's, or that of the call. A batch that failed as a whole is the
    answer for each of its items.
    """
    return _change(
        groups,
        person_id,
        clients,
        graph_calls.remove_group_member,
        exchange_cmdlets.remove_distribution_group_member,
        more,
    )


def add(groups: Sequence[Group], person_id: str, clients: TenantClients) -> Results:
    """Make the person a member of `groups` again, in batches; returns what Microsoft said by group."""
    return _change(
        groups, person_id, clients, graph_calls.add_group_member, exchange_cmdlets.add_distribution_group_member
    )


OWNER: Final = "/owner"
"""Follows the id of a group in that of the item that is its ownership."""


def end_ownerships(groups: Sequence[Group], person_id: str, clients: TenantClients) -> Results:
    """Take the person off the owners of `groups`, in batches; returns what Microsoft said by item."""
    calls = {group.id + OWNER: graph_calls.remove_group_owner(group.id, person_id) for group in groups}
    return results_of(clients.graph.batch, calls)


def own_again(groups: Sequence[Group], person_id: str, clients: TenantClients) -> Results:
    """Make the person an owner of `groups` again; returns what Microsoft said by item."""
    calls = {group.id + OWNER: graph_calls.add_group_owner(group.id, person_id) for group in groups}
    return results_of(clients.graph.batch, calls)


def _change(  # noqa: PLR0917 - the two calls are what differs
    groups: Sequence[Group],
    person_id: str,
    clients: TenantClients,
    call: Callable[[str, str], GraphCall],
    cmdlet: Callable[[str, str], Cmdlet],
    more: Iterable[tuple[str, GraphCall]] = (),
) -> Results:
    calls = dict(more) | {g.id: call(g.id, person_id) for g in groups if not g.is_exchange_group}
    cmdlets = {g.id: cmdlet(g.id, person_id) for g in groups if g.is_exchange_group}
    results = results_of(clients.graph.batch, calls) | results_of(clients.exchange.batch, cmdlets)
    for group in groups:
        error = results[group.id]
        if error and error.category is Category.auth_permission and (advice := _advice(group)):
            error.message = f"{advice} {error.message}"
    return results


def _advice(group: Group) -> str:
    """Say what it takes to change a group that Entra protects (Learn: "Remove member", permissions)."""
    if group.is_role_assignable:
        return "Roles can be assigned to the group: grant the app RoleManagement.ReadWrite.Directory, too."
    if group.is_restricted:
        return (
            "The group is under restricted management: give the app's service principal Groups Administrator for its "
            "administrative unit."
        )
    return ""
