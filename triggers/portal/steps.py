"""What the portal shows of a run: a line for each step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.actions import catalogue, plan
from shared.actions.outcome import Outcome, StepState
from shared.jobs.judgement import told_of_items

if TYPE_CHECKING:
    from datetime import datetime

    from shared.jobs.records import Offboarding, Step
    from shared.jobs.storage.store import Details

_TEXTS: Final = {
    StepState.waiting: "Waiting.",
    StepState.running: "In progress.",
    StepState.retrying: "Will be retried.",
    StepState.verifying: "Changed; being verified.",
}


@dataclass(frozen=True)
class Line:
    """One step: its outcome (or state, while it has none), what there is to say of it, and since when."""

    title: str
    status: str
    text: str
    at: datetime | None


def lines_of(offboarding: Offboarding, details: Details) -> list[Line]:
    """Return a line for each selected action, in the order of the plan."""
    actions = offboarding.request.actions
    known = [name for name in actions if name in catalogue.all_actions()]
    order = [node.name for node in plan.make(known).steps] + [name for name in actions if name not in known]
    return [_line(name, details.steps.get(name), is_over=offboarding.has_ended) for name in order]


def _line(name: str, step: Step | None, *, is_over: bool) -> Line:
    title = catalogue.title_of(name)
    if step is None:
        status, text = (Outcome.skipped, "Not begun.") if is_over else (StepState.waiting, _TEXTS[StepState.waiting])
        return Line(title, status, text, None)
    text = " ".join(filter(None, (step.message or _TEXTS.get(step.state, ""), told_of_items(step.items))))
    return Line(title, step.outcome or step.state, text, step.ended_at or step.updated_at or step.started_at)
