"""What is worth a line in the log, as JSON that says what it is about, and with every secret taken out."""

from __future__ import annotations

import json
import logging
import re
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

REDACTED: Final = "[redacted]"
_LONG_ENOUGH: Final = 6
"""A secret shorter than this would take ordinary words out of the log."""

_QUOTE: Final = r"""["'\\]*"""
_PATTERNS: Final = (
    # A header with its whole value, then what gives itself away wherever it stands.
    (re.compile(rf"(?i)(\bauthorization{_QUOTE}\s*[:=]\s*{_QUOTE})(?:\w+\s+)?[^\s\"',;}}]+"), rf"\1{REDACTED}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), rf"\1 {REDACTED}"),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)*"), REDACTED),
    (re.compile(r"(?i)([?&;\s\"']|^)((?:sig|code|access_token|token)=)[^&\s\"'<>]+"), rf"\1\2{REDACTED}"),
    (re.compile(r"(?i)\b(AccountKey|SharedAccessSignature)=[^;\s\"']+"), rf"\1={REDACTED}"),
    (
        re.compile(
            r"(?i)((?:password|passwd|pwd|secret|client_assertion|refresh_token|access_token|id_token|api[_-]?key|"
            rf"x-functions-key){_QUOTE}\s*[:=]\s*{_QUOTE})[^\s\"',;&}}\\]+"
        ),
        rf"\1{REDACTED}",
    ),
)

_about: ContextVar[dict[str, str] | None] = ContextVar("about", default=None)


@contextmanager
def about(**names: str) -> Generator[None]:
    """Say in every line what it is about: `offboarding`, `run`, `step`, `correlation_id`."""
    token = _about.set({**(_about.get() or {}), **names})
    try:
        yield
    finally:
        _about.reset(token)


class Redactor:
    """Takes out of a text what must not be in the log: what looks like a secret, and the app's own secrets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {part for secret in secrets for part in (secret, json.dumps(secret)[1:-1]) if len(part) >= _LONG_ENOUGH}
        self._known = sorted(known, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return the text without secrets; to redact it twice changes nothing more."""
        for secret in self._known:
            text = text.replace(secret, REDACTED)
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return text


class JsonLines(logging.Formatter):
    """One line of JSON for each record; the redaction is the last thing done to what it says, the exception's too."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return json.dumps(
            {
                "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
                "level": record.levelname,
                "logger": record.name,
                **(_about.get() or {}),
                "message": self._redact(_with_exception(record)),
            },
            ensure_ascii=False,
        )


class _Rendered(str):
    """A message that is a finished line."""

    __slots__ = ()


class Filter(logging.Filter):
    """Makes of every record of this app one whose message is the finished line, whichever handler takes it.

    The Functions worker hands records to the host through its own handler, which writes the message and the exception
    by itself: so both are rendered, redacted and put in place here. Azure Monitor's handler makes attributes of the
    exception, which is gone by then, and of what the record is about, which is put there for it.
    """

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._lines = JsonLines(redact)
        self._redact = redact

    def filter(self, record: logging.LogRecord) -> bool:
        """Render the record, once; no record is held back."""
        if not isinstance(record.msg, _Rendered):
            is_own = record.name.partition(".")[0] in _OURS
            line = self._lines.format(record) if is_own else self._redact(_with_exception(record))
            record.msg = _Rendered(line)
            extra = {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
            vars(record).update(
                {name: self._redact(str(value)) for name, value in extra.items()}, **(_about.get() or {})
            )
            record.args = None
            record.exc_info = None
            record.exc_text = None
        return True


_OF_EVERY_RECORD: Final = frozenset(vars(logging.makeLogRecord({})))
_OURS: Final = frozenset({"shared", "activities", "orchestrators", "triggers", "function_app"})


def _with_exception(record: logging.LogRecord) -> str:
    told = record.getMessage()
    return f"{told}\n{logging.Formatter().formatException(record.exc_info)}" if record.exc_info else told


def set_up(secrets: Iterable[str]) -> None:
    """Have every handler there is take redacted lines; the handlers, and so the host's logging, stay as they are."""
    redacting = Filter(Redactor(secrets))
    for handler in logging.getLogger().handlers:
        for old in [one for one in handler.filters if isinstance(one, Filter)]:
            handler.removeFilter(old)
        handler.addFilter(redacting)


def quiet_libraries() -> None:
    """Keep the SDKs from logging every request they send; their warnings stay."""
    for name in ("azure", "msal", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
