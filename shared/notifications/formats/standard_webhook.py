"""The generic webhook: the whole message as JSON, signed as Standard Webhooks describes.

The specification (standardwebhooks.com): `webhook-signature` is a list of `v1,<base64 of HMAC-SHA256>` over
`<webhook-id>.<webhook-timestamp>.<body>`, one for each active secret, so that a secret can be replaced without a gap.
The receiver drops what is older than 5 minutes and what has an id that it has seen.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any, Final

from shared.base import clock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.notifications.message import Message, StepLine

SECRET_START: Final = "whsec_"  # noqa: S105 - how such secrets begin
_LEAST_BYTES: Final = 24
_MOST_BYTES: Final = 64


def body(message: Message) -> dict[str, Any]:
    """Return the message as JSON; nothing in it is cut."""
    return {
        "type": f"{message.kind}.{_what(message)}",
        "timestamp": clock.to_text(message.ended_at),
        "data": {
            "id": message.offboarding_id,
            "kind": message.kind.value,
            "restores": message.restores or None,
            "run": message.run,
            "tenant": {"id": message.tenant.id, "domain": message.tenant.domain},
            "user": {
                "id": message.person.id,
                "upn": message.person.upn,
                "display_name": message.person.display_name,
            },
            "state": message.state.value,
            "reason": message.reason.value if message.reason else None,
            "result": message.result.value,
            "message": message.explanation,
            "access_left": message.access_left or None,
            "requested_by": message.requested_by,
            "reference": message.reference,
            "requested_at": clock.to_text(message.requested_at),
            "scheduled_for": clock.to_text(message.scheduled_for) if message.scheduled_for else None,
            "started_at": clock.to_text(message.started_at) if message.started_at else None,
            "ended_at": clock.to_text(message.ended_at),
            "steps": [_step(step) for step in message.steps],
            "needs_attention": [step.name for step in message.attention],
            "link": message.link,
        },
    }


def _what(message: Message) -> str:
    if message.is_test:
        return "test"
    return message.notice.value if message.notice else "ended"


def _step(step: StepLine) -> dict[str, Any]:
    items = [
        {"id": item.id, "name": item.name, "outcome": item.outcome.value, "message": item.message}
        for item in step.items
    ]
    return {
        "name": step.name,
        "title": step.title,
        "outcome": step.outcome.value,
        "message": step.text,
        "items": items,
    }


def encoded(content: object) -> bytes:
    """Return JSON as it is signed and sent."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def key_of(secret: str) -> bytes:
    """Return the key in a secret `whsec_<base64 of 24 to 64 bytes>`; raises `ValueError`."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_START), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(SECRET_START) or not _LEAST_BYTES <= len(key) <= _MOST_BYTES:
        raise ValueError(f"A signing secret is {SECRET_START} and {_LEAST_BYTES} to {_MOST_BYTES} bytes in base64.")
    return key


def signature_headers(message_id: str, now: datetime, content: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """Sign a body with every active secret; raises `ValueError` for a secret that is not one."""
    timestamp = str(int(now.timestamp()))
    signed = b".".join((message_id.encode(), timestamp.encode(), content))
    digests = [hmac.digest(key_of(secret), signed, hashlib.sha256) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests),
    }
