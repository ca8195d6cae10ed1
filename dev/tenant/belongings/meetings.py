"""Meetings that a person has organised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant.belongings import mailbox, taken_by

if TYPE_CHECKING:
    from dev.tenant.belongings import Seen
    from dev.tenant.population import Organisation
    from dev.tenant.state import User


def meeting(subject: str, *, attendees: int, recurring: bool = False, days: int = 30) -> dict[str, Any]:
    """Organise a meeting that many days from now; without attendees it is an appointment."""
    return {"subject": subject, "attendees": attendees, "recurring": recurring, "days": days, "cancelled": False}


def _are_cancelled(seen: Seen, person: str) -> bool:
    ahead = [each for each in mailbox(seen, person)["meetings"] if each["attendees"] and each["days"] > 0]
    return all(each["cancelled"] for each in ahead)


@taken_by("cancel_meetings", "no meeting with others is left ahead", _are_cancelled)
def organise(org: Organisation, user: User) -> None:
    """Organise a series with others."""
    org.tenant.mailboxes[user.id].meetings.append(meeting("Weekly planning", attendees=4, recurring=True))
