"""Giving the person back what they held on the mailboxes and calendars of others: asked live, one place at a time."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, ClassVar

from shared.actions.catalogue import results_of
from shared.actions.mailboxes import holdings
from shared.actions.mailboxes.holdings import Right
from shared.actions.outcome import Finding, Outcome
from shared.actions.reads.account import USER
from shared.actions.reads.snapshot import Read
from shared.actions.restoration import NOTHING, Restoration, brought_back, original_of
from shared.microsoft365.http.errors import Category, MicrosoftError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from shared.actions.catalogue import Results, Task, View
    from shared.actions.mailboxes.holdings import Holdings, Question
    from shared.actions.reads.snapshot import Service, Snapshot, Survey


class RightsBack(Restoration):
    """Grant the rights again that were taken away, on the places they were on; nothing else is looked for."""

    reads = (USER,)
    held: ClassVar[Survey[Holdings]]
    service: ClassVar[Service]
    note: ClassVar[str]

    def reads_later(self, view: View) -> tuple[Read[Any], ...]:
        """Ask each place what the person holds there."""
        return self._reads(view)

    def proof_for(self, view: View) -> tuple[Read[Any], ...]:
        """Look again at the same places."""
        return self._reads(view)

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which rights are back."""
        before, now = self._held(view, view.first), self._held(view, view.now)
        findings = [
            brought_back(
                first=True,
                left=False,
                before=_covers(before, right),
                now=_covers(now, right),
                overwrite=False,
                done=self.note,
                already="Held already.",
                item=right.item,
                name=f"{right.name} ({right.title})",
            )
            for right in self._wanted(view)
        ]
        return findings or [NOTHING]

    def apply(self, task: Task) -> Results:
        """Grant the open rights, those on one place in one request after another."""
        user, wanted = task.view.now.get(USER), {finding.item for finding in task.open}
        upn = user.upn if user else task.person.upn
        results: Results = {}
        for together in holdings.rounds([right for right in self._wanted(task.view) if right.item in wanted]):
            results |= results_of(self.batch(task), {right.item: self.grant(right, upn) for right in together})
        return results

    def settle_error(self, finding: Finding, error: MicrosoftError) -> Finding | None:
        """Say of a place that is gone that nothing can be held there."""
        if error.category is Category.not_found:
            return Finding(Outcome.needs_attention, "It no longer exists.", finding.item, finding.name)
        return None

    @abstractmethod
    def batch(self, task: Task) -> Callable[[list[Any]], Sequence[Any]]:
        """Return what sends the calls."""

    @abstractmethod
    def grant(self, right: Right, upn: str) -> Any:  # noqa: ANN401 - a call of either service
        """Return the call that gives a right back."""

    @abstractmethod
    def questions(self, view: View, rights: Sequence[Right]) -> Iterable[Question]:
        """Return what to ask to see whether the person holds `rights`."""

    def _wanted(self, view: View) -> list[Right]:
        original = original_of(view)
        if self.held.name not in original.first.values:
            return []
        return [right for right in original.first.get(self.held).rights if right.item in original.items]

    def _reads(self, view: View) -> tuple[Read[Any], ...]:
        if view.now.values.get(USER.name) is None:
            return ()
        return tuple(
            Read(
                f"{self.held.name} now/{question.id}",
                self.held.title,
                self.service,
                lambda _, question=question: question.call,
                lambda rows: [replace(Right(**row), rights=tuple(row["rights"])) for row in rows or ()],
                lambda answer, _, question=question: [asdict(right) for right in question.read(answer)],
            )
            for question in self.questions(view, self._wanted(view))
        )

    def _held(self, view: View, snapshot: Snapshot) -> list[Right]:
        return [right for read in self._reads(view) for right in snapshot.get(read)]


def _covers(held: Iterable[Right], wanted: Right) -> bool:
    """Return whether what is held includes a right; an entry that is made anew has another key."""
    return any(
        (one.kind, one.owner.casefold()) == (wanted.kind, wanted.owner.casefold()) and {*wanted.rights} <= {*one.rights}
        for one in held
    )
