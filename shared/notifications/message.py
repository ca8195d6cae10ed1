"""What is told of an offboarding's end: one model, from which every channel makes its own form."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from shared.actions import catalogue, plan
from shared.actions.outcome import Outcome
from shared.base import clock
from shared.base.texts import without_direction_marks
from shared.jobs.judgement import told, told_of_item
from shared.jobs.records import Kind, Reason, State

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shared.actions.reads.snapshot import Person
    from shared.jobs.records import Item, Offboarding, Step, Tenant


class Result(StrEnum):
    """How an offboarding ended, in one word."""

    success = "success"
    warning = "warning"
    failure = "failure"


_RESULT_WORDS: Final = {
    Result.success: "Completed",
    Result.warning: "Completed, something needs attention",
    Result.failure: "Failed",
}


class Notice(StrEnum):
    """What a message tells that is not about the end of a run; the value is what standard webhooks call it."""

    access_ends = "access_ends"
    access_open_again = "access_open_again"


_NOTICE_WORDS: Final = {
    Notice.access_ends: "What was given to others ends soon",
    Notice.access_open_again: "The person has access again",
}
_NOTICE_WHY: Final = {Notice.access_ends: "Ends", Notice.access_open_again: "Open"}
_NEW_NAMED: Final = 10
OUTCOME_WORDS: Final = {
    Outcome.done: "Done",
    Outcome.already_done: "Already done",
    Outcome.not_applicable: "Not applicable",
    Outcome.needs_attention: "Needs attention",
    Outcome.skipped: "Skipped",
    Outcome.failed: "Failed",
}
_REASON_WORDS: Final = {
    Reason.steps_failed: "Not every step succeeded.",
    Reason.cancelled: "It was cancelled.",
    Reason.abandoned: "No run of it came to an end.",
    Reason.refused: "It could not be carried out.",
}
_ITEMS_NAMED: Final = 20
_WORTH_ATTENTION: Final = frozenset({Outcome.needs_attention, Outcome.skipped, Outcome.failed})


@dataclass(frozen=True)
class StepLine:
    """One selected action and how it ended."""

    name: str
    title: str
    outcome: Outcome
    text: str
    items: tuple[Item, ...] = ()

    @property
    def full_text(self) -> str:
        """Return what there is to say, with the items that a person must know of."""
        return told(self.text, self.items, _ITEMS_NAMED)

    @property
    def item_texts(self) -> tuple[str, ...]:
        """Return what became of each item, with its name."""
        return tuple(map(told_of_item, self.items))

    @property
    def word(self) -> str:
        """Name the outcome for people."""
        return OUTCOME_WORDS[self.outcome]

    @property
    def needs_attention(self) -> bool:
        """Return whether a person should look at it."""
        return self.outcome in _WORTH_ATTENTION


@dataclass(frozen=True)
class Message:
    """Who left where, asked by whom, with what result. Moments are aware and in UTC.

    `id` is by which receivers drop repeats, `link` where a person reads on. The same end of the same run always makes
    the same message.
    """

    id: str
    offboarding_id: str
    run: int
    tenant: Tenant
    person: Person
    requested_by: str
    reference: str
    ticket: str
    requested_at: datetime
    scheduled_for: datetime | None
    started_at: datetime | None
    ended_at: datetime
    state: State
    reason: Reason | None
    explanation: str
    steps: tuple[StepLine, ...]
    link: str
    is_test: bool = False
    restores: str = ""
    """The id of the offboarding that a restoration brings back; empty: it is one itself."""
    notice: Notice | None = None
    """What it tells instead of how a run ended; None: that."""
    access_left: str = ""
    """What a check of the person's access found, in a sentence; empty where none was made."""

    @property
    def kind(self) -> Kind:
        """What was done about the person."""
        return Kind.restoration if self.restores else Kind.offboarding

    @property
    def due_at(self) -> datetime:
        """Return when the offboarding was due to run."""
        return max(self.scheduled_for or self.requested_at, self.requested_at)

    @property
    def result(self) -> Result:
        """Return how it ended; that access ends is a warning, that it is open again a failure."""
        if self.notice:
            return Result.warning if self.notice is Notice.access_ends else Result.failure
        return result_of(self.state, has_attention=any(step.needs_attention for step in self.steps))

    @property
    def result_words(self) -> str:
        """Say how it ended."""
        return _NOTICE_WORDS[self.notice] if self.notice else _RESULT_WORDS[self.result]

    @property
    def attention(self) -> tuple[StepLine, ...]:
        """Return the steps that a person should look at, failed ones first."""
        order = (Outcome.failed, Outcome.needs_attention, Outcome.skipped)
        return tuple(sorted((s for s in self.steps if s.needs_attention), key=lambda step: order.index(step.outcome)))

    @property
    def _why(self) -> str:
        """Name what the explanation explains."""
        if self.notice:
            return _NOTICE_WHY[self.notice]
        return {Result.failure: "Reason", Result.warning: "To do"}.get(self.result, "Note")

    @property
    def name(self) -> str:
        """Return what the person is called, and by which address."""
        person = self.person
        return f"{person.display_name} ({person.upn})" if person.display_name else person.upn

    @property
    def title(self) -> str:
        """Return a subject line."""
        test = "Test: " if self.is_test else ""
        reference = f" - Reference: {self.reference}" if self.reference else ""
        return f"{test}{self.kind.capitalize()} of {self.person.upn}: {self.result_words}{reference}"

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """Return what stands above the steps, as names and values; what is empty is left out."""
        rows = (
            ("User", self.name),
            ("Tenant", self.tenant.domain),
            ("Result", self.result_words),
            (self._why, self.explanation),
            ("Access", "" if self.notice else self.access_left),
            ("Ended", clock.in_words(self.ended_at)),
            ("Requested by", self.requested_by),
            ("Restores", self.restores and f"offboarding {self.restores}"),
            ("Reference", self.reference),
        )
        return tuple((name, value) for name, value in rows if value)


