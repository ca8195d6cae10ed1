"""What can go wrong with Microsoft 365, in one vocabulary and in words for people.

Every service says "no" in its own way: Graph with `error.code`, Exchange Online with an exception type hidden in a
text, SharePoint with HTTP 200 and an `ErrorInfo`, the token endpoint with AADSTS numbers. The functions `from_*` are
pure: they read an answer and return the one `MicrosoftError` that the rest of the code knows. What is decided from
which text stands in `error_rules`.

No message carries a token or a secret: the vendor's text is cut, stripped of control characters and redacted before
it is used.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final, Literal

from shared.base.texts import cut
from shared.microsoft365.http.error_rules import (
    DEFAULT_ADVICE,
    NOT_A_FAILURE,
    RULES,
    SERVICE_NAMES,
    SIGN_IN,
    Category,
    Failure,
    Rule,
    Service,
    plain,
)
from shared.microsoft365.http.wire import (
    Json,
    as_object,
    as_rows,
    as_texts,
    decode,
    header,
    lookup,
    request_id_of,
    text_at,
)


class MicrosoftError(Exception):
    """A call that Microsoft 365 refused or did not answer.

    Attributes:
        message: for people: what happened and, where it is known, what to do.
        advice: the part of the message that says what it means or what to do; empty where no answer was understood.
        answer: the part of the message that says what the service answered.
        status: HTTP status of the answer (of the item, in a batch); None when there was no answer.
        code: the service's own code: Graph `error.code`, Exchange's hash, `AADSTS65001`, or the name of a connection
            error.
        exception_type: Exchange's and SharePoint's exception type, without its namespace.
        retry_after: seconds Microsoft asked to wait; None when it did not say.
    """

    def __init__(
        self,
        service: Service,
        category: Category,
        message: str,
        *,
        status: int | None = None,
        code: str = "",
        exception_type: str = "",
        request_id: str = "",
        client_request_id: str = "",
        retry_after: float | None = None,
        advice: str = "",
        answer: str = "",
    ) -> None:
        """Describe one failure."""
        super().__init__(service, category, message)
        self.service: Service = service
        self.category = category
        self.message = message
        self.advice = advice
        self.answer = answer
        self.status = status
        self.code = code
        self.exception_type = exception_type
        self.request_id = request_id
        self.client_request_id = client_request_id
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.message

    @property
    def retryable(self) -> Literal["throttled", "transient"] | None:
        """Whether the same call may succeed later, and for which reason it did not now.

        A conflict is worth repeating when somebody else changed the object at the same moment (409, 412), not when it
        is locked (423).
        """
        if self.category is Category.throttled:
            return "throttled"
        if self.category is Category.transient or (self.category is Category.conflict and self.status in {409, 412}):
            return "transient"
        return None


def from_graph(status: int, headers: Mapping[str, str], body: bytes | Json, to_grant: str = "") -> MicrosoftError:
    """Read an answer of Microsoft Graph, or one item of its `$batch` (where the body is parsed already).

    `to_grant` says what an administrator grants where the call was not allowed.
    """
    parsed = decode(body) if isinstance(body, bytes) else body
    error = lookup(parsed, "error")
    details = "; ".join(text_at(detail, "message") for detail in as_rows(lookup(error, "details")))
    text = " ".join(filter(None, (text_at(error, "message"), details)))
    request_id = text_at(error, "innerError", "request-id")
    return _classify(Failure("graph", status, text_at(error, "code"), text), headers, request_id, to_grant)


def from_exchange(status: int, headers: Mapping[str, str], body: bytes | Json) -> MicrosoftError:
    """Read an answer of Exchange Online's InvokeCommand, or one item of its `$batch`.

    `details[0].message` is `hash|exception type|text`; the text of the inner exception, where present, says more.
    """
    parsed = decode(body) if isinstance(body, bytes) else body
    error = lookup(parsed, "error")
    details = as_rows(lookup(error, "details"))
    inner = lookup(error, "innererror", "internalexception")
    parts = text_at(details[0], "message").split("|", 2) if details else []
    structured = len(parts) == 3  # noqa: PLR2004 - hash, exception type, text
    type_name = parts[1] if structured else text_at(inner, "type") or header(headers, "x-ExceptionType")
    code = parts[0] if structured else text_at(error, "code")
    text = text_at(inner, "message") or (parts[2] if structured else "|".join(parts)) or text_at(error, "message")
    text = text or "; ".join(as_texts(lookup(parsed, "@adminapi.errors")))
    return _classify(Failure("exchange", status, code, text, type_name.strip().rpartition(".")[2]), headers)


def from_sharepoint(status: int, headers: Mapping[str, str], body: bytes | Json) -> MicrosoftError:
    """Read an answer of SharePoint's REST interface, in either of its two envelopes."""
    parsed = decode(body) if isinstance(body, bytes) else body
    error = lookup(parsed, "odata.error") or lookup(parsed, "error")
    code, _, type_name = text_at(error, "code").partition(",")
    text = text_at(error, "message", "value") or text_at(error, "message") or text_at(parsed, "error_description")
    return _classify(Failure("sharepoint", status, code, text, type_name.strip().rpartition(".")[2]), headers)


