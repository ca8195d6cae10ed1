"""Who may have something done is asked again when a planned run begins: rights may have been taken away meanwhile."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from shared.access import policy
from shared.access.policy import KEY, Policy
from shared.jobs.records import Reason, State
from shared.offboarding.lifecycle.operations import Operations
from shared.offboarding.request import parsing
from shared.offboarding.request.submit import Submissions

if TYPE_CHECKING:
    from dev.lab import Lab
    from shared.access.scope import Scope
    from shared.jobs.records import Offboarding

NAME = "op@msp.example"
PERSON = frozenset({NAME, "0000aaaa-0000-4000-8000-000000000001"})


def scope_of(lab: Lab, *given: str) -> Scope:
    """Return the scope of somebody who calls, as the settings are now."""
    access: Policy = lab.app.settings.access
    groups = frozenset(given)
    scope = access.scope_of(PERSON, groups | {access.role_of(groups).name})
    return replace(scope, authority=access.authority_of(PERSON, groups))


def change(lab: Lab, **settings: Any) -> None:
    lab.app = replace(lab.app, settings=replace(lab.app.settings, **settings))


def planned(lab: Lab, scope: Scope, *actions: str) -> str:
    when = (lab.hub.clock.now() + timedelta(days=1)).isoformat()
    body: dict[str, Any] = {"tenant": "fabrikam.example", "users": [seed.ADA], "scheduled_for": when}
    body["actions"] = dict.fromkeys(actions or ("disable_sign_in",), True)
    submission = parsing.parse(json.dumps(body).encode(), max_users=100)
    return Submissions(lab.app, scope).submit(submission, NAME, None).offboardings[0].id


def run_when_due(lab: Lab, offboarding_id: str) -> Offboarding:
    lab.hub.advance(timedelta(days=1, minutes=1))
    for claimed in lab.wake():
        lab.start(claimed)
    lab.run()
    return lab.result(offboarding_id).offboarding


@pytest.mark.parametrize(
    "taken",
    [
        {"access_tenants": policy.tenants(f"{NAME}=none;*=all")},
        {"access_tenants": policy.tenants(f"operator={seed.CONTOSO}")},
        {"access_roles": policy.roles("operator=reader,editor=operator")},
        {"access_roles": {}},
    ],
    ids=["the person's tenants", "the role's tenants", "the role is less", "no role"],
)
def test_what_was_taken_away_stops_what_was_planned(lab: Lab, taken: dict[str, Any]) -> None:
    offboarding = planned(lab, scope_of(lab, "operator"))
    change(lab, **taken)

    ended = run_when_due(lab, offboarding)

    assert (ended.state, ended.reason) == (State.failed, Reason.refused)
    assert "may not have it done any more" in ended.message
    assert lab.user(seed.ADA)["accountEnabled"] is True


def test_the_right_to_delete_users_is_asked_again(lab: Lab) -> None:
    offboarding = planned(lab, scope_of(lab, "admin"), "disable_sign_in", "delete_user")
    change(lab, delete_user_allowed_to=frozenset({"somebody@msp.example"}))

    assert run_when_due(lab, offboarding).reason is Reason.refused


def test_who_still_may_is_not_kept_from_it(lab: Lab) -> None:
    offboarding = planned(lab, scope_of(lab, "operator", "0000bbbb-0000-4000-8000-000000000002"))
    change(lab, access_tenants=policy.tenants(f"{NAME}={seed.FABRIKAM};*=none"))

    assert run_when_due(lab, offboarding).state is State.completed


def test_somebody_who_may_can_retry_it(lab: Lab) -> None:
    offboarding = planned(lab, scope_of(lab, "operator"))
    change(lab, access_tenants=policy.tenants(f"{NAME}=none;admin=all"))
    run_when_due(lab, offboarding)

    groups = frozenset({"admin"})
    admin = lab.app.settings.access.scope_of(frozenset({"boss@msp.example"}), groups)
    admin = replace(admin, authority=lab.app.settings.access.authority_of(frozenset({"boss@msp.example"}), groups))
    retried = Operations(lab.app, "boss@msp.example", admin).retry(offboarding)
    assert retried.to_start
    lab.start(retried.to_start)
    lab.run()

    assert lab.result(offboarding).offboarding.state is State.completed


@pytest.mark.parametrize(("role", "state"), [("operator", State.completed), ("reader", State.failed)])
def test_a_function_keys_role_is_asked_again(lab: Lab, role: str, state: State) -> None:
    access = lab.app.settings.access
    key = access.scope_of(frozenset(), frozenset({KEY, "operator"}))
    offboarding = planned(lab, replace(key, authority=access.authority_of(frozenset(), frozenset({KEY}))))
    change(lab, function_key_role=role)

    assert run_when_due(lab, offboarding).state is state


def test_what_the_app_submits_itself_is_nobodys_right(lab: Lab) -> None:
    from shared.access.scope import EVERYTHING

    offboarding = planned(lab, EVERYTHING)
    change(lab, access_roles={}, access_tenants={})

    assert run_when_due(lab, offboarding).state is State.completed
