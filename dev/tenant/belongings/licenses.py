"""Licenses, assigned to the account itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant import licensing
from dev.tenant.belongings import account, mailbox, taken_by
from dev.tenant.skus import POWER_BI

if TYPE_CHECKING:
    from dev.tenant.belongings import Seen
    from dev.tenant.population import Organisation
    from dev.tenant.state import User


def _has_none(seen: Seen, person: str) -> bool:
    return not account(seen, person)["licenseAssignmentStates"] and not mailbox(seen, person)["mailbox_lost"]


@taken_by("remove_licenses", "no license is left, and the mailbox survived that", _has_none)
def assign(_: Organisation, user: User) -> None:
    """Assign a license that nothing hangs on."""
    user.licenseAssignmentStates.append(licensing.assignment(POWER_BI.id))
