"""Spans, and the traces they belong to, also where those go on days later, on another machine, after a crash.

Orchestrators make no spans: they are replayed. No span records an exception: its message may hold what nobody should
see. The type stands in `error.type`, and the log tells the rest, redacted, under the same trace id.
"""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.base.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from datetime import datetime

_TRACEPARENT: Final = "traceparent"
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_tracer: Final = trace.get_tracer("offboarding")


class Invocation(Protocol):
    """What the Functions host says of an invocation (`azure.functions.Context`), as far as it matters here."""

    @property
    def trace_context(self) -> Any:  # noqa: ANN401 - its class differs between the versions of the worker
        """The W3C trace context of the host's own span."""
        ...


@contextmanager
def invocation(name: str, host: Invocation | None, headers: Mapping[str, str] | None = None) -> Generator[str]:
    """Trace an invocation that is no part of a run, and yield the id under which its log lines are found.

    It is the trace id: of the host's span or else of the request's header, which a worker without telemetry still gets.
    """
    parent = _parsed(_traceparent_of(host)) or _parsed((headers or {}).get(_TRACEPARENT, ""))
    with span(name, _under(parent)) as current:
        correlation_id = trace_id_of(current)
        with logs.about(correlation_id=correlation_id):
            yield correlation_id


@contextmanager
def part_of(
    traceparent: str, name: str, attributes: Mapping[str, Any], host: Invocation | None = None
) -> Generator[trace.Span]:
    """Make a span in the trace that a `traceparent` names.

    What runs it (the `host`, else what is current) is its parent where that belongs to the same trace, as it does where
    Durable Functions hands the trace on. Else it is linked: a timer's tick, or the request of another day. Without a
    `traceparent`, as older versions stored it, it is seen under whatever runs it.
    """
    outer = _parsed(_traceparent_of(host))
    home, here = _parsed(traceparent), outer or _current()
    if home is None or (here and here.trace_id == home.trace_id):
        within, links = _under(outer) if outer else None, ()
    else:
        within, links = _under(home), _links(here)
    with span(name, within, links, attributes) as current:
        yield current


@contextmanager
def trace_of_its_own(name: str, attributes: Mapping[str, Any]) -> Generator[trace.Span]:
    """Begin a trace, linked to what is current."""
    with span(name, Context(), _links(_current()), attributes) as current:
        yield current


def past(traceparent: str, name: str, attributes: Mapping[str, Any], begun: datetime, ended: datetime) -> None:
    """Make a span, in the trace that a `traceparent` names, of what is over; none where it names no trace."""
    if home := _parsed(traceparent):
        whole = _tracer.start_span(name, _under(home), attributes=attributes, start_time=_nanoseconds(begun))
        whole.end(_nanoseconds(ended))


@contextmanager
def span(
    name: str,
    within: Context | None = None,
    links: Iterable[Link] = (),
    attributes: Mapping[str, Any] | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
) -> Generator[trace.Span]:
    """Make a span under what is current, or `within` another context, and have it be the current one in the block."""
    new = _tracer.start_span(name, within, kind, attributes, list(links), record_exception=False)
    if not new.get_span_context().is_valid:
        new = NonRecordingSpan(_made_up())  # nothing records, and nobody said where this belongs
    with trace.use_span(new, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield new
        except Exception as error:
            failed(new, type(error).__name__)
            raise


def failed(one: trace.Span, what: str) -> None:
    """Mark a span as failed by something that has a name; Azure Monitor drops the standard attribute for it."""
    one.set_attributes({"error.type": what, "offboarding.error": what})
    one.set_status(Status(StatusCode.ERROR, what))


def trace_id_of(one: trace.Span) -> str:
    """Return the id of the trace a span belongs to: 32 hexadecimal digits, the `operation_Id` of Azure Monitor."""
    return trace.format_trace_id(one.get_span_context().trace_id)


def traceparent_of(one: trace.Span) -> str:
    """Return the header by which others go on with a trace under a span (W3C: "Trace Context")."""
    context = one.get_span_context()
    ids = f"{trace.format_trace_id(context.trace_id)}-{trace.format_span_id(context.span_id)}"
    return f"00-{ids}-{context.trace_flags:02x}"


def _parsed(traceparent: str) -> SpanContext | None:
    context = _PROPAGATOR.extract({_TRACEPARENT: traceparent}, Context()) if traceparent else Context()
    return _valid(trace.get_current_span(context).get_span_context())


def _traceparent_of(host: Invocation | None) -> str:
    return getattr(getattr(host, "trace_context", None), "trace_parent", None) or ""


def _valid(context: SpanContext) -> SpanContext | None:
    return context if context.is_valid else None


def _current() -> SpanContext | None:
    return _valid(trace.get_current_span().get_span_context())


def _under(remote: SpanContext | None) -> Context:
    """Return the context in which spans are children of one in another process; of none, they begin a trace."""
    return trace.set_span_in_context(NonRecordingSpan(remote), Context()) if remote else Context()


def _links(context: SpanContext | None) -> list[Link]:
    return [Link(context)] if context else []


def _made_up() -> SpanContext:
    trace_id, span_id = random.getrandbits(128) or 1, random.getrandbits(64) or 1
    return SpanContext(trace_id, span_id, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
