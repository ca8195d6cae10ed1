"""What the leaver holds on the mailboxes and calendars of others: found by a scan, checked live, judged one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from shared.actions.mailboxes.scan import Mailbox, retry_transient
from shared.actions.outcome import Finding, Outcome, finding_of_state
from shared.actions.reads.account import USER
from shared.actions.reads.snapshot import NOT_THERE, Read, Snapshot, Survey
from shared.base import clock
from shared.microsoft365.exchange import exchange_cmdlets
from shared.microsoft365.http.errors import Category, MicrosoftError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import timedelta

    from shared.actions.catalogue import View
    from shared.actions.mailboxes.scan import Found
    from shared.actions.reads.snapshot import Service
    from shared.microsoft365.cloud import TenantClients

MAX_UNREAD_LOOKED_AT: Final = 100
"""Mailboxes a scan could not read are looked at again for each leaver, as many as one call can."""

FULL_ACCESS: Final = "full_access"
CALENDAR: Final = "calendar"
ASKED_BY_OWNER: Final = frozenset({FULL_ACCESS, CALENDAR})
"""Kinds of rights that are looked up one mailbox at a time."""

_REFUSALS: Final = frozenset({Category.auth_token, Category.auth_permission, Category.auth_role})
_NAMED: Final = 3
_HOUR: Final = 3600
_LISTED: Final = ("ExternalDirectoryObjectId", "PrimarySmtpAddress")


@dataclass(frozen=True)
class Right:
    """One right of the leaver on something of somebody else's.

    `owner` is how that is addressed, `name` how people know it, `place` what all rights there have in common. `rights`
    are Microsoft's words for what may be done; `key` tells apart several entries of the same kind.
    """

    kind: str
    owner: str
    name: str
    title: str
    place: str
    rights: tuple[str, ...] = ()
    key: str = ""
    is_synced: bool = False

    @property
    def question(self) -> str:
        """The id of the question whose answer shows it: about its owner, or about all of its kind at once."""
        return self.owner if self.kind in ASKED_BY_OWNER else self.kind

    @property
    def item(self) -> str:
        """The id of the item that removes it."""
        return "|".join(filter(None, (self.kind, self.owner, self.key)))


@dataclass(frozen=True)
class Holdings:
    """What was found, what could not be looked at, and how old the knowledge is."""

    rights: tuple[Right, ...]
    unread: tuple[tuple[str, str], ...]
    note: str


def survey(name: str, title: str) -> Survey[Holdings]:
    """Return the place in the snapshot for what is found."""
    return Survey(name, title, _parse)


def _parse(raw: Any) -> Holdings:  # noqa: ANN401 - as `kept` wrote it
    return Holdings(
        rights=tuple(replace(Right(**right), rights=tuple(right["rights"])) for right in raw["rights"]),
        unread=tuple((name, why) for name, why in raw["unread"]),
        note=raw["note"],
    )


def kept(place: Survey[Holdings], rights: Iterable[Right], unread: Iterable[tuple[str, str]], note: str) -> Snapshot:
    """Return what is kept of a survey."""
    found = {"rights": [asdict(right) for right in rights], "unread": list(unread), "note": note}
    return Snapshot({place.name: found}, {})


@dataclass(frozen=True)
class Question:
    """What is asked live: `id` is the mailbox's or the look-up's, `name` is for people, `read` takes the answer."""

    id: str
    name: str
    call: Any
    read: Callable[[Any], list[Right]]


def ask(
    batch: Callable[[list[Any]], Sequence[Any]], questions: Sequence[Question], may_fail: Collection[str] = ()
) -> tuple[list[Right], dict[str, MicrosoftError]]:
    """Ask live; returns the rights, and by the ids of the questions why they found no answer.

    Raises:
        MicrosoftError: it is worth asking again, or the app may not ask; not for those that `may_fail`.
    """
    rights: list[Right] = []
    errors: dict[str, MicrosoftError] = {}
    answers = retry_transient(lambda asked: batch([question.call for question in asked]), questions)
    for question, answer in zip(questions, answers, strict=True):
        if not isinstance(answer, MicrosoftError):
            rights += question.read(answer)
        elif answer.category in NOT_THERE:
            continue
        elif question.id not in may_fail and (answer.retryable or answer.category in _REFUSALS):
            raise answer
        else:
            errors[question.id] = answer
    return rights, errors


def proof(place: Survey[Holdings], questions: Iterable[Question], service: Service) -> tuple[Read[Any], ...]:
    """Return what is read again to see which of the rights are left: by question, the items that are still there."""
    return tuple(
        Read(
            _proof_name(place, question.id),
            place.title,
            service,
            lambda _, question=question: question.call,
            lambda items: items,
            lambda answer, _, question=question: [right.item for right in question.read(answer)],
        )
        for question in questions
    )


def _proof_name(place: Survey[Holdings], question_id: str) -> str:
    return f"{place.name}/{question_id}"


def _is_left(place: Survey[Holdings], right: Right, now: Snapshot) -> bool:
    """Return whether a right is there: as the survey found it, until it is read again."""
    name = _proof_name(place, right.question)
    return name not in now.values or right.item in (now.values[name] or ())


def rounds(rights: Sequence[Right]) -> list[list[Right]]:
    """Put the rights on one mailbox into different rounds: within a batch the order of writes is not defined."""
    rounds: defaultdict[int, list[Right]] = defaultdict(list)
    places: Counter[str] = Counter()
    for right in rights:
        rounds[places[right.place.casefold()]].append(right)
        places[right.place.casefold()] += 1
    return list(rounds.values())


def names_of(view: View) -> frozenset[str]:
    """Return every name, in lower case, under which Microsoft shows the leaver as the holder of a right.

    Never the display name: two people may share one.
    """
    user = view.now.get(USER)
    if user is None:
        return frozenset({view.person.id.casefold()})
    names = (user.id, user.upn, user.mail or "", *user.addresses)
    return frozenset(name.casefold() for name in names if name)


def mailboxes(clients: TenantClients) -> Callable[[str], tuple[list[Mailbox], str]]:
    """Return what lists the mailboxes of a tenant, page by page."""

    def page(link: str) -> tuple[list[Mailbox], str]:
        rows = clients.exchange.page(exchange_cmdlets.list_mailboxes(_LISTED), link)
        named = [[str(row.get(name) or "") for name in _LISTED] for row in rows]
        return [Mailbox(id_ or address, address or id_) for id_, address in named if id_ or address], rows.next_link

    return page


def candidates(found: Found, person_id: str) -> tuple[list[Mailbox], list[Mailbox]]:
    """Return the mailboxes of others where the leaver holds something, and those of which it is not known."""
    held = {mailbox.id: mailbox for mailbox in found.held if mailbox.id != person_id}
    unread = [mailbox for mailbox in found.unread if mailbox.id not in held and mailbox.id != person_id]
    return list(held.values()), unread


def unread(
    questions: Sequence[Question], errors: Mapping[str, MicrosoftError], left: Sequence[Mailbox]
) -> list[tuple[str, str]]:
    """Say what could not be looked at, and why; `left` were not asked again."""
    told = [(question.name, errors[question.id].message) for question in questions if question.id in errors]
    return told + [(mailbox.address, "Microsoft did not let it be read.") for mailbox in left]


def note(what: str, found: Found) -> str:
    """Say how old the knowledge is."""
    age = _age(clock.now() - found.made_at)
    return f"{what} in all {found.mailboxes:,} mailboxes of the tenant {age}; rights granted since are not included."


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds()) // 60
    if minutes < 1:
        return "just now"
    number, unit = (minutes, "minute") if minutes < _HOUR // 60 else (minutes // 60, "hour")
    return f"{number} {unit}{'s' if number > 1 else ''} before"


def judge(view: View, place: Survey[Holdings], nothing: str) -> list[Finding]:
    """Judge every right that the leaver held when the offboarding began, or when this run did."""
    was, now = view.first.get(place), view.now.get(place)
    held = {right.item for right in now.rights if _is_left(place, right, view.now)}
    rights = {right.item: right for right in (*was.rights, *now.rights)}
    findings = [_judge(right, is_held=item in held) for item, right in rights.items()]
    if now.unread:
        findings.append(_unread(now.unread))
    if not findings:
        return [Finding(Outcome.already_done, f"{nothing} {now.note}")]
    return [*findings, Finding(Outcome.not_applicable, now.note)]


def _judge(right: Right, *, is_held: bool) -> Finding:
    name = f"{right.name} ({right.title})"
    if is_held and right.is_synced:
        text = "It is synchronised: take the right away in Active Directory."
        return Finding(Outcome.needs_attention, text, right.item, name)
    return finding_of_state(before=False, now=not is_held, done="Removed.", already="", item=right.item, name=name)


def _unread(mailboxes: Sequence[tuple[str, str]]) -> Finding:
    named = ", ".join(name for name, _ in mailboxes[:_NAMED])
    more = f" and {len(mailboxes) - _NAMED:,} more" if len(mailboxes) > _NAMED else ""
    text = f"Look there by hand: {mailboxes[0][1]}"
    return Finding(Outcome.needs_attention, text, "unread", f"Could not be read: {named}{more}", is_unread=True)
