"""The host's own spans, of which only the ids exist: what runs is a part of the trace that it was asked in."""

import re
import secrets

_TRACEPARENT = re.compile(r"00-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?P<flags>[0-9a-f]{2})")


def child_of(traceparent: str | None) -> str:
    """Return the traceparent of a new span, in the trace of another or in a new one (W3C: "Trace Context")."""
    parent = _TRACEPARENT.fullmatch(traceparent or "")
    trace, flags = (parent["trace"], parent["flags"]) if parent else (secrets.token_hex(16), "01")
    return f"00-{trace}-{secrets.token_hex(8)}-{flags}"
