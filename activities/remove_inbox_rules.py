"""Remove the rules that sort, forward and delete arriving mail, hidden ones included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.actions.catalogue import EXCHANGE_ADMIN, Action, Area, register
from shared.actions.mailboxes import mailbox_rows
from shared.actions.outcome import Finding, ItemWords, Outcome, findings_of_removal
from shared.actions.reads.account import USER
from shared.actions.reads.mailbox import MAILBOX
from shared.actions.reads.snapshot import Person, Read
from shared.microsoft365.exchange import exchange_cmdlets
from shared.microsoft365.http.errors import Category, MicrosoftError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.actions.catalogue import Results, Task, View

_KEPT: Final = ("Identity", "Name", "Enabled", "Priority", "Description")
_MAX_DESCRIPTION_CHARS: Final = 1_000

_JUNK_RULE: Final = "Junk E-Mail Rule"
_AUTO_REPLY_RULES: Final = "Microsoft.Exchange.OOF."
"""What Exchange keeps for itself: the junk filter, and the templates of the automatic reply."""

_ONE_BY_ONE: Final = frozenset({Category.conflict, Category.transient, Category.invalid, Category.unknown})
"""Refusals that may come from changing one mailbox's table of rules several times at once."""


@dataclass(frozen=True)
class _Rule:
    """An inbox rule; `identity` is passed back to Exchange as it was read."""

    identity: str
    name: str


def _keep(rows: list[dict[str, Any]], _: Person) -> list[dict[str, Any]]:
    mailbox_rows.one_owner(rows, "MailboxOwnerId")
    kept = [{name: row.get(name) for name in _KEPT} for row in rows]
    return [{**row, "Description": str(row["Description"] or "")[:_MAX_DESCRIPTION_CHARS]} for row in kept]


def _parse(raw: Any) -> tuple[_Rule, ...]:  # noqa: ANN401 - Microsoft's JSON
    rules = (_Rule(row["Identity"], row.get("Name") or row["Identity"]) for row in raw or ())
    return tuple(rule for rule in rules if rule.name != _JUNK_RULE and not rule.name.startswith(_AUTO_REPLY_RULES))


INBOX_RULES = Read(
    "inbox_rules",
    "The inbox rules",
    "exchange",
    lambda person: exchange_cmdlets.get_inbox_rules(person.id, anchor=person.upn),
    _parse,
    _keep,
)


@register
class RemoveInboxRules(Action):
    """Remove every rule but those that Exchange keeps for itself.

    Only Exchange shows hidden rules, which intruders like; Graph does not. With the first removal the rules that live
    in Outlook only go, too (Learn: "Remove-InboxRule").
    """

    name = "remove_inbox_rules"
    title = "Remove inbox rules"
    description = "Removes every inbox rule, also hidden ones and those that exist in Outlook only."
    portal_key = "RemoveRules"
    words = ItemWords("rule", "rules", "removed")
    area = Area("Inbox rules", "It is still in the mailbox, and may send mail on.")
    reads = (USER, MAILBOX, INBOX_RULES)
    proof = (INBOX_RULES,)
    permissions = (EXCHANGE_ADMIN,)
    after = ("disable_sign_in",)
    lane = "mailbox"
    destructive = True
    removes = True
    undo = "Write the rules again by hand: snapshot.inbox_rules describes those that were in the mailbox."

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which rules are left."""
        mailbox = view.now.get(MAILBOX)
        if mailbox is None:
            return [Finding(Outcome.not_applicable, "There is no mailbox.")]
        now = {rule.identity: rule.name for rule in view.now.get(INBOX_RULES)}
        was = {rule.identity: rule.name for rule in view.first.get(INBOX_RULES)}
        mailbox_rows.check_owner(now, mailbox)
        return findings_of_removal(was, now, "Removed.") or [Finding(Outcome.already_done, "There was no inbox rule.")]

    def apply(self, task: Task) -> Results:
        """Remove the open rules, and one by one what was refused in the company of others."""
        exchange, person = task.clients.exchange, task.person
        calls = {
            finding.item: exchange_cmdlets.remove_inbox_rule(person.id, finding.item, anchor=person.upn)
            for finding in task.open
        }
        answers = dict(zip(calls, exchange.batch(list(calls.values())), strict=True))
        results: Results = {item: a if isinstance(a, MicrosoftError) else None for item, a in answers.items()}
        for item, refusal in results.items():
            if refusal and refusal.category in _ONE_BY_ONE and len(calls) > 1:
                try:
                    exchange.invoke(calls[item])
                    results[item] = None
                except MicrosoftError as error:
                    results[item] = error
        return results
