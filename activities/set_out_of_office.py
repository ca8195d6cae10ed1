"""Answer arriving mail with a message."""

from __future__ import annotations

import html
import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime  # noqa: TC003 - pydantic reads the field's type
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Final, Literal

from shared.actions import portal_form
from shared.actions.catalogue import EXCHANGE_ADMIN, Action, register
from shared.actions.outcome import Finding, Outcome, finding_of_state
from shared.actions.reads import placeholders
from shared.actions.reads.account import USER
from shared.actions.reads.mailbox import MAILBOX, only_row
from shared.actions.reads.snapshot import Read
from shared.actions.restoration import Restoration, original_of, restores, values_back
from shared.base import clock
from shared.microsoft365.exchange import exchange_cmdlets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.actions.catalogue import Task, View

MAX_MESSAGE_CHARS = 12_000


def _text(message: str) -> str:
    """Return what a reader sees of a message: Exchange wraps and reformats the HTML it is given."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", message)).split())


_TAG: Final = re.compile(
    r"<(?:!--|!doctype|/?(?:a|b|big|blockquote|body|br|center|div|em|font|form|h[1-6]|head|hr|html|i|iframe|img|input|li"
    r"|link|meta|ol|p|pre|s|script|small|span|strong|style|sub|sup|svg|table|tbody|td|th|thead|title|tr|u|ul)(?=[\s/>]))",
    re.IGNORECASE,
)
"""What makes a message HTML: a tag that HTML knows. An address in angle brackets is none."""


def _html(message: str) -> str:
    """Return a message as HTML: plain text arrives as it was written, its lines as lines."""
    if _TAG.search(message):
        return message
    return re.sub(r"\r\n|\r|\n", "<br>", html.escape(message.strip(), quote=False))


@dataclass(frozen=True)
class Params:
    """The messages (HTML or plain text) for colleagues and for others, which others are answered, and until when."""

    internal: str
    external: str | None = None
    audience: Literal["none", "known", "all"] = "all"
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a message that says nothing or too much; tags alone say nothing."""
        clock.check_offset(self.until)
        for name, message in (("internal", self.internal), ("external", self.external)):
            if message is not None and not _text(_html(message)):
                raise ValueError(f"{name} is empty")
            if message is not None and len(message) > MAX_MESSAGE_CHARS:
                raise ValueError(f"{name} has {len(message)} characters; at most {MAX_MESSAGE_CHARS} are accepted")


@dataclass(frozen=True)
class _AutoReply:
    enabled: bool
    internal: str
    external: str
    audience: str


def _parse(raw: Any) -> _AutoReply | None:  # noqa: ANN401 - Microsoft's JSON
    if raw is None:
        return None
    return _AutoReply(
        enabled=raw.get("AutoReplyState") == "Enabled",
        internal=_text(raw.get("InternalMessage") or ""),
        external=_text(raw.get("ExternalMessage") or ""),
        audience=str(raw.get("ExternalAudience") or "").lower(),
    )


AUTO_REPLY = Read(
    "auto_reply",
    "The automatic reply",
    "exchange",
    lambda person: exchange_cmdlets.get_auto_reply(person.id),
    _parse,
    only_row,
)


