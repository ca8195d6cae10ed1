"""One trace for each offboarding: spans where work crosses a border, in the words of the domain.

The trace begins with the request that submits an offboarding and is stored with it (`traceparent`), so that every run
finds it again: days later, on another machine, after a crash. Orchestrators make no spans: they are replayed.

No span records an exception: its message may hold what nobody should see. The type stands in `error.type`, and the log
tells the rest, redacted, under the same trace id.
"""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared import logs

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from datetime import datetime

    from shared.offboarding.delivery import Delivery
    from shared.offboarding.records import Offboarding

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


def submitted(new: Iterable[Offboarding]) -> list[Offboarding]:
    """Return offboardings that are about to be stored, each with the trace that everything done for it belongs to.

    One that is submitted alone goes on with the trace of its request. Where a request submits several, each has a trace
    of its own, linked to the request's: a hundred people in one trace could not be told apart.
    """
    offboardings = list(new)
    is_alone = len(offboardings) == 1
    return [replace(one, traceparent=_submitted(one, is_alone=is_alone)) for one in offboardings]


def _submitted(offboarding: Offboarding, *, is_alone: bool) -> str:
    within, links = (None, ()) if is_alone else (Context(), _links(_current()))
    with span("offboarding.submit", within, links, {"offboarding.id": offboarding.id}) as submit:
        return traceparent_of(submit.get_span_context())


@contextmanager
def run_started(offboarding: Offboarding) -> Generator[str]:
    """Trace the start of a run, whoever starts it; yield the traceparent that the run's activities are given."""
    about = {"offboarding.id": offboarding.id, "offboarding.run": offboarding.run}
    with part_of(offboarding.traceparent, "offboarding.start", about) as start:
        yield traceparent_of(start.get_span_context())


@contextmanager
def activity(name: str, order: Mapping[str, Any], host: Invocation | None = None) -> Generator[None]:
    """Trace an activity of a run, and say in every log line what it works on; `order` is its input."""
    offboarding, run = str(order.get("id")), order.get("run", 0)
    about = {
        "offboarding.id": offboarding,
        "offboarding.run": run,
        "offboarding.step": name,
        "offboarding.attempt": order.get("attempt", 1),
    }
    with (
        part_of(order.get(_TRACEPARENT, ""), name, about, _parsed(_traceparent_of(host))) as current,
        logs.about(offboarding=offboarding, run=str(run), step=name, correlation_id=trace_id_of(current)),
    ):
        yield


def activity_answered(answer: Mapping[str, Any]) -> None:
    """Note what the activity at work tells the orchestrator: how it settled, or why it comes back."""
    outcome = "written" if "written" in answer else answer.get("settled")
    told = {"outcome": outcome, "again": answer.get("why"), "stop": answer.get("stop")}
    trace.get_current_span().set_attributes({f"offboarding.{name}": str(what) for name, what in told.items() if what})


@contextmanager
def delivery(offboarding: Offboarding, attempted: Delivery) -> Generator[None]:
    """Trace an attempt to tell somebody the end of an offboarding."""
    about = {
        "offboarding.id": offboarding.id,
        "offboarding.run": offboarding.run,
        "notification.channel": attempted.channel,
        "notification.attempt": attempted.attempts + 1,
    }
    with (
        part_of(offboarding.traceparent, "notification.deliver", about) as current,
        logs.about(offboarding=offboarding.id, correlation_id=trace_id_of(current)),
    ):
        yield


def run_ended(offboarding: Offboarding, begun: datetime) -> None:
    """Trace a run as a whole, from its recorded times, when its end is stored: that happens once."""
    about = {
        "offboarding.id": offboarding.id,
        "offboarding.run": offboarding.run,
        "offboarding.recoveries": offboarding.recoveries,
        "offboarding.state": offboarding.state.value,
        "offboarding.reason": offboarding.reason.value if offboarding.reason else "",
    }
    home = _parsed(offboarding.traceparent)
    if home is None:
        return
    whole = _tracer.start_span("offboarding.run", _under(home), attributes=about, start_time=_nanoseconds(begun))
    whole.end(_nanoseconds(offboarding.ended_at or begun))


@contextmanager
def part_of(
    traceparent: str, name: str, attributes: Mapping[str, Any], host: SpanContext | None = None
) -> Generator[trace.Span]:
    """Make a span in the trace of an offboarding.

    What runs it (the `host`, else what is current) is its parent where that belongs to the same trace, as it does where
    Durable Functions hands the trace on. Else it is linked: a timer's tick, or the request of another day. An
    offboarding of an older version has no `traceparent` and is seen under whatever runs it.
    """
    home, here = _parsed(traceparent), host or _current()
    if home is None or (here and here.trace_id == home.trace_id):
        within, links = _under(host) if host else None, ()
    else:
        within, links = _under(home), _links(here)
    with span(name, within, links, attributes) as current:
        yield current


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


def traceparent_of(context: SpanContext) -> str:
    """Return the header by which others go on with a trace (W3C: "Trace Context")."""
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
