"""Inbox rules, beside those that Exchange keeps for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant.belongings import mailbox, taken_by
from dev.tenant.population import ident

if TYPE_CHECKING:
    from dev.tenant.belongings import Seen
    from dev.tenant.population import Organisation
    from dev.tenant.state import Tenant, User

_EXCHANGE_OWN = ("Junk E-Mail Rule", "Microsoft.Exchange.OOF.AllExternalSenders.Global")


def write(tenant: Tenant, user: User, count: int) -> None:
    """Write inbox rules, the last of them hidden, beside the rules that Exchange keeps for itself."""
    names = [f"Sort {index}" for index in range(count - 1)] + ["Forward to private address"]
    tenant.mailboxes[user.id].rules = [
        {
            "RuleIdentity": int(ident(user.id, name).replace("-", "")[:15], 16),
            "Name": name,
            "Enabled": True,
            "hidden": name in _EXCHANGE_OWN or name == names[-1],
        }
        for name in (*names, *_EXCHANGE_OWN)
    ]


def _has_none(seen: Seen, person: str) -> bool:
    return all(rule["Name"] in _EXCHANGE_OWN for rule in mailbox(seen, person)["rules"])


@taken_by("remove_inbox_rules", "no rule but Exchange's own is left", _has_none)
def write_some(org: Organisation, user: User) -> None:
    """Write two rules, one of them hidden."""
    write(org.tenant, user, 2)
