"""Where a person's OneDrive is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant.errors import GraphError
from dev.tenant.graph import odata
from dev.tenant.graph.router import Ask, route

if TYPE_CHECKING:
    from dev.tenant.state import Site

_READ = ("Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All")


def _site(ask: Ask, user: str) -> Site:
    """Find the OneDrive; the directory answers first for an account that does not exist."""
    found = ask.user(user)
    if found.site is None or found.site not in ask.tenant.sites:
        raise GraphError(404, "ResourceNotFound", "User's mysite not found.")
    site = ask.tenant.sites[found.site]
    if site.lock:
        raise GraphError(423, "resourceLocked", "The site is locked.")
    return site


def _sharepoint_ids(site: Site, ask: Ask) -> dict[str, Any]:
    return {
        "listId": site.drive_id.removeprefix("b!"),
        "siteId": site.site_id,
        "siteUrl": site.url,
        "tenantId": ask.tenant.id,
        "webId": site.site_id,
    }


@route("GET", "/users/{user}/drive", permissions=_READ, options="$select")
def drive(ask: Ask, user: str) -> dict[str, Any]:
    """Read the drive; `sharePointIds` comes only when asked for, and the owner's language names the library."""
    site = _site(ask, user)
    resource = {
        "id": site.drive_id,
        "name": "OneDrive",
        "driveType": "business",
        "webUrl": f"{site.url}/{site.library}",
        "owner": {"user": {"id": site.owner}},
        "quota": {"state": "normal", "total": 1_099_511_627_776, "used": 4_215_000_321},
        "createdDateTime": "2024-02-05T08:00:00Z",
        "description": "",
        "sharePointIds": _sharepoint_ids(site, ask),
    }
    default = [name for name in resource if name != "sharePointIds"]
    return {"@odata.context": f"{ask.root}/$metadata#drives/$entity", **odata.select(ask, resource, "drive", default)}


@route("GET", "/users/{user}/drive/root", permissions=_READ, options="$select")
def root(ask: Ask, user: str) -> dict[str, Any]:
    """Read the root folder."""
    site = _site(ask, user)
    resource = {
        "id": f"01{site.site_id.replace('-', '').upper()}",
        "name": "root",
        "webUrl": f"{site.url}/{site.library}",
        "folder": {"childCount": 4},
        "root": {},
        "parentReference": {"driveId": site.drive_id, "driveType": "business"},
        "sharepointIds": _sharepoint_ids(site, ask),
    }
    default = [name for name in resource if name != "sharepointIds"]
    return {"@odata.context": f"{ask.root}/$metadata#driveItem", **odata.select(ask, resource, "driveItem", default)}


@route("GET", "/sites/root/drive", permissions=_READ, options="$select")
def root_library(ask: Ask) -> dict[str, Any]:
    """Read the library of the tenant's root site."""
    resource = {
        "id": f"b!{ask.tenant.id}",
        "name": "Documents",
        "driveType": "documentLibrary",
        "webUrl": f"https://{ask.tenant.sharepoint}.sharepoint.com/Shared%20Documents",
    }
    return {"@odata.context": f"{ask.root}/$metadata#drives/$entity", **odata.select(ask, resource, "drive")}


@route(
    "GET",
    "/sites/root",
    permissions=("Sites.Read.All", "Sites.ReadWrite.All", "Sites.FullControl.All"),
    options="$select",
)
def root_site(ask: Ask) -> dict[str, Any]:
    """Read the tenant's root site, whose id begins with the SharePoint host."""
    host = f"{ask.tenant.sharepoint}.sharepoint.com"
    resource = {
        "id": f"{host},{ask.tenant.id},{ask.tenant.id}",
        "displayName": ask.tenant.displayName,
        "webUrl": f"https://{host}",
        "siteCollection": {"hostname": host},
    }
    return odata.select(ask, resource, "site")
