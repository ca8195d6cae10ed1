"""Forwarding of a mailbox that somebody has set up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant.belongings import mailbox, taken_by

if TYPE_CHECKING:
    from dev.tenant.belongings import Seen
    from dev.tenant.population import Organisation
    from dev.tenant.state import User


def _has_none(seen: Seen, person: str) -> bool:
    box = mailbox(seen, person)
    return not box["ForwardingAddress"] and not box["ForwardingSmtpAddress"]


@taken_by("disable_forwarding", "mail is not forwarded", _has_none)
def forward(org: Organisation, user: User) -> None:
    """Forward the mail to the first colleague who has a mailbox."""
    org.tenant.mailboxes[user.id].ForwardingAddress = next(each for each in org.tenant.mailboxes if each != user.id)
