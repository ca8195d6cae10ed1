"""What the tests of the rights on the leaver's mailbox share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant import seed

if TYPE_CHECKING:
    from dev.lab import Lab


HYBRID = "hybrid.example"
GRANTS = ("grant_mailbox_access", "grant_mailbox_access_automap", "grant_send_as", "grant_send_on_behalf")


def to(*people: str, action: str = "grant_mailbox_access") -> dict[str, Any]:
    return {action: {"to": list(people)}}


def every_grant(*people: str) -> dict[str, Any]:
    """Give everything that one person can have at once."""
    return {name: {"to": list(people)} for name in GRANTS if name != "grant_mailbox_access"}


def openers(lab: Lab, user_id: str = seed.ADA, tenant: str = "fabrikam.example") -> dict[str, bool]:
    """Return who may open the mailbox, and whether Outlook shows it by itself."""
    entries = lab.mailbox(user_id, tenant)["permissions"]
    return {e["User"]: e["AutoMapping"] for e in entries if e["User"] != "NT AUTHORITY\\SELF"}


def holders(lab: Lab, name: str, user_id: str = seed.ADA, tenant: str = "fabrikam.example") -> list[str]:
    mailbox = lab.mailbox(user_id, tenant)
    if name == "grant_send_as":
        return mailbox["send_as"]
    return mailbox["GrantSendOnBehalfTo"] if name == "grant_send_on_behalf" else list(openers(lab, user_id, tenant))
