"""Who is never offboarded, refused when it is asked for and again when it begins."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from shared.access.scope import EVERYTHING, Scope
from shared.actions.reads.account import USER
from shared.base import clock
from shared.base.problems import RefusedError
from shared.base.telemetry import logs
from shared.jobs.storage import keys
from shared.offboarding.lifecycle import watch
from shared.offboarding.lifecycle.operations import Operations
from shared.offboarding.lookup import ListFilter, Lookup
from shared.offboarding.request import parsing
from shared.offboarding.request.submit import Submissions
from shared.offboarding.tenants import protection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.lab import Lab
    from shared.jobs.records import Offboarding

BLOCK = {"disable_sign_in": True}
ADA = "ada@fabrikam.example"
FIELDS = {"level", "operator", "tenant", "person", "protection"}
ADMIN, BREAKGLASS = "admin@fabrikam.example", "breakglass@fabrikam.example"


def submit(
    lab: Lab, *upns: str, scope: Scope = EVERYTHING, by: str = "operator", key: str | None = None, **more: Any
) -> list[Offboarding]:
    body = {"tenant": "fabrikam.example", "users": upns, "actions": BLOCK, **more}
    submission = parsing.parse(json.dumps(body).encode(), max_users=100)
    return list(Submissions(lab.app, scope).submit(submission, by, key).offboardings)


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
    return Lookup(lab.app).page(ListFilter(), None, 10) == ([], None)


def nothing_was_written(lab: Lab) -> bool:
    return not [sent for sent in lab.simulator.requests() if sent["method"] in {"PATCH", "DELETE"}]


@pytest.mark.parametrize("name", [ADA, seed.ADA])
def test_whom_the_settings_protect(lab: Lab, name: str) -> None:
    protect(lab, name)
    error = refusal(lab, "bo@fabrikam.example", ADA)
    assert (error.status, error.code, len(error.problems)) == (422, "user_protected", 1)
    assert ADA in error.problems[0].message
    assert nothing_is_stored(lab)


def refusals_logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, str]]:
    """Return what lines of the log say of refusals, as the app writes them."""
    lines = [record.getMessage() for record in caplog.records if record.name == protection.__name__]
    return [{name: value for name, value in json.loads(line).items() if name in FIELDS} for line in lines]


@pytest.fixture
def written(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Return what is logged, in the form in which the app hands it to the host."""
    redacting = logs.Filter(logs.Redactor())
    caplog.handler.addFilter(redacting)
    yield caplog
    caplog.handler.removeFilter(redacting)


def test_who_tried_to_have_a_protected_person_offboarded_is_logged(lab: Lab, written: pytest.LogCaptureFixture) -> None:
    protect(lab, ADA)
    said = {"level": "WARNING", "operator": "op@msp.example", "tenant": seed.FABRIKAM}

    refusal(lab, "bo@fabrikam.example", ADA, by="op@msp.example")
    assert refusals_logged(written) == [{**said, "person": seed.ADA, "protection": "protected"}]

    written.clear()
    administrators = {seed.ADMIN, seed.BREAK_GLASS}
    refusal(lab, ADMIN, BREAKGLASS, by="op@msp.example")
    assert {line["person"] for line in refusals_logged(written)} == administrators
    assert {line["protection"] for line in refusals_logged(written)} == {"last_administrator"}


def test_who_tried_to_start_their_own_offboarding_is_logged(lab: Lab, written: pytest.LogCaptureFixture) -> None:
    (offboarding,) = submit(lab, ADA, scheduled_for=later())
    with pytest.raises(RefusedError):
        Operations(lab.app, ADA, Scope(own_names=frozenset({ADA}))).run_now(offboarding.id)
    assert [(line["operator"], line["protection"]) for line in refusals_logged(written)] == [(ADA, "own_account")]


def test_what_is_not_refused_is_no_security_event(lab: Lab, written: pytest.LogCaptureFixture) -> None:
    submit(lab, ADA, scheduled_for=later())
    assert refusals_logged(written) == []


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


