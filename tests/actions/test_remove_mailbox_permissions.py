"""What the leaver may do with the mailboxes of others ends: Full Access, Send As, Send on Behalf."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from dev.tenant.population import ace

if TYPE_CHECKING:
    from dev.lab import Lab, Result

STEP = "remove_mailbox_permissions"
ACTION = {STEP: True}
SELF = ace("NT AUTHORITY\\SELF")
MAILBOXES = 201


def rights(lab: Lab, person: str, tenant: str = "fabrikam.example") -> dict[str, list[str]]:
    """Return, by kind of the right, the mailboxes and groups on which a person holds it."""
    state = lab.simulator.state(tenant)
    targets = {**state["mailboxes"], **state["groups"]}
    aces = {id_: [e["User"] for e in mailbox["permissions"]] for id_, mailbox in state["mailboxes"].items()}
    return {
        "full access": [id_ for id_, users in aces.items() if person in users],
        "send as": [id_ for id_, target in targets.items() if person in target["send_as"]],
        "on behalf": [id_ for id_, target in targets.items() if person in target["GrantSendOnBehalfTo"]],
    }


NOTHING = {"full access": [], "send as": [], "on behalf": []}


def cmdlets(result: Result) -> list[str]:
    return [i["cmdlet"] for sent in result.requests if sent["service"] == "exchange" for i in sent["items"]]


def changes(result: Result) -> list[list[str]]:
    """Return the cmdlets that change something, by the requests that carried them."""
    batches = [[i["cmdlet"] for i in sent["items"]] for sent in result.requests if sent["service"] == "exchange"]
    return [names for names in batches if any(not name.startswith("Get-") for name in names)]


def give_access(lab: Lab, mailbox: str, *entries: dict[str, Any]) -> None:
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=mailbox, set={"permissions": [SELF, *entries]})


def test_every_right_on_other_mailboxes_goes_with_an_outcome_each(lab: Lab) -> None:
    before = rights(lab, seed.ADA)

    result = lab.offboard(seed.ADA, ACTION)

    assert [len(places) for places in before.values()] == [2, 2, 2]
    assert rights(lab, seed.ADA) == NOTHING
    assert list(result.items(STEP).values()) == ["done"] * 6
    assert sum("(Full Access)" in name for name in result.items(STEP)) == 2
    assert result.offboarding.state == "Completed"


def test_a_colleague_on_the_same_mailboxes_keeps_the_access(lab: Lab) -> None:
    shared_place = rights(lab, seed.BO)["full access"]
    assert set(shared_place) <= set(rights(lab, seed.ADA)["full access"])

    lab.offboard(seed.ADA, ACTION)

    assert rights(lab, seed.BO)["full access"] == shared_place


def test_somebody_of_the_same_display_name_keeps_the_access(lab: Lab) -> None:
    create = {"alias": "ada2", "name": "Ada Castell"}
    namesake = lab.simulator.arrange("fabrikam.example", "user", create=create)
    give_access(lab, seed.SHARED, ace(namesake), ace(seed.ADA))

    lab.offboard(seed.ADA, ACTION)

    assert [entry["User"] for entry in lab.mailbox(seed.SHARED)["permissions"]] == ["NT AUTHORITY\\SELF", namesake]


def test_all_that_an_entry_allows_is_removed_not_only_full_access(lab: Lab) -> None:
    """An entry that also holds ReadPermission would stay with that right alone."""
    give_access(lab, seed.SHARED, ace(seed.ADA, ("FullAccess", "ReadPermission")))

    lab.offboard(seed.ADA, ACTION)

    assert [entry["User"] for entry in lab.mailbox(seed.SHARED)["permissions"]] == ["NT AUTHORITY\\SELF"]


def test_inherited_and_denying_entries_are_left(lab: Lab) -> None:
    left = [{**ace(seed.ADA), "IsInherited": True}, {**ace(seed.ADA), "Deny": True}]
    give_access(lab, seed.SHARED, *left)

    result = lab.offboard(seed.ADA, ACTION)

    assert lab.mailbox(seed.SHARED)["permissions"][1:] == left
    assert len(result.items(STEP)) == 6


def test_the_rights_on_groups_go_too(lab: Lab) -> None:
    for group in ("ada-list-0", "ada-team-3"):
        grants = {"GrantSendOnBehalfTo": [seed.ADA], "send_as": [seed.ADA, seed.BO]}
        lab.simulator.arrange("fabrikam.example", "group", group=group, set=grants)

    result = lab.offboard(seed.ADA, ACTION)

    assert rights(lab, seed.ADA) == NOTHING
    assert len(rights(lab, seed.BO)["send as"]) == 2
    assert len(result.items(STEP)) == 10


def test_a_right_that_is_gone_already_is_not_removed_again(lab: Lab) -> None:
    """The scan of this morning knows of it, the mailbox does not any more."""
    lab.offboard(seed.BO, ACTION)
    place = rights(lab, seed.ADA)["full access"][0]
    give_access(lab, place)

    result = lab.offboard(seed.ADA, ACTION)

    assert len(result.items(STEP)) == 5
    assert result.writes().count("Remove-MailboxPermission") == 1


def test_send_on_behalf_of_a_synchronised_mailbox_is_left_to_active_directory(lab: Lab) -> None:
    result = lab.offboard(seed.SYNCED, ACTION, tenant="hybrid.example")

    assert rights(lab, seed.SYNCED, "hybrid.example")["on behalf"] == [seed.SYNCED_COLLEAGUE]
    assert result.outcome(STEP) == "needs_attention"
    assert "Active Directory" in result.message(STEP)
    assert result.writes() == []
    assert result.offboarding.state == "Completed"


@pytest.mark.parametrize("person", [seed.GUEST, seed.NO_MAILBOX])
def test_a_guest_and_somebody_without_a_mailbox_lose_their_access(lab: Lab, person: str) -> None:
    give_access(lab, seed.SHARED, ace(person), ace(seed.BO))

    result = lab.offboard(person, ACTION)

    assert result.items(STEP) == {"info@fabrikam.example (Full Access)": "done"}
    assert [entry["User"] for entry in lab.mailbox(seed.SHARED)["permissions"]][1:] == [seed.BO]


def test_somebody_renamed_after_the_scan_is_found_by_the_former_address(lab: Lab) -> None:
    lab.offboard(seed.BO, ACTION)
    addresses = ["SMTP:ada.new@fabrikam.example", "smtp:ada@fabrikam.example"]
    renamed = {"userPrincipalName": "ada.new@fabrikam.example", "mail": "ada.new@fabrikam.example"}
    lab.simulator.arrange("fabrikam.example", "user", user=seed.ADA, set={**renamed, "proxyAddresses": addresses})

    lab.offboard(seed.ADA, ACTION)

    assert rights(lab, seed.ADA) == NOTHING


def test_three_rights_on_one_mailbox_go_in_three_requests(lab: Lab) -> None:
    """The order within a batch is not defined, so no batch changes a mailbox twice."""
    give_access(lab, seed.SHARED, ace(seed.CY))
    grants = {"send_as": [seed.CY], "GrantSendOnBehalfTo": [seed.CY]}
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=seed.SHARED, set=grants)

    result = lab.offboard(seed.CY, ACTION)

    assert [len(names) for names in changes(result)] == [1, 1, 1]
    assert rights(lab, seed.CY) == NOTHING


def test_a_second_offboarding_finds_nothing_and_writes_nothing(lab: Lab) -> None:
    lab.offboard(seed.ADA, ACTION)

    result = lab.offboard(seed.ADA, ACTION)

    assert result.outcome(STEP) == "already_done"
    assert result.writes() == []


def test_the_first_scan_reads_every_mailbox_once_and_the_day_lives_on_it(lab: Lab) -> None:
    cold = lab.offboard(seed.ADA, ACTION)
    warm = lab.offboard(seed.BO, ACTION)
    nothing = lab.offboard(seed.CY, ACTION)

    # The snapshot; the list; ceil(201 / 10) pages; the live look; the removal; the proof.
    assert cold.count("exchange") == 1 + 1 + 21 + 1 + 1 + 1
    assert warm.count("exchange") == 1 + 1 + 1 + 1
    assert nothing.count("exchange") == 1 + 1
    assert cold.steps[STEP].attempts == 1, "pages are no attempts"


def test_ten_rights_go_in_one_batch(lab: Lab) -> None:
    people = list(lab.simulator.state("fabrikam.example")["mailboxes"])[60:70]
    for mailbox in people:
        give_access(lab, mailbox, ace(seed.CY))

    result = lab.offboard(seed.CY, ACTION)

    assert list(result.items(STEP).values()) == ["done"] * 10
    assert [len(names) for names in changes(result)] == [10]


def test_the_age_of_the_knowledge_is_told_and_what_is_newer_is_not_seen(lab: Lab) -> None:
    fresh = lab.offboard(seed.ADA, ACTION)
    lab.hub.clock.advance(timedelta(hours=3))
    give_access(lab, seed.SHARED, ace(seed.BO))

    later = lab.offboard(seed.BO, ACTION)

    assert f"all {MAILBOXES} mailboxes of the tenant just now" in fresh.message(STEP)
    assert "3 hours before; rights granted since are not included" in later.message(STEP)
    assert rights(lab, seed.BO)["full access"] == [seed.SHARED]


def test_a_day_later_the_tenant_is_scanned_anew(lab: Lab) -> None:
    lab.offboard(seed.ADA, ACTION)
    give_access(lab, seed.SHARED, ace(seed.BO))
    lab.hub.clock.advance(timedelta(days=1))

    result = lab.offboard(seed.BO, ACTION)

    assert rights(lab, seed.BO)["full access"] == []
    assert cmdlets(result).count("Get-MailboxPermission") >= MAILBOXES


@pytest.mark.parametrize("order", range(5))
def test_two_leavers_at_once_share_one_scan(lab: Lab, order: int) -> None:
    first, second = lab.submit(seed.ADA, ACTION), lab.submit(seed.BO, ACTION)
    lab.run(order)

    results = [lab.result(submitted.id) for submitted in (first, second)]
    assert [result.outcome(STEP) for result in results] == ["done", "done"]
    # Beside the scan: the live look at 2 and 1 places, and the proof of them.
    assert cmdlets(results[0]).count("Get-MailboxPermission") == MAILBOXES + 2 * (2 + 1)
    assert rights(lab, seed.ADA) == rights(lab, seed.BO) == NOTHING


def test_a_scan_whose_host_is_killed_is_carried_on(lab: Lab) -> None:
    submitted = lab.submit(seed.ADA, ACTION)
    killed = 0
    while killed < 3:
        work = next(iter(lab.hub.ready()), None)
        if work is None:
            assert lab.hub.advance()
            continue
        is_page = work.kind == "activity" and work.name == STEP
        lab.hub.execute(work, record=not is_page)
        if is_page:
            killed += 1
            lab.hub.crash()
    lab.run()

    result = lab.result(submitted.id)
    assert result.outcome(STEP) == "done"
    assert cmdlets(result).count("Get-MailboxPermission") == MAILBOXES + 2 * 2
    assert len(result.items(STEP)) == 6


def test_killed_between_the_last_removal_and_its_record_it_tells_the_same_story(lab: Lab) -> None:
    result = lab.offboard_killed(STEP, seed.ADA, ACTION)

    assert list(result.items(STEP).values()) == ["done"] * 6
    assert rights(lab, seed.ADA) == NOTHING


def test_delivered_twice_nothing_is_counted_twice(lab: Lab) -> None:
    submitted = lab.submit(seed.ADA, ACTION)
    while lab.hub.ready() or lab.hub.advance():
        for work in lab.hub.ready()[:1]:
            lab.hub.execute(work, deliveries=2 if work.kind == "activity" else 1)

    result = lab.result(submitted.id)
    assert list(result.items(STEP).values()) == ["done"] * 6
    assert f"all {MAILBOXES} mailboxes" in result.message(STEP)


def test_without_the_exchange_role_only_this_step_fails_and_says_what_to_do(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "revoke_entra_role", role="Exchange Administrator")

    result = lab.offboard(seed.ADA, {**ACTION, "disable_sign_in": True})

    assert result.outcome("disable_sign_in") == "done"
    assert result.outcome(STEP) == "failed"
    assert "Exchange Administrator" in result.message(STEP)


def test_a_role_lost_after_the_scan_fails_the_step(lab: Lab) -> None:
    lab.offboard(seed.BO, ACTION)
    rule = {"service": "exchange", "match": "^(Get-RecipientPermission|Remove-)", "kind": "status", "status": 403}
    lab.simulator.faults([rule])

    result = lab.offboard(seed.ADA, ACTION)

    assert result.outcome(STEP) == "failed"
    assert result.writes() == []


@pytest.mark.parametrize(
    "fault",
    [
        {"match": "Get-MailboxPermission", "kind": "throttle", "retry_after": 20, "count": 5},
        {"match": "Get-MailboxPermission", "kind": "status", "status": 503, "probability": 0.1},
        {"match": "batch", "kind": "status", "status": 503, "probability": 0.2},
        {"match": "Get-MailboxPermission", "kind": "reset_before", "probability": 0.01},
        {"match": "Remove-MailboxPermission", "kind": "reset_after", "count": 1},
    ],
)
def test_a_bad_day_of_exchange_is_waited_out(lab: Lab, fault: dict[str, Any]) -> None:
    lab.simulator.faults([{"service": "exchange", **fault}], seed=7)

    result = lab.offboard(seed.ADA, ACTION)

    assert result.outcome(STEP) == "done"
    assert rights(lab, seed.ADA) == NOTHING


def test_no_mailbox_is_written_by_two_at_once(lab: Lab) -> None:
    lab.offboard(seed.ADA, ACTION)

    assert lab.simulator.state("fabrikam.example")["concurrent_mailbox_writes"] == []
