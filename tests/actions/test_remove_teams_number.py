"""Remove the Teams phone number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant import seed

if TYPE_CHECKING:
    from dev.lab import Lab

NUMBER = {"remove_teams_number": True}
FABRIKAM = "fabrikam.example"
HYBRID = "hybrid.example"
ADAS = "+15550100"


def assign(lab: Lab, number: str, person: str, tenant: str = FABRIKAM, **facts: Any) -> None:
    held = {"assignmentStatus": "userAssigned", "assignmentTargetId": person, "assignmentCategory": "primary"}
    lab.simulator.arrange(tenant, "number", number=number, set={**held, **facts})


def numbers(lab: Lab, person: str, tenant: str = FABRIKAM) -> list[str]:
    held = lab.simulator.state(tenant)["numbers"].values()
    return [number["telephoneNumber"] for number in held if number["assignmentTargetId"] == person]


def test_the_number_is_taken_back_and_stays_with_the_tenant(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, NUMBER)

    assert numbers(lab, seed.ADA) == []
    held = lab.simulator.state(FABRIKAM)["numbers"].values()
    assert [n["assignmentStatus"] for n in held if n["telephoneNumber"] == ADAS] == ["unassigned"]
    assert result.items("remove_teams_number") == {ADAS: "done"}


def test_the_whole_tenants_numbers_are_never_listed(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, NUMBER)

    reads = [i["url"] for sent in result.requests for i in [sent, *sent["items"]] if "numberAssignments?" in i["url"]]
    assert reads
    assert all(seed.ADA in url for url in reads)


def test_it_is_waited_for_until_the_number_is_free(lab: Lab) -> None:
    lab.simulator.arrange(FABRIKAM, "tenant", set={"number_reads": 4})

    result = lab.offboard(seed.ADA, NUMBER)

    assert result.outcome("remove_teams_number") == "done"
    assert numbers(lab, seed.ADA) == []
    assert len([write for write in result.writes() if "unassignNumber" in write]) == 1
    assert result.steps["remove_teams_number"].attempts == 1, "the verification waits, not the step"


def test_several_numbers_go_in_one_batch(lab: Lab) -> None:
    assign(lab, "+15550999", seed.ADA, numberType="directRouting")

    result = lab.offboard(seed.ADA, NUMBER)

    assert numbers(lab, seed.ADA) == []
    assert set(result.items("remove_teams_number")) == {ADAS, "+15550999"}
    assert len([sent for sent in result.requests if any(i["method"] == "POST" for i in sent["items"])]) == 1


def test_a_number_that_a_policy_holds_fails_at_once_and_says_what_to_change(lab: Lab) -> None:
    assign(lab, ADAS, seed.ADA, locked=True)

    result = lab.offboard(seed.ADA, NUMBER)

    assert result.outcome("remove_teams_number") == "failed"
    assert "change that policy" in result.message("remove_teams_number")
    assert result.steps["remove_teams_number"].attempts == 1


def test_a_number_that_comes_from_active_directory_is_handed_over(lab: Lab) -> None:
    lab.simulator.arrange(HYBRID, "tenant", set={"teams_phone": True})
    assign(lab, "+15550300", seed.SYNCED, HYBRID, locked=True)

    result = lab.offboard(seed.SYNCED, NUMBER, tenant=HYBRID)

    assert result.outcome("remove_teams_number") == "needs_attention"
    assert "msRTCSIP-Line" in result.message("remove_teams_number")


def test_a_synced_persons_number_of_the_cloud_goes(lab: Lab) -> None:
    lab.simulator.arrange(HYBRID, "tenant", set={"teams_phone": True})
    assign(lab, "+15550300", seed.SYNCED, HYBRID)

    assert lab.offboard(seed.SYNCED, NUMBER, tenant=HYBRID).outcome("remove_teams_number") == "done"


def test_a_tenant_without_teams_phone_has_nothing_to_remove(lab: Lab) -> None:
    result = lab.offboard(seed.CLOUD_ONLY, NUMBER, tenant=HYBRID)

    assert result.outcome("remove_teams_number") == "not_applicable"
    assert "no Teams Phone" in result.message("remove_teams_number")
    assert result.writes() == []


def test_a_guest_has_no_number(lab: Lab) -> None:
    assert lab.offboard(seed.GUEST, NUMBER).outcome("remove_teams_number") == "not_applicable"


def test_a_person_without_a_number_is_left_alone(lab: Lab) -> None:
    result = lab.offboard(seed.BO, NUMBER)

    assert result.outcome("remove_teams_number") == "already_done"
    assert result.writes() == []


def test_a_second_offboarding_finds_it_taken_back(lab: Lab) -> None:
    lab.offboard(seed.ADA, NUMBER)

    result = lab.offboard(seed.ADA, NUMBER)

    assert result.outcome("remove_teams_number") == "already_done"
    assert result.writes() == []


def test_nobody_elses_number_is_touched(lab: Lab) -> None:
    def others() -> dict[str, str]:
        held = lab.simulator.state(FABRIKAM)["numbers"].values()
        return {n["id"]: n["assignmentTargetId"] for n in held if n["telephoneNumber"] != ADAS}

    before = others()

    lab.offboard(seed.ADA, NUMBER)

    assert others() == before


def test_what_it_takes(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, NUMBER)

    assert result.count("graph") == 5, "the submission, the snapshot, the order, a look at the operation, the proof"


def test_licenses_go_after_it(lab: Lab) -> None:
    for order in range(5):
        lab.simulator.reset()
        actions = {**NUMBER, "remove_licenses": True}
        writes = lab.offboard(seed.ADA, actions, order=order, force=True).writes()
        assert "unassignNumber" in writes[0]


def test_without_the_permission_only_this_fails_and_says_what_to_grant(lab: Lab) -> None:
    lab.simulator.arrange(FABRIKAM, "revoke_permission", permission="TeamsTelephoneNumber.ReadWrite.All")

    result = lab.offboard(seed.ADA, {**NUMBER, "disable_sign_in": True})

    assert result.outcome("remove_teams_number") == "failed"
    assert "Grant" in result.message("remove_teams_number")
    assert result.outcome("disable_sign_in") == "done"


def test_killed_before_its_record_it_tells_the_same_story(lab: Lab) -> None:
    result = lab.offboard_killed("remove_teams_number", seed.ADA, NUMBER)

    assert result.items("remove_teams_number") == {ADAS: "done"}
    assert numbers(lab, seed.ADA) == []


def test_a_synced_number_that_is_refused_at_once_is_left_to_active_directory(lab: Lab) -> None:
    lab.simulator.arrange("hybrid.example", "tenant", set={"teams_phone": True})
    set_ = {"assignmentStatus": "userAssigned", "assignmentTargetId": seed.SYNCED, "refused": True}
    lab.simulator.arrange("hybrid.example", "number", number="+15550777", set=set_)

    result = lab.offboard(seed.SYNCED, {"remove_teams_number": True}, tenant="hybrid.example")

    assert result.outcome("remove_teams_number") == "needs_attention"
    assert "msRTCSIP-Line" in result.message("remove_teams_number")
