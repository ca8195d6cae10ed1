"""What licenses do to the people and mailboxes that hold and lose them; Graph and Exchange both need it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant.messages import now
from dev.tenant.skus import SKUS

if TYPE_CHECKING:
    from dev.tenant.state import Group, Tenant, User


_STUCK = -1
"""In place of a count of looks: the loss did not work out, and is not tried again by itself."""


def plans(user: User) -> set[str]:
    """Name the service plans that a user has, directly or through groups."""
    found: set[str] = set()
    for state in user.licenseAssignmentStates:
        off = state["disabledPlans"]
        found |= {plan.name for plan in SKUS[state["skuId"]].plans if plan.id not in off}
    return found


def has_exchange(user: User) -> bool:
    """Whether some license of the user carries a mailbox."""
    return any(name.startswith("EXCHANGE_S_") for name in plans(user))


def has_sharepoint(user: User) -> bool:
    """Whether some license of the user carries SharePoint: an account without one is unknown to its sites."""
    return any(name.startswith("SHAREPOINT") for name in plans(user))


def assignment(sku_id: str, group: str | None = None, state: str = "Active") -> dict[str, object]:
    """Write an entry of `licenseAssignmentStates`."""
    return {
        "skuId": sku_id,
        "assignedByGroup": group,
        "state": state,
        "error": "None" if state == "Active" else "MutuallyExclusiveViolation",
        "disabledPlans": [],
        "lastUpdatedDateTime": "2026-01-12T08:00:00Z",
    }


def broken_dependency(user: User, leaving: set[str]) -> tuple[str, str] | None:
    """Find a plan that would lose the plan it needs when the direct licenses `leaving` go."""
    staying = [s for s in user.licenseAssignmentStates if s["assignedByGroup"] or s["skuId"] not in leaving]
    held = [plan for state in staying for plan in SKUS[state["skuId"]].plans]
    names = {plan.name for plan in held}
    return next(((plan.name, plan.needs) for plan in held if plan.needs and plan.needs not in names), None)


def drop(tenant: Tenant, user: User, sku_ids: set[str], group: str | None = None) -> None:
    """Take licenses away: direct ones, or those of one group."""
    before = has_exchange(user)
    user.licenseAssignmentStates = [
        state
        for state in user.licenseAssignmentStates
        if state["assignedByGroup"] != group or state["skuId"] not in sku_ids
    ]
    if before and not has_exchange(user):
        _mailbox_unlicensed(tenant, user)


def _mailbox_unlicensed(tenant: Tenant, user: User) -> None:
    mailbox = tenant.mailboxes.get(user.id)
    if mailbox and mailbox.RecipientTypeDetails == "UserMailbox":
        mailbox.mailbox_lost = True


def left_group(tenant: Tenant, group: Group, user: User) -> None:
    """Start the loss of what the group gave: Entra reprocesses licenses after the membership, not with it."""
    if not group.assignedLicenses:
        return
    user.leaving_groups[group.id] = tenant.license_reads
    if tenant.license_reads == 0:
        reprocess(tenant, user)


def joined_group(tenant: Tenant, group: Group, user: User) -> None:
    """Give what the group gives; at once, because nothing waits for it."""
    user.leaving_groups.pop(group.id, None)
    held = {(state["skuId"], state["assignedByGroup"]) for state in user.licenseAssignmentStates}
    for entry in group.assignedLicenses:
        if (entry["skuId"], group.id) not in held and entry["skuId"] in tenant.skus:
            user.licenseAssignmentStates.append({**assignment(entry["skuId"], group.id), "lastUpdatedDateTime": now()})


def _is_needed(user: User, leaving: list[dict[str, Any]]) -> bool:
    """Whether another license of the user needs a plan of those that are leaving."""
    staying = [state for state in user.licenseAssignmentStates if state not in leaving]
    names = {plan.name for state in staying for plan in SKUS[state["skuId"]].plans}
    return any(p.needs and p.needs not in names for state in staying for p in SKUS[state["skuId"]].plans)


def looked_at(tenant: Tenant, user: User) -> None:
    """Bring the loss of inherited licenses one read nearer."""
    for group_id, reads in list(user.leaving_groups.items()):
        if reads > 0:
            user.leaving_groups[group_id] = reads - 1
        elif reads != _STUCK:
            _lose(tenant, user, group_id)


def reprocess(tenant: Tenant, user: User) -> None:
    """Let everything that is still to be lost go now."""
    for group_id in list(user.leaving_groups):
        _lose(tenant, user, group_id)


def _lose(tenant: Tenant, user: User, group_id: str) -> None:
    gone = [state for state in user.licenseAssignmentStates if state["assignedByGroup"] == group_id]
    if _is_needed(user, gone):  # it stays, in error, until somebody has it processed again
        for state in gone:
            state.update(state="Error", error="DependencyViolation")
        user.leaving_groups[group_id] = _STUCK
        return
    user.leaving_groups.pop(group_id, None)
    drop(tenant, user, {state["skuId"] for state in user.licenseAssignmentStates}, group_id)
