"""E-mail through Microsoft Graph, sent by the app from one mailbox.

Learn: "user: sendMail" (application permission Mail.Send, which Exchange's RBAC for applications limits to the one
mailbox). Graph takes one body, HTML or plain text; it makes the plain part of an HTML mail itself, so a plain body is
sent only where the settings ask for it.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from shared.base.texts import cut
from shared.notifications.message import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.notifications.message import Message, StepLine

_MAX_SUBJECT: Final = 250
_MAX_TEXT: Final = 1_000
_COLOURS: Final = {Result.success: "#2e7d32", Result.warning: "#8a6100", Result.failure: "#c62828"}
_FONT: Final = "font-family:Segoe UI,Helvetica,Arial,sans-serif;font-size:16px;line-height:1.4;color:#222"
_CELL: Final = "padding:6px 0;border-top:1px solid #ddd;vertical-align:top;word-break:break-word"


def resource(message: Message, to: Sequence[str], *, is_plain: bool) -> dict[str, Any]:
    """Return Graph's message resource; the id by which repeats are recognised is in a header of the mail."""
    content = plain(message) if is_plain else html(message)
    return {
        "subject": cut(message.title, _MAX_SUBJECT),
        "body": {"contentType": "Text" if is_plain else "HTML", "content": content},
        "toRecipients": [{"emailAddress": {"address": address}} for address in to],
        "internetMessageHeaders": [{"name": "x-offboarding-message-id", "value": message.id}],
    }


def html(message: Message) -> str:
    """Return a page of one column that a telephone shows without zooming; no pictures, nothing is loaded."""
    rows = "".join(
        f'<tr><td style="{_CELL};color:#666;padding-right:12px">{escape(name)}</td>'
        f'<td style="{_CELL}">{escape(cut(value, _MAX_TEXT))}</td></tr>'
        for name, value in message.facts
    )
    attention = "".join(_html_step(step) for step in message.attention)
    others = "".join(_html_step(step) for step in message.steps if not step.needs_attention)
    heading = f'<h1 style="font-size:20px;color:{_COLOURS[message.result]}">{escape(message.title)}</h1>'
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"></head>'
        f'<body style="margin:0;padding:16px"><div style="max-width:600px;{_FONT}">{heading}'
        f'<table style="width:100%;border-collapse:collapse;{_FONT}">{rows}</table>'
        f"{_html_list('Needs attention', attention)}{_html_list('Steps', others)}"
        f'<p><a href="{escape(message.link)}">Open the offboarding</a></p></div></body></html>'
    )


def plain(message: Message) -> str:
    """Return the message as text."""
    lines = [message.title, "", *(f"{name}: {cut(value, _MAX_TEXT)}" for name, value in message.facts)]
    others = [step for step in message.steps if not step.needs_attention]
    for heading, steps in (("Needs attention", message.attention), ("Steps", others)):
        if steps:
            lines += ["", heading, *(f"- {_words(step)}" for step in steps)]
    return "\n".join([*lines, "", message.link])


def fragment(message: Message) -> str:
    """Return the message as HTML without styles, as notes in other systems take it."""
    facts = "".join(f"<li>{escape(name)}: {escape(cut(value, _MAX_TEXT))}</li>" for name, value in message.facts)
    steps = "".join(f"<li>{escape(_words(step))}</li>" for step in (*message.attention, *_others(message)))
    link = escape(message.link)
    return f'<p>{escape(message.title)}</p><ul>{facts}</ul><ul>{steps}</ul><p><a href="{link}">{link}</a></p>'


def _others(message: Message) -> list[StepLine]:
    return [step for step in message.steps if not step.needs_attention]


def _html_list(heading: str, items: str) -> str:
    return f'<h2 style="font-size:17px">{heading}</h2><ul style="padding-left:20px">{items}</ul>' if items else ""


def _html_step(step: StepLine) -> str:
    text = f"<br>{escape(cut(step.full_text, _MAX_TEXT))}" if step.full_text else ""
    return f"<li><strong>{escape(step.title)}</strong>: {step.word}{text}</li>"


def _words(step: StepLine) -> str:
    return cut(f"{step.title}: {step.word}. {step.full_text}".rstrip(), _MAX_TEXT)
