"""Memberships in groups of all kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant.belongings import taken_by

if TYPE_CHECKING:
    from dev.tenant.belongings import Seen
    from dev.tenant.population import Organisation
    from dev.tenant.state import User


def _has_left(seen: Seen, person: str) -> bool:
    """Dynamic groups keep their members by a rule; everything else must be gone."""
    left = [group for group in seen["groups"].values() if person in group["members"]]
    return all("DynamicMembership" in group["groupTypes"] for group in left)


@taken_by("remove_groups", "no group but dynamic ones is left", _has_left)
def join(org: Organisation, user: User) -> None:
    """Put a user into a security group."""
    org.group(f"club-{user.id[:8]}", "Chess club", members=[user])
