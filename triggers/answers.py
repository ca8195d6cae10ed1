"""HTTP requests and answers as every route of this app reads and gives them."""

from __future__ import annotations

import base64
import logging
from typing import TYPE_CHECKING, Any, Final, cast

import azure.functions as func

from shared.base import clock, strict_json
from shared.base.problems import RefusedError, refused
from shared.microsoft365.http.errors import MicrosoftError
from shared.offboarding.tenants import people

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_log = logging.getLogger(__name__)

_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

_NOTHING_LOADED: Final = "default-src 'none'; style-src {}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

_TITLES: Final = {
    400: "The request cannot be carried out as it is.",
    401: "Nobody is signed in.",
    403: "You may not do this.",
    404: "Not found.",
    409: "The request does not fit the present state.",
    411: "The body did not arrive.",
    413: "The request is too large.",
    422: "The request is well-formed but cannot be carried out.",
    429: "That is too much at once.",
    500: "Something broke in this service.",
    502: "Microsoft 365 refused.",
    503: "Microsoft 365 does not answer.",
}


def json_answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """Answer with JSON."""
    text = strict_json.dumps(body)
    return func.HttpResponse(
        text, status_code=status, headers={**_HEADERS, **(headers or {})}, mimetype="application/json"
    )


def html_answer(text: str, styles: str = "'unsafe-inline'") -> func.HttpResponse:
    """Answer with a page that runs and loads nothing; `styles` says which of its own style sheets count."""
    headers = {**_HEADERS, "Content-Security-Policy": _NOTHING_LOADED.format(styles), "Referrer-Policy": "no-referrer"}
    return func.HttpResponse(text, status_code=200, headers=headers, mimetype="text/html", charset="utf-8")


def csv_answer(text: str, name: str) -> func.HttpResponse:
    """Answer with a table to be saved under a name; the mark at its beginning tells spreadsheets that it is UTF-8."""
    headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return func.HttpResponse(f"\ufeff{text}", status_code=200, headers=headers, mimetype="text/csv")


def problem_answer(error: RefusedError, correlation_id: str) -> func.HttpResponse:
    """Answer with a problem document (RFC 9457) that lists everything that is wrong."""
    body = {
        "type": "about:blank",
        "title": _TITLES.get(error.status, "The request was not carried out."),
        "status": error.status,
        "code": error.code,
        "detail": " ".join(str(problem) for problem in error.problems),
        "problems": [{"field": problem.field, "message": problem.message} for problem in error.problems],
        "correlation_id": correlation_id,
    }
    headers = {**_HEADERS, "Retry-After": str(error.retry_after)} if error.retry_after else _HEADERS
    text = strict_json.dumps(body)
    return func.HttpResponse(text, status_code=error.status, headers=headers, mimetype="application/problem+json")


def refusal_of(error: Exception) -> RefusedError:
    """Say why a request was not carried out; the log tells more of what nobody expected."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, MicrosoftError):
        return people.unreachable(error)
    _log.error("A request broke", exc_info=error)
    return RefusedError(500, "internal_error", [])


def query(request: func.HttpRequest) -> dict[str, str]:
    """Return the query parameters by their names in lower case.

    To the Functions host, names that differ in case are one: `a=1&A=2` arrives as `1,2`, under the first spelling.
    """
    return {name.lower(): value for name, value in cast("Mapping[str, str]", request.params).items()}


def whole_number(request: func.HttpRequest, name: str, default: int) -> int:
    """Read a query parameter that counts something; raises `RefusedError` 400."""
    text = query(request).get(name, str(default))
    # Cut first: Python refuses to read very long numbers.
    if not text.isascii() or not text.isdecimal() or not 0 < int(text[:_MAX_DIGITS]) <= MAX_COUNT:
        raise refused(400, "invalid_request", f"{name} must be a whole number from 1 to {MAX_COUNT}.", name)
    return int(text)


MAX_COUNT: Final = 200
IDEMPOTENCY_KEY: Final = r"[!-~]{1,200}"
_MAX_DIGITS: Final = 20


def json_body(request: func.HttpRequest) -> Any:  # noqa: ANN401 - whatever was sent
    """Parse a body of any shape; raises `RefusedError` 400."""
    try:
        return strict_json.loads(request.get_body())
    except ValueError:
        raise refused(400, "invalid_request", "The body is not valid JSON.") from None


def moment(request: func.HttpRequest, name: str) -> datetime | None:
    """Read a query parameter that is a moment with a time zone; raises `RefusedError` 400."""
    text = query(request).get(name)
    if text is None:
        return None
    try:
        parsed = clock.from_text(text.replace(" ", "+"))
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise refused(400, "invalid_request", f"{name} must be a moment such as 2026-11-30T17:00:00+01:00.", name)
    return parsed


def is_asked(request: func.HttpRequest, name: str) -> bool:
    """Read a query parameter that is a switch; raises `RefusedError` 400."""
    text = query(request).get(name, "false")
    if text not in {"true", "false"}:
        raise refused(400, "invalid_request", f"{name} must be true or false.", name)
    return text == "true"


def page_token(next_id: str | None) -> str | None:
    """Return what a caller hands back to get the following page; an opaque token."""
    return opaque(next_id) if next_id else None


def page_start(token: str | None) -> str | None:
    """Read a page token; raises `RefusedError` 400."""
    if not token:
        return None
    start = from_opaque(token)
    if not (start.isascii() and start.isalnum()):
        raise no_page()
    return start


def opaque(text: str) -> str:
    """Wrap a text for callers, who hand it back as `next` and do not look inside."""
    return base64.urlsafe_b64encode(text.encode()).decode()


def from_opaque(token: str) -> str:
    """Unwrap what a caller handed back as `next`; raises `RefusedError` 400."""
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError:
        raise no_page() from None


def no_page() -> RefusedError:
    """Return the refusal of a `next` that no page answered."""
    return refused(400, "invalid_request", "next must be what an earlier page answered.", "next")
