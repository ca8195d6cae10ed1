"""Whether the rows that Exchange lists for a mailbox are that mailbox's own.

Many `Get-` cmdlets answer with every mailbox's rows where they do not know the one that was asked for (their reference
pages say so), and what was listed is removed next.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from shared.actions.reads.snapshot import UnreadError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.actions.reads.mailbox import Mailbox


def check_owner(identities: Iterable[str], mailbox: Mailbox) -> None:
    r"""Make sure that every identity, such as `owner\123` or `domain/users/owner\123`, names the mailbox as its owner.

    The owner is the alias (Learn: "Get-InboxRule") or the name in the directory, both of which are one mailbox's only.

    Raises:
        UnreadError: a row is somebody else's.
    """
    owner = "|".join(re.escape(name) for name in (_name(mailbox), mailbox.alias) if name)
    own = re.compile(rf"(?:.*/)?(?:{owner})[\\/].+", re.IGNORECASE | re.DOTALL)
    if not owner or not all(own.fullmatch(identity) for identity in identities):
        raise UnreadError("Exchange answered with what belongs to another mailbox: nothing was removed.")


def one_owner(rows: Iterable[Any], owner: str) -> None:
    """Make sure that all rows have one owner, which the property `owner` names; raises `UnreadError`."""
    if len({row.get(owner) for row in rows}) > 1:
        raise UnreadError("Exchange answered with what belongs to several mailboxes: nothing was removed.")


def _name(mailbox: Mailbox) -> str:
    """Return the mailbox's name, the first part of its distinguished name, as its rows begin with it."""
    match = re.match(r"CN=((?:\\.|[^,\\])*)", mailbox.distinguished_name, re.IGNORECASE)
    return re.sub(r"\\(.)", r"\1", match.group(1)) if match else ""
