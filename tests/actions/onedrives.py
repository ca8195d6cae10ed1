"""What the tests of the leaver's OneDrive share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant import seed

if TYPE_CHECKING:
    from dev.lab import Lab, Result


SHARING = {"disable_onedrive_sharing": True}
BOTH = ("grant_onedrive_access", "disable_onedrive_sharing")


def access(*people: str) -> dict[str, Any]:
    return {"grant_onedrive_access": {"to": list(people)}}


def onedrive(lab: Lab, user_id: str = seed.ADA, tenant: str = "fabrikam.example") -> dict[str, Any]:
    state = lab.simulator.state(tenant)
    return state["sites"][state["users"][user_id]["site"]]


def calls(result: Result) -> list[str]:
    """Return the last parts of the calls to SharePoint."""
    sent = [s for s in result.requests if s["service"] == "sharepoint"]
    return [s["url"].partition("?")[0].rpartition("/")[2].partition("(")[0] for s in sent]
