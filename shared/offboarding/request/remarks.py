"""What the operator should know of the people's mailboxes and groups before anything is done.

It decides nothing: the run looks again. So a service that does not answer costs the remarks and not the request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.actions.mailboxes.mail_protection import SAFE_BELOW_BYTES
from shared.actions.reads.mailbox import MAILBOX, MAILBOX_SIZE
from shared.actions.reads.snapshot import UnreadError
from shared.base.deadline import DeadlineError
from shared.microsoft365.exchange import exchange_cmdlets
from shared.microsoft365.graph import graph_calls
from shared.microsoft365.http.errors import MicrosoftError
from shared.offboarding.tenants import people

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from shared.actions.plan import Selected
    from shared.actions.reads.account import User
    from shared.actions.reads.snapshot import Person, Read
    from shared.base.deadline import Deadline
    from shared.microsoft365.cloud import Microsoft365
    from shared.microsoft365.exchange.client import Rows

MAX_LOOKED_AT: Final = 25
"""Five requests to Exchange; whoever submits waits for them."""

MAX_GROUPS_LOOKED_AT: Final = 60
_END_OWNERSHIP: Final = frozenset({"remove_groups", "delete_user"})
_WORTH_A_LOOK: Final = frozenset({"convert_to_shared", "remove_licenses", "delete_user", "forward_email"})


def of_mailboxes(
    microsoft365: Microsoft365, tenant_id: str, users: Sequence[User], actions: Selected, deadline: Deadline
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Return remarks by object id, and remarks about all, with one Exchange batch for everybody, by the deadline.

    Nothing is asked unless an action is selected that may cost the mail.
    """
    looked_at = [people.person_of(user) for user in users if not user.is_guest][:MAX_LOOKED_AT]
    if not _WORTH_A_LOOK.intersection(actions) or not looked_at:
        return {}, ()
    reads: list[Read[Any]] = [MAILBOX, MAILBOX_SIZE]
    calls: list[Any] = [read.call(person) for person in looked_at for read in reads]
    to = str(actions.get("forward_email", {}).get("to", ""))
    calls += [exchange_cmdlets.get_mailbox(to)] if to else []
    try:
        exchange = microsoft365.tenant(tenant_id, within=deadline.seconds).exchange
        answered = deadline.run(lambda: exchange.batch(calls))
    except (MicrosoftError, DeadlineError) as error:
        return {}, (f"Mailbox details could not be read, so warnings about them are missing: {error}",)
    answers = iter(answered)
    remarks = {person.id: tuple(_remarks(person, reads, answers)) for person in looked_at}
    successor = answered[-1] if to else None
    own = dict(zip((person.id for person in looked_at), answered[:: len(reads)], strict=False))
    for person in looked_at:
        if _comes_back(successor, own[person.id], person):
            text = f"{to} forwards to {person.upn}: end that first, or mail goes in a circle."
            remarks[person.id] = (*remarks[person.id], text)
    skipped = len(users) > MAX_LOOKED_AT
    general = (f"Only the mailboxes of the first {MAX_LOOKED_AT} people were looked at beforehand.",) if skipped else ()
    return remarks, general


def _comes_back(successor: Rows | MicrosoftError | None, mailbox: Rows | MicrosoftError, person: Person) -> bool:
    """Return whether the successor's mail goes to the person, by any name that Exchange has for that mailbox."""
    if isinstance(successor, MicrosoftError) or not successor or isinstance(mailbox, MicrosoftError) or not mailbox:
        return False
    row, onward = mailbox[0], successor[0]
    names = {str(row.get(name)).casefold() for name in ("Name", "Alias", "PrimarySmtpAddress") if row.get(name)}
    targets = [str(onward.get(n) or "") for n in ("ForwardingAddress", "ForwardingSmtpAddress")]
    return any(t.casefold().removeprefix("smtp:") in {*names, person.upn.casefold()} for t in targets if t)


def of_groups(
    microsoft365: Microsoft365, tenant_id: str, users: Sequence[User], actions: Collection[str], deadline: Deadline
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Return by object id, and about all, which groups would have no owner left; two Graph batches at most."""
    looked_at = [user for user in users if not user.is_guest][:MAX_LOOKED_AT]
    if not _END_OWNERSHIP.intersection(actions) or not looked_at:
        return {}, ()
    try:
        graph = microsoft365.tenant(tenant_id, within=deadline.seconds).graph
        owned = deadline.run(lambda: graph.batch([graph_calls.get_owned_groups(user.id) for user in looked_at]))
        groups = {row["id"]: row for answer in owned for row in _rows(answer)}
        listed = list(groups)[:MAX_GROUPS_LOOKED_AT]
        owners = deadline.run(lambda: graph.batch([graph_calls.get_group_owners(group) for group in listed]))
    except (MicrosoftError, DeadlineError) as error:
        return {}, (f"Groups could not be read, so warnings about their last owners are missing: {error}",)
    left = {g: {row["id"] for row in _rows(answer)} for g, answer in zip(listed, owners, strict=True)}
    leaving = {user.id for user in users}
    remarks: dict[str, tuple[str, ...]] = {}
    for user, answer in zip(looked_at, owned, strict=True):
        last = [row for row in _rows(answer) if left.get(row["id"]) and left[row["id"]] <= leaving]
        if last:
            names = ", ".join(str(row.get("displayName") or row["id"]) for row in last)
            remarks[user.id] = (f"{user.upn} is the last owner of {names}: make somebody else an owner first.",)
    return remarks, ()


def _rows(answer: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - Microsoft's JSON, or why there is none
    return [] if isinstance(answer, MicrosoftError) else answer["value"]


def _remarks(person: Person, reads: Sequence[Read[Any]], answers: Iterator[Rows | MicrosoftError]) -> Iterator[str]:
    found: dict[str, Any] = {}
    for read in reads:
        answer = next(answers)
        try:
            if not isinstance(answer, MicrosoftError):
                found[read.name] = read.parse(read.keep(answer, person))
            elif answer.category not in read.absent:
                yield f"{read.title} of {person.upn} could not be looked at: {answer.message}"
        except UnreadError as error:
            yield f"{read.title} of {person.upn} could not be looked at: {error}."
    mailbox, size = found.get(MAILBOX.name), found.get(MAILBOX_SIZE.name) or 0
    if mailbox and mailbox.is_shared:
        yield f"The mailbox of {person.upn} is already shared."
    if mailbox and mailbox.holds:
        yield f"The mailbox of {person.upn} is on hold, which needs a license: {', '.join(mailbox.holds)}."
    if mailbox and mailbox.has_archive:
        yield f"The mailbox of {person.upn} has an archive, which needs a license."
    if size >= SAFE_BELOW_BYTES:
        yield f"The mailbox of {person.upn} holds {size / 1024**3:.1f} GiB; over 49 GiB it needs a license."
