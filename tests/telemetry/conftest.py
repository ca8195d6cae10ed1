"""The app in process, as a platform that records traces and metrics sees it.

OpenTelemetry's providers can be set once in a process, and other tests run in it too: so they are there for good, and
what they record is kept only while a test here looks on.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

from activities import blueprint
from dev.host.durable.inprocess import InProcessHub
from orchestrators.offboard_user import offboard_user
from shared.base import clock
from shared.base.telemetry import tracing
from shared.jobs import runs, telemetry
from shared.offboarding.lifecycle import watch
from shared.offboarding.request import parsing
from shared.offboarding.request.submit import Submissions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.jobs.records import Offboarding

TRACE = "0af7651916cd43dd8448eb211c80319c"
INCOMING = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


@dataclass(frozen=True)
class Span:
    """A span that has ended: its trace, its parent's id, the traces it is linked to."""

    name: str
    trace: str
    id: str
    parent: str | None
    linked: set[str]
    attributes: dict[str, Any]
    is_request: bool
    raw: ReadableSpan

    @classmethod
    def of(cls, span: ReadableSpan) -> Span:
        assert span.context
        return cls(
            span.name,
            trace.format_trace_id(span.context.trace_id),
            trace.format_span_id(span.context.span_id),
            trace.format_span_id(span.parent.span_id) if span.parent else None,
            {trace.format_trace_id(link.context.trace_id) for link in span.links},
            dict(span.attributes or {}),
            span.kind is trace.SpanKind.CLIENT,
            span,
        )


class Ear(SpanProcessor):
    """Keeps the spans that end while somebody listens."""

    def __init__(self) -> None:
        self.heard: list[Span] | None = None

    def on_end(self, span: ReadableSpan) -> None:
        if self.heard is not None:
            self.heard.append(Span.of(span))


@cache
def providers() -> tuple[Ear, InMemoryMetricReader]:
    ear = Ear()
    tracers = TracerProvider()
    tracers.add_span_processor(ear)
    trace.set_tracer_provider(tracers)
    reader = InMemoryMetricReader({Counter: AggregationTemporality.DELTA, Histogram: AggregationTemporality.DELTA})
    metrics.set_meter_provider(MeterProvider([reader]))
    return ear, reader


@dataclass
class Seen:
    """What was recorded since the test began."""

    spans: list[Span]
    reader: InMemoryMetricReader

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def requests(self) -> list[Span]:
        """Return the spans of requests to Microsoft 365."""
        return [span for span in self.spans if span.is_request]

    def activities(self) -> list[Span]:
        return [span for span in self.spans if "offboarding.step" in span.attributes]

    def of(self, offboarding: Offboarding) -> list[Span]:
        return [span for span in self.spans if span.attributes.get("offboarding.id") == offboarding.id]

    def traces(self) -> set[str]:
        return {span.trace for span in self.spans}

    def metrics(self) -> dict[str, dict[tuple[Any, ...], Any]]:
        """Return the values since the last look: by name, by the values of the attributes in order of their names."""
        data = self.reader.get_metrics_data()
        found: dict[str, dict[tuple[Any, ...], Any]] = {}
        for resource in data.resource_metrics if data else ():
            for metric in (one for scope in resource.scope_metrics for one in scope.metrics):
                for point in metric.data.data_points:
                    key = tuple(value for _, value in sorted((point.attributes or {}).items()))
                    value = (point.count, point.sum) if hasattr(point, "bucket_counts") else point.value
                    found.setdefault(metric.name, {})[key] = value
        return found


@pytest.fixture
def seen() -> Iterator[Seen]:
    ear, reader = providers()
    reader.get_metrics_data()
    ear.heard = []
    yield Seen(ear.heard, reader)
    ear.heard = None


@dataclass
class Client:
    """A Durable client of the hub in process: the SDK's own would ask it over HTTP."""

    hub: InProcessHub
    traceparents: list[str] = field(default_factory=list[str])

    async def start_new(self, name: str, instance_id: str, client_input: Any) -> str:
        self.traceparents.append(tracing.traceparent_of(trace.get_current_span()))
        return self.hub.start(name, instance_id, client_input)


@dataclass
class Plant:
    """The laboratory with the functions around its activities, its starts and its ticks."""

    lab: Any
    client: Client

    def submit(self, *users: str, actions: dict[str, Any], headers: Any = INCOMING, **more: Any) -> list[Offboarding]:
        """Submit as a request does that carries `headers`, and start what is due."""
        body = {"tenant": "fabrikam.example", "users": users, "actions": actions, **more}
        with tracing.invocation("POST offboardings", None, headers):
            submitted = Submissions(self.lab.app).submit(
                parsing.parse(json.dumps(body).encode(), max_users=100), "operator"
            )
            self.start(*submitted.to_start)
        return list(submitted.offboardings)

    def start(self, *claimed: Offboarding) -> None:
        asyncio.run(runs.start(self.client, claimed))  # pyright: ignore[reportArgumentType]

    def tick(self) -> list[str]:
        """Do what the timer does, up to the messages; return what it started."""
        with tracing.invocation("wake", None):
            now = clock.now()
            due = self.lab.app.store.due(now)
            claimed = watch.wake(self.lab.app, due, self.lab.hub.instances(one.instance_id for one in due if one.run))
            telemetry.due(due, claimed, now)
            self.start(*claimed)
        return [offboarding.id for offboarding in claimed]

    def run(self, deliveries: int = 1) -> None:
        """Let everything happen that can; each activity and each turn so many times."""
        for _ in range(10_000):
            ready = self.lab.hub.ready()
            if ready:
                self.lab.hub.execute(ready[0], deliveries=deliveries if ready[0].kind != "timer" else 1)
            elif not self.lab.hub.advance():
                return
        raise RuntimeError("The run has not come to rest.")

    def advance(self, **delta: float) -> None:
        self.lab.hub.advance(timedelta(**delta))


@pytest.fixture
def plant(lab: Any) -> Plant:
    def activity(name: str) -> Any:
        work = blueprint.activities()[name]
        return lambda order: blueprint.perform(name, work, order, lambda: lab.app)

    def start_next(order: dict[str, Any]) -> dict[str, Any]:
        return asyncio.run(blueprint.start_next(order, lambda: lab.app, built.client, None))

    functions = {name: activity(name) for name in blueprint.activities()} | {"start_next": start_next}
    lab.hub = InProcessHub({"offboard_user": offboard_user}, functions)
    clock.set_source(lab.hub.clock.now)
    built = Plant(lab, Client(lab.hub))
    return built
