"""Groups, applications and service principals that a person owns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant.belongings import taken_by
from dev.tenant.errors import bad_request, missing
from dev.tenant.graph import odata
from dev.tenant.graph.router import READ_APPLICATIONS, READ_GROUPS, READ_USERS, Ask, route
from dev.tenant.graph.schema import group_resource
from dev.tenant.population import ident

if TYPE_CHECKING:
    from dev.tenant.belongings import Seen
    from dev.tenant.population import Organisation
    from dev.tenant.state import Tenant, User


WRITE_APPLICATIONS = ("Application.ReadWrite.All",)


def _applications(tenant: Tenant) -> dict[str, Any]:
    return tenant.belongings.setdefault("owned_applications", {})


def _has_none(seen: Seen, person: str) -> bool:
    owned = [*seen["groups"].values(), *seen["belongings"].get("owned_applications", {}).values()]
    return all(person not in row["owners"] for row in owned)


@taken_by("hand_over_ownership", "nothing is owned", _has_none)
def own(org: Organisation, user: User) -> None:
    """Make a user the only owner of a group, an application and its service principal."""
    alias = user.userPrincipalName.split("@", maxsplit=1)[0]
    org.group(f"{alias}-project", f"Project of {user.displayName}", "m365", [user], owners=[user.id])
    app_id = ident(user.id, "application", "app id")
    for kind in ("application", "servicePrincipal"):
        _applications(org.tenant)[ident(user.id, kind)] = {
            "kind": kind,
            "displayName": "Time sheets export",
            "appId": app_id,
            "owners": [user.id],
        }


@route("GET", "/users/{user}/ownedObjects", permissions=READ_USERS, options="$top $skiptoken $select")
def owned_objects(ask: Ask, user: str) -> dict[str, Any]:
    """List all that the user owns; of kinds that the app may not read, no more than that they exist."""
    owner = ask.user(user)
    groups = [
        odata.readable(ask, {"@odata.type": "#microsoft.graph.group", **group_resource(group)}, READ_GROUPS)
        for group in ask.tenant.groups.values()
        if owner.id in group.owners
    ]
    applications = [
        odata.readable(
            ask,
            {
                "@odata.type": f"#microsoft.graph.{row['kind']}",
                "id": key,
                "displayName": row["displayName"],
                "appId": row["appId"],
            },
            READ_APPLICATIONS,
        )
        for key, row in _applications(ask.tenant).items()
        if owner.id in row["owners"]
    ]
    body = odata.page(ask, groups + applications, "directoryObjects")
    body["value"] = [odata.select(ask, row, "directoryObject") for row in body["value"]]
    return body


@route("POST", "/applications/{application}/owners/$ref", permissions=WRITE_APPLICATIONS)
@route("POST", "/servicePrincipals/{application}/owners/$ref", permissions=WRITE_APPLICATIONS)
def add_owner(ask: Ask, application: str) -> None:
    """Make somebody an owner of an application or of its service principal ("Add owner" on Learn)."""
    row = _owned(ask, application)
    user = ask.user(str(ask.object_body().get("@odata.id", "")).rsplit("/", 1)[-1])
    if user.id in row["owners"]:
        raise bad_request(
            "One or more added object references already exist for the following modified properties: 'owners'."
        )
    row["owners"].append(user.id)


@route("DELETE", "/applications/{application}/owners/{owner}/$ref", permissions=WRITE_APPLICATIONS)
@route("DELETE", "/servicePrincipals/{application}/owners/{owner}/$ref", permissions=WRITE_APPLICATIONS)
def remove_owner(ask: Ask, application: str, owner: str) -> None:
    """Take an owner off an application, also the last one: Graph advises against it only ("Remove owner" on Learn)."""
    row = _owned(ask, application)
    if owner not in row["owners"]:
        raise missing(owner)
    row["owners"].remove(owner)


def _owned(ask: Ask, application: str) -> dict[str, Any]:
    row = _applications(ask.tenant).get(application)
    if row is None or not ask.path.lower().startswith(f"/{row['kind'].lower()}s/"):
        raise missing(application)
    return row
