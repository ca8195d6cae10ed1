"""Close the leaver's OneDrive to people outside of the tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.actions.catalogue import Action, Area, Permission, graph_permission, register
from shared.actions.outcome import Finding, Outcome, finding_of_state
from shared.actions.reads.account import USER
from shared.actions.reads.onedrive import DRIVE
from shared.actions.reads.snapshot import Read
from shared.actions.restoration import Restoration, original_of, restores, values_back
from shared.microsoft365.sharepoint import SHARING_DISABLED, SharePoint

if TYPE_CHECKING:
    from shared.actions.catalogue import Task, View

SHARING: Final = Read(
    "onedrive_sharing",
    "How the OneDrive may be shared",
    "sharepoint",
    lambda _: SharePoint.get_sharing,
    lambda value: value,
    lambda value, _: value,
)


@register
class DisableOnedriveSharing(Action):
    """Set the site's SharingCapability to Disabled.

    That ends the links to people outside; links within the tenant go on working (Learn: "Change the sharing settings
    for a site").
    """

    name = "disable_onedrive_sharing"
    title = "Stop sharing of the OneDrive"
    description = "Ends the sharing of files in the leaver's OneDrive with people outside of the organisation."
    portal_key = "DisableOneDriveSharing"
    area = Area("OneDrive sharing", "Files can be shared with people outside.")
    reads = (USER, DRIVE, SHARING)
    proof = (SHARING,)
    changes = ("onedrive_sharing",)
    permissions = (graph_permission("Files.Read.All"), Permission("SharePoint", "Sites.FullControl.All"))
    undo = "Set the site's SharingCapability to snapshot.onedrive_sharing again."

    def judge(self, view: View) -> Finding:
        """Find out whether files can be shared with people outside."""
        if view.now.get(DRIVE) is None:
            return Finding(Outcome.not_applicable, "There is no OneDrive.")
        return finding_of_state(
            before=view.first.get(SHARING) == SHARING_DISABLED,
            now=view.now.get(SHARING) == SHARING_DISABLED,
            done="Nothing is shared with people outside any more; links within the organisation go on working.",
            already="Sharing with people outside was off already.",
        )

    def apply(self, task: Task) -> None:
        """Switch sharing with people outside off."""
        task.clients.sharepoint.disable_sharing(task.view.now.get(DRIVE) or "")


@restores(DisableOnedriveSharing)
class AllowOnedriveSharing(Restoration):
    """Allow sharing with people outside as far as it was allowed; links that had ended do not come back."""

    reads = (USER, DRIVE, SHARING)
    proof = (SHARING,)

    def judge(self, view: View) -> Finding:
        """Find out how files can be shared."""
        if view.now.get(DRIVE) is None:
            return Finding(Outcome.not_applicable, "There is no OneDrive.")
        return values_back(view, "Files can be shared as before. Links that had been given out have to be made anew.")

    def apply(self, task: Task) -> None:
        """Set what was allowed."""
        allowed = original_of(task.view).first.get(SHARING)
        task.clients.sharepoint.set_sharing(task.view.now.get(DRIVE) or "", allowed)