def from_csom(headers: Mapping[str, str], error_info: Json) -> MicrosoftError:
    """Read the `ErrorInfo` of a CSOM answer, whose HTTP status is 200 although it failed."""
    type_name = text_at(error_info, "ErrorTypeName").rpartition(".")[2]
    code = str(lookup(error_info, "ErrorCode") or "")
    failure = Failure("sharepoint", 200, code, text_at(error_info, "ErrorMessage"), type_name)
    return _classify(failure, headers, text_at(error_info, "TraceCorrelationId"))


def from_oauth(status: int | None, headers: Mapping[str, str], body: bytes | Json) -> MicrosoftError:
    """Read a refusal of the token endpoint: `error`, `error_description` with an AADSTS number."""
    parsed = as_object(decode(body) if isinstance(body, bytes) else body)
    text = text_at(parsed, "error_description") or (body.decode(errors="replace") if isinstance(body, bytes) else "")
    found = re.search(r"AADSTS(\d+)", text)
    code = f"AADSTS{found[1]}" if found else text_at(parsed, "error")
    known = SIGN_IN.get(int(found[1])) if found else None
    error = text_at(parsed, "error")
    category, advice = known or _unknown_sign_in(status, error if error in _TEMPORARY else code)
    if error in _TEMPORARY and category is Category.auth_token:
        category, advice = Category.transient, DEFAULT_ADVICE[Category.transient]
    if code == "AADSTS700027" and "expired" in plain(text):
        category, advice = SIGN_IN[1000502]
    # The description ends with trace ids and a time stamp, which are reported apart.
    text = re.split(r"\s(?:Trace ID|Timestamp):", text)[0] if found else ""
    failure = Failure("login", status, code, text)
    retry_after = 30.0 if code == "AADSTS650051" else retry_after_seconds(headers)
    return _error(failure, category, advice, headers, request_id=text_at(parsed, "trace_id"), retry_after=retry_after)


_TEMPORARY: Final = frozenset({"temporarily_unavailable", "server_error"})
"""What an answer of OAuth calls a failure that passes, whatever its status (RFC 6749, 4.1.2.1)."""


def warning_category(warning: str) -> Category | None:
    """Say what a warning of a successful Exchange Online answer means; None for one that means nothing to us."""
    return next((category for text, category in NOT_A_FAILURE if text in plain(warning)), None)


def _unknown_sign_in(status: int | None, code: str) -> tuple[Category, str]:
    if status == 429:  # noqa: PLR2004
        return Category.throttled, DEFAULT_ADVICE[Category.throttled]
    if code in _TEMPORARY or (status is not None and status >= 500):  # noqa: PLR2004
        return Category.transient, DEFAULT_ADVICE[Category.transient]
    return Category.auth_token, "The app cannot sign in to this tenant."


def _classify(failure: Failure, headers: Mapping[str, str], request_id: str = "", to_grant: str = "") -> MicrosoftError:
    rule = next((rule for rule in RULES if rule.holds(failure)), Rule(Category.unknown))
    advice = rule.advice or DEFAULT_ADVICE[rule.category]
    if to_grant and rule.category is Category.auth_permission:
        advice = to_grant
    return _error(
        failure, rule.category, advice, headers, request_id=request_id, retry_after=retry_after_seconds(headers)
    )


def _error(
    failure: Failure,
    category: Category,
    advice: str,
    headers: Mapping[str, str],
    *,
    request_id: str,
    retry_after: float | None,
) -> MicrosoftError:
    answer = " ".join(filter(None, (str(failure.status or ""), failure.exception_type or failure.code)))
    said = ": ".join(filter(None, (answer, readable(failure.text))))
    answered = f"{SERVICE_NAMES[failure.service]} answered {said or 'nothing'}"
    return MicrosoftError(
        failure.service,
        category,
        f"{advice} ({answered})",
        status=failure.status,
        code=failure.code,
        exception_type=failure.exception_type,
        request_id=request_id or request_id_of(headers),
        client_request_id=header(headers, "client-request-id"),
        retry_after=retry_after,
        advice=advice,
        answer=answered,
    )


def readable(text: str, limit: int = 400) -> str:
    """Make a vendor's text fit for a message: one line, no control characters, no tokens, no secrets."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    line = re.sub(r"(?i)\bbearer\s+\S+|\beyJ[\w-]+\.[\w-]*\.?[\w-]*", "[removed]", line)
    line = re.sub(
        # A value after its name: prose may well speak of a password.
        r"(?i)(client_secret|client_assertion|password|access_token|refresh_token)([\"'\\]*\s*[:=]\s*[\"'\\]*)[^\s\"'&,;]+",
        r"\1\2[removed]",
        line,
    )
    return cut(line, limit)


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Read `Retry-After`: seconds, or a date, compared with the answer's own `Date` so that no clock is trusted."""
    value = header(headers, "Retry-After").strip()
    try:
        return (
            max(0.0, float(value))
            if re.fullmatch(r"\d+(\.\d+)?", value)
            else _seconds_between(header(headers, "Date"), value)
        )
    except (ValueError, TypeError):
        return None


def _seconds_between(start: str, end: str) -> float:
    return max(0.0, (parsedate_to_datetime(end) - parsedate_to_datetime(start)).total_seconds())
