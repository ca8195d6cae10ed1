"""A OneDrive's REST service: who its administrators are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dev.tenant.errors import PlainError, SharePointError
from dev.tenant.licensing import has_sharepoint
from dev.tenant.messages import Reply

if TYPE_CHECKING:
    from dev.tenant.messages import Call
    from dev.tenant.state import Site, Tenant, User

CLAIM = "i:0#.f|membership|"
_EXCEPTION = "-2146232832, Microsoft.SharePoint.SPException"


def serve(call: Call, tenant: Tenant, url: str) -> Reply:
    """Answer one call to a site; of the one at the root of the host, only the title is served."""
    address, _, path = url.partition("/_api/")
    if address == f"https://{tenant.sharepoint}-my.sharepoint.com" and (call.method, path) == ("GET", "web"):
        return Reply(body={"Title": tenant.displayName})
    site = tenant.sites.get(address)
    if site is None:
        raise PlainError(404, "404 FILE NOT FOUND")
    if site.lock:
        raise PlainError(423, "The site is locked.")
    by_id = re.fullmatch(r"web/getuserbyid\((\d+)\)", path, re.IGNORECASE)
    match call.method, path.casefold():
        case "POST", "web/ensureuser":
            return Reply(body=_ensure(call, tenant, site))
        case "GET", "web/siteusers":
            return Reply(body={"value": _site_users(call, tenant, site)})
        case "GET", _ if by_id:
            return Reply(body=_row(site, _user(tenant, site, int(by_id[1]))))
        case "POST", _ if by_id:
            return _merge(call, site, _user(tenant, site, int(by_id[1])))
        case _:
            raise SharePointError(
                404,
                "-1, Microsoft.SharePoint.Client.ResourceNotFoundException",
                f"Cannot find resource for the request {path}.",
                unknown=True,
            )


def _row(site: Site, user: User) -> dict[str, Any]:
    return {
        "Id": site.user_ids[user.id],
        "IsHiddenInUI": False,
        "LoginName": CLAIM + user.userPrincipalName,
        "Title": user.displayName,
        "PrincipalType": 1,
        "Email": user.mail or "",
        "IsEmailAuthenticationGuestUser": False,
        "IsShareByEmailGuestUser": False,
        "IsSiteAdmin": user.id in site.admins,
        "UserPrincipalName": user.userPrincipalName,
    }


def account(tenant: Tenant, login_name: str) -> User:
    """Find whom a claim names; SharePoint does not know accounts without a SharePoint license."""
    user = tenant.find_user(login_name.removeprefix(CLAIM)) if login_name.startswith(CLAIM) else None
    if user is None or not has_sharepoint(user):
        raise SharePointError(400, _EXCEPTION, f"The specified user {login_name} could not be found.")
    return user


def _ensure(call: Call, tenant: Tenant, site: Site) -> dict[str, Any]:
    if not isinstance(call.body, dict) or set(call.body) != {"logonName"}:
        raise SharePointError(
            400, "-1, Microsoft.SharePoint.Client.InvalidClientQueryException", "Invalid JSON.", unknown=True
        )
    user = account(tenant, str(call.body["logonName"]))
    site.user_ids.setdefault(user.id, len(site.user_ids) + 3)
    return _row(site, user)


def _user(tenant: Tenant, site: Site, number: int) -> User:
    for user_id, each in site.user_ids.items():
        if each == number and user_id in tenant.users:
            return tenant.users[user_id]
    raise SharePointError(404, _EXCEPTION, "User cannot be found.")


def _site_users(call: Call, tenant: Tenant, site: Site) -> list[dict[str, Any]]:
    options = dict(call.query)
    condition, selected = options.pop("$filter", None), options.pop("$select", None)
    if options or condition not in {None, "IsSiteAdmin eq true"}:
        raise SharePointError(
            400,
            "-1, Microsoft.SharePoint.Client.InvalidClientQueryException",
            "The query is not supported.",
            unknown=True,
        )
    rows = [_row(site, tenant.users[each]) for each in site.user_ids if each in tenant.users]
    rows = [row for row in rows if condition is None or row["IsSiteAdmin"]]
    names = selected.split(",") if selected else None
    return [{name: row[name] for name in names if name in row} for row in rows] if names else rows


def _merge(call: Call, site: Site, user: User) -> Reply:
    if call.headers.get("X-HTTP-Method") != "MERGE" or not call.headers.get("IF-MATCH"):
        raise SharePointError(405, "-1, System.NotSupportedException", "The HTTP method is not allowed.", unknown=True)
    if not isinstance(call.body, dict) or set(call.body) - {"__metadata"} != {"IsSiteAdmin"}:
        raise SharePointError(
            400, "-1, Microsoft.SharePoint.Client.InvalidClientQueryException", "Invalid property.", unknown=True
        )
    set_admin(site, user, wanted=bool(call.body["IsSiteAdmin"]))
    return Reply(204)


def set_admin(site: Site, user: User, *, wanted: bool) -> None:
    """Make somebody an administrator of a site, or take that away."""
    site.user_ids.setdefault(user.id, len(site.user_ids) + 3)
    if wanted and user.id not in site.admins:
        site.admins.append(user.id)
    if not wanted and user.id in site.admins:
        site.admins.remove(user.id)
