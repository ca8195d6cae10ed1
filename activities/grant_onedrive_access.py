"""Let people open the leaver's OneDrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.microsoft365.errors import MicrosoftError
from shared.microsoft365.sharepoint import SharePoint, login_name
from shared.offboarding import grantees
from shared.offboarding.catalogue import Action, Permission, graph_permission, register
from shared.offboarding.outcome import Finding, Outcome
from shared.offboarding.reads import DRIVE, USER, Read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.offboarding.catalogue import Results, Task, View
    from shared.offboarding.grantees import Grantee
    from shared.offboarding.reads import Snapshot

SITE_ADMINS: Final = Read(
    "onedrive_admins",
    "Who may open the OneDrive",
    "sharepoint",
    lambda _: SharePoint.get_site_admins,
    lambda names: frozenset(str(name).casefold() for name in names or ()),
    lambda rows, _: [row["LoginName"] for row in rows],
)


@register
class GrantOnedriveAccess(Action):
    """Make people administrators of the OneDrive's site, which is full control of everything in it.

    It stays useful beside a deletion of the account: the OneDrive is kept for a while (Learn: "OneDrive retention and
    deletion"). An account without a SharePoint licence is unknown to the site.
    """

    name = "grant_onedrive_access"
    title = "Give access to the OneDrive"
    description = "Lets people open the leaver's OneDrive, with full control of all files in it."
    portal_key = "OnedriveAccess"
    params = grantees.Params
    reads = (USER, DRIVE, SITE_ADMINS)
    proof = (SITE_ADMINS,)
    permissions = (
        graph_permission("Files.Read.All"),
        graph_permission("User.Read.All"),
        Permission("SharePoint", "Sites.FullControl.All"),
    )
    undo = "Remove the site administrators who are not in snapshot.onedrive_admins."

    def from_portal(self, form: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Read the people chosen in the action's picker."""
        return grantees.from_portal(form, self.portal_key)

    def reads_for(self, params: Mapping[str, Any]) -> tuple[Read[Any], ...]:
        """Ask who is meant, too."""
        return (*self.reads, *(read for to in params["to"] for read in grantees.account_reads(to)))

    def judge(self, view: View) -> Finding | Sequence[Finding]:
        """Find out who administers the OneDrive."""
        site_url = view.now.get(DRIVE)
        if site_url is None:
            return Finding(Outcome.not_applicable, "There is no OneDrive.")
        return grantees.findings(
            view,
            lambda _: None,
            _administers,
            done=lambda _: f"Has full control of the OneDrive: {site_url}",
            already="Had full control of the OneDrive already.",
            as_recipient=False,
        )

    def apply(self, task: Task) -> Results:
        """Make them administrators, one by one: SharePoint first has to know each."""
        people = grantees.by_id(task.params["to"], task.view.now, as_recipient=False)
        site_url = task.view.now.get(DRIVE) or ""
        return {finding.item: _add(task, site_url, people[finding.item]) for finding in task.open}


def _administers(grantee: Grantee, snapshot: Snapshot) -> bool:
    return login_name(grantee.upn).casefold() in snapshot.get(SITE_ADMINS)


def _add(task: Task, site_url: str, grantee: Grantee) -> MicrosoftError | None:
    sharepoint = task.clients.sharepoint
    try:
        known = sharepoint.ensure_user(site_url, grantee.upn)
        if known.get("IsSiteAdmin") is not True:
            sharepoint.set_site_admin(site_url, int(known["Id"]))
    except MicrosoftError as error:
        return error
    return None
