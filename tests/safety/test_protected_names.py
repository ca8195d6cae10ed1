"""A protected name stays protected when its account is renamed, and a name that no account has is told."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed
from shared.base.problems import RefusedError
from shared.jobs.records import Reason
from shared.offboarding.request import parsing
from shared.offboarding.request.submit import Submissions
from shared.offboarding.tenants import protected_names

if TYPE_CHECKING:
    from dev.lab import Lab

NAME = "breakglass@fabrikam.example"
OTHER = "ada@fabrikam.example"


@pytest.fixture(autouse=True)
def protect(lab: Lab) -> None:
    name(lab, NAME)


def name(lab: Lab, *names: str) -> None:
    lab.app = replace(lab.app, settings=replace(lab.app.settings, protected_users=frozenset(names)))


def rename(lab: Lab, user: str, upn: str) -> None:
    lab.simulator.arrange("fabrikam.example", "user", user=user, set={"userPrincipalName": upn, "proxyAddresses": []})


def submit(lab: Lab, user: str, **more: str) -> str:
    body = {"tenant": "fabrikam.example", "users": [user], "actions": {"disable_sign_in": True}, **more}
    submission = parsing.parse(json.dumps(body).encode(), max_users=100)
    return Submissions(lab.app).submit(submission, "operator", None).offboardings[0].id


def test_after_a_rename_the_account_stays_protected(lab: Lab) -> None:
    protected_names.look_up(lab.app)
    rename(lab, seed.BREAK_GLASS, "emergency@fabrikam.example")

    with pytest.raises(RefusedError) as refused:
        submit(lab, "emergency@fabrikam.example")

    assert refused.value.code == "user_protected"


def test_a_run_that_was_planned_before_is_stopped(lab: Lab) -> None:
    name(lab)
    when = (lab.hub.clock.now() + timedelta(days=1)).isoformat()
    planned = submit(lab, NAME, scheduled_for=when)
    name(lab, NAME)
    protected_names.look_up_new(lab.app)
    rename(lab, seed.BREAK_GLASS, "emergency@fabrikam.example")
    lab.hub.advance(timedelta(days=1, minutes=1))

    for claimed in lab.wake():
        lab.start(claimed)
    lab.run()

    assert lab.result(planned).offboarding.reason is Reason.refused


def test_who_gets_the_name_later_is_protected_besides(lab: Lab) -> None:
    protected_names.look_up(lab.app)
    rename(lab, seed.BREAK_GLASS, "emergency@fabrikam.example")
    rename(lab, seed.BO, NAME)
    protected_names.look_up(lab.app)

    assert {seed.BREAK_GLASS, seed.BO, NAME} == set(protected_names.protected(lab.app))
    assert protected_names.problems(lab.app) == []


def test_a_name_that_no_account_has_any_more_is_an_alarm(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    protected_names.look_up(lab.app)
    rename(lab, seed.BREAK_GLASS, "emergency@fabrikam.example")

    with caplog.at_level(logging.ERROR):
        protected_names.look_up(lab.app)

    (told,) = protected_names.problems(lab.app)
    assert NAME in told
    assert seed.BREAK_GLASS in told
    assert told in caplog.text


@pytest.mark.parametrize("nobody", ["nobody@fabrikam.example", "nobody@elsewhere.example"])
def test_a_name_that_no_account_ever_had_protects_nobody_and_is_told(lab: Lab, nobody: str) -> None:
    name(lab, nobody)
    protected_names.look_up(lab.app)

    (told,) = protected_names.problems(lab.app)
    assert "protects nobody" in told


def test_a_tenant_that_does_not_answer_takes_nothing_away(lab: Lab) -> None:
    protected_names.look_up(lab.app)
    lab.simulator.faults([{"service": "graph", "match": "$batch", "kind": "status", "status": 503}])

    protected_names.look_up(lab.app)

    assert seed.BREAK_GLASS in protected_names.protected(lab.app)
    assert protected_names.problems(lab.app) == []


def test_an_account_that_cannot_be_read_stays_as_it_was(lab: Lab) -> None:
    protected_names.look_up(lab.app)
    for permission in ("Directory.Read.All", "User.Read.All", "User.ReadWrite.All"):
        lab.simulator.arrange("fabrikam.example", "revoke_permission", permission=permission)

    protected_names.look_up(lab.app)

    assert protected_names.problems(lab.app) == []


def test_the_tick_asks_for_new_names_only(lab: Lab) -> None:
    protected_names.look_up_new(lab.app)
    before = len(lab.simulator.requests())

    protected_names.look_up_new(lab.app)
    assert len(lab.simulator.requests()) == before

    name(lab, NAME, OTHER)
    protected_names.look_up_new(lab.app)
    assert {seed.BREAK_GLASS, seed.ADA} <= protected_names.protected(lab.app)


def test_a_name_that_is_taken_out_of_the_settings_protects_no_longer(lab: Lab) -> None:
    protected_names.look_up(lab.app)
    name(lab)

    assert protected_names.protected(lab.app) == frozenset()
    assert submit(lab, NAME)


def test_ids_are_looked_up_by_nobody(lab: Lab) -> None:
    name(lab, seed.ADA)
    before = len(lab.simulator.requests())

    protected_names.look_up(lab.app)

    assert len(lab.simulator.requests()) == before
