"""Measuring takes longer than a Static Web App waits: what is measured is answered, the rest comes later."""

from __future__ import annotations

import itertools
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from dev.tenant import seed
from shared.offboarding.tenants import mailbox_sizes

if TYPE_CHECKING:
    from dev.lab import Lab

STATIC_WEB_APP_WAITS = timedelta(seconds=45)


def test_the_answer_comes_before_the_front_gives_up() -> None:
    assert mailbox_sizes.ANSWER_WITHIN + timedelta(seconds=10) < STATIC_WEB_APP_WAITS


def test_what_is_measured_in_time_is_answered_and_the_rest_follows(lab: Lab) -> None:
    for number in range(60):
        user = lab.simulator.arrange(seed.FABRIKAM, "user", create={"alias": f"box{number}", "licenses": []})
        lab.simulator.arrange(seed.FABRIKAM, "mailbox", mailbox=user)
    mailboxes = len(lab.simulator.state(seed.FABRIKAM)["mailboxes"])
    assert mailboxes > 5 * 10, "more than one round of requests"
    lab.simulator.latency(exchange=700)

    answers = []
    began = time.monotonic()
    while not answers or len(answers[-1]) < mailboxes:
        answers.append(mailbox_sizes.of_tenant(lab.app, seed.FABRIKAM, within=timedelta(seconds=1.8)))
        assert time.monotonic() - began < 60, "it comes to an end"

    assert any(0 < len(answer) < mailboxes for answer in answers)
    assert [a for a, b in itertools.pairwise(answers) if not a.items() <= b.items()] == []
    before = len(lab.simulator.requests())
    assert mailbox_sizes.of_tenant(lab.app, seed.FABRIKAM) == answers[-1]
    assert len(lab.simulator.requests()) == before, "all are measured for a day"


def test_a_list_that_does_not_come_in_time_is_asked_for_again(lab: Lab) -> None:
    assert mailbox_sizes.of_tenant(lab.app, seed.FABRIKAM, within=timedelta()) == {}
    assert len(mailbox_sizes.of_tenant(lab.app, seed.FABRIKAM)) == len(lab.simulator.state(seed.FABRIKAM)["mailboxes"])
