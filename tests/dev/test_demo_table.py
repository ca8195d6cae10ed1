from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.cells import cell_len

import function_app  # noqa: F401 - puts the actions into the catalogue
from dev.demo import table
from shared.actions import catalogue

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
TITLES = [action.title for action in catalogue.all_actions().values()]
LONG = "Took the person out of 11 groups; 2 follow a rule, which only whoever looks after that rule can change."


def step(title: str, state: str = "waiting", outcome: str | None = None, seconds: int = 0) -> dict[str, Any]:
    """A step that began as many seconds ago as told; one with an outcome ended then, after 12 seconds."""
    began = None if state == "waiting" else NOW - timedelta(seconds=seconds + (12 if outcome else 0))
    over = NOW - timedelta(seconds=seconds) if outcome else None
    return {
        "name": title,
        "title": title,
        "state": state,
        "outcome": outcome,
        "message": LONG if state != "waiting" else "",
        "attempts": 1,
        "started_at": began and began.isoformat(),
        "ended_at": over and over.isoformat(),
    }


def offboarding(steps: list[dict[str, Any]], name: str = "Ada Castell") -> dict[str, Any]:
    return {"user": {"display_name": name, "upn": "ada@fabrikam.example"}, "state": "Running", "steps": steps}


def busy() -> list[dict[str, Any]]:
    """All actions: 14 have ended, the first longest ago, 4 run, the others wait."""
    ended = [step(title, "ended", "needs_attention", 100 - n) for n, title in enumerate(TITLES[:14])]
    return [*ended, *(step(title, "running", None, 3) for title in TITLES[14:18]), *map(step, TITLES[18:])]


@pytest.mark.parametrize(("width", "height"), [(80, 23), (160, 49), (100, 30), (72, 10), (40, 5), (3, 1)])
def test_the_window_is_never_exceeded(width: int, height: int) -> None:
    rows = table.moving([offboarding(busy()), offboarding([step(TITLES[0])], "Bo")], width, height, NOW)

    assert len(rows) <= height
    if width >= 72:
        assert max(cell_len(row.plain) for row in rows) <= width


@pytest.mark.parametrize("width", [80, 160])
def test_names_states_and_times_are_whole_and_messages_take_what_is_left(width: int) -> None:
    rows = [row.plain for row in table.moving([offboarding(busy())], width, 49, NOW)]

    assert len(rows) == 1 + len(TITLES)
    for title, row in zip(TITLES, rows[1:], strict=True):
        assert row.startswith(title + "  ")
    assert all("needs attention    12 s  T" in row for row in rows[1:15])
    assert all("running             3 s  T" in row for row in rows[15:19])
    assert {cell_len(row) for row in rows[1:19]} == {width}


def test_in_a_small_window_what_runs_and_what_ended_last_is_shown_with_the_count() -> None:
    rows = [row.plain for row in table.moving([offboarding(busy())], 80, 11, NOW)]

    assert rows[0] == f"Ada Castell (ada@fabrikam.example): Running, 14 of {len(TITLES)} ended"
    assert [row[:44].strip() for row in rows[1:]] == TITLES[8:18]


def test_a_step_that_waits_for_microsoft_counts_as_running() -> None:
    waits = {**step("Slow"), "state": "waiting", "started_at": NOW.isoformat()}
    rows = [row.plain for row in table.moving([offboarding([step("Later"), waits])], 80, 2, NOW)]

    assert rows[1].startswith("Slow")


def test_messages_are_whole_in_the_end() -> None:
    steps = [step("Remove from groups", "ended", "done")]

    wide = [row.plain for row in table.ended(offboarding(steps), 100, NOW)]
    narrow = [row.plain for row in table.ended(offboarding(steps), 50, NOW)]

    for rows in (wide, narrow):
        assert " ".join(" ".join(rows).split()).replace("  ", " ").endswith(LONG)
        assert max(map(len, rows[1:])) <= 100
    assert wide[1].startswith("Remove from groups  done               12 s  Took the person")
    assert narrow[2].startswith("    Took the person")


def test_a_word_longer_than_the_window_is_broken() -> None:
    steps = [{**step("Short", "ended", "done"), "message": "x" * 100}]

    assert max(len(row.plain) for row in table.ended(offboarding(steps), 40, NOW)) <= 40
