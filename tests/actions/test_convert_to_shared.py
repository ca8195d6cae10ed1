"""The mailbox becomes a shared one, and that is seen before anything hangs on it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed

if TYPE_CHECKING:
    from dev.lab import Lab

NAME = "convert_to_shared"
CONVERT = {NAME: True}
HYBRID = "hybrid.example"


def kind(lab: Lab, user_id: str = seed.ADA, tenant: str = "fabrikam.example") -> str:
    return lab.mailbox(user_id, tenant)["RecipientTypeDetails"]


def tenant(lab: Lab, **settings: Any) -> None:
    lab.simulator.arrange("fabrikam.example", "tenant", set=settings)


def test_a_mailbox_is_converted_and_read_back(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, CONVERT)

    assert result.outcome(NAME) == "done"
    assert "read back" in result.message(NAME)
    assert kind(lab) == "SharedMailbox"


@pytest.mark.parametrize("reads", [0, 1, 7])
def test_it_waits_until_the_mailbox_reads_as_shared(lab: Lab, reads: int) -> None:
    tenant(lab, conversion_reads=reads)

    result = lab.offboard(seed.ADA, CONVERT)

    assert result.outcome(NAME) == "done"
    assert result.steps[NAME].attempts == reads + 1, "one look each, never a blind wait"
    assert result.writes() == ["Set-Mailbox"]


def test_a_conversion_that_never_shows_fails_after_half_an_hour_and_the_licenses_stay(lab: Lab) -> None:
    tenant(lab, conversion_reads=10_000)

    result = lab.offboard(seed.ADA, CONVERT | {"remove_licenses": True})

    step = result.steps[NAME]
    assert step.outcome == "failed"
    assert "did not show within" in step.message
    assert timedelta(minutes=29) <= step.ended_at - step.started_at <= timedelta(minutes=31)
    assert result.outcome("remove_licenses") == "skipped"
    assert result.steps["remove_licenses"].blocked_by == (NAME,)
    assert len(lab.user(seed.ADA)["licenseAssignmentStates"]) == 4
    assert lab.mailbox(seed.ADA)["mailbox_lost"] is False
    assert result.offboarding.reason == "steps_failed"


def test_a_shared_mailbox_is_left_alone(lab: Lab) -> None:
    result = lab.offboard(seed.SHARED, CONVERT)

    assert result.outcome(NAME) == "already_done"
    assert result.writes() == []


def test_the_second_time_nothing_is_written(lab: Lab) -> None:
    lab.offboard(seed.ADA, CONVERT)

    result = lab.offboard(seed.ADA, CONVERT)

    assert result.outcome(NAME) == "already_done"
    assert result.writes() == []


@pytest.mark.parametrize("user", [seed.NO_MAILBOX, seed.GUEST])
def test_without_a_mailbox_there_is_nothing_to_convert(lab: Lab, user: str) -> None:
    result = lab.offboard(user, CONVERT)

    assert result.outcome(NAME) == "not_applicable"
    assert result.writes() == []


def test_an_unlicensed_mailbox_cannot_be_converted_and_says_why(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=seed.NO_MAILBOX)

    result = lab.offboard(seed.NO_MAILBOX, CONVERT)

    assert result.outcome(NAME) == "failed"
    assert "license" in result.message(NAME)


def test_a_synced_leavers_cloud_mailbox_is_converted_and_active_directory_is_told_of(lab: Lab) -> None:
    result = lab.offboard(seed.SYNCED, CONVERT, tenant=HYBRID)

    assert result.outcome(NAME) == "done"
    assert "msExchRecipientTypeDetails" in result.message(NAME)
    assert kind(lab, seed.SYNCED, HYBRID) == "SharedMailbox"


def test_a_mailbox_on_premises_is_converted_there(lab: Lab) -> None:
    user = lab.simulator.arrange(
        HYBRID,
        "user",
        create={"alias": "olga", "licenses": []},
        set={"onPremisesSyncEnabled": True, "mail": "olga@hybrid.example"},
    )

    result = lab.offboard(user, CONVERT, tenant=HYBRID)

    assert result.outcome(NAME) == "needs_attention"
    assert "Set-RemoteMailbox" in result.message(NAME)
    assert result.writes() == []


def test_it_comes_after_the_cancelled_meetings(lab: Lab) -> None:
    """Cancellations are queued mail."""
    for order in range(5):
        lab.simulator.reset()
        writes = lab.offboard(seed.ADA, CONVERT | {"cancel_meetings": True}, order=order).writes()
        assert writes.index("Remove-CalendarEvents") < writes.index("Set-Mailbox")


def test_inbox_rules_survive_the_conversion(lab: Lab) -> None:
    before = lab.mailbox(seed.ADA)["rules"]

    lab.offboard(seed.ADA, CONVERT)

    assert lab.mailbox(seed.ADA)["rules"] == before


def test_two_requests_beside_the_snapshot_where_it_shows_at_once(lab: Lab) -> None:
    tenant(lab, conversion_reads=0)

    result = lab.offboard(seed.ADA, CONVERT)

    assert result.count("exchange") == 3, "the snapshot; the conversion; the proof"
    assert result.count("graph") == 2


def test_a_step_that_died_before_its_record_tells_the_same_story(lab: Lab) -> None:
    tenant(lab, conversion_reads=0)

    assert lab.offboard_killed(NAME, seed.ADA, CONVERT).outcome(NAME) == "done"


def test_without_its_exchange_role_the_step_says_what_to_do(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "revoke_entra_role", role="Exchange Administrator")

    result = lab.offboard(seed.ADA, CONVERT | {"disable_sign_in": True, "remove_licenses": True})

    assert result.outcome(NAME) == "failed"
    assert "Exchange Administrator" in result.message(NAME)
    assert result.outcome("remove_licenses") == "skipped"
    assert result.outcome("disable_sign_in") == "done"


def test_writes_to_the_mailbox_go_one_by_one(lab: Lab) -> None:
    actions = CONVERT | {
        "hide_from_address_lists": True,
        "forward_email": {"to": seed.CY},
        "set_out_of_office": {"internal": "Gone."},
        "grant_mailbox_access": {"to": [seed.CY]},
        "grant_send_on_behalf": {"to": [seed.CY]},
    }
    for order in range(5):
        lab.simulator.reset()
        result = lab.offboard(seed.ADA, actions, order=order)
        assert result.offboarding.state == "Completed"
        assert lab.simulator.state("fabrikam.example")["concurrent_mailbox_writes"] == []