@register
class SetOutOfOffice(Action):
    """Switch automatic replies on, without an end.

    Placeholders such as %displayname% are filled when the message is set; what means nothing here stays as it is. Comes
    after the inbox rules: automatic replies live in the same table of the mailbox.
    """

    name = "set_out_of_office"
    title = "Set an out-of-office message"
    description = "Answers arriving mail with a message, one for colleagues and one for others."
    portal_key = "OOO"
    params = Params
    can_end = True
    reads = (USER, MAILBOX, AUTO_REPLY)
    proof = (AUTO_REPLY,)
    changes = (
        "auto_reply.AutoReplyState",
        "auto_reply.ExternalAudience",
        "auto_reply.InternalMessage",
        "auto_reply.ExternalMessage",
    )
    permissions = (EXCHANGE_ADMIN,)
    after = ("remove_inbox_rules",)
    excludes = ("delete_user",)
    lane = "mailbox"
    undo = "Set the automatic reply of snapshot.auto_reply again."

    def portal_params(self, key: str, form: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Read the editor's text; the portal has one for colleagues and others."""
        message = portal_form.text(form.get(key.lower()), key)
        if not _text(_html(message)):
            return None
        return {"internal": message, "external": None, "audience": "all"}

    def reads_for(self, params: Mapping[str, Any]) -> tuple[Read[Any], ...]:
        """Ask for what the placeholders stand for, too."""
        return (*self.reads, *placeholders.reads_for(_written(params)))

    def remarks(self, params: Mapping[str, Any]) -> Iterable[str]:
        """Name the placeholders that will not be filled."""
        if unknown := placeholders.unknown(_written(params)):
            yield f"{self.title}: {_as_written(unknown)}"
        if lost := _lost(params):
            yield f"{self.title}: {lost}"

    def judge(self, view: View) -> Finding:
        """Find out whether the wanted messages go out."""
        if view.now.get(MAILBOX) is None:
            return Finding(Outcome.not_applicable, "There is no mailbox.")
        text = _written(view.params)
        unknown, empty = placeholders.unknown(text), placeholders.without_value(text, view.now)
        notes = (_as_written(unknown) if unknown else "", _lost(view.params))
        note = "".join(f" {text}" for text in notes if text)
        messages = _messages(view)
        found = finding_of_state(
            before=_answers(view.first.get(AUTO_REPLY), view, messages),
            now=_answers(view.now.get(AUTO_REPLY), view, messages),
            done=f"Arriving mail is answered with the message.{note}",
            already=f"Arriving mail was answered with this message already.{note}",
        )
        if found.is_open or not empty:
            return found
        text = f"{found.message} {_as_written(empty)} Write the message anew without it."
        return replace(found, outcome=Outcome.needs_attention, message=text)

    def apply(self, task: Task) -> None:
        """Set the messages."""
        internal, external = _messages(task.view)
        audience = task.params["audience"].capitalize()
        task.clients.exchange.invoke(
            exchange_cmdlets.set_auto_reply(task.person.id, internal=internal, external=external, audience=audience)
        )


def _written(params: Mapping[str, Any]) -> str:
    return f"{params.get('internal') or ''}\n{params.get('external') or ''}"


def _as_written(names: list[str]) -> str:
    return f"No value for {', '.join(names)}, which the message keeps as written."


def _messages(view: View) -> tuple[str, str]:
    internal: str = view.params["internal"]
    external: str = view.params["external"] or internal
    return _clean(_filled(internal, view)), _clean(_filled(external, view))


def _clean(text: str) -> str:
    r"""Return HTML with what a reply needs, and nothing that runs or calls home.

    It goes to everybody outside who writes: a picture tells its server who reads it, and one on a file share
    (`\\server\x.png`) has Windows sign in there (MITRE ATT&CK: "T1187, Forced Authentication").
    """
    import nh3

    return nh3.clean(text, tags=set(_ELEMENTS), attributes={"a": {"href"}}, attribute_filter=_attribute)


_ELEMENTS: Final = (
    *("a", "b", "big", "blockquote", "br", "center", "code", "div", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("hr", "i", "li", "ol", "p", "pre", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot"),
    *("th", "thead", "tr", "u", "ul"),
)
_LINK: Final = re.compile(r"(?:https?://|mailto:)[^\s\\]+", re.IGNORECASE)


def _attribute(_: str, name: str, value: str) -> str | None:
    """Keep links that are whole and lead to a web page or a mailbox; others could lead to a file share."""
    return value if name == "rel" or (name == "href" and _LINK.fullmatch(value.strip())) else None


class _Parts(HTMLParser):
    """Counts the elements of a text, and their attributes."""

    _WRAPPING: Final = ("html", "head", "body", "meta")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.counted = Counter[str]()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self._WRAPPING:
            self.counted.update([f"<{tag}>", *(name for name, _ in attrs)])


def _lost(params: Mapping[str, Any]) -> str:
    """Say what is taken out of the messages before they are set; "" where nothing is."""
    messages = [_html(params[name]) for name in ("internal", "external") if params.get(name)]
    lost = {part for text in messages for part in _Parts(text).counted - _Parts(_clean(text)).counted}
    return f"Taken out of the message, as it could run or call home: {', '.join(sorted(lost))}." if lost else ""


def _filled(message: str, view: View) -> str:
    return placeholders.filled(_html(message), view.now)


def _answers(reply: _AutoReply | None, view: View, messages: tuple[str, str]) -> bool:
    internal, external = messages
    return (
        reply is not None
        and reply.enabled
        and reply.audience == view.params["audience"]
        and (reply.internal, reply.external) == (_text(internal), _text(external))
    )


@restores(SetOutOfOffice)
class AnswerAsBefore(Restoration):
    """Set the automatic reply to what it was, and for when it was."""

    reads = (USER, MAILBOX, AUTO_REPLY)
    proof = (AUTO_REPLY,)

    def judge(self, view: View) -> Finding:
        """Find out whether mail is answered as before."""
        if view.now.get(MAILBOX) is None:
            return Finding(Outcome.not_applicable, "There is no mailbox.")
        return values_back(view, "Mail is answered as before the offboarding, or not at all.")

    def apply(self, task: Task) -> None:
        """Set the reply."""
        before = original_of(task.view).first.values[AUTO_REPLY.name]
        task.clients.exchange.invoke(exchange_cmdlets.restore_auto_reply(task.person.id, before))