def make_notice(offboarding: Offboarding, action: str, message_id: str, link: str) -> Message:
    """Make the message that what an action gave to others ends soon; where it was moved since, says that it stays."""
    until = next((one.until for one in offboarding.access if one.action == action), None)
    named = offboarding.request.given_to(action)
    what = catalogue.title_of(action) + (f" ({', '.join(named)})" if named else "")
    when = clock.in_words(until) if until else "not any more"
    text = without_direction_marks(f"{when}: {what}. Until then it can be moved, or be let stay.")
    return replace(make(offboarding, {}, message_id, link), steps=(), explanation=text, notice=Notice.access_ends)


def make_alarm(offboarding: Offboarding, checked: Mapping[str, Any], message_id: str, link: str) -> Message:
    """Make the message that something is open that was not open before; `checked` is the check as it is stored."""
    new: list[str] = checked.get("new", [])
    more = f" And {len(new) - _NEW_NAMED} more." if len(new) > _NEW_NAMED else ""
    text = without_direction_marks(" ".join(new[:_NEW_NAMED]) + more) or "It was closed again since."
    message = make(offboarding, {}, message_id, link)
    return replace(message, steps=(), explanation=text, notice=Notice.access_open_again)


def result_of(state: State, *, has_attention: bool) -> Result:
    """Return a result in one word."""
    if state is State.failed:
        return Result.failure
    return Result.warning if has_attention else Result.success


def make(
    offboarding: Offboarding,
    steps: Mapping[str, Step],
    message_id: str,
    link: str,
    checked: Mapping[str, Any] | None = None,
) -> Message:
    """Make the message about an offboarding that has ended.

    Args:
        offboarding: as it ended.
        steps: the records of its steps, by name.
        message_id: the stable id.
        link: the address of the offboarding; `{id}` stands for its id.
        checked: the last check of the person's access as it is stored, if there was one.
    """
    request = offboarding.request
    person = replace(request.person, display_name=without_direction_marks(request.person.display_name))
    explanation = offboarding.message or (_REASON_WORDS[offboarding.reason] if offboarding.reason else "")
    return Message(
        id=message_id,
        offboarding_id=offboarding.id,
        run=offboarding.run,
        tenant=request.tenant,
        person=person,
        requested_by=without_direction_marks(request.requested_by),
        reference=without_direction_marks(request.reference),
        ticket=request.ticket,
        requested_at=offboarding.requested_at,
        scheduled_for=offboarding.scheduled_for,
        started_at=offboarding.started_at,
        ended_at=offboarding.ended_at or offboarding.requested_at,
        state=offboarding.state,
        reason=offboarding.reason,
        explanation=without_direction_marks(explanation),
        steps=tuple(
            _line(name, steps.get(name)) for name in plan.in_order(request.actions, backwards=bool(request.restores))
        ),
        link=link.replace("{id}", offboarding.id),
        restores=request.restores,
        access_left=checked["message"] if checked else "",
    )


def _line(name: str, step: Step | None) -> StepLine:
    outcome = step.outcome if step else None
    text = step.message if step and outcome else "It was not begun."
    items = tuple(map(_readable, step.items)) if step and outcome else ()
    return StepLine(name, catalogue.title_of(name), outcome or Outcome.skipped, without_direction_marks(text), items)


def _readable(item: Item) -> Item:
    name, message = without_direction_marks(item.name), without_direction_marks(item.message)
    return replace(item, name=name, message=message)
