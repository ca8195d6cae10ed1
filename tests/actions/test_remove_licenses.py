"""The licenses are taken back, once the mail is safe without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import licensing, seed
from dev.tenant.population import GIB
from dev.tenant.skus import E3, FLOW_FREE, POWER_BI, TEAMS_PHONE

if TYPE_CHECKING:
    from dev.lab import Lab, Result

NAME = "remove_licenses"
LICENSES = {NAME: True}
SAFE = LICENSES | {"convert_to_shared": True}
HYBRID = "hybrid.example"


def licenses(lab: Lab, user_id: str = seed.ADA, tenant: str = "fabrikam.example") -> list[tuple[str, str | None]]:
    return [
        (state["skuId"], state["assignedByGroup"]) for state in lab.user(user_id, tenant)["licenseAssignmentStates"]
    ]


def give(lab: Lab, user_id: str, *states: tuple[str, str | None], tenant: str = "fabrikam.example") -> None:
    assigned = [
        {"skuId": sku, "assignedByGroup": group, "state": "Active", "error": "None", "disabledPlans": []}
        for sku, group in states
    ]
    lab.simulator.arrange(tenant, "user", user=user_id, set={"licenseAssignmentStates": assigned})


def inherited_from(lab: Lab) -> str:
    groups = lab.simulator.state("fabrikam.example")["groups"]
    return next(key for key, group in groups.items() if group["mailNickname"] == "license-e3")


def license_group(
    lab: Lab, *members: str, kind: str = "security", tenant: str = "fabrikam.example", **set_: Any
) -> str:
    group = lab.simulator.arrange(
        tenant, "group", create={"nickname": "giver", "name": "Giver", "kind": kind}, set=set_
    )
    giving = {"assignedLicenses": [{"skuId": POWER_BI.id, "disabledPlans": []}]}
    lab.simulator.arrange(tenant, "group", group=group, set=giving, add=list(members))
    return group


def assignments(result: Result) -> list[dict[str, Any]]:
    items = [item for sent in result.requests for item in sent["items"]]
    return [item["body"] for item in items if "assignLicense" in item["url"]]


def lost(lab: Lab, user_id: str = seed.ADA) -> bool:
    return lab.mailbox(user_id)["mailbox_lost"]


def test_direct_and_inherited_licenses_go_after_the_conversion(lab: Lab) -> None:
    for order in range(5):
        lab.simulator.reset()
        result = lab.offboard(seed.ADA, SAFE, order=order)
        assert result.offboarding.state == "Completed"
        assert result.items(NAME) == {
            "Microsoft 365 E3 (SPE_E3) (from License E3)": "done",
            "Microsoft Teams Phone Standard (MCOEV)": "done",
            "Microsoft Fabric (Free) (POWER_BI_STANDARD)": "done",
            "Microsoft Power Automate Free (FLOW_FREE)": "done",
        }
        assert licenses(lab) == []
        assert lost(lab) is False


def test_all_direct_licenses_go_in_one_call_without_the_inherited_ones(lab: Lab) -> None:
    """One depends on another; an inherited one in the list would refuse them all."""
    result = lab.offboard(seed.ADA, SAFE)

    (body,) = assignments(result)
    assert body["addLicenses"] == []
    assert sorted(body["removeLicenses"]) == sorted([TEAMS_PHONE.id, POWER_BI.id, FLOW_FREE.id])


def test_a_license_in_error_goes_too(lab: Lab) -> None:
    states = lab.user(seed.ADA)["licenseAssignmentStates"]
    assert [state["skuId"] for state in states if state["state"] == "Error"] == [FLOW_FREE.id]

    assert lab.offboard(seed.ADA, SAFE).items(NAME)["Microsoft Power Automate Free (FLOW_FREE)"] == "done"


@pytest.mark.parametrize("reads", [0, 1, 6])
def test_it_waits_until_entra_has_taken_back_what_the_group_gave(lab: Lab, reads: int) -> None:
    lab.simulator.arrange("fabrikam.example", "tenant", set={"license_reads": reads})

    result = lab.offboard(seed.ADA, SAFE)

    assert result.items(NAME)["Microsoft 365 E3 (SPE_E3) (from License E3)"] == "done"
    assert lost(lab) is False


def test_an_inherited_license_that_never_goes_fails(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "tenant", set={"license_reads": 10_000})

    result = lab.offboard(seed.ADA, SAFE)

    assert result.items(NAME)["Microsoft 365 E3 (SPE_E3) (from License E3)"] == "failed"
    assert result.items(NAME)["Microsoft Teams Phone Standard (MCOEV)"] == "done"


def test_the_same_license_direct_and_inherited_goes_both_ways(lab: Lab) -> None:
    group = license_group(lab, seed.ADA)

    result = lab.offboard(seed.ADA, SAFE)

    assert result.items(NAME)["Microsoft Fabric (Free) (POWER_BI_STANDARD)"] == "done"
    assert result.items(NAME)["Microsoft Fabric (Free) (POWER_BI_STANDARD) (from Giver)"] == "done"
    assert (POWER_BI.id, group) not in licenses(lab)


def test_a_license_list_is_left_through_exchange(lab: Lab) -> None:
    license_group(lab, seed.ADA, kind="mail_security")

    result = lab.offboard(seed.ADA, SAFE)

    assert result.items(NAME)["Microsoft Fabric (Free) (POWER_BI_STANDARD) (from Giver)"] == "done"
    assert "Remove-DistributionGroupMember" in result.writes()


@pytest.mark.parametrize(
    ("facts", "advice"),
    [
        ({"groupTypes": ["DynamicMembership"], "membershipRule": "(user.country -eq 'x')"}, "user.country"),
        ({"onPremisesSyncEnabled": True}, "Active Directory"),
    ],
)
def test_what_a_dynamic_or_synced_group_gives_stays_and_is_handed_over(
    lab: Lab, facts: dict[str, Any], advice: str
) -> None:
    group = license_group(lab, seed.ADA, **facts)

    result = lab.offboard(seed.ADA, SAFE)

    assert result.items(NAME)["Microsoft Fabric (Free) (POWER_BI_STANDARD) (from Giver)"] == "needs_attention"
    assert result.items(NAME)["Microsoft Teams Phone Standard (MCOEV)"] == "done"
    assert advice in result.message(NAME)
    assert licenses(lab) == [(POWER_BI.id, group)]
    assert result.offboarding.state == "Completed"


def test_what_a_group_gives_that_contains_the_persons_group_stays_and_is_handed_over(lab: Lab) -> None:
    group = license_group(lab)
    give(lab, seed.SHARED, (POWER_BI.id, group))

    result = lab.offboard(seed.SHARED, LICENSES)

    assert result.outcome(NAME) == "needs_attention"
    assert "a group the person is not in" in result.message(NAME)


def test_a_role_assignable_license_group_says_what_to_do(lab: Lab) -> None:
    license_group(lab, seed.ADA, isAssignableToRole=True)
    lab.simulator.arrange("fabrikam.example", "revoke_permission", permission="RoleManagement.ReadWrite.Directory")

    result = lab.offboard(seed.ADA, SAFE)

    assert result.items(NAME)["Microsoft Fabric (Free) (POWER_BI_STANDARD) (from Giver)"] == "failed"
    assert "RoleManagement.ReadWrite.Directory" in result.message(NAME)


def test_without_conversion_the_licenses_stay(lab: Lab) -> None:
    before = licenses(lab)

    result = lab.offboard(seed.ADA, LICENSES)

    assert result.outcome(NAME) == "skipped"
    assert "30 days" in result.message(NAME)
    assert "Select the conversion to a shared mailbox" in result.message(NAME)
    assert licenses(lab) == before
    assert lost(lab) is False
    assert any("30 days" in warning for warning in result.offboarding.warnings)


@pytest.mark.parametrize(
    ("user", "why"), [(seed.BIG_MAILBOX, "49.6 GiB"), (seed.ON_HOLD, "on hold"), (seed.ARCHIVED, "archive")]
)
def test_a_mailbox_that_needs_a_license_even_when_shared_keeps_it(lab: Lab, user: str, why: str) -> None:
    result = lab.offboard(user, SAFE)

    assert result.outcome("convert_to_shared") == "done"
    assert result.outcome(NAME) == "skipped"
    assert why in result.message(NAME)
    assert "administrator" in result.message(NAME), "who has to do something"
    assert result.steps[NAME].blocked_by == ("mail_protection",)
    assert licenses(lab, user) == [(E3.id, None)]


def test_a_hold_in_another_form_counts(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=seed.BO, set={"InPlaceHolds": ["UniH1"]})

    assert lab.offboard(seed.BO, SAFE).outcome(NAME) == "skipped"


@pytest.mark.parametrize(("size", "outcome"), [(49 * GIB - 1, "done"), (49 * GIB, "skipped")])
def test_the_limit_is_one_gibibyte_under_what_a_shared_mailbox_may_hold(lab: Lab, size: int, outcome: str) -> None:
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=seed.BO, set={"total_item_size": size})

    assert lab.offboard(seed.BO, SAFE).outcome(NAME) == outcome


@pytest.mark.parametrize("user", [seed.BIG_MAILBOX, seed.ON_HOLD, seed.ARCHIVED])
def test_with_force_they_go(lab: Lab, user: str) -> None:
    result = lab.offboard(user, SAFE, force=True)

    assert result.outcome(NAME) == "done"
    assert licenses(lab, user) == []
    assert lost(lab, user) is False


def test_with_force_they_go_from_a_user_mailbox(lab: Lab) -> None:
    assert lab.offboard(seed.BO, LICENSES, force=True).outcome(NAME) == "done"


def test_where_the_account_is_deleted_they_go(lab: Lab) -> None:
    result = lab.offboard(seed.BIG_MAILBOX, LICENSES | {"delete_user": True})

    assert [result.outcome(NAME), result.outcome("delete_user")] == ["done", "done"]


def test_a_mailbox_that_was_shared_before_lets_them_go(lab: Lab) -> None:
    give(lab, seed.SHARED, (E3.id, None))

    assert lab.offboard(seed.SHARED, LICENSES).outcome(NAME) == "done"


@pytest.mark.parametrize("user", [seed.NO_MAILBOX, seed.GUEST])
def test_without_a_mailbox_they_go(lab: Lab, user: str) -> None:
    give(lab, user, (POWER_BI.id, None))

    result = lab.offboard(user, SAFE)

    assert result.outcome("convert_to_shared") == "not_applicable"
    assert result.outcome(NAME) == "done"


def test_where_the_mailbox_could_not_be_read_they_stay(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "revoke_entra_role", role="Exchange Administrator")

    result = lab.offboard(seed.BO, LICENSES)

    assert result.outcome(NAME) == "failed"
    assert "could not be read" in result.message(NAME)
    assert licenses(lab, seed.BO) == [(E3.id, None)]


def test_where_the_size_could_not_be_read_they_stay(lab: Lab) -> None:
    rule = {"service": "exchange", "match": "Get-MailboxStatistics", "kind": "status", "status": 400, "probability": 1}
    lab.simulator.faults([rule])

    result = lab.offboard(seed.BO, SAFE)

    assert result.outcome(NAME) == "failed"
    assert licenses(lab, seed.BO) == [(E3.id, None)]


def test_where_meetings_could_not_be_cancelled_they_stay(lab: Lab) -> None:
    """The mailbox must be able to send the cancellations."""
    rule = {"service": "exchange", "match": "Remove-CalendarEvents", "kind": "status", "status": 400, "probability": 1}
    lab.simulator.faults([rule])

    result = lab.offboard(seed.ADA, SAFE | {"cancel_meetings": True})

    assert result.outcome("cancel_meetings") == "failed"
    assert result.outcome(NAME) == "skipped"
    assert result.steps[NAME].blocked_by == ("cancel_meetings",)
    assert lost(lab) is False


def test_a_person_without_licenses_has_none_to_give_back(lab: Lab) -> None:
    result = lab.offboard(seed.SHARED, LICENSES)

    assert result.outcome(NAME) == "already_done"
    assert assignments(result) == []


def test_the_second_time_nothing_is_written(lab: Lab) -> None:
    lab.offboard(seed.ADA, SAFE)

    result = lab.offboard(seed.ADA, SAFE)

    assert result.outcome(NAME) == "already_done"
    assert assignments(result) == []


def test_a_step_that_died_before_its_record_tells_the_same_story(lab: Lab) -> None:
    result = lab.offboard_killed(NAME, seed.ADA, SAFE)

    assert set(result.items(NAME).values()) == {"done"}
    assert licenses(lab) == []


def test_a_change_at_the_same_moment_is_tried_again(lab: Lab) -> None:
    rule = {"service": "graph", "match": "assignLicense", "kind": "status", "status": 409, "probability": 1, "count": 2}
    lab.simulator.faults([rule])

    assert lab.offboard(seed.ADA, SAFE).outcome(NAME) == "done"


def test_a_synced_leavers_licenses_go(lab: Lab) -> None:
    assert lab.offboard(seed.SYNCED, SAFE, tenant=HYBRID).outcome(NAME) == "done"


def test_the_calls_for_direct_and_inherited_licenses_share_one_request(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "tenant", set={"license_reads": 0, "conversion_reads": 0})
    give(lab, seed.ADA, (E3.id, inherited_from(lab)), (POWER_BI.id, None))

    result = lab.offboard(seed.ADA, SAFE)

    batches = [[item["method"] for item in sent["items"]] for sent in result.requests if sent["service"] == "graph"]
    assert sorted(batches[2]) == ["DELETE", "POST"]
    assert len(batches) == 4, "the look-up at submit, the snapshot, the batch, the proof"


def test_without_its_permission_the_step_says_what_to_do(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "revoke_permission", permission="LicenseAssignment.ReadWrite.All")
    lab.simulator.arrange("fabrikam.example", "revoke_permission", permission="User.ReadWrite.All")
    give(lab, seed.ADA, (E3.id, inherited_from(lab)), (POWER_BI.id, None))

    result = lab.offboard(seed.ADA, SAFE)

    assert result.items(NAME)["Microsoft Fabric (Free) (POWER_BI_STANDARD)"] == "failed"
    assert result.items(NAME)["Microsoft 365 E3 (SPE_E3) (from License E3)"] == "done"
    assert "admin consent" in result.message(NAME)


def test_licenses_whose_part_numbers_cannot_be_read_have_their_names_all_the_same(lab: Lab) -> None:
    rule = {"service": "graph", "match": "subscribedSkus", "kind": "status", "status": 403, "probability": 1}
    lab.simulator.faults([rule])

    result = lab.offboard(seed.BO, SAFE)

    assert result.items(NAME) == {"Microsoft 365 E3 (SPE_E3)": "done"}


POLICY = "mbx7cfb30345d454ac0a989ab3041051209"


@pytest.mark.parametrize("entry", [f"-{POLICY}", f"{POLICY}:1"])
def test_an_entry_that_holds_nothing_keeps_no_license(lab: Lab, entry: str) -> None:
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=seed.BO, set={"InPlaceHolds": [entry]})

    assert lab.offboard(seed.BO, SAFE).outcome(NAME) == "done"


@pytest.mark.parametrize(
    ("held", "named"),
    [
        ({"InPlaceHolds": [f"{POLICY}:2"]}, POLICY),
        ({"ComplianceTagHoldApplied": True}, "retention label"),
        ({"DelayHoldApplied": True}, "delay hold"),
        ({"DelayReleaseHoldApplied": True}, "delay hold"),
    ],
)
def test_what_holds_the_mailbox_keeps_the_license_and_is_named(lab: Lab, held: dict[str, object], named: str) -> None:
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=seed.BO, set=held)

    result = lab.offboard(seed.BO, SAFE)

    assert result.outcome(NAME) == "skipped"
    assert named in result.message(NAME)


def test_a_hold_of_the_whole_organisation_keeps_the_license_unless_the_mailbox_is_excluded(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "tenant", set={"InPlaceHolds": [f"{POLICY}:2", "grp1234:2"]})
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=seed.CY, set={"InPlaceHolds": [f"-{POLICY}"]})

    assert "whole organisation" in lab.offboard(seed.BO, SAFE).message(NAME)
    assert lab.offboard(seed.CY, SAFE).outcome(NAME) == "done"


@pytest.mark.parametrize("kind", ["RoomMailbox", "EquipmentMailbox", "SchedulingMailbox"])
def test_the_license_of_a_room_goes_because_it_needs_none(lab: Lab, kind: str) -> None:
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=seed.BO, set={"RecipientTypeDetails": kind})

    result = lab.offboard(seed.BO, SAFE)

    assert result.outcome("convert_to_shared") == "not_applicable"
    assert result.outcome(NAME) == "done"


def synced_with_an_online_archive(lab: Lab) -> str:
    """Arrange somebody whose mailbox is on-premises and whose archive is online; returns the id."""
    archive = "0aa3e1a5-33f4-4bb8-a9b9-0c5f2d7b1f11"
    person: str = lab.simulator.arrange(
        "hybrid.example",
        "user",
        create={"alias": "olga", "licenses": []},
        set={"onPremisesSyncEnabled": True, "mail": "olga@hybrid.example", "ArchiveGuid": archive},
    )
    states = [licensing.assignment(E3.id)]
    lab.simulator.arrange("hybrid.example", "user", user=person, set={"licenseAssignmentStates": states})
    return person


def test_the_online_archive_of_a_mailbox_on_premises_keeps_the_license(lab: Lab) -> None:
    person = synced_with_an_online_archive(lab)

    result = lab.offboard(person, {NAME: True}, tenant="hybrid.example")

    assert result.outcome(NAME) == "skipped"
    assert "archive" in result.message(NAME)


def test_an_online_archive_that_could_not_be_looked_for_keeps_the_license(lab: Lab) -> None:
    person = synced_with_an_online_archive(lab)
    rule = {"service": "exchange", "match": "Get-MailUser", "kind": "status", "status": 400, "probability": 1}
    lab.simulator.faults([rule])

    result = lab.offboard(person, {NAME: True}, tenant="hybrid.example")

    assert result.outcome(NAME) == "failed"
    assert "online archive" in result.message(NAME)
    assert result.writes() == []


def hold(lab: Lab, user: str, *states: dict[str, Any]) -> None:
    lab.simulator.arrange("fabrikam.example", "user", user=user, set={"licenseAssignmentStates": list(states)})


def test_a_license_that_stuck_after_its_group_was_left_is_processed_again(lab: Lab) -> None:
    group = lab.simulator.arrange(
        "fabrikam.example",
        "group",
        create={"nickname": "phone-base", "members": [seed.BO]},
        set={"assignedLicenses": [{"skuId": E3.id, "disabledPlans": []}]},
    )
    hold(lab, seed.BO, licensing.assignment(E3.id, group), licensing.assignment(TEAMS_PHONE.id))
    lab.simulator.arrange("fabrikam.example", "tenant", set={"license_reads": 0})

    result = lab.offboard(seed.BO, SAFE)

    assert result.outcome(NAME) == "done", result.message(NAME)
    assert licenses(lab, seed.BO) == []


def test_a_license_left_behind_by_a_group_that_was_left_before_is_processed_again(lab: Lab) -> None:
    group = lab.simulator.arrange("fabrikam.example", "group", create={"nickname": "former"})
    stuck = {**licensing.assignment(E3.id, group, state="Error"), "error": "DependencyViolation"}
    hold(lab, seed.BO, stuck)
    lab.simulator.arrange("fabrikam.example", "user", user=seed.BO, set={"leaving_groups": {group: -1}})

    result = lab.offboard(seed.BO, SAFE)

    assert result.outcome(NAME) == "done", result.message(NAME)
    assert "change that group" not in result.message(NAME)


def test_a_base_license_waits_for_the_add_on_that_a_group_gives(lab: Lab) -> None:
    group = lab.simulator.arrange(
        "fabrikam.example",
        "group",
        create={"nickname": "phone", "members": [seed.BO]},
        set={"assignedLicenses": [{"skuId": TEAMS_PHONE.id, "disabledPlans": []}]},
    )
    hold(lab, seed.BO, licensing.assignment(E3.id), licensing.assignment(TEAMS_PHONE.id, group))

    result = lab.offboard(seed.BO, SAFE)

    assert result.outcome(NAME) == "done", result.message(NAME)
    assert licenses(lab, seed.BO) == []
