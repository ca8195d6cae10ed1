"""Licenses of users, and what the tenant has bought."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant import licensing
from dev.tenant.errors import bad_request
from dev.tenant.graph import odata
from dev.tenant.graph.router import Ask, route
from dev.tenant.graph.schema import USER_DEFAULT, user_resource
from dev.tenant.messages import now
from dev.tenant.skus import SKUS

if TYPE_CHECKING:
    from dev.tenant.state import User

_WRITE = ("LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All")
_READ_SKUS = (
    "LicenseAssignment.Read.All",
    "LicenseAssignment.ReadWrite.All",
    "Organization.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)


@route("POST", "/users/{user}/assignLicense", permissions=_WRITE)
def assign_license(ask: Ask, user: str) -> dict[str, Any]:
    """Add and remove direct licenses, all or none ("assignLicense" on Learn)."""
    found, body = ask.user(user), ask.object_body()
    if unknown := set(body) - {"addLicenses", "removeLicenses"}:
        raise bad_request(f"Invalid property '{unknown.pop()}'.", unknown=True)
    for name in ("addLicenses", "removeLicenses"):
        if not isinstance(body.get(name), list):
            raise bad_request(f"The parameter '{name}' is required and must be a collection.")
    remove, add = set(body["removeLicenses"]), body["addLicenses"]
    _check_removal(found, remove)
    for entry in add:
        _check_addition(ask, found, entry["skuId"])
    licensing.drop(ask.tenant, found, remove)
    for entry in add:
        state = {**licensing.assignment(entry["skuId"]), "disabledPlans": entry.get("disabledPlans", [])}
        found.licenseAssignmentStates.append({**state, "lastUpdatedDateTime": now()})
    return {"@odata.context": f"{ask.root}/$metadata#users/$entity", **_shown(found)}


def _shown(user: User) -> dict[str, Any]:
    resource = user_resource(user)
    return {name: resource[name] for name in USER_DEFAULT}


def _check_removal(user: User, remove: set[str]) -> None:
    direct = {state["skuId"] for state in user.licenseAssignmentStates if not state["assignedByGroup"]}
    inherited = {state["skuId"] for state in user.licenseAssignmentStates if state["assignedByGroup"]}
    for sku_id in remove:
        if sku_id in direct:
            continue
        if sku_id in inherited:
            raise bad_request(
                "User license is inherited from a group membership and it cannot be removed directly from the user."
            )
        if sku_id not in SKUS:
            raise bad_request(f"License {sku_id} does not correspond to a valid company License.")
        raise bad_request("User does not have a corresponding license.")
    broken = licensing.broken_dependency(user, remove)
    if broken:
        raise bad_request(
            f"License assignment failed because service plan {broken[0]} depends on the service plan(s) {broken[1]}"
        )


def _check_addition(ask: Ask, user: User, sku_id: str) -> None:
    if sku_id not in ask.tenant.skus:
        raise bad_request(f"License {sku_id} does not correspond to a valid company License.")
    used = sum(any(s["skuId"] == sku_id for s in each.licenseAssignmentStates) for each in ask.tenant.users.values())
    if used >= ask.tenant.skus[sku_id]:
        raise bad_request(f"Subscription with SKU {sku_id} does not have any available licenses.")
    if user.usageLocation is None:
        raise bad_request("License assignment cannot be done for user with invalid usage location.")
    if any(state["skuId"] == sku_id and not state["assignedByGroup"] for state in user.licenseAssignmentStates):
        raise bad_request("License is already assigned to the user.")


@route(
    "POST", "/users/{user}/reprocessLicenseAssignment", permissions=("User.ReadWrite.All", "Directory.ReadWrite.All")
)
def reprocess(ask: Ask, user: str) -> dict[str, Any]:
    """Have the licenses that come from groups worked out again now."""
    found = ask.user(user)
    licensing.reprocess(ask.tenant, found)
    return {"@odata.context": f"{ask.root}/$metadata#users/$entity", **_shown(found)}


@route("GET", "/subscribedSkus", permissions=_READ_SKUS, options="$select")
def subscribed_skus(ask: Ask) -> dict[str, Any]:
    """List what was bought and how much of it is in use."""
    users = ask.tenant.users.values()
    rows = []
    for sku_id, seats in ask.tenant.skus.items():
        used = sum(any(state["skuId"] == sku_id for state in user.licenseAssignmentStates) for user in users)
        rows.append(
            {
                "id": f"{ask.tenant.id}_{sku_id}",
                "accountId": ask.tenant.id,
                "accountName": ask.tenant.displayName,
                "appliesTo": "User",
                "capabilityStatus": "Enabled",
                "consumedUnits": used,
                "prepaidUnits": {"enabled": seats, "suspended": 0, "warning": 0, "lockedOut": 0},
                "servicePlans": [
                    {
                        "servicePlanId": plan.id,
                        "servicePlanName": plan.name,
                        "provisioningStatus": "Success",
                        "appliesTo": "User",
                    }
                    for plan in SKUS[sku_id].plans
                ],
                "skuId": sku_id,
                "skuPartNumber": SKUS[sku_id].name,
                "subscriptionIds": [],
            }
        )
    value = [odata.select(ask, row, "subscribedSku") for row in rows]
    return {"@odata.context": f"{ask.root}/$metadata#subscribedSkus", "value": value}
