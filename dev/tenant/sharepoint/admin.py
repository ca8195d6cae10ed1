"""The admin host: the client object model, of which the tenant's site properties and site administrators are served.

A failure answers HTTP 200 as well; it stands in `ErrorInfo` of the first element of the answer.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from dev.tenant.errors import PlainError, SharePointError
from dev.tenant.messages import Reply
from dev.tenant.sharepoint import site as sites

if TYPE_CHECKING:
    from dev.tenant.messages import Call, Json
    from dev.tenant.state import Site, Tenant

TENANT_TYPE = "{268004ae-ef6b-4e9b-8425-127220d84719}"
_NAMESPACE = "{http://schemas.microsoft.com/sharepoint/clientquery/2009}"
_SHARING = range(4)


class _CsomError(Exception):
    def __init__(self, kind: str, text: str, *, unknown: bool = False) -> None:
        super().__init__(text)
        self.kind, self.text, self.unknown = kind, text, unknown


def serve(call: Call, tenant: Tenant, path: str) -> Reply:
    """Answer one call to the admin host."""
    if path == "_vti_bin/client.svc/ProcessQuery" and call.method == "POST":
        if "text/xml" not in call.headers.get("Content-Type", ""):
            raise PlainError(415, "The content type must be text/xml.")
        return Reply(body=_process(call, tenant))
    by_id = re.fullmatch(r"_api/SPO\.Tenant/sites\('([0-9a-f-]+)'\)", path, re.IGNORECASE)
    if by_id:
        return _site_properties(call, tenant, by_id[1])
    if path == "_api/SPOInternalUseOnly.Tenant/GetSiteAdministrators" and call.method == "GET":
        site = _site_by_id(tenant, call.query.get("siteId", "").strip("'"))
        return Reply(body={"value": [_administrator(tenant, each) for each in site.admins if each in tenant.users]})
    if path == "_api/SPOInternalUseOnly.Tenant/SetSiteSecondaryAdministrators" and call.method == "POST":
        return _replace_administrators(call, tenant)
    raise SharePointError(
        404, "-1, Microsoft.SharePoint.Client.ResourceNotFoundException", "Cannot find resource.", unknown=True
    )


def _site_by_id(tenant: Tenant, site_id: str) -> Site:
    site = next((each for each in tenant.sites.values() if each.site_id == site_id), None)
    if site is None:
        raise SharePointError(404, "-1, Microsoft.Online.SharePoint.Common.SpoNoSiteException", "Cannot get site.")
    return site


def _administrator(tenant: Tenant, user_id: str) -> dict[str, Any]:
    user = tenant.users[user_id]
    return {"email": user.mail, "loginName": sites.CLAIM + user.userPrincipalName, "name": user.displayName}


def _replace_administrators(call: Call, tenant: Tenant) -> Reply:
    """Set the administrators beside the owner: who is not named is one no longer."""
    data = (call.body or {}).get("secondaryAdministratorsFieldsData")
    if not isinstance(data, dict) or set(data) != {"siteId", "secondaryAdministratorLoginNames"}:
        raise SharePointError(
            400, "-1, Microsoft.SharePoint.Client.InvalidClientQueryException", "Invalid request.", unknown=True
        )
    site = _site_by_id(tenant, data["siteId"])
    wanted = [sites.account(tenant, name) for name in data["secondaryAdministratorLoginNames"]]
    site.admins = [site.owner]
    for user in wanted:
        sites.set_admin(site, user, wanted=True)
    return Reply(200, {"odata.null": True})


def _site_properties(call: Call, tenant: Tenant, site_id: str) -> Reply:
    site = _site_by_id(tenant, site_id)
    if call.method == "GET":
        return Reply(body=_properties(site))
    merges = call.method == "PATCH" or call.headers.get("X-HTTP-Method") == "MERGE"
    wanted = {name: value for name, value in (call.body or {}).items() if name != "__metadata"}
    if not merges or set(wanted) != {"SharingCapability"} or wanted["SharingCapability"] not in _SHARING:
        raise SharePointError(
            400, "-1, Microsoft.SharePoint.Client.InvalidClientQueryException", "Invalid request.", unknown=True
        )
    site.SharingCapability = wanted["SharingCapability"]
    return Reply(204)


def _properties(site: Site) -> dict[str, Any]:
    return {
        "_ObjectType_": "Microsoft.Online.SharePoint.TenantAdministration.SiteProperties",
        "_ObjectIdentity_": f"{site.site_id}|SiteProperties|{site.url}",
        "Url": site.url,
        "SharingCapability": site.SharingCapability,
        "LockState": site.lock or "Unlock",
        "Template": "SPSPERS#10",
    }


def _process(call: Call, tenant: Tenant) -> list[Any]:
    trace = str(uuid.uuid4())
    header: dict[str, Any] = {
        "SchemaVersion": "15.0.0.0",
        "LibraryVersion": "16.0.26102.12013",
        "ErrorInfo": None,
        "TraceCorrelationId": trace,
    }
    try:
        results = _Query(tenant, call.raw).run()
    except _CsomError as error:
        call.refused = error.unknown
        header["ErrorInfo"] = {
            "ErrorMessage": error.text,
            "ErrorValue": None,
            "TraceCorrelationId": trace,
            "ErrorCode": -2146233088,
            "ErrorTypeName": error.kind,
        }
        return [header]
    return [header, *results]


class _Query:
    """One request of the client object model: objects by path, then actions on them in order."""

    def __init__(self, tenant: Tenant, raw: bytes) -> None:
        self.tenant = tenant
        try:
            root = ET.fromstring(raw)  # noqa: S314 - what a test's client sent to a simulator on its own machine
        except ET.ParseError as error:
            raise _unknown("The request is not XML.") from error
        if root.tag != f"{_NAMESPACE}Request":
            raise _unknown("The request element is missing.")
        self.actions = list(root.find(f"{_NAMESPACE}Actions") or [])
        self.paths = {each.get("Id", ""): each for each in root.find(f"{_NAMESPACE}ObjectPaths") or []}
        self.sites: dict[str, Site] = {}
        self.changes: dict[str, int] = {}

    def run(self) -> list[Any]:
        """Carry out the actions; what they answer follows their ids."""
        results: list[Any] = []
        for action in self.actions:
            answer = self._act(action)
            if answer is not None:
                results += [int(action.get("Id", "0")), answer]
        return results

    def _act(self, action: ET.Element) -> Json:
        kind, path = action.tag.removeprefix(_NAMESPACE), action.get("ObjectPathId", "")
        self._resolve(path)
        name = action.get("Name")
        if kind in {"ObjectPath", "ObjectIdentityQuery"}:
            return {"IsNull": False}
        if kind == "Query" and path in self.sites:
            return _properties(self.sites[path])
        if kind == "SetProperty" and path in self.sites and name == "SharingCapability":
            parameter = action.find(f"{_NAMESPACE}Parameter")
            text = (parameter.text if parameter is not None else None) or ""
            if parameter is None or parameter.get("Type") != "Enum" or not text.isdigit() or int(text) not in _SHARING:
                raise _unknown("SharingCapability takes an Enum from 0 to 3.")
            self.changes[path] = int(text)
            return None
        if kind == "Method" and path in self.sites and name == "Update":
            if path in self.changes:
                self.sites[path].SharingCapability = self.changes.pop(path)
            return None
        if kind == "Method" and name == "SetSiteAdmin":
            self._set_site_admin(action)
            return None
        raise _unknown(f"The action {kind} {name or ''} is not known.")

    def _resolve(self, path_id: str) -> None:
        """Evaluate an object path: the tenant, a site's properties, or the outcome of a method."""
        path = self.paths.get(path_id)
        if path is None:
            raise _unknown(f"There is no object path {path_id}.")
        kind, name = path.tag.removeprefix(_NAMESPACE), path.get("Name")
        if kind == "Constructor" and path.get("TypeId", "").lower() == TENANT_TYPE:
            return
        if kind == "Method" and name == "GetSitePropertiesByUrl":
            self._resolve(path.get("ParentId", ""))
            self.sites[path_id] = self._site(_parameters(path)[0])
            return
        if kind == "Method" and name == "SetSiteAdmin":
            self._resolve(path.get("ParentId", ""))
            self._set_site_admin(path)
            return
        if kind == "Method" and name == "Update":
            parent = path.get("ParentId", "")
            self._resolve(parent)
            if parent in self.changes:
                self.sites[parent].SharingCapability = self.changes.pop(parent)
            return
        raise _unknown(f"The object path {kind} {name or ''} is not known.")

    def _set_site_admin(self, element: ET.Element) -> None:
        url, login_name, wanted = _parameters(element)
        site = self._site(url)
        try:
            user = sites.account(self.tenant, login_name)
        except SharePointError as error:
            raise _CsomError("Microsoft.SharePoint.SPException", error.message) from error
        sites.set_admin(site, user, wanted=wanted == "true")

    def _site(self, url: str) -> Site:
        site = self.tenant.sites.get(url.rstrip("/"))
        if site is None:
            raise _CsomError("Microsoft.Online.SharePoint.Common.SpoNoSiteException", f"Cannot get site {url}.")
        return site


def _parameters(element: ET.Element) -> list[str]:
    return [parameter.text or "" for parameter in element.iter(f"{_NAMESPACE}Parameter")]


def _unknown(text: str) -> _CsomError:
    return _CsomError("Microsoft.SharePoint.Client.InvalidClientQueryException", text, unknown=True)
