"""The anchor that a sync from on-premises leaves in an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant.belongings import account, taken_by

if TYPE_CHECKING:
    from dev.tenant.population import Organisation
    from dev.tenant.state import User


@taken_by(
    "clear_immutable_id",
    "the anchor is gone",
    lambda seen, person: not account(seen, person)["onPremisesImmutableId"],
)
def leave(_: Organisation, user: User) -> None:
    """Leave an anchor behind, as in an account that was synchronised once."""
    user.onPremisesImmutableId = "bGVmdCBvdmVyIGZyb20gYSBzeW5j"
