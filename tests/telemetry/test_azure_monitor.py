"""What Azure Monitor is sent, by Microsoft's own distribution of OpenTelemetry, in Microsoft's own worker library."""

from __future__ import annotations

import base64
import importlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from dev.processes import ROOT, wait_until
from dev.sinks import Sinks
from dev.stack import Options, Stack
from dev.tenant import seed
from shared.app.host_settings import HOST_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.long

TRACE = "0af7651916cd43dd8448eb211c80319c"
INCOMING = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
NOT_TRACED = next(s.default or "" for s in HOST_SETTINGS if s.name == "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS")
ACTIONS = {"disable_sign_in": True, "reset_password": True, "convert_to_shared": True, "remove_licenses": True}
CANARY = "Canary-Pa55word-1"


@pytest.fixture
def sinks() -> Iterator[Sinks]:
    with Sinks.start() as sinks:
        yield sinks


def telemetry_to(sinks: Sinks) -> dict[str, str]:
    """Return the settings that have everything sent there, soon, and nothing anywhere else."""
    end_point = f"{sinks.origin}/monitor"
    return {
        "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=11111111-2222-3333-4444-555555555555;"
        f"IngestionEndpoint={end_point};LiveEndpoint={end_point}",
        "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "true",
        "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
        "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true",
        "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": NOT_TRACED,
        "OTEL_TRACES_SAMPLER": "always_on",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_BLRP_SCHEDULE_DELAY": "100",
        "OTEL_METRIC_EXPORT_INTERVAL": "500",
    }


def data(envelopes: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Return what is told by the envelopes of a kind, each with its `operation`."""
    chosen = [one for one in envelopes if one["data"]["baseType"] == kind]
    return [{**one["data"]["baseData"], "operation": one["tags"].get("ai.operation.id")} for one in chosen]


def metric_sums(envelopes: list[dict[str, Any]]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for metric in (m for one in data(envelopes, "MetricData") for m in one["metrics"]):
        sums[metric["name"]] = sums.get(metric["name"], 0) + metric["value"]
    return sums


def names_in(envelopes: list[dict[str, Any]]) -> set[str]:
    spans = data(envelopes, "RemoteDependencyData")
    return {*(span["name"] for span in spans), *metric_sums(envelopes)}


@pytest.mark.skipif(sys.version_info < (3, 13), reason="azure-functions-runtime needs Python 3.13")
def test_an_offboarding_arrives_as_one_operation_without_a_secret(tmp_path: Path, sinks: Sinks) -> None:
    settings = {
        **telemetry_to(sinks),
        "NOTIFICATION_KEY": base64.urlsafe_b64encode(bytes(range(32))).decode(),
        "FUNCTION_KEY_ROLE": "admin",
        "ALLOW_LOOPBACK_WEBHOOKS": "true",
    }
    with Stack(tmp_path, Options(worker="microsoft", settings=settings)) as stack:
        hook = {"id": "hook", "url": f"{sinks.origin}/protected/{CANARY}?code={CANARY}", "format": "portal"}
        assert stack.send("PUT", "/api/settings/notifications", {"webhook": [hook]}).ok
        body = {"tenant": "contoso.example", "users": [seed.LIA], "actions": ACTIONS, "notify": ["webhook"]}
        offboarding = stack.post("/api/offboardings", body, INCOMING).json()["offboardings"][0]["id"]
        details = stack.wait_for_end(offboarding)
        run_told = {"deliver", "notification.deliveries"}
        wait_until(lambda: run_told <= names_in(sinks.telemetry()), 60, "the run's telemetry arrived")
        stack.advance(61)
        tick_told = {"wake", "offboarding.queue.oldest_due"}
        wait_until(lambda: tick_told <= names_in(sinks.telemetry()), 60, "the timer's telemetry arrived")
        requests, secrets = stack.simulator.requests(), [*stack.simulator.secrets(), stack.key, CANARY]

    sent = sinks.telemetry()
    spans = data(sent, "RemoteDependencyData")
    own = [span for span in spans if span.get("properties", {}).get("offboarding.id") == offboarding]
    assert details["state"] == "Completed"
    assert {span["operation"] for span in own} == {TRACE}
    assert {span["name"] for span in own} >= {
        *("offboarding.submit", "offboarding.start", "begin_run", "verify", "finish_run", "offboarding.run"),
        *ACTIONS,
        *("deliver", "notification.deliver"),
    }
    calls = [span for span in spans if span.get("type") == "HTTP"]
    assert len(calls) == len(requests)
    assert {span["operation"] for span in calls} == {TRACE}
    assert {span["name"]: span["resultCode"] for span in calls}["POST /v1.0/$batch"] == "200"
    given_up = [line for line in data(sent, "MessageData") if "was given up" in line["message"]]
    assert [(line["operation"], line["properties"]["offboarding"]) for line in given_up] == [(TRACE, offboarding)]
    sums = metric_sums(sent)
    assert (sums["offboarding.submitted"], sums["offboarding.ended"], sums["notification.deliveries"]) == (1, 1, 1)
    assert sums["offboarding.step.outcomes"] == len(ACTIONS)
    assert (sums["offboarding.queue.oldest_due"], sums["offboarding.queue.due"]) == (0, 0)
    assert [secret for secret in secrets if secret in json.dumps(sent)] == []


_BREAKS = """
import logging, os, sys
from azure.monitor.opentelemetry import configure_azure_monitor

configure_azure_monitor(enable_live_metrics=False)
import function_app
from opentelemetry import _logs, trace
from shared.jobs import telemetry

secret = os.environ["M365_CLIENT_SECRET"]
logger = logging.getLogger("activities.of_a_test")
logging.getLogger().setLevel(logging.INFO)
try:
    with telemetry.activity("verify", {"id": "17", "run": 1, "traceparent": sys.argv[1]}):
        try:
            raise LookupError(f"password={secret}", secret)
        except LookupError:
            logger.exception("Broke with %s", secret, extra={"token": secret, "more": {"header": f"Bearer {secret}"}})
            logging.getLogger("a.library").error("It has %s", secret, exc_info=True)
            raise
except LookupError:
    pass
trace.get_tracer_provider().force_flush()
_logs.get_logger_provider().force_flush()
"""


def test_what_breaks_is_told_without_what_must_not_be_told(sinks: Sinks) -> None:
    environment = {**os.environ, **telemetry_to(sinks), "M365_CLIENT_SECRET": CANARY, "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-c", _BREAKS, INCOMING["traceparent"]]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)  # noqa: S603 - our own

    sent = sinks.telemetry()
    (span,) = data(sent, "RemoteDependencyData")
    ours, others = data(sent, "MessageData")
    assert (span["operation"], span["success"]) == (TRACE, False)
    assert span["properties"]["offboarding.error"] == "LookupError"
    assert {ours["operation"], others["operation"]} == {TRACE}
    told = json.loads(ours["message"])
    assert told["correlation_id"] == ours["properties"]["correlation_id"] == TRACE
    assert "LookupError" in told["message"]
    assert "Traceback" in others["message"]
    assert data(sent, "ExceptionData") == []
    assert CANARY not in json.dumps(sent)
    assert set(ours["properties"]) == {"offboarding", "run", "step", "correlation_id", "token", "more", "logger_name"}


def test_no_library_is_traced_by_itself() -> None:
    """The distribution traces what it knows unless it is told not to; a new version may know more."""
    known = importlib.import_module("azure.monitor.opentelemetry._constants")._ALL_SUPPORTED_INSTRUMENTED_LIBRARIES

    assert set(known) <= set(NOT_TRACED.split(","))
