"""What the SDK reads as the time of an event."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from azure.durable_functions.models.history import HistoryEvent, HistoryEventType
from dateutil import parser

import orchestrators.blueprint

AS_THE_HOST_WRITES = ("2026-11-28T07:58:00.1234567Z", "2026-11-28T07:58:00Z", "2026-11-28T07:58:00.12+02:00")
OTHERS = ("Sat, 28 Nov 2026 07:58:00 GMT", "11/28/2026 07:58:00")


@pytest.fixture(autouse=True)
def app() -> None:
    orchestrators.blueprint.build()


def time_of(text: str) -> datetime:
    event = HistoryEvent(EventType=HistoryEventType.ORCHESTRATOR_STARTED, EventId=-1, IsPlayed=True, Timestamp=text)
    return event.timestamp


@pytest.mark.parametrize("text", AS_THE_HOST_WRITES)
def test_times_of_the_host_are_what_the_sdk_would_read(text: str) -> None:
    assert time_of(text) == parser.parse(text)
    assert time_of(text).utcoffset() == parser.parse(text).utcoffset()


@pytest.mark.parametrize("text", OTHERS)
def test_times_in_other_forms_are_read_by_the_sdk(text: str) -> None:
    assert time_of(text) == parser.parse(text)


def test_no_time_of_the_host_takes_the_parser_for_all_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object, **__: object) -> datetime:
        raise AssertionError("This takes 0.1 ms for each event of each turn.")

    monkeypatch.setattr(parser.parser, "parse", slow)
    assert time_of("2026-11-28T07:58:00.1234567Z") == datetime(2026, 11, 28, 7, 58, 0, 123456, UTC)
