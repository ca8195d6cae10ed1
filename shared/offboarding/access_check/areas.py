"""Where it is looked: through every action that declares an area, and where no action of ours closes anything.

An action finds open what it would still do, so nothing it closes can be missed here, and what a new one closes is
looked at as soon as it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from shared.actions import catalogue
from shared.actions.catalogue import View
from shared.actions.outcome import WHOLE_STEP, Finding, Outcome
from shared.actions.reads.snapshot import MoreToDoError, UnreadError
from shared.jobs import judgement
from shared.microsoft365.http.errors import MicrosoftError
from shared.offboarding.access_check import delegates, sign_ins
from shared.offboarding.access_check.verdict import AreaFound, Thing, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from shared.actions.catalogue import Action
    from shared.actions.mailboxes.scan import Scans
    from shared.actions.reads.snapshot import Person, Read, Snapshot
    from shared.microsoft365.cloud import TenantClients

_SCANS: Final = "remove_mailbox_permissions and remove_calendar_permissions look through all of them."
_CLOSED: Final = frozenset({Outcome.done, Outcome.already_done})


Meant: TypeAlias = Mapping[str, Mapping[str, str | None]]
"""By an action of the offboarding: the values it left, by read and property."""


class Area(Protocol):
    """A place to look: what it asks first, what it asks when that is answered, and what it finds then.

    Each may raise `UnreadError`, `MicrosoftError` or `MoreToDoError`: the area is unknown then.
    """

    title: str
    action: str

    def reads(self, since: datetime | None) -> tuple[Read[Any], ...]:
        """Return what is asked first; `since` is when the account was blocked, None where that is not known."""
        ...

    def reads_later(self, now: Snapshot, person: Person) -> tuple[Read[Any], ...]:
        """Return what is asked then."""
        ...

    def survey(self, now: Snapshot, person: Person, clients: TenantClients, scans: Scans) -> Snapshot | None:
        """Find out what takes more than one question."""
        ...

    def look(self, now: Snapshot, person: Person, since: datetime | None) -> AreaFound:
        """Judge what was read."""
        ...


class OfAction:
    """What an action would still find to do."""

    def __init__(self, action: Action) -> None:
        self._action = action
        self.action = action.name
        self.title = action.area.title if action.area else action.title
        self._open = action.area.open if action.area else ""
        earlier = [one for one in with_area() if action.name in one.before]
        self._selected = {one.name: dict[str, Any]() for one in (action, *earlier)}
        """What comes before it has an area of its own, which tells of it."""

    def reads(self, since: datetime | None) -> tuple[Read[Any], ...]:
        """Ask what the action asks."""
        del since
        return tuple(read for read in self._action.reads_for({}) if read.service != "sharepoint")

    def reads_later(self, now: Snapshot, person: Person) -> tuple[Read[Any], ...]:
        """Ask what the action asks later."""
        return self._action.reads_later(self._view(now, person))

    def survey(self, now: Snapshot, person: Person, clients: TenantClients, scans: Scans) -> Snapshot | None:
        """Take from the scans what the action would; what things are called, it does without."""
        if self._action.surveys_names:
            return None
        return self._action.survey(self._view(now, person), clients, scans)

    def look(self, now: Snapshot, person: Person, since: datetime | None) -> AreaFound:
        """Let the action judge."""
        del since
        findings = judgement.findings_of(self._action, self._view(now, person))
        whole = " ".join(one.message for one in findings if one.item == WHOLE_STEP and not _is_thing(one))
        things = tuple(self._thing(one) for one in findings if one.item != WHOLE_STEP or _is_thing(one))
        return AreaFound(self.title, self.action, whole, things)

    def _thing(self, finding: Finding) -> Thing:
        verdict = _verdict(finding)
        message = self._open if finding.is_open else finding.message
        return Thing(finding.item, finding.name or self.title, verdict, message)

    def _view(self, now: Snapshot, person: Person) -> View:
        return View(person, now, now, {}, self._selected, force=False)


def _is_thing(finding: Finding) -> bool:
    """Return whether what is said of the whole area is more than a remark."""
    return _verdict(finding) is not Verdict.closed and finding.outcome is not Outcome.not_applicable


def _verdict(finding: Finding) -> Verdict:
    if finding.is_unread or finding.outcome is Outcome.failed:
        return Verdict.unknown
    if finding.outcome in {None, Outcome.skipped}:
        return Verdict.open
    return Verdict.closed if finding.outcome in _CLOSED else Verdict.left


def with_area() -> list[Action]:
    """Return the actions that close something of a person's access."""
    return [action for action in catalogue.all_actions().values() if action.area]


def all_areas() -> list[Area]:
    """Return every place to look."""
    return [*(OfAction(action) for action in with_area()), sign_ins.SignIns(), delegates.Delegates()]


def as_meant(found: AreaFound, meant: Meant, now: Snapshot) -> AreaFound:
    """Return an area with what an action of the offboarding put there as `left`, while it is as that action left it.

    Such as forwarding to a colleague: where it goes to somebody else by now, it is open.
    """
    action = catalogue.all_actions().get(found.action)
    why = next((name for name, values in meant.items() if action and name in action.excludes and _are(values, now)), "")
    if not why:
        return found
    text = f'Meant to be so: the offboarding did "{catalogue.title_of(why)}".'
    things = tuple(
        replace(thing, verdict=Verdict.left, message=text) if thing.verdict is Verdict.open else thing
        for thing in found.things
    )
    return replace(found, things=things)


def _are(values: Mapping[str, str | None], now: Snapshot) -> bool:
    return all(now.shown(path) == value for path, value in values.items())


def gone(area: Area) -> AreaFound:
    """Return an area of a person whose account no longer exists: nobody can sign in with it."""
    return AreaFound(area.title, area.action, "The account no longer exists.")


def unknown(area: Area, why: str) -> AreaFound:
    """Return an area that could not be looked at."""
    return AreaFound(area.title, area.action, things=(Thing("", area.title, Verdict.unknown, why),))


def reason(error: Exception) -> str:
    """Say why an area could not be looked at; what a scan must find out first, an offboarding does."""
    return f"{error} {_SCANS}" if isinstance(error, MoreToDoError) else str(error)


FAILURES: Final = (UnreadError, MicrosoftError, MoreToDoError)


def gathered(reads: Iterable[Sequence[Read[Any]]]) -> list[Read[Any]]:
    """Return reads, those of one name once."""
    return list({read.name: read for several in reads for read in several}.values())
