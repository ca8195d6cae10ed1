"""Who is never offboarded, refused when it is asked for and again when it begins."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from shared import clock
from shared.access.scope import EVERYTHING, Scope
from shared.offboarding import protection, request, watch
from shared.offboarding.operations import Operations
from shared.offboarding.problems import RefusedError
from shared.offboarding.reads import USER
from shared.offboarding.service import Offboardings, Wanted

if TYPE_CHECKING:
    from conftest import Lab

    from shared.offboarding.records import Offboarding

BLOCK = {"disable_sign_in": True}
ADA = "ada@fabrikam.example"
ADMIN, BREAKGLASS = "admin@fabrikam.example", "breakglass@fabrikam.example"


def submit(lab: Lab, *upns: str, scope: Scope = EVERYTHING, by: str = "operator", **more: Any) -> list[Offboarding]:
    body = {"tenant": "fabrikam.example", "users": upns, "actions": BLOCK, **more}
    submission = request.parse(json.dumps(body).encode(), max_users=100)
    return list(Offboardings(lab.app, scope).submit(submission, by).offboardings)


def refusal(lab: Lab, *upns: str, **more: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        submit(lab, *upns, **more)
    return caught.value


def later() -> str:
    return clock.to_text(clock.now() + timedelta(days=1))


def run_later(lab: Lab, offboarding: Offboarding) -> Offboarding:
    """Let the moment of an offboarding come, and run it to its end."""
    lab.hub.advance(timedelta(days=1, minutes=1))
    for claimed in watch.wake(lab.app):
        lab.start(claimed)
    lab.run()
    return lab.result(offboarding.id).offboarding


def protect(lab: Lab, *names: str) -> None:
    lab.app = replace(lab.app, settings=replace(lab.app.settings, protected_users=frozenset(names)))


def nothing_is_stored(lab: Lab) -> bool:
    return Offboardings(lab.app).page(Wanted(), None, 10) == ([], None)


def nothing_was_written(lab: Lab) -> bool:
    return not [sent for sent in lab.simulator.requests() if sent["method"] in {"PATCH", "DELETE"}]


@pytest.mark.parametrize("name", [ADA, seed.ADA])
def test_whom_the_settings_protect(lab: Lab, name: str) -> None:
    protect(lab, name)
    error = refusal(lab, "bo@fabrikam.example", ADA)
    assert (error.status, error.code, len(error.problems)) == (400, "user_protected", 1)
    assert ADA in error.problems[0].message
    assert nothing_is_stored(lab)


@pytest.mark.parametrize("names", [{ADA}, {seed.ADA}])
def test_the_operators_own_account(lab: Lab, names: set[str]) -> None:
    scope = Scope(own_names=frozenset(names))
    assert refusal(lab, ADA, scope=scope).code == "user_protected"
    assert nothing_is_stored(lab)
    assert submit(lab, "bo@fabrikam.example", scope=scope)


def test_an_operator_does_not_start_their_own_offboarding(lab: Lab) -> None:
    (offboarding,) = submit(lab, ADA, scheduled_for=later())
    with pytest.raises(RefusedError) as caught:
        Operations(lab.app, ADA, Scope(own_names=frozenset({ADA}))).run_now(offboarding.id)
    assert (caught.value.status, caught.value.code) == (403, "own_account")


def test_the_last_global_administrators(lab: Lab) -> None:
    assert refusal(lab, ADMIN, BREAKGLASS).code == "user_protected"
    assert nothing_is_stored(lab)
    submit(lab, ADMIN, scheduled_for=later())
    error = refusal(lab, BREAKGLASS)
    assert "Global Administrator" in str(error)


def test_an_administrator_who_cannot_sign_in_does_not_count(lab: Lab) -> None:
    lab.simulator.arrange(seed.FABRIKAM, "user", user=BREAKGLASS, set={"accountEnabled": False})
    assert refusal(lab, ADMIN).code == "user_protected"


def test_asking_who_the_administrators_are_costs_no_request(lab: Lab) -> None:
    submit(lab, ADA, scheduled_for=later())
    batches = [sent for sent in lab.simulator.requests() if sent["service"] == "graph"]
    assert [len(sent["items"]) for sent in batches] == [3]


def test_nothing_is_stored_where_the_administrators_cannot_be_read(lab: Lab) -> None:
    rule = {"service": "graph", "match": "directoryRoles", "kind": "status", "status": 503}
    lab.simulator.faults([rule])
    error = refusal(lab, ADA)
    lab.simulator.faults([])
    assert (error.status, nothing_is_stored(lab)) == (503, True)


def test_protected_since_it_was_planned(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    (offboarding,) = submit(lab, ADA, scheduled_for=later())
    monkeypatch.setitem(lab.app.settings.__dict__, "protected_users", frozenset({ADA}))
    after = run_later(lab, offboarding)
    assert (after.state, after.reason) == ("Failed", "refused")
    assert "settings protect" in after.message
    assert nothing_was_written(lab)


def test_last_administrator_since_it_was_planned(lab: Lab) -> None:
    (offboarding,) = submit(lab, ADMIN, scheduled_for=later())
    lab.simulator.arrange(seed.FABRIKAM, "role", user=BREAKGLASS, role="Global Administrator", remove=True)
    after = run_later(lab, offboarding)
    assert (after.state, after.reason) == ("Failed", "refused")
    assert "Global Administrator" in after.message
    assert nothing_was_written(lab)


def test_one_of_two_administrators_leaves(lab: Lab) -> None:
    (offboarding,) = submit(lab, ADMIN, scheduled_for=later())
    assert run_later(lab, offboarding).reason != "refused"


def test_the_account_became_the_operators_own(lab: Lab) -> None:
    (offboarding,) = submit(lab, "bo@fabrikam.example", by="Op@msp.example", scheduled_for=later())
    lab.simulator.arrange(
        seed.FABRIKAM, "user", user="bo@fabrikam.example", set={"userPrincipalName": "op@msp.example"}
    )
    after = run_later(lab, offboarding)
    assert (after.reason, "operator" in after.message) == ("refused", True)
    assert nothing_was_written(lab)


def test_who_the_administrators_are_stays_unknown(lab: Lab) -> None:
    (offboarding,) = submit(lab, ADA, scheduled_for=later())
    lab.simulator.faults([{"service": "graph", "match": "directoryRoles", "kind": "status", "status": 403}])
    after = run_later(lab, offboarding)
    lab.simulator.faults([])
    assert (after.reason, "could not be read" in after.message) == ("refused", True)
    assert nothing_was_written(lab)


def test_everything_an_account_is_known_by() -> None:
    user = USER.parse(
        {
            "id": "AB",
            "userPrincipalName": "Op_msp#EXT#@fabrikam.example",
            "mail": "Op@msp.example",
            "proxyAddresses": ["SMTP:o@fabrikam.example"],
        }
    )
    assert user
    assert protection.names_of(user) == {
        "ab",
        "op_msp#ext#@fabrikam.example",
        "op@msp.example",
        "o@fabrikam.example",
    }
