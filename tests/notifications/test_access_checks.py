"""That somebody has access again reaches the channels of the offboarding, once, under an id of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dev.tenant import seed
from shared.base import clock
from shared.jobs.records import AccessChecks, DueCheck
from shared.offboarding.lifecycle import access_checks

TENANT = "fabrikam.example"


def _look(lab: Any) -> None:
    """Have a check fall due, and the timer do it and tell what there is to tell."""
    lab.clock.advance(timedelta(minutes=1))
    access_checks.look_due(lab.app, lab.app.store.due(clock.now()))
    lab.tick()


@pytest.fixture
def left(lab: Any) -> str:
    """Return somebody's offboarding, whose two checks are due at once."""
    lab.settings(webhook=[lab.standard()])
    one = lab.submit(seed.ADA, {"disable_sign_in": True}, notify=["webhook"])
    lab.go()
    lab.tick()
    ended = lab.get(one.id)
    now = clock.now()
    due = (DueCheck(now), DueCheck(now + timedelta(minutes=5)))
    lab.app.store.change(ended, replace(ended, checks=AccessChecks(due)))
    _look(lab)
    return one.id


def _arrived(lab: Any) -> list[tuple[str, str]]:
    return [(one["id"], one["body"]["type"]) for one in lab.sinks.arrived()]


def test_what_comes_back_is_told_once(lab: Any, left: str) -> None:
    before = _arrived(lab)
    lab.simulator.arrange(TENANT, "user", user=seed.ADA, set={"accountEnabled": True})
    lab.clock.advance(timedelta(minutes=5))

    _look(lab)
    _look(lab)

    new = _arrived(lab)[len(before) :]
    assert new == [(f"{left}-1-webhook-standard-check-2", "offboarding.access_open_again")]
    data = lab.sinks.arrived()[-1]["body"]["data"]
    assert data["result"] == "failure"
    assert data["message"] == "Sign-in: The account is enabled: whoever has the password can sign in."
    assert data["steps"] == []


@pytest.mark.usefixtures("left")
def test_nothing_that_came_back_is_told_to_nobody(lab: Any) -> None:
    before = _arrived(lab)
    lab.clock.advance(timedelta(minutes=5))

    _look(lab)

    assert _arrived(lab) == before


def test_what_was_closed_again_before_it_was_told_is_said_to_be(lab: Any, left: str) -> None:
    found = lab.app.store.details(left).checked
    lab.app.store.put_check(left, {**found, "new": []})

    from shared.notifications import message

    alarm = message.make_alarm(lab.get(left), lab.app.store.details(left).checked, "m", "https://x/{id}")

    assert alarm.explanation == "It was closed again since."
