"""Cancel meetings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed
from dev.tenant.belongings.meetings import meeting

if TYPE_CHECKING:
    from dev.lab import Lab

MEETINGS = {"cancel_meetings": True}
HYBRID = "hybrid.example"


def cancelled(lab: Lab, person: str, tenant: str = "fabrikam.example") -> list[str]:
    return [meeting["subject"] for meeting in lab.mailbox(person, tenant)["meetings"] if meeting["cancelled"]]


def test_meetings_with_attendees_in_the_next_two_years_are_cancelled(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, MEETINGS)

    assert cancelled(lab, seed.ADA) == ["Weekly planning", "Design review"]
    assert result.outcome("cancel_meetings") == "done"
    assert "taken the order" in result.message("cancel_meetings")


def test_a_series_that_began_before_today_is_cancelled_and_a_past_meeting_is_not(lab: Lab) -> None:
    series = meeting("Standing", attendees=2, recurring=True, days=-400)
    past = meeting("Kick-off", attendees=2, days=-400)
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=seed.ADA, set={"meetings": [series, past]})

    lab.offboard(seed.ADA, MEETINGS)

    assert cancelled(lab, seed.ADA) == ["Standing"]


def test_it_goes_in_a_request_of_its_own_with_two_years_and_no_preview(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, MEETINGS)

    sent = [s for s in result.requests if s.get("cmdlet") == "Remove-CalendarEvents"]
    assert [s["body"]["CmdletInput"]["Parameters"] for s in sent] == [
        {"Identity": seed.ADA, "CancelOrganizedMeetings": True, "QueryWindowInDays": 730, "Confirm": False}
    ]
    assert sent[0]["headers"]["X-AnchorMailbox"].endswith("ada@fabrikam.example")
    assert result.count("exchange") == 2, "the snapshot and the order; there is nothing to read back"


def test_a_second_offboarding_orders_it_again_which_does_no_harm(lab: Lab) -> None:
    lab.offboard(seed.ADA, MEETINGS)
    before = lab.mailbox(seed.ADA)["meetings"]

    result = lab.offboard(seed.ADA, MEETINGS)

    assert result.outcome("cancel_meetings") == "done"
    assert lab.mailbox(seed.ADA)["meetings"] == before


@pytest.mark.parametrize("person", [seed.GUEST, seed.NO_MAILBOX])
def test_without_a_mailbox_it_does_not_apply(lab: Lab, person: str) -> None:
    result = lab.offboard(person, MEETINGS)

    assert result.outcome("cancel_meetings") == "not_applicable"
    assert result.writes() == []


def test_the_meetings_of_a_synced_person_are_cancelled_too(lab: Lab) -> None:
    lab.offboard(seed.SYNCED, MEETINGS, tenant=HYBRID)

    assert cancelled(lab, seed.SYNCED, HYBRID) == ["Stand-up"]


def test_nobody_elses_meetings_are_touched(lab: Lab) -> None:
    lab.offboard(seed.ADA, MEETINGS)

    assert cancelled(lab, seed.BO) == []


def test_sign_in_is_blocked_before_and_the_mailbox_converted_after(lab: Lab) -> None:
    actions = {**MEETINGS, "disable_sign_in": True, "convert_to_shared": True}
    for order in range(5):
        lab.simulator.reset()
        writes = lab.offboard(seed.ADA, actions, order=order).writes()
        assert [write.split(" ")[0] for write in writes] == ["PATCH", "Remove-CalendarEvents", "Set-Mailbox"]


def test_licenses_stay_where_the_order_was_refused(lab: Lab) -> None:
    refused = {"service": "exchange", "match": "^Remove-CalendarEvents$", "kind": "status", "status": 400}
    lab.simulator.faults([refused])
    actions = {**MEETINGS, "convert_to_shared": True, "remove_licenses": True}

    result = lab.offboard(seed.ADA, actions)

    assert result.outcome("cancel_meetings") == "failed"
    assert result.outcome("convert_to_shared") == "done", "order only, no gate"
    assert result.outcome("remove_licenses") == "skipped"
    assert result.steps["remove_licenses"].blocked_by == ("cancel_meetings",)


def test_licenses_go_once_the_order_is_taken(lab: Lab) -> None:
    actions = {**MEETINGS, "convert_to_shared": True, "remove_licenses": True}

    result = lab.offboard(seed.ADA, actions)

    assert result.outcome("remove_licenses") == "done"
    assert lab.mailbox(seed.ADA)["mailbox_lost"] is False


def test_a_slow_minute_of_exchange_is_waited_out(lab: Lab) -> None:
    busy = {
        "service": "exchange",
        "match": "^Remove-CalendarEvents$",
        "kind": "throttle",
        "retry_after": 60,
        "count": 2,
    }
    lab.simulator.faults([busy])

    result = lab.offboard(seed.ADA, MEETINGS)

    assert result.outcome("cancel_meetings") == "done"
    assert result.steps["cancel_meetings"].attempts == 3


def test_without_the_exchange_role_it_fails_and_says_what_to_give(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "revoke_entra_role", role="Exchange Administrator")

    result = lab.offboard(seed.ADA, {**MEETINGS, "disable_sign_in": True})

    assert result.outcome("cancel_meetings") == "failed"
    assert "Exchange Administrator" in result.message("cancel_meetings")
    assert result.outcome("disable_sign_in") == "done"


def test_killed_before_its_record_it_tells_the_same_story(lab: Lab) -> None:
    result = lab.offboard_killed("cancel_meetings", seed.ADA, MEETINGS)

    assert result.outcome("cancel_meetings") == "done"
    assert cancelled(lab, seed.ADA) == ["Weekly planning", "Design review"]
