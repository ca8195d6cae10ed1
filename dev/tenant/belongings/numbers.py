"""Teams telephone numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant.belongings import taken_by
from dev.tenant.population import ident

if TYPE_CHECKING:
    from dev.tenant.belongings import Seen
    from dev.tenant.population import Organisation
    from dev.tenant.state import User


def _has_none(seen: Seen, person: str) -> bool:
    return all(number["assignmentTargetId"] != person for number in seen["numbers"].values())


@taken_by("remove_teams_number", "no telephone number is assigned", _has_none)
def assign(org: Organisation, user: User) -> None:
    """Assign a number of the user's own."""
    org.number(f"+1555{int(ident(user.id, 'number')[:6], 16) % 10**7:07}", user)
