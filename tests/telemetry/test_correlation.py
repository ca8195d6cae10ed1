"""One id for a request: in its answer, in its problem document, in its log lines, and in the trace that goes on."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from dev.processes import ROOT
from shared.base.telemetry import logs, tracing
from shared.base.threads import Threads
from shared.jobs import telemetry

if TYPE_CHECKING:
    from conftest import Leaver, Seen

    from dev.stack import Stack

TRACE = "0af7651916cd43dd8448eb211c80319c"
INCOMING = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


@pytest.mark.parametrize(
    ("path", "status"), [("/api/offboardings", 200), ("/api/offboardings/none", 404), ("/api/health", 200)]
)
def test_an_answer_names_the_trace_it_belongs_to(stack: Stack, path: str, status: int) -> None:
    answer = stack.get(path, INCOMING)

    assert answer.status_code == status
    assert answer.headers["X-Correlation-Id"] == TRACE


def test_a_problem_document_has_the_same_id_as_the_answers_header(stack: Stack) -> None:
    given, new = stack.get("/api/offboardings/none", INCOMING), stack.get("/api/offboardings/none")

    assert given.json()["correlation_id"] == TRACE
    assert new.json()["correlation_id"] == new.headers["X-Correlation-Id"] != TRACE
    assert re.fullmatch("[0-9a-f]{32}", new.headers["X-Correlation-Id"])


def test_a_run_is_started_in_the_trace_of_its_request(stack: Stack, leaver: Leaver) -> None:
    body = {"tenant": leaver.tenant, "users": [leaver.upn], "actions": {"disable_sign_in": True}}
    accepted = stack.post("/api/offboardings", body, INCOMING)
    offboarding = accepted.json()["offboardings"][0]["id"]
    stack.wait_for_end(offboarding)

    master = json.loads((stack.folder / "host" / "keys.json").read_text())["master"]
    instance = f"/runtime/webhooks/durabletask/instances/{offboarding}-1"
    order = stack.get(instance, {"x-functions-key": master}).json()["input"]
    assert accepted.headers["X-Correlation-Id"] == TRACE
    assert json.loads(order)["traceparent"][3:35] == TRACE


def test_log_lines_of_a_request_and_of_an_activity_have_the_id() -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.addFilter(logs.Filter(logs.Redactor()))
    logger = logging.Logger("shared.of_a_test")  # noqa: LOG001 - one that no other test meets
    logger.addHandler(handler)

    with tracing.invocation("GET offboardings", None, INCOMING):
        logger.warning("One")
    with telemetry.activity("verify", {"id": "17", "run": 2, **INCOMING}):
        logger.warning("Two")
    logger.warning("Three")

    one, two, three = (json.loads(line) for line in out.getvalue().splitlines())
    assert one["correlation_id"] == TRACE
    assert {name: two[name] for name in ("offboarding", "run", "step", "correlation_id")} == {
        "offboarding": "17",
        "run": "2",
        "step": "verify",
        "correlation_id": TRACE,
    }
    assert "correlation_id" not in three


_WITHOUT_TELEMETRY = """
import sys
import function_app
from shared.base.telemetry import metrics, tracing

assert not {"opentelemetry.sdk", "opentelemetry.metrics", "azure.monitor"} & set(sys.modules), "imported at the start"
with tracing.invocation("GET offboardings", None) as new:
    assert len(new) == 32 and int(new, 16)
with tracing.invocation("GET offboardings", None, {"traceparent": sys.argv[1]}) as known:
    with tracing.part_of("", "offboarding.start", {}) as start:
        print(known, tracing.traceparent_of(start))
metrics.submitted(1)
"""


def test_without_telemetry_ids_are_handed_on_and_nothing_is_loaded() -> None:
    command = [sys.executable, "-c", _WITHOUT_TELEMETRY, INCOMING["traceparent"]]
    known, traceparent = subprocess.run(  # noqa: S603 - our own interpreter
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()

    assert known == TRACE
    assert traceparent[3:35] == TRACE


def test_threads_go_on_with_the_trace(seen: Seen) -> None:
    def work(number: int) -> int:
        with tracing.span(str(number)):
            return number

    with tracing.invocation("GET offboardings", None, INCOMING), Threads(2) as threads:
        assert list(threads.map(work, range(4))) == [0, 1, 2, 3]

    assert len(seen.spans) == 5
    assert seen.traces() == {TRACE}
