"""Rights on other people's calendars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant.belongings import other_mailboxes, taken_by
from dev.tenant.population import calendar_entry, ident

if TYPE_CHECKING:
    from dev.tenant.belongings import Seen
    from dev.tenant.population import Organisation
    from dev.tenant.state import Tenant, User


def share(tenant: Tenant, owner: User, user: User) -> None:
    """Let a user see and change a colleague's calendar."""
    entry = calendar_entry(user.id, user.displayName, user.mail or "", role="write")
    tenant.mailboxes[owner.id].calendar.append({**entry, "id": ident(owner.id, "calendar", user.id)})


def _has_none(seen: Seen, person: str) -> bool:
    return not any(entry["user"] == person for each in other_mailboxes(seen, person) for entry in each["calendar"])


@taken_by("remove_calendar_permissions", "no other calendar is open to the leaver", _has_none)
def share_one(org: Organisation, user: User) -> None:
    """Let a user see and change the calendar of the first colleague who has one."""
    owner = next(owner for owner in org.tenant.mailboxes if owner != user.id)
    share(org.tenant, org.tenant.users[owner], user)
