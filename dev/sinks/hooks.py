"""Webhooks: one that verifies Standard Webhooks, one of the portal's kind, and one that asks for credentials."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time

from dev.sinks.desk import Call, Desk, Refusal, Reply

_TOLERANCE_SECONDS = 300


def standard(desk: Desk, call: Call) -> Reply:
    """Take a message whose signature is right and recent; a repeat is taken and marked."""
    message_id, timestamp = call.headers.get("webhook-id", ""), call.headers.get("webhook-timestamp", "")
    if not message_id or not timestamp.isdecimal():
        raise Refusal(400, "Missing required headers")
    if desk.check_time and abs(time.time() - int(timestamp)) > _TOLERANCE_SECONDS:
        raise Refusal(400, "Message timestamp too old")
    key = base64.b64decode(desk.keys["signing"].removeprefix("whsec_"))
    mac = hmac.new(key, f"{message_id}.{timestamp}.".encode() + call.body, hashlib.sha256)
    expected = "v1," + base64.b64encode(mac.digest()).decode()
    signatures = call.headers.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(expected, one) for one in signatures):
        raise Refusal(401, "No matching signature found")
    body = call.form()
    desk.arrive("standard", f"{body['type']} {body['data']['user']['upn']}", body, message_id)
    return Reply(204)


def portal(desk: Desk, call: Call) -> Reply:
    """Take the portal's plain or standardised form."""
    body = call.form()
    plain = {"tenantId", "Tenant", "TaskInfo", "Results", "AlertComment"}
    standardised = {"schemaVersion", "source", "invoking", "title", "tenant", "generatedAt", "alertCount", "payload"}
    if set(body) not in (plain, standardised):
        raise Refusal(400, "Unknown form")
    title = body["title"] if "title" in body else body["TaskInfo"]["Name"]
    desk.arrive("portal", title, body, call.headers.get("webhook-id", ""))
    return Reply(200, {})


def protected(desk: Desk, call: Call) -> Reply:
    """Take anything from whoever knows one of the keys, in any of the usual ways."""
    user = base64.b64encode(f"hook:{desk.keys['basic_password']}".encode()).decode()
    accepted = {f"Bearer {desk.keys['bearer']}", f"Basic {user}"}
    given = call.headers.get("authorization", "")
    if given not in accepted and call.headers.get("x-api-key") != desk.keys["api_key"]:
        raise Refusal(401, "Unauthorized")
    desk.arrive("protected", given.partition(" ")[0] or "x-api-key", call.form(), call.headers.get("webhook-id", ""))
    return Reply(200, {})
