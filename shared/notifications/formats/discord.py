"""A Discord channel, through a webhook.

Discord: "Execute Webhook": without `wait=true` a message that could not be saved is answered as a success. An embed
has a title of 256 characters, a description of 4,096, 25 fields of 1,024, and 6,000 altogether.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from shared.base.texts import cut
from shared.notifications.message import Result

if TYPE_CHECKING:
    from shared.notifications.message import Message, StepLine

_MAX_TITLE: Final = 256
_MAX_DESCRIPTION: Final = 3_500
_MAX_FIELD: Final = 250
_MAX_CONTENT: Final = 2_000
_MAX_STEP: Final = 300
_COLOURS: Final = {Result.success: 0x2E7D32, Result.warning: 0xF9A825, Result.failure: 0xC62828}


def address(url: str) -> str:
    """Return the address with which Discord says whether it saved the message."""
    parts = urlsplit(url)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "wait"]
    return parts._replace(query=urlencode([*query, ("wait", "true")])).geturl()


def body(message: Message) -> dict[str, Any]:
    """Return the message; it mentions nobody, whatever is in its text, and ends in the link."""
    title = cut(_plain(message.title), _MAX_TITLE)
    embed = {
        "title": title,
        "url": message.link,
        "color": _COLOURS[message.result],
        "description": _description(message),
        "fields": [
            {"name": name, "value": cut(_plain(value), _MAX_FIELD), "inline": True} for name, value in message.facts
        ],
    }
    link = f"\n<{message.link}>"
    content = cut(_plain(message.title), _MAX_CONTENT - len(link)) + link
    return {"content": content, "embeds": [embed], "allowed_mentions": {"parse": []}}


def _description(message: Message) -> str:
    steps = [*message.attention, *(step for step in message.steps if not step.needs_attention)]
    text = ""
    for number, step in enumerate(steps):
        line = f"{_line(step)}\n"
        if len(text) + len(line) > _MAX_DESCRIPTION:
            return text + f"{len(steps) - number} more steps are shown at the link."
        text += line
    return text


def _line(step: StepLine) -> str:
    text = f"**{_plain(step.title)}**: {step.word}"
    return f"{text}. {_plain(cut(step.full_text, _MAX_STEP))}" if step.needs_attention else text


def _plain(text: str) -> str:
    """Keep names from turning into Markdown."""
    return "".join(f"\\{c}" if c in "\\*_~`|>[]" else c for c in text)
