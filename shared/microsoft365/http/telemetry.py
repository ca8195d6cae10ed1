"""Requests to Microsoft 365, seen: a span and a measurement of each.

The libraries' own instrumentation is off (OTEL_PYTHON_DISABLED_INSTRUMENTATIONS): it would write down whole addresses,
and send our trace ids to everybody, the receivers of webhooks included.
"""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from opentelemetry.trace import SpanKind

from shared.base.telemetry import metrics, tracing

if TYPE_CHECKING:
    from collections.abc import Generator

    from shared.microsoft365.http.errors import Service
    from shared.microsoft365.http.messages import Response, SentRequest

_TOO_MANY_REQUESTS: Final = 429
_UNAVAILABLE: Final = 503
_SERVER_FAULT: Final = 500

_ID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WORD: Final = re.compile(r"v\d\.\d|oauth2|microsoft\.graph\.\w+|[A-Za-z$_-]*")
_CALL: Final = re.compile(r"([A-Za-z$_.-]+)\(.*\)")


class Call:
    """A request on its way; whoever sends it puts the answer here."""

    response: Response | None = None


@contextmanager
def sending(entry: SentRequest, host: str, resent: int) -> Generator[Call]:
    """Trace and measure a request from its first byte to the last of the answer; `resent` counts those before it."""
    path = nameless(entry.path)
    kind = _ID.sub("*", path)
    attributes = {
        "http.request.method": entry.method,
        "http.request.resend_count": resent,
        "url.full": f"https://{host}/{kind.lstrip('/')}",  # names the dependency in Azure Monitor: one name for a kind
        "microsoft365.service": entry.service,
        "microsoft365.path": path,
        "microsoft365.client_request_id": entry.client_request_id,
    }
    call, began = Call(), time.perf_counter()
    with tracing.span(f"{entry.method} {kind}", attributes=attributes, kind=SpanKind.CLIENT) as span:
        try:
            yield call
        finally:
            response = call.response
            status = response.status if response else None
            metrics.request_answered(entry.service, status, time.perf_counter() - began)
            if response:
                is_throttled = was_throttled(response.status, has_wait="Retry-After" in response.headers)
                if is_throttled:
                    metrics.throttled(entry.service)
                span.set_attributes(
                    {
                        "http.response.status_code": response.status,
                        "microsoft365.request_id": response.request_id,
                        "microsoft365.throttled": is_throttled,
                    }
                )
                # What a 404 means, the action knows; 5xx and 429 count as failed.
                if is_throttled or response.status >= _SERVER_FAULT:
                    tracing.failed(span, str(response.status))


def item_answered(service: Service, status: int | None) -> None:
    """Count an item of a batch that was put off: the answer to the batch as a whole does not say so."""
    if was_throttled(status):
        metrics.throttled(service)


def was_throttled(status: int | None, *, has_wait: bool = False) -> bool:
    """Return whether a service put a request off: 503 with a time to wait is how SharePoint does it, too.

    Learn: "Microsoft Graph throttling guidance", "Avoid getting throttled or blocked in SharePoint Online".
    """
    return status == _TOO_MANY_REQUESTS or (status == _UNAVAILABLE and has_wait)


def nameless(path: str) -> str:
    """Return a path of which only the words of the API and object ids are left: no names of people or domains."""
    segments = path.split("/")
    return "/".join(_nameless(segment, before) for before, segment in zip(["", *segments], segments, strict=False))


def _nameless(segment: str, before: str) -> str:
    if _ID.fullmatch(segment) or (before != "users" and _WORD.fullmatch(segment)):
        return segment
    call = _CALL.fullmatch(segment)
    return f"{call[1]}(*)" if call else "*"
