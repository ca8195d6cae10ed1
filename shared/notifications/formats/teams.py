"""A Teams channel, through a workflow with the trigger "When a Teams webhook request is received".

Learn: "Create incoming webhooks with Workflows for Microsoft Teams". A message holds an Adaptive Card (1.4 is what
every Teams client shows) and at most 28 KB. The answer 202 means that the workflow was started, not that it posted.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from shared.base.texts import cut
from shared.notifications.message import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.notifications.message import Message, StepLine

MAX_BYTES: Final = 24_000
"""Under the documented 28 KB: workflows wrap the card before they post it."""

_MAX_TEXT: Final = 400
_RETIRED: Final = (".webhook.office.com", ".webhook.office365.us", "outlook.office.com", "outlook.office365.com")
_COLOURS: Final = {Result.success: "Good", Result.warning: "Warning", Result.failure: "Attention"}


def problem_of(url: str) -> str:
    """Say what is wrong with an address for Teams; "" for nothing."""
    host = (urlsplit(url).hostname or "").lower()
    if host.endswith(_RETIRED) or host == "webhook.office.com":
        return (
            "Microsoft has retired the connectors behind this address. In Teams, open the channel's menu, choose "
            'Workflows, "Post to a channel when a webhook request is received", and use the address it shows.'
        )
    return ""


def body(message: Message) -> dict[str, Any]:
    """Return the card; where it would be too large, steps that went well are left out first."""
    steps = list(message.steps)
    by_worth = [*message.attention, *(step for step in steps if not step.needs_attention)]
    for count in range(len(by_worth), -1, -1):
        shown = set(by_worth[:count])
        card = _message(message, [step for step in steps if step in shown], len(steps) - count)
        if len(json.dumps(card, ensure_ascii=False).encode()) <= MAX_BYTES:
            return card
    return _message(message, [], len(steps))


def _message(message: Message, steps: Sequence[StepLine], left_out: int) -> dict[str, Any]:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "fallbackText": cut(message.title, _MAX_TEXT),
        "body": [*_head(message), *(_step(step) for step in steps), *_tail(left_out)],
        "actions": [{"type": "Action.OpenUrl", "title": "Open the offboarding", "url": message.link}],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}


def _head(message: Message) -> list[dict[str, Any]]:
    title = _text(message.title, size="Medium", weight="Bolder", color=_COLOURS[message.result])
    facts = [{"title": name, "value": _plain(cut(value, _MAX_TEXT))} for name, value in message.facts]
    return [title, {"type": "FactSet", "facts": facts}]


def _step(step: StepLine) -> dict[str, Any]:
    text = f"{step.title}: {step.word}. {step.full_text}" if step.needs_attention else f"{step.title}: {step.word}"
    return _text(text, spacing="Small", color="Attention" if step.needs_attention else "Default")


def _tail(left_out: int) -> list[dict[str, Any]]:
    return [_text(f"{left_out} more steps are shown at the link.", isSubtle=True)] if left_out else []


def _text(text: str, **style: object) -> dict[str, Any]:
    return {"type": "TextBlock", "text": _plain(cut(text, _MAX_TEXT)), "wrap": True, **style}


def _plain(text: str) -> str:
    """Keep names from turning into Markdown, which text blocks and facts understand in part: links, emphasis."""
    return "".join(f"\\{c}" if c in "\\[]*_`" else c for c in text)
