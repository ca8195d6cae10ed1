"""From findings and Microsoft's refusals to the end of a step: pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shared.actions.outcome import OPENS_GATE, WHOLE_STEP, Finding, ItemWords, Outcome, StepState, fold
from shared.actions.reads.snapshot import UnreadError
from shared.jobs.records import Change, Item
from shared.microsoft365.http.errors import Category, MicrosoftError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from shared.actions.catalogue import Procedure, View
    from shared.jobs.records import Step

Problems = dict[str, tuple[Outcome, str]]

ANY_ITEMS: Final = ItemWords()


def findings_of(procedure: Procedure, view: View) -> list[Finding]:
    """Ask the procedure what it finds; what could not be read fails the step in words."""
    try:
        found = procedure.judge(view)
    except UnreadError as error:
        return [Finding(Outcome.failed, str(error))]
    return [found] if isinstance(found, Finding) else list(found)


def to_do(procedure: Procedure, findings: Iterable[Finding]) -> list[Finding]:
    """Return what has to be written: what is not as wanted, and what is done in every offboarding anyway."""
    return [
        replace(f, outcome=None) if procedure.repeats and f.outcome in {Outcome.done, Outcome.already_done} else f
        for f in findings
        if f.is_open or (procedure.repeats and f.outcome in {Outcome.done, Outcome.already_done})
    ]


def problem(procedure: Procedure, finding: Finding, error: MicrosoftError) -> tuple[Outcome, str] | None:
    """Return how an item that Microsoft refused to change ends; None where the refusal is as good as success."""
    own = procedure.settle_error(finding, error)
    if own is not None and own.outcome is not None:
        return own.outcome, own.message
    if error.category is Category.already_done or (procedure.removes and error.category is Category.not_found):
        return None
    if error.category is Category.on_prem_mastered:
        return Outcome.needs_attention, f"It is managed on-premises and must be changed there: {error.message}"
    return Outcome.failed, error.message


def concluded(findings: Sequence[Finding], problems: Mapping[str, tuple[Outcome, str]], unseen: str) -> list[Finding]:
    """Give every open finding an outcome: what Microsoft said of it, else `failed` because it was not seen."""
    return [_conclude(finding, problems, unseen) for finding in findings]


def _conclude(finding: Finding, problems: Mapping[str, tuple[Outcome, str]], unseen: str) -> Finding:
    if not finding.is_open:
        return finding
    outcome, message = problems.get(finding.item) or problems.get(WHOLE_STEP) or (Outcome.failed, unseen)
    return replace(finding, outcome=outcome, message=message)


def unproven(findings: Iterable[Finding], problems: Mapping[str, tuple[Outcome, str]]) -> list[Finding]:
    """Return what Microsoft accepted and a read does not show yet."""
    return [f for f in findings if f.is_open and f.item not in problems and WHOLE_STEP not in problems]


def changes_of(procedure: Procedure, view: View) -> tuple[Change, ...]:
    """Return the values of its own that are others now than they were first; what was not read is unknown."""
    values = ((path, view.first.shown(path), view.now.shown(path)) for path in procedure.changes)
    return tuple(
        Change(path, before, after)
        for path, before, after in values
        if before is not None and after is not None and before != after
    )


def ended(
    step: Step,
    findings: Sequence[Finding],
    now: datetime,
    changes: Sequence[Change] = (),
    words: ItemWords = ANY_ITEMS,
) -> Step:
    """Return the record of a step that ended with `findings`, none of them open, and made these changes."""
    outcomes = [f.outcome for f in findings if f.outcome is not None]
    blockers = tuple(dict.fromkeys(name for f in findings for name in f.blocked_by))
    return replace(
        step,
        state=StepState.ended,
        outcome=fold(outcomes),
        message=summary(findings, words),
        changes=tuple(changes),
        items=tuple(Item(f.item, f.name, f.outcome, f.message) for f in findings if f.item != WHOLE_STEP and f.outcome),
        blocked_by=blockers,
        ended_at=now,
        next_attempt_at=None,
        accepted=(),
        problems={},
    )


def _said_of(outcome: Outcome, count: int, findings: Sequence[Finding], words: ItemWords) -> str:
    if outcome is Outcome.done:
        return words.done
    if outcome is Outcome.needs_attention:
        return "needs attention" if count == 1 else "need attention"
    if outcome is Outcome.already_done:
        return f"already {words.done}"
    if outcome is not Outcome.not_applicable:
        return outcome.value
    reasons = {f.message.partition(": ")[0].rstrip(".") for f in findings if f.outcome is outcome}
    reason = next(iter(reasons)) if len(reasons) == 1 else ""
    return f"unchanged ({reason})" if 0 < len(reason) <= _MAX_REASON else "unchanged"


_MAX_REASON: Final = 90


def summary(findings: Sequence[Finding], words: ItemWords = ANY_ITEMS) -> str:
    """Say in one line how a step ended; items are counted, and what is said of the whole step closes the line."""
    whole = [f.message for f in findings if f.item == WHOLE_STEP]
    items = [f for f in findings if f.item != WHOLE_STEP]
    if not items:
        return " ".join(whole) or "There was nothing to do."
    return " ".join([_counted(items, words), *whole])


def told(message: str, items: Iterable[Item], most: int = 3) -> str:
    """Return what there is to say of a step: its message, and by name the first items that a person must know of."""
    named = [told_of_item(item) for item in items if item.outcome not in OPENS_GATE]
    more = [f"and {len(named) - most} more"] if len(named) > most else []
    return " ".join(filter(None, (message, "; ".join([*named[:most], *more]))))


def told_of_item(item: Item) -> str:
    """Return what became of one item, with its name."""
    return f"{item.name or item.id}: {item.message}"


def _counted(findings: Sequence[Finding], words: ItemWords) -> str:
    """Count items by outcome, what was done first: "11 groups removed; 1 group failed."."""
    counts = Counter(f.outcome for f in findings if f.outcome)
    text = "; ".join(
        f"{words.counted(counts[outcome])} {_said_of(outcome, counts[outcome], findings, words)}"
        for outcome in Outcome
        if counts[outcome]
    )
    return f"{text}."
