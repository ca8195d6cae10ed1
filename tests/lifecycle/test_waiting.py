"""Whoever waits for an answer has one in time: without what could not be had, and with a word about it."""

from __future__ import annotations

import json
import time
from threading import Event
from typing import TYPE_CHECKING

import pytest

from shared.base.deadline import Deadline, DeadlineError
from shared.base.problems import RefusedError
from shared.offboarding.request import parsing
from shared.offboarding.request.submit import Submissions
from shared.offboarding.tenants.listing import Directory
from shared.offboarding.tenants.tenants import Tenants

if TYPE_CHECKING:
    from dev.lab import Lab


def slow(lab: Lab, service: str, match: str = ".") -> None:
    lab.simulator.faults([{"service": service, "match": match, "kind": "slow", "seconds": 7}])


def test_late_work_is_not_waited_for() -> None:
    done = Event()
    with pytest.raises(DeadlineError, match="within 0 seconds"):
        Deadline(0.05).run(lambda: done.wait(5))
    done.set()
    assert Deadline(5).run(lambda: "in time") == "in time"


def test_remarks_are_not_waited_for_longer_than_five_seconds(lab: Lab) -> None:
    actions = {"convert_to_shared": True, "remove_licenses": True}
    body = {"tenant": "fabrikam.example", "users": ["big@fabrikam.example"], "actions": actions}
    asked = parsing.parse(json.dumps(body).encode(), max_users=100)
    slow(lab, "exchange")
    begun = time.monotonic()

    submitted = Submissions(lab.app).submit(asked, "operator", looks_at_mail=True)

    assert time.monotonic() - begun < 6.5
    assert len(submitted.offboardings) == 1
    assert any("warnings about them are missing" in text for text in submitted.warnings)
    lab.simulator.faults([])


def test_a_picker_says_that_microsoft_is_slow(lab: Lab) -> None:
    slow(lab, "graph", "users")
    with pytest.raises(RefusedError, match="did not answer within") as caught:
        Directory(lab.app, patience=0.2).users("fabrikam.example")

    assert (caught.value.status, caught.value.code) == (503, "microsoft_unreachable")
    lab.simulator.faults([])


def test_a_list_of_people_need_not_wait_for_the_administrators(lab: Lab) -> None:
    slow(lab, "graph", "directoryRoles")

    page = Directory(lab.app, patience=2).users("fabrikam.example")

    assert page.users
    assert "Who is an administrator could not be read" in page.warnings[0]
    lab.simulator.faults([])


def test_the_list_of_tenants_is_answered_without_a_slow_partner(lab: Lab) -> None:
    slow(lab, "graph", "organization")

    listed = Tenants(lab.app, patience=0.2).all()

    assert len(listed.tenants) == 3
    assert "may be outdated" in listed.problem
    lab.simulator.faults([])
