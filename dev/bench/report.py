"""What the page of a long offboarding takes to write: 100 steps with 4 items each, all written and proved."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime
from typing import Any, Final

_STEPS: Final = 100
_ITEMS: Final = 4
_TIMES: Final = 20
_AIM_MS: Final = 100
_AT: Final = "2030-01-01T00:00:{:02}.000Z"


def measure() -> dict[str, float]:
    """Return the median in milliseconds, and how large the page is."""
    from shared.offboarding.reports import page

    record = long_record()
    made = page.Made(datetime(2030, 1, 1, 1, tzinfo=UTC), page.zone_of("Europe/Berlin"))
    size = len(page.of_offboarding(record, made).encode())
    taken: list[float] = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        page.of_offboarding(record, made)
        taken.append(time.perf_counter() - began)
    return {
        "page_ms": round(1000 * statistics.median(taken), 1),
        "page_ms_aim": _AIM_MS,
        "page_kb": round(size / 1000),
        "items": _STEPS * _ITEMS,
    }


def long_record() -> dict[str, Any]:
    """Return a record of 100 steps with 400 items and as many writes."""
    steps = [_step(number) for number in range(_STEPS)]
    write = {"run": 1, "service": "graph", "operation": "DELETE /groups", "target": "", "status": 204}
    ids = {"client_request_id": "", "request_id": "65a7e9a7-64af-49cc-b9d7-5d4ef2ba47fb"}
    writes = [{"at": _AT.format(number % 60), "step": f"Step {number}", **write, **ids} for number in range(_STEPS)]
    moment = _AT.format(0)
    return {
        "id": "x",
        "kind": "offboarding",
        "restores": None,
        "tenant": {"id": "t", "domain": "fabrikam.example"},
        "user": {"id": "u", "upn": "ada@fabrikam.example", "display_name": "Ada Castell"},
        "state": "Completed",
        "result": "attention",
        "message": "Needs attention.",
        "left_to_do": [
            {"title": step["title"], "outcome": "needs_attention", "message": "", "items": step["items"]}
            for step in steps[:10]
        ],
        "reference": "",
        "ticket": "",
        "requested_by": "op@msp.example",
        "requested_at": moment,
        "scheduled_for": None,
        "planned_for": None,
        "started_at": moment,
        "ended_at": _AT.format(59),
        "run": 1,
        "warnings": [],
        "steps": steps,
        "access_check": None,
        "messages": [],
        "decisions": [{"at": moment, "by": "op@msp.example", "what": "claimed", "origin": ""}],
        "writes": writes,
        "permissions": [],
    }


def _step(number: int) -> dict[str, Any]:
    items = [
        {"id": f"{number}-{item}", "name": f"Group {item}", "outcome": "done", "message": "Removed.", "is_well": True}
        for item in range(_ITEMS)
    ]
    return {
        "title": f"Step {number}",
        "run": 1,
        "state": "ended",
        "outcome": "done",
        "message": f"{_ITEMS} groups removed.",
        "started_at": _AT.format(number % 30),
        "written_at": _AT.format(number % 30 + 10),
        "ended_at": _AT.format(number % 30 + 20),
        "items": items,
        "changes": [{"what": "user.accountEnabled", "before": "true", "after": "false"}],
        "blocked_by": [],
    }
