"""Memberships in administrative units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant.belongings import taken_by
from dev.tenant.errors import missing
from dev.tenant.graph.router import Ask, route
from dev.tenant.population import ident

if TYPE_CHECKING:
    from dev.tenant.belongings import Seen
    from dev.tenant.population import Organisation
    from dev.tenant.state import Tenant, User

READ = ("AdministrativeUnit.Read.All", "AdministrativeUnit.ReadWrite.All", "Directory.Read.All")
WRITE = ("AdministrativeUnit.ReadWrite.All",)


def _units(tenant: Tenant) -> dict[str, Any]:
    return tenant.belongings.setdefault("administrative_units", {})


def _has_none(seen: Seen, person: str) -> bool:
    return not any(person in unit["members"] for unit in seen["belongings"].get("administrative_units", {}).values())


@taken_by("remove_administrative_units", "no administrative unit is left", _has_none)
def join(org: Organisation, user: User) -> None:
    """Put a user into a unit."""
    unit = ident(org.tenant.id, "administrative unit")
    _units(org.tenant).setdefault(unit, {"displayName": "Branch office", "members": []})["members"].append(user.id)


@route("GET", "/users/{user}/memberOf/microsoft.graph.administrativeUnit", permissions=READ, options="$select")
def units_of(ask: Ask, user: str) -> dict[str, Any]:
    """List the units of a user."""
    found = ask.user(user)
    units = _units(ask.tenant).items()
    rows = [{"id": key, "displayName": unit["displayName"]} for key, unit in units if found.id in unit["members"]]
    return {"@odata.context": f"{ask.root}/$metadata#directoryObjects", "value": rows}


@route("DELETE", "/directory/administrativeUnits/{unit}/members/{member}/$ref", permissions=WRITE)
def leave(ask: Ask, unit: str, member: str) -> None:
    """Remove a member."""
    members = _units(ask.tenant).get(unit, {}).get("members", [])
    if member not in members:
        raise missing(member)
    members.remove(member)


@route("POST", "/directory/administrativeUnits/{unit}/members/$ref", permissions=WRITE)
def add(ask: Ask, unit: str) -> None:
    """Add a member."""
    if unit not in _units(ask.tenant):
        raise missing(unit)
    _units(ask.tenant)[unit]["members"].append(ask.object_body()["@odata.id"].rpartition("/")[2])
