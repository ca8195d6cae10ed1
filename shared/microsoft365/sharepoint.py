"""The client of SharePoint: a OneDrive's administrators, and its sharing with people outside.

Two doors: the site's own REST interface, and CSOM on the tenant's admin host, where a failure, too, is HTTP 200. Both
take app-only tokens from a certificate only.

A site's address comes from Graph (`sharePointIds.siteUrl` of the drive). It decides which host gets the token, so it
must be one of Microsoft's OneDrive hosts before anything is sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from shared.microsoft365.http.errors import Category, MicrosoftError, from_csom, from_sharepoint
from shared.microsoft365.http.messages import Access, Request, Response, SentRequest, TokenSource
from shared.microsoft365.http.wire import Json, JsonObject, as_object, as_rows, decode, encode, lookup

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.microsoft365.http.transport import Transport

_NAME = r"([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)"
_CLOUD = r"(sharepoint\.(?:com|us|cn)|sharepoint-mil\.us)"
ROOT_HOST = re.compile(rf"{_NAME}\.{_CLOUD}")
ONEDRIVE_HOST = re.compile(rf"{_NAME}-my\.{_CLOUD}")
SITE_PATH = re.compile(r"(?:/(?!\.+(?:/|$))[A-Za-z0-9._~%-]+)+")

PLAIN_JSON = "application/json;odata=nometadata"

SHARING_DISABLED = 0
"""`SharingCapability`: 0 nobody outside, 1 invited users, 2 also anonymous links, 3 users who are guests already."""

_CSOM = (
    '<Request xmlns="http://schemas.microsoft.com/sharepoint/clientquery/2009" SchemaVersion="15.0.0.0"'
    ' LibraryVersion="16.0.0.0" ApplicationName="offboarding"><Actions>{actions}</Actions><ObjectPaths>'
    '<Constructor Id="1" TypeId="{{268004ae-ef6b-4e9b-8425-127220d84719}}"/>'
    '<Method Id="2" ParentId="1" Name="GetSitePropertiesByUrl"><Parameters>'
    '<Parameter Type="String">{site}</Parameter><Parameter Type="Boolean">false</Parameter>'
    "</Parameters></Method></ObjectPaths></Request>"
)
_SET_SHARING = (
    '<SetProperty Id="3" ObjectPathId="2" Name="SharingCapability">'
    '<Parameter Type="Enum">{value}</Parameter></SetProperty>'
    '<Method Id="4" ObjectPathId="2" Name="Update"/>'
)
_READ_SHARING = (
    '<Query Id="3" ObjectPathId="2"><Query SelectAllProperties="false"><Properties>'
    '<Property Name="SharingCapability" ScalarProperty="true"/></Properties></Query></Query>'
)


@dataclass(frozen=True)
class Site:
    """A OneDrive's address, checked.

    Attributes:
        tenant_name: of SharePoint (`contoso` in `contoso-my.sharepoint.com`); not always the tenant's own.
        domain: what follows, the same for all hosts of a cloud.
        path: of the site on its host, without a slash at the end.
    """

    tenant_name: str
    domain: str
    path: str

    @property
    def host(self) -> str:
        """The host the site is on."""
        return f"{self.tenant_name}-my.{self.domain}"

    @property
    def url(self) -> str:
        """The address as SharePoint itself writes it."""
        return f"https://{self.host}{self.path}"

    @property
    def admin_host(self) -> str:
        """The host of the tenant's SharePoint administration."""
        return f"{self.tenant_name}-admin.{self.domain}"

    @property
    def audience(self) -> str:
        """What a token for the site is for: the root host, which covers the OneDrive host."""
        return f"https://{self.tenant_name}.{self.domain}"


def parse_site(site_url: str) -> Site:
    """Check that an address is a OneDrive's, of any of Microsoft's clouds.

    Raises:
        MicrosoftError: it is not, so no token must go there.
    """
    parts = urlsplit(site_url)
    host = ONEDRIVE_HOST.fullmatch(parts.netloc.lower())
    path = parts.path.rstrip("/")
    if parts.scheme != "https" or not host or not SITE_PATH.fullmatch(path) or parts.query or parts.fragment:
        message = (
            "This is not the address of a OneDrive (https://{name}-my.sharepoint.com/personal/...): nothing was sent."
        )
        raise MicrosoftError("sharepoint", Category.invalid, message, code="OriginRefused")
    return Site(host[1], host[2], path)


def parse_root(url: str) -> Site:
    """Return the site at the root of the tenant's OneDrive host, from any address on the tenant's SharePoint host.

    Raises:
        MicrosoftError: it is not an address of SharePoint, so no token must go there.
    """
    host = ROOT_HOST.fullmatch(urlsplit(url).netloc.lower())
    if not host or urlsplit(url).scheme != "https":
        message = "This is not an address of SharePoint (https://{name}.sharepoint.com/...): nothing was sent."
        raise MicrosoftError("sharepoint", Category.invalid, message, code="OriginRefused")
    return Site(host[1], host[2], "")


def login_name(upn: str) -> str:
    """Return the name under which a site knows an account of the tenant."""
    return f"i:0#.f|membership|{upn}"


