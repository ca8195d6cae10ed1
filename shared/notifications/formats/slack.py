"""A Slack channel, through an incoming webhook.

Slack: "Sending messages using incoming webhooks" and "Block Kit: block reference": a header has 150 characters, a
section's text 3,000, ten fields of 2,000; a message 50 blocks, and in practice about 13,000 characters altogether.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.base.texts import cut
from shared.notifications.message import Result

if TYPE_CHECKING:
    from shared.notifications.message import Message, StepLine

_MAX_STEPS_CHARS: Final = 7_000
_MAX_HEADER: Final = 150
_MAX_SECTION: Final = 3_000
_MAX_FIELD: Final = 300
_MAX_STEP: Final = 400
_MAX_LINK: Final = 2_000
_SIGNS: Final = {
    Result.success: ":white_check_mark:",
    Result.warning: ":warning:",
    Result.failure: ":x:",
}


def body(message: Message) -> dict[str, Any]:
    """Return the message: facts, then what needs attention, then the rest, and the link whatever was cut."""
    head = {"type": "header", "text": {"type": "plain_text", "text": cut(message.title, _MAX_HEADER)}}
    fields = [_markdown(f"*{name}*\n{_plain(cut(value, _MAX_FIELD))}") for name, value in message.facts]
    rest = [step for step in message.steps if not step.needs_attention]
    steps = _sections([*message.attention, *rest])
    link = _markdown(f"{_SIGNS[message.result]} <{cut(message.link, _MAX_LINK)}|Open the offboarding>")
    blocks = [head, {"type": "section", "fields": fields}, *steps, {"type": "section", "text": link}]
    return {"text": _plain(cut(f"{message.title} {message.link}", _MAX_SECTION)), "blocks": blocks}


def _sections(steps: list[StepLine]) -> list[dict[str, Any]]:
    """Return as many steps as fit, a few to a section."""
    sections: list[str] = []
    total = 0
    for number, step in enumerate(steps):
        line = _line(step)
        total += len(line) + 1
        if total > _MAX_STEPS_CHARS:
            sections.append(f"_{len(steps) - number} more steps are shown at the link._")
            break
        if sections and len(sections[-1]) + len(line) < _MAX_SECTION:
            sections[-1] += f"\n{line}"
        else:
            sections.append(line)
    return [{"type": "section", "text": _markdown(text)} for text in sections]


def _line(step: StepLine) -> str:
    text = f"*{_plain(step.title)}*: {step.word}"
    return f"{text}. {_plain(cut(step.full_text, _MAX_STEP))}" if step.needs_attention else text


def _markdown(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def _plain(text: str) -> str:
    """Escape the three characters that Slack gives a meaning, so that no name calls a whole channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
