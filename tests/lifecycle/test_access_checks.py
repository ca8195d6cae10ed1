"""Whether the person is out: looked at when an offboarding ends, after a day and after a week."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from shared.app.settings import Settings, SettingsError
from shared.jobs.storage.table import ConflictError
from shared.notifications import outbox
from shared.notifications.message import Notice
from shared.offboarding.lifecycle import access_checks, watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.lab import Lab, Laboratory
    from dev.tenant.process import Simulator
    from shared.jobs.records import Offboarding

TENANT = "fabrikam.example"
BLOCK = {"disable_sign_in": True}
DAY, WEEK = timedelta(hours=24), timedelta(days=7)
TOLD = [{"id": "desk", "url": "https://hooks.example/x", "send": "failures_and_warnings"}]


@pytest.fixture
def office(simulator: Simulator, laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """The app in process as it is set up by default: it looks at once, after a day and after a week."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", simulator.ca)
    with laboratory.opened(ACCESS_CHECK_AFTER="0h,24h,7d") as office:
        yield office


def left(office: Lab, **more: Any) -> str:
    """Offboard Ada; return the id."""
    return office.offboard(seed.ADA, BLOCK, **more).offboarding.id


def known(office: Lab, offboarding_id: str) -> Offboarding:
    found = office.app.store.get(offboarding_id)
    assert found
    return found


def checked(office: Lab, offboarding_id: str) -> dict[str, Any]:
    return office.app.store.details(offboarding_id).checked or {}


def after(office: Lab, span: timedelta) -> None:
    office.hub.advance(span)
    office.tick()


def verdict(found: dict[str, Any], area: str) -> str:
    return next(one["verdict"] for one in found["areas"] if one["area"] == area)


def sign_in(found: dict[str, Any]) -> str:
    return verdict(found, "Sign-in")


def test_it_is_looked_before_the_run_ends_and_planned_for_a_day_and_a_week(office: Lab) -> None:
    offboarding = known(office, left(office))

    found = checked(office, offboarding.id)
    assert found["answer"] == "open", "only the sign-in was blocked"
    assert sign_in(found) == "closed"
    ended = offboarding.ended_at
    assert ended
    assert [due.at - ended for due in offboarding.checks.due] == [DAY, WEEK]
    assert offboarding.checks.count == 1


def test_what_another_process_has_looked_at_is_not_looked_at_again(office: Lab) -> None:
    offboarding = office.submit(seed.ADA, BLOCK)
    while (work := office.next_work()).name != "check_access":
        office.hub.execute(work)
    ours, office.app = office.app, office.another_process()
    office.hub.execute(work)
    office.app = ours
    office.run()

    ended = known(office, offboarding.id)
    assert (ended.state, ended.checks.count, len(ended.checks.due)) == ("Completed", 1, 2)


def test_a_sync_that_enables_the_account_again_is_told_after_a_day(office: Lab) -> None:
    one = left(office, notify=["webhook"])
    office.simulator.arrange(TENANT, "user", user=seed.ADA, set={"accountEnabled": True})

    after(office, DAY)

    assert sign_in(checked(office, one)) == "open"
    offboarding = known(office, one)
    assert offboarding.events[-1].what == "access_open_again"
    assert offboarding.deliveries[-1].about == "check-2"
    assert checked(office, one)["new"] == ["Sign-in: The account is enabled: whoever has the password can sign in."]


def test_forwarding_that_was_set_is_meant_and_what_somebody_made_of_it_is_not(office: Lab) -> None:
    one = office.offboard(seed.ADA, {"forward_email": {"to": seed.CY}}, notify=["webhook"]).offboarding.id
    assert verdict(checked(office, one), "Forwarding") == "left"
    after(office, DAY)
    assert verdict(checked(office, one), "Forwarding") == "left"
    changed = {"ForwardingAddress": None, "ForwardingSmtpAddress": "smtp:ada@private.example"}
    office.simulator.arrange(TENANT, "mailbox", mailbox=seed.ADA, set=changed)

    after(office, WEEK)

    assert verdict(checked(office, one), "Forwarding") == "open"
    assert checked(office, one)["new"] == ["Forwarding: Mail is sent on to somebody else."]


def test_what_was_open_before_is_not_told_again(office: Lab) -> None:
    one = left(office, notify=["webhook"])
    before = len(known(office, one).deliveries)

    after(office, DAY)
    after(office, WEEK)

    assert checked(office, one)["answer"] == "open"
    assert len(known(office, one).deliveries) == before
    assert known(office, one).checks.due == ()


