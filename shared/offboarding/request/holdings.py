"""What the leavers have, in numbers: people read a plan before they decide, and the plan alone asks for it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from shared.actions.directory import license_names
from shared.actions.reads.account import GROUPS
from shared.base.deadline import DeadlineError
from shared.microsoft365.http.errors import MicrosoftError
from shared.offboarding.tenants import people

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.actions.reads.account import Group, User
    from shared.base.deadline import Deadline
    from shared.microsoft365.cloud import Microsoft365

MAX_COUNTED: Final = 20
"""One Graph batch."""


def of_people(microsoft365: Microsoft365, tenant_id: str, users: Sequence[User], deadline: Deadline) -> tuple[str, ...]:
    """Return a line for each person with their groups by kind and their licenses by how they have them.

    What is not answered by the deadline is left out.
    """
    counted = [people.person_of(user) for user in users[:MAX_COUNTED]]
    graph = microsoft365.tenant(tenant_id, within=deadline.seconds).graph
    try:
        answers = deadline.run(lambda: graph.batch([GROUPS.call(person) for person in counted]))  # pyright: ignore[reportArgumentType]
    except (MicrosoftError, DeadlineError):
        answers = []
    groups = {
        person.id: GROUPS.parse(GROUPS.keep(answer, person))
        for person, answer in zip(counted, answers, strict=False)
        if not isinstance(answer, MicrosoftError)
    }
    return tuple(
        f"{user.upn}: {'; '.join(filter(None, (_groups(groups.get(user.id)), _licenses(user))))}."
        for user in users[:MAX_COUNTED]
    )


def _groups(groups: Sequence[Group] | None) -> str:
    if groups is None:
        return ""
    if not groups:
        return "no groups"
    kinds = Counter(map(_kind, groups))
    return f"{_many(len(groups), 'group')} ({', '.join(f'{count} {kind}' for kind, count in kinds.most_common())})"


def _kind(group: Group) -> str:
    if group.is_dynamic:
        return "by a rule"
    if group.is_synced:
        return "from Active Directory"
    if group.is_exchange_group:
        return "distribution or mail-enabled"
    return "Microsoft 365" if group.is_unified else "security"


def _licenses(user: User) -> str:
    if not user.licenses:
        return "no licenses"
    named = [
        license_names.named(one.sku) + (" by a group" if one.group else "") for one in dict.fromkeys(user.licenses)
    ]
    return f"{_many(len(named), 'license')} ({', '.join(named)})"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
