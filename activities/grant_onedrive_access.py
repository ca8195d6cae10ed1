"""Let people open the leaver's OneDrive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.actions.catalogue import Action, Permission, graph_permission, register
from shared.actions.mailboxes import grantees
from shared.actions.outcome import Finding, ItemWords, Outcome
from shared.actions.reads.account import USER
from shared.actions.reads.onedrive import DRIVE
from shared.actions.reads.snapshot import Read
from shared.actions.restoration import Restoration, members_back, original_of, restores
from shared.microsoft365.http.errors import MicrosoftError
from shared.microsoft365.sharepoint import SharePoint, login_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.actions.catalogue import Results, Task, View
    from shared.actions.mailboxes.grantees import Grantee
    from shared.actions.reads.snapshot import Snapshot

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
    deletion"). An account without a SharePoint license is unknown to the site.
    """

    name = "grant_onedrive_access"
    title = "Give access to the OneDrive"
    description = "Lets people open the leaver's OneDrive, with full control of all files in it."
    portal_key = "OnedriveAccess"
    words = ItemWords("person", "people", "given access")
    params = grantees.Params
    reads = (USER, DRIVE)
    proof = (SITE_ADMINS,)
    permissions = (
        graph_permission("Files.Read.All"),
        graph_permission("User.Read.All"),
        Permission("SharePoint", "Sites.FullControl.All"),
    )
    can_end = True
    only_inside = True
    undo = "Remove the people from the site's administrators, but those whom the snapshot shows as such before."

    def portal_params(self, key: str, form: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Read the people chosen in the action's picker."""
        return grantees.from_portal(form, key)

    def reads_for(self, params: Mapping[str, Any]) -> tuple[Read[Any], ...]:
        """Ask who is meant, too."""
        return (*self.reads, *(read for to in params["to"] for read in grantees.account_reads(to)))

    def reads_later(self, view: View) -> tuple[Read[Any], ...]:
        """Ask the site for each person, once it is known who they are."""
        people = grantees.by_id(view.params["to"], view.now, as_recipient=False).values()
        return tuple(_site_user(person) for person in people if view.now.get(DRIVE) and person.id != view.person.id)

    def judge(self, view: View) -> Finding | Sequence[Finding]:
        """Find out who administers the OneDrive."""
        site_url = view.now.get(DRIVE)
        if site_url is None:
            return Finding(Outcome.not_applicable, "There is no OneDrive.")
        return grantees.findings(
            view,
            lambda person: view.now.errors.get(_site_user(person).name),
            _administers,
            done=lambda _: f"Has full control of the OneDrive: {site_url}",
            already="Had full control of the OneDrive already.",
            as_recipient=False,
        )

    def apply(self, task: Task) -> Results:
        """Make them administrators, one by one."""
        people = grantees.by_id(task.params["to"], task.view.now, as_recipient=False)
        site_url = task.view.now.get(DRIVE) or ""
        return {
            finding.item: _add(task, site_url, task.view.now.get(_site_user(people[finding.item])))
            for finding in task.open
        }


@dataclass(frozen=True)
class _SiteUser:
    """A person as the site knows them."""

    id: int
    is_admin: bool


def _site_user(person: Grantee) -> Read[_SiteUser]:
    """Ask the site for a person; it takes up one it does not know, which gives no right (Learn: "EnsureUser")."""
    return Read(
        f"onedrive_user {login_name(person.upn).casefold().replace('#', '=').replace('|', ' ')}",
        f"What {person.name} may do in the OneDrive",
        "sharepoint",
        lambda _: lambda sharepoint, site_url: sharepoint.ensure_user(site_url, person.upn),
        lambda user: _SiteUser(user["id"], user["is_admin"]),
        lambda user, _: {"id": int(user["Id"]), "is_admin": user.get("IsSiteAdmin") is True},
        absent=frozenset(),
    )


def _administers(person: Grantee, snapshot: Snapshot) -> bool:
    if SITE_ADMINS.name in snapshot.values:
        return login_name(person.upn).casefold() in snapshot.get(SITE_ADMINS)
    return snapshot.get(_site_user(person)).is_admin


def _add(task: Task, site_url: str, user: _SiteUser) -> MicrosoftError | None:
    try:
        task.clients.sharepoint.set_site_admin(site_url, user.id)
    except MicrosoftError as error:
        return error
    return None


@restores(GrantOnedriveAccess)
class RevokeOnedriveAccess(Restoration):
    """Take the OneDrive from those who were given it; who administered it before goes on."""

    reads = (USER, DRIVE)
    proof = (SITE_ADMINS,)

    def reads_later(self, view: View) -> tuple[Read[Any], ...]:
        """Ask the site who administers it."""
        return (SITE_ADMINS,) if view.now.values.get(DRIVE.name) else ()

    def judge(self, view: View) -> Finding | Sequence[Finding]:
        """Find out who still administers it."""
        if view.now.get(DRIVE) is None:
            return Finding(Outcome.not_applicable, "There is no OneDrive.")
        logins = {item: login_name(person.upn).casefold() for item, person in self._people(view).items()}
        before, now = view.first.get(SITE_ADMINS), view.now.get(SITE_ADMINS)
        return members_back(
            view,
            were=False,
            before={item for item, login in logins.items() if login in before},
            now={item for item, login in logins.items() if login in now},
            done="Has no access to the OneDrive any more.",
            already="Had no access to the OneDrive any more.",
        )

    def apply(self, task: Task) -> Results:
        """Take it from them, one by one."""
        people, site_url = self._people(task.view), task.view.now.get(DRIVE) or ""
        return {finding.item: _remove(task, site_url, people[finding.item]) for finding in task.open}

    def _people(self, view: View) -> dict[str, Grantee]:
        return grantees.by_id(view.params["to"], original_of(view).first, as_recipient=False)


def _remove(task: Task, site_url: str, person: Grantee) -> MicrosoftError | None:
    sharepoint = task.clients.sharepoint
    try:
        user = sharepoint.ensure_user(site_url, person.upn)
        sharepoint.set_site_admin(site_url, int(str(user["Id"])), is_admin=False)
    except MicrosoftError as error:
        return error
    return None