class SharePoint:
    """SharePoint as one tenant sees it. Cheap to make; holds no state but the log it was given."""

    def __init__(
        self,
        tenant_id: str,
        transport: Transport,
        tokens: TokenSource,
        log: list[SentRequest],
        *,
        template: str = "https://{host}",
    ) -> None:
        """Bind the client to a tenant; every request is noted in `log`.

        Args:
            tenant_id: the tenant's id.
            transport: sends.
            tokens: gives access tokens.
            log: gets an entry for each request.
            template: where a SharePoint host is reached; another one than the default puts a simulation in its place.
        """
        self._transport = transport
        self._tokens = tokens
        self._tenant_id = tenant_id
        self._log = log
        self._template = template.rstrip("/")

    def check(self, root: Site) -> None:
        """Read the title of the site of `parse_root`: it shows that SharePoint takes the app's tokens.

        Raises:
            MicrosoftError: `auth_token` when it does not, `auth_permission` when the app may not read the site.
        """
        self._rest(root, "GET", "/_api/web?$select=Title")

    def ensure_user(self, site_url: str, upn: str) -> JsonObject:
        """Make a person known to the site, and return the site's view of them: `Id`, `LoginName`, `IsSiteAdmin`.

        Raises:
            MicrosoftError: `not_licensed` when SharePoint does not know the account.
        """
        site = parse_site(site_url)
        body = {"logonName": login_name(upn)}
        return as_object(self._rest(site, "POST", "/_api/web/ensureuser", body))

    def set_site_admin(self, site_url: str, user_id: int, *, is_admin: bool = True) -> None:
        """Make a person an administrator of the site, or no longer; `user_id` is the `Id` from `ensure_user`."""
        site = parse_site(site_url)
        headers = {"X-HTTP-Method": "MERGE", "IF-MATCH": "*"}
        self._rest(site, "POST", f"/_api/web/getuserbyid({user_id:d})", {"IsSiteAdmin": is_admin}, headers)

    def get_site_admins(self, site_url: str) -> list[JsonObject]:
        """Read the administrators of the site: rows with `Id`, `LoginName`, `Title`, `Email`, `IsSiteAdmin`."""
        site = parse_site(site_url)
        wanted = f"?$filter={quote('IsSiteAdmin eq true')}"
        return as_rows(as_object(self._rest(site, "GET", f"/_api/web/siteusers{wanted}")).get("value"))

    def disable_sharing(self, site_url: str) -> None:
        """Close the site to people outside of the tenant; links to them that exist stop working."""
        self._csom(parse_site(site_url), _SET_SHARING.format(value=SHARING_DISABLED), is_write=True)

    def set_sharing(self, site_url: str, capability: int) -> None:
        """Set the site's `SharingCapability`; the tenant's own limits it (Learn: "Change the sharing settings")."""
        self._csom(parse_site(site_url), _SET_SHARING.format(value=int(capability)), is_write=True)

    def get_sharing(self, site_url: str) -> int:
        """Read the site's `SharingCapability`, see `SHARING_DISABLED`.

        Raises:
            MicrosoftError: also when the answer does not contain it.
        """
        for part in as_rows(self._csom(parse_site(site_url), _READ_SHARING, is_write=False)):
            value = part.get("SharingCapability")
            if isinstance(value, int):
                return value
        message = "SharePoint did not say how the site may be shared."
        raise MicrosoftError("sharepoint", Category.unknown, message, code="NoSharingCapability")

    def _rest(
        self,
        site: Site,
        method: str,
        call: str,
        body: JsonObject | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        content = {"Content-Type": PLAIN_JSON} if body is not None else {}
        request = Request(
            "sharepoint",
            method,
            f"{self._origin(site.host)}{site.path}{call}",
            self._origin(site.host),
            {"Accept": PLAIN_JSON, **content, **(headers or {})},
            None if body is None else encode(body),
            is_write=method != "GET",
            label=call.partition("?")[0],
            target=site.url,
        )
        return _content(self._transport.send(request, self._access(site.audience), self._log))

    def _csom(self, site: Site, actions: str, *, is_write: bool) -> Json:
        origin = self._origin(site.admin_host)
        request = Request(
            "sharepoint",
            "POST",
            f"{origin}/_vti_bin/client.svc/ProcessQuery",
            origin,
            {"Accept": "application/json", "Content-Type": "text/xml"},
            _CSOM.format(actions=actions, site=escape(site.url)).encode(),
            is_write=is_write,
            label="/_vti_bin/client.svc/ProcessQuery",
            target=site.url,
        )
        response = self._transport.send(request, self._access(f"https://{site.admin_host}"), self._log)
        answer = _content(response)
        parts = as_rows(answer)
        if not parts or "ErrorInfo" not in parts[0]:
            message = "SharePoint gave an answer that is not one of its administration interface."
            raise MicrosoftError("sharepoint", Category.transient, message, status=response.status, code="NotCsom")
        if lookup(parts[0], "ErrorInfo") is not None:
            raise from_csom(response.headers, parts[0]["ErrorInfo"])
        return answer

    def _access(self, audience: str) -> Access:
        return Access(self._tokens, self._tenant_id, audience)

    def _origin(self, host: str) -> str:
        return self._template.format(host=host)


def _content(response: Response) -> Json:
    if not 200 <= response.status < 300:  # noqa: PLR2004
        raise from_sharepoint(response.status, response.headers, response.body)
    parsed = decode(response.body)
    if parsed is None and response.body.strip():
        message = "SharePoint gave an answer that breaks off or is not JSON."
        raise MicrosoftError("sharepoint", Category.transient, message, status=response.status, code="NotJson")
    return parsed