def test_nothing_is_told_twice_of_what_stays_open(office: Lab) -> None:
    one = left(office, notify=["webhook"])
    office.simulator.arrange(TENANT, "user", user=seed.ADA, set={"accountEnabled": True})
    after(office, DAY)
    told = len(known(office, one).deliveries)

    after(office, WEEK)

    assert len(known(office, one).deliveries) == told


def test_killed_between_keeping_and_telling_it_is_told_all_the_same(
    office: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = left(office, notify=["webhook"])
    office.simulator.arrange(TENANT, "user", user=seed.ADA, set={"accountEnabled": True})
    office.hub.advance(DAY)
    with monkeypatch.context() as patched:
        patched.setattr(office.app.store, "change", _killed)
        office.tick()
    assert sign_in(checked(office, one)) == "open", "what was found is kept, and nobody was told"
    assert known(office, one).events[-1].what != "access_open_again"

    office.tick()

    assert known(office, one).events[-1].what == "access_open_again"
    assert checked(office, one)["new"]


def _killed(*_: object) -> None:
    raise ConflictError


def test_what_is_removed_while_it_is_looked_at_leaves_nothing_behind(
    office: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = left(office)
    offboarding = known(office, one)
    office.hub.advance(DAY)
    put_check = office.app.store.put_check

    def removed_meanwhile(offboarding_id: str, found: dict[str, Any]) -> None:
        office.app.store.forget(offboarding)
        put_check(offboarding_id, found)

    with monkeypatch.context() as patched:
        patched.setattr(office.app.store, "put_check", removed_meanwhile)
        office.tick()

    assert office.app.store.get(one) is None
    assert office.details.keys(one) == []


def test_what_is_looked_at_while_it_is_removed_is_removed_all_the_same(
    office: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = left(office)
    office.hub.advance(timedelta(days=500))
    forget, looks = office.app.store.forget, [office.tick]

    def written_meanwhile(offboarding: Offboarding) -> None:
        while looks:
            looks.pop()()
        forget(offboarding)

    with monkeypatch.context() as patched:
        patched.setattr(office.app.store, "forget", written_meanwhile)
        watch.forget_old(office.app)

    assert office.app.store.get(one) is None
    assert office.details.keys(one) == []


def test_where_microsoft_does_not_answer_it_is_looked_again_later(office: Lab) -> None:
    one = left(office)
    office.simulator.faults([{"service": "graph", "match": "", "kind": "throttle", "retry_after": 1}])

    after(office, DAY)

    put_off = known(office, one).checks
    assert put_off.count == 1
    assert put_off.due[0].tries == 1
    office.simulator.faults([])
    after(office, timedelta(minutes=15))
    assert known(office, one).checks.count == 2
    assert checked(office, one)["unknown"] == 2, "the mailboxes were never looked through"


def test_a_run_that_cannot_look_ends_all_the_same_and_the_timer_looks(office: Lab) -> None:
    rule = {"service": "graph", "match": "/auditLogs/", "kind": "throttle", "retry_after": 1}
    office.simulator.faults([rule])
    one = left(office)
    offboarding = known(office, one)
    assert offboarding.state == "Completed"
    assert len(offboarding.checks.due) == 3, "once more soon"
    office.simulator.faults([])

    after(office, timedelta(minutes=15))

    assert len(known(office, one).checks.due) == 2
    signed_in = next(area for area in checked(office, one)["areas"] if area["area"] == "Recent sign-ins")
    assert signed_in["verdict"] == "closed"


def test_a_look_that_takes_long_holds_up_no_end_and_the_timer_looks(
    office: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(access_checks, "AT_END_WITHIN_SECONDS", 0.0)
        one = left(office)
    assert (known(office, one).state, checked(office, one)) == ("Completed", {})

    after(office, timedelta(minutes=1))

    assert sign_in(checked(office, one)) == "closed"
    assert len(known(office, one).checks.due) == 2


def test_a_later_run_looks_anew(office: Lab) -> None:
    office.simulator.faults([{"match": "PATCH .*/users/", "kind": "status", "status": 403}])
    one = left(office)
    assert known(office, one).state == "Failed"
    assert sign_in(checked(office, one)) == "open"
    office.simulator.faults([])
    from shared.offboarding.lifecycle.operations import Operations

    done = Operations(office.app, "operator").retry(one)
    assert done.to_start
    assert known(office, one).checks.due == (), "not while it runs"
    office.start(done.to_start)
    office.run()

    assert known(office, one).state == "Completed"
    assert sign_in(checked(office, one)) == "closed"
    assert len(known(office, one).checks.due) == 2


def test_a_restoration_and_what_never_began_are_not_checked(office: Lab) -> None:
    office.simulator.arrange(TENANT, "delete_user", user=seed.BO)
    from shared.offboarding.lifecycle.operations import Operations

    planned = office.submit(seed.ADA, BLOCK, scheduled_for="2040-01-01T00:00:00Z")
    Operations(office.app, "operator").cancel(planned.id)

    assert known(office, planned.id).checks.due == ()
    assert checked(office, planned.id) == {}


def test_a_tenant_that_is_managed_no_more_is_not_asked(office: Lab) -> None:
    one = left(office)
    before = len(office.simulator.requests())
    office.app = type(office.app)(
        type(office.app.settings)(**{**_fields(office.app.settings), "tenants": ()}),
        office.app.store,
        office.app.microsoft365,
    )

    after(office, DAY)

    assert known(office, one).checks.due == ()
    assert len(office.simulator.requests()) == before


def _fields(settings: Any) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in settings.__dataclass_fields__}


def test_of_many_only_due_rows_are_read(office: Lab) -> None:
    """A week of checks of 10,000 offboardings costs the tick what is due: rows of the future are not looked at."""
    one = left(office)
    requests = office.jobs.requests
    for _ in range(5):
        after(office, timedelta(minutes=1))
    assert office.jobs.requests - requests == 5, "one read for each tick"
    assert known(office, one).checks.count == 1


def test_one_tick_takes_no_more_than_it_has_time_for(office: Lab) -> None:
    ids = []
    for number in range(access_checks.MOST_IN_A_TICK + 2):
        who = office.simulator.arrange(TENANT, "user", create={"alias": f"many{number}", "name": f"Many {number}"})
        ids.append(office.offboard(who, BLOCK).offboarding.id)
    office.hub.advance(DAY)
    office.tick()
    assert sum(known(office, one).checks.count == 2 for one in ids) <= access_checks.MOST_IN_A_TICK
    office.tick()
    office.tick()
    assert all(known(office, one).checks.count == 2 for one in ids)


def test_the_message_of_the_end_and_the_alarm_say_what_is_open(office: Lab) -> None:
    one = left(office, notify=["webhook"])
    details = office.app.store.details(one)
    ended = outbox.messages.make(known(office, one), details.steps, "m", "https://x/{id}", details.checked)
    assert ("Access", ended.access_left) in ended.facts
    assert "still open" in ended.access_left
    office.simulator.arrange(TENANT, "user", user=seed.ADA, set={"accountEnabled": True})
    after(office, DAY)

    alarm = outbox.messages.make_alarm(known(office, one), checked(office, one), "m", "https://x/{id}")

    assert alarm.notice is Notice.access_open_again
    assert alarm.result == "failure"
    assert alarm.title == "Offboarding of ada@fabrikam.example: The person has access again"
    assert ("Open", alarm.explanation) in alarm.facts
    assert "The account is enabled" in alarm.explanation


def test_what_is_kept_holds_no_more_than_what_is_shown(office: Lab) -> None:
    one = left(office)

    assert set(checked(office, one)) == {
        *("answer", "checked_at", "open", "unknown", "areas"),
        *("message", "run", "before", "new", "is_partial"),
    }
    assert len(json.dumps(checked(office, one))) < 20_000


@pytest.mark.parametrize("text", ["soon", "24", "1w", "-1h", "24h;7d", "1.5d", "1000d"])
def test_lengths_of_time_that_make_no_sense_are_refused_at_the_start(text: str) -> None:
    with pytest.raises(SettingsError, match="ACCESS_CHECK_AFTER must be lengths of time in hours or days"):
        Settings.parse({"ACCESS_CHECK_AFTER": text})


@pytest.mark.parametrize("spans", ["24h", ""])
def test_when_it_is_looked_is_a_setting(
    simulator: Simulator, laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch, spans: str
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", simulator.ca)
    with laboratory.opened(ACCESS_CHECK_AFTER=spans) as office:
        one = left(office)

        assert checked(office, one) == {}
        assert [due.at for due in known(office, one).checks.due] == (
            [office.hub.clock.now() + DAY] if spans else []
        ) or len(known(office, one).checks.due) == (1 if spans else 0)
