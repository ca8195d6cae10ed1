"""Rights on other people's mailboxes: full access, send as, send on behalf."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant.belongings import other_mailboxes, taken_by
from dev.tenant.population import ace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dev.tenant.belongings import Seen
    from dev.tenant.population import Organisation
    from dev.tenant.state import Tenant, User


def delegate(tenant: Tenant, user: User, owners: Sequence[User]) -> None:
    """Give full access to the first third of the owners' mailboxes, send as to the next, send on behalf to the last."""
    third = len(owners) // 3
    for owner in owners[:third]:
        tenant.mailboxes[owner.id].permissions.append(ace(user.id, ("FullAccess", "ReadPermission")))
    for owner in owners[third : 2 * third]:
        tenant.mailboxes[owner.id].send_as.append(user.id)
    for owner in owners[2 * third :]:
        tenant.mailboxes[owner.id].GrantSendOnBehalfTo.append(user.id)


def _has_none(seen: Seen, person: str) -> bool:
    return not any(
        person in (*(entry["User"] for entry in each["permissions"]), *each["send_as"])
        or person in each["GrantSendOnBehalfTo"]
        for each in other_mailboxes(seen, person)
    )


@taken_by("remove_mailbox_permissions", "no other mailbox is open to the leaver", _has_none)
def delegate_some(org: Organisation, user: User) -> None:
    """Give each of the three rights on the mailbox of a colleague."""
    others = [org.tenant.users[owner] for owner in org.tenant.mailboxes if owner != user.id]
    delegate(org.tenant, user, others[:3])
