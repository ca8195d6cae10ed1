"""Azure Monitor's ingestion endpoint, as its exporters for OpenTelemetry use it."""

from __future__ import annotations

import gzip
import json
from typing import Any

from dev.sinks.desk import Call, Desk, Refusal, Reply

_TRACK = frozenset({"/v2/track", "/v2.1/track"})


def monitor(desk: Desk, call: Call) -> Reply:
    """Take envelopes, as a JSON array or a line each; live metrics are told that nobody looks at them."""
    if call.method != "POST":
        raise Refusal(405, "Method not allowed")
    if call.path not in _TRACK:
        return Reply(200, {}, {"x-ms-qps-subscribed": "false"})
    body = gzip.decompress(call.body) if call.headers.get("content-encoding") == "gzip" else call.body
    envelopes = _parsed(body.decode())
    desk.telemetry.extend(envelopes)
    return Reply(200, {"itemsReceived": len(envelopes), "itemsAccepted": len(envelopes), "errors": []})


def _parsed(text: str) -> list[dict[str, Any]]:
    try:
        return json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
    except ValueError:
        raise Refusal(400, "The body is not JSON.") from None
