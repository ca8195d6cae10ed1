"""The leaver disappears from the calendars of others."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from dev.tenant.population import calendar_entry

if TYPE_CHECKING:
    from dev.lab import Lab
    from shared.jobs.storage.table import Row

STEP = "remove_calendar_permissions"
ACTION = {STEP: True}
MAILBOXES = 201


def calendars(lab: Lab, person: str) -> list[str]:
    """Return whose calendars a person is on."""
    mailboxes = lab.simulator.state("fabrikam.example")["mailboxes"]
    return [id_ for id_, mailbox in mailboxes.items() if person in [entry["user"] for entry in mailbox["calendar"]]]


def share(lab: Lab, mailbox: str, *entries: dict[str, Any]) -> None:
    """Add entries to those that every calendar has."""
    standing = [entry for entry in lab.mailbox(mailbox)["calendar"] if not entry["isRemovable"]]
    calendar = {"calendar": [*standing, *entries]}
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=mailbox, set=calendar)


def entry(person: str, name: str, address: str, role: str = "read") -> dict[str, Any]:
    return calendar_entry(person, name, address, role)


def test_the_person_is_taken_off_every_calendar_with_an_outcome_each(lab: Lab) -> None:
    before = calendars(lab, seed.ADA)

    result = lab.offboard(seed.ADA, ACTION)

    assert len(before) == 5
    assert calendars(lab, seed.ADA) == []
    assert list(result.items(STEP).values()) == ["done"] * 5
    assert result.offboarding.state == "Completed"


def test_of_two_deliveries_at_once_the_second_goes_by_what_the_first_has_found(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    offboarding = lab.submit(seed.ADA, ACTION)
    scan = f"scan|{seed.FABRIKAM}|calendars"
    while not (head := lab.details.get(scan, "head")) or head["read"] < 200:  # one page of the scan is left to read
        lab.hub.execute(lab.next_work())
    while (work := lab.next_work()).name != STEP:
        lab.hub.execute(work)
    read = lab.details.get
    another_comes = iter([False, True])  # when the scan is through, before the calendars are asked

    def meanwhile(partition: str, key: str) -> Row | None:
        if partition == scan and next(another_comes, False):
            lab.details.dies_at = STEP
            lab.hub.execute(work, record=False)  # removes them, and dies before it has said so
        return read(partition, key)

    monkeypatch.setattr(lab.details, "get", meanwhile)
    lab.hub.execute(work)
    lab.run()

    result = lab.result(offboarding.id)
    assert lab.details.dies_at is None
    assert calendars(lab, seed.ADA) == []
    assert list(result.items(STEP).values()) == ["done"] * 5


def test_somebody_of_the_same_display_name_stays(lab: Lab) -> None:
    create = {"alias": "ada2", "name": "Ada Castell"}
    namesake = lab.simulator.arrange("fabrikam.example", "user", create=create)
    entries = [entry(namesake, "Ada Castell", "ada2@fabrikam.example"), entry(seed.ADA, "Ada", "ada@fabrikam.example")]
    share(lab, seed.SHARED, *entries)

    lab.offboard(seed.ADA, ACTION)

    assert calendars(lab, namesake) == [seed.SHARED]
    assert calendars(lab, seed.ADA) == []


def test_an_entry_with_an_alias_in_capitals_is_the_persons_too(lab: Lab) -> None:
    share(lab, seed.SHARED, entry(seed.ADA, "Ada", "ADA@Fabrikam.OnMicrosoft.example"))

    lab.offboard(seed.ADA, ACTION)

    assert calendars(lab, seed.ADA) == []


def test_what_stands_for_everybody_is_left(lab: Lab) -> None:
    lab.offboard(seed.ADA, ACTION)

    owner = lab.simulator.state("fabrikam.example")["mailboxes"][seed.ADA]
    assert [e["user"] for e in owner["calendar"]] == ["Default", "Anonymous"]


def test_a_delegate_with_write_access_goes(lab: Lab) -> None:
    share(lab, seed.SHARED, entry(seed.CY, "Cy", "cy@fabrikam.example", "delegateWithPrivateEventAccess"))

    result = lab.offboard(seed.CY, ACTION)

    assert result.items(STEP) == {"info@fabrikam.example (delegateWithPrivateEventAccess)": "done"}


def test_a_guest_is_taken_off(lab: Lab) -> None:
    share(lab, seed.SHARED, entry(seed.GUEST, "Gil Partner", "gil@partner.example"))

    result = lab.offboard(seed.GUEST, ACTION)

    assert result.outcome(STEP) == "done"
    assert calendars(lab, seed.GUEST) == []


def test_an_entry_that_is_gone_already_is_not_removed_again(lab: Lab) -> None:
    """The scan of this morning knows of it, the calendar does not any more."""
    lab.offboard(seed.BO, ACTION)
    share(lab, calendars(lab, seed.ADA)[0])

    result = lab.offboard(seed.ADA, ACTION)

    assert len(result.items(STEP)) == 4
    assert len(result.writes()) == 4


def test_a_calendar_that_cannot_be_read_is_left_to_a_person_and_the_rest_is_done(lab: Lab) -> None:
    closed = {"service": "graph", "match": f"{seed.SHARED}/calendar", "kind": "status", "status": 403}
    lab.simulator.faults([closed])

    first, second = lab.offboard(seed.ADA, ACTION), lab.offboard(seed.CY, ACTION)

    assert calendars(lab, seed.ADA) == []
    for result in (first, second):
        assert result.outcome(STEP) == "needs_attention"
        assert "info@fabrikam.example" in result.message(STEP)
        assert result.offboarding.state == "Completed"


def test_a_calendar_that_could_not_be_read_in_the_scan_is_asked_again_for_each_leaver(lab: Lab) -> None:
    share(lab, seed.SHARED, entry(seed.CY, "Cy", "cy@fabrikam.example"))
    lab.simulator.faults([{"service": "graph", "match": f"{seed.SHARED}/calendar", "kind": "status", "status": 500}])
    lab.offboard(seed.ADA, ACTION)
    lab.simulator.faults([])

    result = lab.offboard(seed.CY, ACTION)

    assert result.items(STEP) == {"info@fabrikam.example (read)": "done"}


def test_a_second_offboarding_finds_nothing_and_writes_nothing(lab: Lab) -> None:
    lab.offboard(seed.ADA, ACTION)

    result = lab.offboard(seed.ADA, ACTION)

    assert result.outcome(STEP) == "already_done"
    assert result.writes() == []


def test_the_first_scan_reads_every_calendar_once_and_the_day_lives_on_it(lab: Lab) -> None:
    submit = 1
    cold = lab.offboard(seed.ADA, ACTION)
    warm = lab.offboard(seed.BO, ACTION)
    nothing = lab.offboard(seed.CY, ACTION)

    # The snapshot; ceil(201 / 20) pages, of which the last call's stands alone; the live look; removal; proof.
    assert cold.count("graph") == submit + 1 + 11 + 1 + 1 + 1
    assert cold.count("exchange") == 1
    assert warm.count("graph") == submit + 1 + 1 + 1 + 1
    assert nothing.count("graph") == submit + 1
    assert warm.count("exchange") == nothing.count("exchange") == 0


def test_twenty_calendars_go_in_one_batch(lab: Lab) -> None:
    for mailbox in list(lab.simulator.state("fabrikam.example")["mailboxes"])[60:80]:
        share(lab, mailbox, entry(seed.CY, "Cy", "cy@fabrikam.example"))

    result = lab.offboard(seed.CY, ACTION)

    deletions = [[i for i in sent["items"] if i["method"] == "DELETE"] for sent in result.requests]
    assert [len(items) for items in deletions if items] == [20]
    assert list(result.items(STEP).values()) == ["done"] * 20


def test_the_age_of_the_knowledge_is_told(lab: Lab) -> None:
    lab.offboard(seed.ADA, ACTION)
    lab.hub.clock.advance(timedelta(minutes=90))

    assert "201 mailboxes of the tenant 1 hour before" in lab.offboard(seed.BO, ACTION).message(STEP)


def test_killed_between_the_last_removal_and_its_record_it_tells_the_same_story(lab: Lab) -> None:
    result = lab.offboard_killed(STEP, seed.ADA, ACTION)

    assert list(result.items(STEP).values()) == ["done"] * 5
    assert calendars(lab, seed.ADA) == []


@pytest.mark.parametrize("order", range(3))
def test_both_scans_of_two_leavers_at_once(lab: Lab, order: int) -> None:
    actions = {**ACTION, "remove_mailbox_permissions": True}
    submitted = [lab.submit(person, actions) for person in (seed.ADA, seed.BO)]
    lab.run(order)

    for each in submitted:
        result = lab.result(each.id)
        assert {step.outcome for step in result.steps.values()} == {"done"}
    reads = [i["url"] for sent in lab.simulator.requests() for i in sent["items"] if "calendarPermissions" in i["url"]]
    # Beside the scan: the live look at 5 and 1 calendars, their removal and the proof.
    assert len(reads) == MAILBOXES + 3 * (5 + 1)
    assert calendars(lab, seed.ADA) == calendars(lab, seed.BO) == []


def test_without_the_permission_only_this_step_fails_and_says_what_to_do(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "revoke_permission", permission="Calendars.ReadWrite")

    result = lab.offboard(seed.ADA, {**ACTION, "disable_sign_in": True})

    assert result.outcome("disable_sign_in") == "done"
    assert result.outcome(STEP) == "failed"
    assert "Grant the app Calendars.ReadWrite" in result.message(STEP)


@pytest.mark.parametrize(
    "fault",
    [
        {"match": "calendarPermissions", "kind": "throttle", "retry_after": 20, "count": 5},
        {"match": "calendarPermissions", "kind": "status", "status": 503, "probability": 0.1},
        {"match": "DELETE .*calendarPermissions", "kind": "reset_after", "count": 1},
        {"match": "DELETE .*calendarPermissions", "kind": "throttle", "retry_after": 20, "count": 3},
        {"match": "GET .*calendarPermissions", "kind": "stale", "count": 4},
    ],
)
def test_a_bad_day_of_graph_is_waited_out(lab: Lab, fault: dict[str, Any]) -> None:
    lab.simulator.faults([{"service": "graph", **fault}], seed=7)

    result = lab.offboard(seed.ADA, ACTION)

    assert result.outcome(STEP) == "done"
    assert calendars(lab, seed.ADA) == []