@pytest.mark.parametrize("name", [ADA, "ada.alias@fabrikam.example", "ada.mail@fabrikam.example"])
@pytest.mark.parametrize("what", ["run-now", "retry", "cancel", "delete", "move"])
def test_an_operator_decides_nothing_about_their_own_offboarding(lab: Lab, what: str, name: str) -> None:
    addresses = ["SMTP:ada@fabrikam.example", "smtp:Ada.Alias@fabrikam.example"]
    changed = {"proxyAddresses": addresses, "mail": "ada.mail@fabrikam.example"}
    lab.simulator.arrange(seed.FABRIKAM, "user", user=ADA, set=changed)
    (offboarding,) = submit(lab, ADA, scheduled_for=later())
    own = Operations(lab.app, name, Scope(own_names=frozenset({name})))

    with pytest.raises(RefusedError) as caught:
        own.reschedule(offboarding.id, clock.now() + timedelta(days=30)) if what == "move" else own.perform(
            what,  # type: ignore[arg-type]
            offboarding.id,
        )

    assert (caught.value.status, caught.value.code) == (403, "own_account")
    stored = lab.app.store.get(offboarding.id)
    assert stored
    assert (stored.state, stored.etag) == ("Planned", offboarding.etag or stored.etag)
    assert len(stored.events) == 1


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


def test_whoever_has_the_name_by_now_is_not_the_person_who_was_chosen(lab: Lab) -> None:
    (offboarding,) = submit(lab, ADA, scheduled_for=later())
    lab.simulator.arrange(seed.FABRIKAM, "user", user=ADA, set={"userPrincipalName": "ada.married@fabrikam.example"})
    heir = lab.simulator.arrange(seed.FABRIKAM, "user", create={"alias": "heir", "name": "Ada Younger"})
    lab.simulator.arrange(seed.FABRIKAM, "user", user=heir, set={"userPrincipalName": ADA})

    assert run_later(lab, offboarding).state == "Completed"
    assert lab.user(seed.ADA)["accountEnabled"] is False
    assert lab.user(heir)["accountEnabled"] is True


def test_another_person_than_the_pinned_one_is_refused(lab: Lab) -> None:
    """A row that somebody changed names an address where the object id stood: Microsoft answers with another person."""
    (sample,) = submit(lab, "cy@fabrikam.example", scheduled_for=later())
    forged = replace(sample.request, person=replace(sample.request.person, id="bo@fabrikam.example"))
    offboarding = replace(sample, id=keys.new_id(clock.now()), request=forged, etag="")
    lab.app.store.add([offboarding])

    after = run_later(lab, offboarding)

    assert (after.state, after.reason) == ("Failed", "refused")
    assert "a different user than the one selected" in after.message
    assert lab.user(seed.BO)["accountEnabled"] is True


@pytest.mark.parametrize("name", [seed.CONTOSO_ADMIN, "admin@contoso.example"])
def test_a_person_of_another_tenant_is_unknown(lab: Lab, name: str) -> None:
    error = refusal(lab, ADA, name)
    assert (error.status, error.code, [one.field for one in error.problems]) == (404, "user_not_found", ["users.1"])
    assert nothing_is_stored(lab)


def test_a_key_answers_only_whoever_sent_it(lab: Lab) -> None:
    """The same key of somebody else is another key: it neither conflicts nor shows what the first one asked for."""
    (first,) = submit(lab, ADA, by="op@msp.example", key="one", scheduled_for=later())
    (second,) = submit(lab, "bo@fabrikam.example", by="other@msp.example", key="one", scheduled_for=later())
    (again,) = submit(lab, ADA, by="op@msp.example", key="one", scheduled_for=later())
    assert first.id == again.id != second.id


def test_last_administrator_since_it_was_planned(lab: Lab) -> None:
    (offboarding,) = submit(lab, ADMIN, scheduled_for=later())
    lab.simulator.arrange(seed.FABRIKAM, "directory_role", user=BREAKGLASS, role="Global Administrator", remove=True)
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
