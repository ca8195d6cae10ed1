"""What the portal shows of a run: a line for each step, with its items beneath, and for each message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.actions import catalogue, plan
from shared.actions.outcome import OPENS_GATE, Outcome, StepState
from shared.base import clock
from shared.jobs.delivery import ABOUT_ACCESS, DeliveryState
from shared.jobs.judgement import told_of_item
from shared.offboarding.access_check.verdict import Answer, Check, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from shared.jobs.delivery import Delivery
    from shared.jobs.details import Details
    from shared.jobs.records import Offboarding, Step

_SUCCESS: Final = "success"
_WARNING: Final = "warning"
_SKIPPED: Final = "skipped"
_FAILED: Final = "failed"
_IN_PROGRESS: Final = "in progress"
_NOT_STARTED: Final = "not started"
"""The words that the portal gives a color in a column called `Status`."""

_OUTCOMES: Final = {
    Outcome.done: _SUCCESS,
    Outcome.already_done: _SUCCESS,
    Outcome.not_applicable: _SKIPPED,
    Outcome.needs_attention: _WARNING,
    Outcome.skipped: _SKIPPED,
    Outcome.failed: _FAILED,
}
_DELIVERIES: Final = {
    DeliveryState.pending: _IN_PROGRESS,
    DeliveryState.delivered: _SUCCESS,
    DeliveryState.dead: _FAILED,
    DeliveryState.superseded: _SKIPPED,
}
_CHECK: Final = "Access left"
_ANSWERS: Final = {Answer.out: _SUCCESS, Answer.open: _WARNING, Answer.unknown: _WARNING}
_VERDICTS: Final = {Verdict.open: _WARNING, Verdict.unknown: _SKIPPED}
_TEXTS: Final = {
    StepState.waiting: "Waiting.",
    StepState.running: "In progress.",
    StepState.retrying: "Will be retried.",
    StepState.verifying: "Changed; being verified.",
}


@dataclass(frozen=True)
class Line:
    """What is told of a step, an item of it or a message: a status that the portal colors, and since when it is so.

    `written_at` is when Microsoft accepted what a step changed, where that is another moment than `at`.
    """

    id: str
    title: str
    status: str
    text: str
    at: datetime | None
    written_at: datetime | None = None
    is_item: bool = False
    is_as_it_should_be: bool = False
    """Whether there was rightly nothing to do, where the status is skipped."""


def lines_of(offboarding: Offboarding, details: Details) -> list[Line]:
    """Return the lines of each selected action in the order of the plan; then what is left, warnings, messages."""
    request = offboarding.request
    order = plan.in_order(request.actions, backwards=bool(request.restores))
    steps = [line for name in order for line in _of_step(name, details.steps.get(name), is_over=offboarding.has_ended)]
    return [*steps, *_of_check(details), *_of_warnings(offboarding), *_of_messages(offboarding)]


def _of_step(name: str, step: Step | None, *, is_over: bool) -> Iterator[Line]:
    title = catalogue.title_of(name)
    if step is None or step.state is StepState.waiting:
        yield Line(name, title, _NOT_STARTED, "Not begun." if is_over else _TEXTS[StepState.waiting], None)
        return
    status = _OUTCOMES[step.outcome] if step.outcome else _IN_PROGRESS
    text = step.message or _TEXTS.get(step.state, "")
    at = step.ended_at or step.updated_at or step.started_at
    yield Line(name, title, status, text, at, step.written_at, is_as_it_should_be=step.outcome in OPENS_GATE)
    for number, item in enumerate(step.items):
        yield Line(
            f"{name}-{number}",
            title,
            _OUTCOMES[item.outcome],
            told_of_item(item),
            at,
            step.written_at,
            is_item=True,
            is_as_it_should_be=item.outcome in OPENS_GATE,
        )


def _of_check(details: Details) -> Iterator[Line]:
    """Tell what the last check found, and by name what is open or could not be looked at."""
    if not details.checked:
        return
    found, at = Check.from_json(details.checked), clock.from_text(details.checked["checked_at"])
    yield Line("access-check", _CHECK, _ANSWERS[found.answer], found.in_words(), at)
    for verdict in (Verdict.open, Verdict.unknown):
        for number, (area, thing) in enumerate(found.only(verdict)):
            action = f" {catalogue.title_of(area.action)} closes it." if verdict is Verdict.open and area.action else ""
            text = area.told(thing) + action
            yield Line(f"access-check-{verdict}-{number}", _CHECK, _VERDICTS[verdict], text, at, is_item=True)


def _of_warnings(offboarding: Offboarding) -> Iterator[Line]:
    """Tell what was warned of when it was submitted; at its end, what the steps say themselves is added to that."""
    titles = tuple(f"{catalogue.title_of(name)}: " for name in offboarding.request.actions)
    for number, text in enumerate(offboarding.warnings):
        if not text.startswith(titles):
            yield Line(f"warning-{number}", "When submitted", _WARNING, text, offboarding.requested_at)


def _of_messages(offboarding: Offboarding) -> Iterator[Line]:
    """Tell what became of the messages about the last run."""
    for one in offboarding.deliveries:
        if one.run == offboarding.run:
            yield Line(one.key, _title_of(one), _DELIVERIES[one.state], _told(one), _since(one))


def _title_of(delivery: Delivery) -> str:
    if delivery.about.startswith(ABOUT_ACCESS):
        return f"Tell by {delivery.channel} that access is open"
    return f"Tell by {delivery.channel} what ends soon" if delivery.about else f"Send results by {delivery.channel}"


def _told(delivery: Delivery) -> str:
    where = "" if delivery.destination == delivery.channel else f"{delivery.destination}: "
    if delivery.is_pending:
        again = delivery.next_attempt_at
        when = f"It is tried again {clock.in_words(again)}." if delivery.attempts and again else "It is on its way."
        return f"{where}{delivery.message} {when}" if delivery.message else f"{where}{when}"
    return f"{where}{delivery.message}"


def _since(delivery: Delivery) -> datetime:
    return delivery.ended_at or delivery.created_at
