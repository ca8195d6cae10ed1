"""The leaver is taken out of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed

if TYPE_CHECKING:
    from dev.lab import Lab, Result

NAME = "remove_groups"
GROUPS = {NAME: True}
HYBRID = "hybrid.example"


def groups_of(lab: Lab, user_id: str = seed.ADA, tenant: str = "fabrikam.example") -> set[str]:
    groups = lab.simulator.state(tenant)["groups"].values()
    return {group["displayName"] for group in groups if user_id in group["members"]}


def join(lab: Lab, nickname: str, kind: str = "security", members: tuple[str, ...] = (seed.ADA,), **set_: Any) -> str:
    create = {"nickname": nickname, "name": nickname.title(), "kind": kind, "members": list(members)}
    return lab.simulator.arrange("fabrikam.example", "group", create=create, set=set_)


def removals(result: Result) -> list[str]:
    return [write for write in result.writes() if "/members/" in write or "DistributionGroup" in write]


def test_every_kind_of_group_is_left_by_its_own_door(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "group", group="license-e3", remove=[seed.ADA])

    result = lab.offboard(seed.ADA, GROUPS)

    assert result.offboarding.state == "Completed"
    assert groups_of(lab) == {"Everyone"}
    assert removals(result).count("Remove-DistributionGroupMember") == 3
    assert len(removals(result)) == 8 + 3


def test_a_membership_is_removed_by_its_ref_and_the_person_stays(lab: Lab) -> None:
    """Without the last segment the same call would delete the person."""
    result = lab.offboard(seed.ADA, GROUPS)

    deletes = [write for write in removals(result) if write.startswith("DELETE")]
    assert deletes
    assert all(write.endswith("/$ref") for write in deletes)
    assert seed.ADA in lab.simulator.state("fabrikam.example")["users"]


def test_the_second_time_nothing_is_written(lab: Lab) -> None:
    lab.offboard(seed.BO, GROUPS)

    result = lab.offboard(seed.BO, GROUPS)

    assert result.outcome(NAME) == "already_done"
    assert removals(result) == []


def test_a_step_that_died_before_its_record_tells_the_same_story(lab: Lab) -> None:
    result = lab.offboard_killed(NAME, seed.BO, GROUPS)

    assert set(result.items(NAME).values()) == {"done"}
    assert groups_of(lab, seed.BO) == set()


def test_a_dynamic_group_follows_its_rule_and_the_rule_is_told(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, GROUPS)

    everyone = next(item for item in result.steps[NAME].items if item.name == "Everyone")
    assert everyone.outcome == "not_applicable"
    assert 'user.userType -eq "Member"' in everyone.message
    assert not any(everyone.id in write for write in removals(result))


def test_a_rule_that_no_longer_rules_keeps_nobody_in(lab: Lab) -> None:
    join(lab, "ruled", membershipRule="(user.department -eq 'x')")

    result = lab.offboard(seed.ADA, GROUPS)

    assert result.items(NAME)["Ruled"] == "done"
    assert "Ruled" not in groups_of(lab)


def test_a_synced_group_is_left_in_active_directory(lab: Lab) -> None:
    result = lab.offboard(seed.SYNCED, GROUPS, tenant=HYBRID)

    assert result.items(NAME) == {
        "On-premises group": "needs_attention",
        "On-premises list": "needs_attention",
        "Cloud group": "done",
        "Project": "done",
    }
    assert "Active Directory" in result.message(NAME)
    assert result.offboarding.state == "Completed"
    assert groups_of(lab, seed.SYNCED, HYBRID) == {"On-premises group", "On-premises list"}


def test_license_groups_are_left_to_the_licenses_where_those_go_too(lab: Lab) -> None:
    for order in range(5):
        lab.simulator.reset()
        actions = GROUPS | {"remove_licenses": True, "convert_to_shared": True}
        result = lab.offboard(seed.ADA, actions, order=order)
        assert result.items(NAME)["License E3"] == "not_applicable"
        assert "left to that step" in next(i.message for i in result.steps[NAME].items if i.name == "License E3")
        assert groups_of(lab) == {"Everyone"}
        assert lab.mailbox(seed.ADA)["mailbox_lost"] is False


def test_license_groups_without_the_license_step_wait_for_the_conversion(lab: Lab) -> None:
    for order in range(5):
        lab.simulator.reset()
        result = lab.offboard(seed.ADA, GROUPS | {"convert_to_shared": True}, order=order)
        assert result.items(NAME)["License E3"] == "done"
        assert lab.mailbox(seed.ADA)["mailbox_lost"] is False


def test_license_groups_stay_while_the_mailbox_would_be_lost(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, GROUPS)

    assert result.items(NAME)["License E3"] == "needs_attention"
    assert "30 days" in result.message(NAME)
    assert groups_of(lab) == {"Everyone", "License E3"}
    assert result.offboarding.state == "Completed"


def test_license_groups_stay_where_the_conversion_failed(lab: Lab) -> None:
    rule = {"service": "exchange", "match": "Set-Mailbox", "kind": "status", "status": 400, "probability": 1}
    lab.simulator.faults([rule])

    result = lab.offboard(seed.ADA, GROUPS | {"convert_to_shared": True})

    assert result.outcome("convert_to_shared") == "failed"
    assert result.items(NAME)["License E3"] == "needs_attention"
    assert lab.mailbox(seed.ADA)["mailbox_lost"] is False


def test_license_groups_go_with_force(lab: Lab) -> None:
    assert lab.offboard(seed.ADA, GROUPS, force=True).items(NAME)["License E3"] == "done"


def test_license_groups_go_where_the_mailbox_is_shared_already(lab: Lab) -> None:
    join(lab, "licensed", members=(seed.SHARED,), assignedLicenses=[{"skuId": "x", "disabledPlans": []}])

    assert lab.offboard(seed.SHARED, GROUPS).items(NAME) == {"Licensed": "done"}


def test_a_person_without_a_mailbox_leaves_license_groups(lab: Lab) -> None:
    join(lab, "licensed", members=(seed.NO_MAILBOX,), assignedLicenses=[{"skuId": "x", "disabledPlans": []}])

    assert lab.offboard(seed.NO_MAILBOX, GROUPS).items(NAME) == {"Licensed": "done"}


def test_a_mail_enabled_security_group_can_have_a_member_without_mail(lab: Lab) -> None:
    join(lab, "doors", "mail_security", (seed.NO_MAILBOX,))

    assert lab.offboard(seed.NO_MAILBOX, GROUPS).items(NAME) == {"Doors": "done"}


def test_a_guest_leaves_lists_and_teams(lab: Lab) -> None:
    join(lab, "partners", "team", (seed.GUEST,))
    join(lab, "news", "list", (seed.GUEST,))

    result = lab.offboard(seed.GUEST, GROUPS)

    assert result.items(NAME) == {"Partners": "done", "News": "done"}
    assert groups_of(lab, seed.GUEST) == set()


def test_two_groups_of_one_name_are_told_apart(lab: Lab) -> None:
    for nickname in ("one", "two"):
        lab.simulator.arrange(
            "fabrikam.example",
            "group",
            create={"nickname": nickname, "name": "Same", "kind": "list", "members": [seed.BO]},
        )

    result = lab.offboard(seed.BO, GROUPS)

    assert result.outcome(NAME) == "done"
    assert groups_of(lab, seed.BO) == set()


def test_a_person_in_no_group_has_left_already(lab: Lab) -> None:
    result = lab.offboard(seed.NO_MAILBOX, GROUPS)

    assert result.outcome(NAME) == "already_done"
    assert result.message(NAME) == "The person is in no group."


def test_directory_roles_are_no_memberships(lab: Lab) -> None:
    assert lab.offboard(seed.HELPDESK, GROUPS).outcome(NAME) == "already_done"


def owners_of(lab: Lab, group: str) -> list[str]:
    return lab.simulator.state("fabrikam.example")["groups"][group]["owners"]


@pytest.mark.parametrize("members", [(), (seed.ADA,)])
def test_an_owner_of_a_team_leaves_it_whether_a_member_or_not(lab: Lab, members: tuple[str, ...]) -> None:
    team = join(lab, "owned", kind="team", members=members, owners=[seed.ADA, seed.CY])

    result = lab.offboard(seed.ADA, GROUPS)

    assert owners_of(lab, team) == [seed.CY]
    assert "Owned" not in groups_of(lab)
    assert result.items(NAME)["Owned (owner)"] == "done"


def test_the_last_owner_stays_in_the_team_and_the_step_says_so(lab: Lab) -> None:
    team = join(lab, "owned", kind="team", members=(seed.ADA,), owners=[seed.ADA])

    result = lab.offboard(seed.ADA, GROUPS)

    assert owners_of(lab, team) == [seed.ADA]
    assert "Owned" in groups_of(lab)
    assert {result.items(NAME)[name] for name in ("Owned", "Owned (owner)")} == {"needs_attention"}
    assert "make somebody else an owner" in result.message(NAME)
    assert result.items(NAME)["Project 0"] == "done"


def test_the_owner_of_a_distribution_list_is_named_because_only_exchange_can_change_that(lab: Lab) -> None:
    join(lab, "owned", kind="list", members=(), owners=[seed.ADA, seed.CY])

    result = lab.offboard(seed.ADA, GROUPS)

    assert result.items(NAME)["Owned (owner)"] == "needs_attention"


def test_hidden_groups_that_cannot_be_seen_are_named_instead_of_called_done(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "revoke_permission", permission="Member.Read.Hidden")
    join(lab, "secret", visibility="HiddenMembership")

    result = lab.offboard(seed.ADA, GROUPS)

    assert "Secret" in groups_of(lab)
    assert result.outcome(NAME) == "needs_attention"
    assert "Member.Read.Hidden" in result.message(NAME)


def test_hidden_groups_are_left_like_the_others(lab: Lab) -> None:
    join(lab, "secret", visibility="HiddenMembership")

    result = lab.offboard(seed.ADA, GROUPS)

    assert "Secret" not in groups_of(lab)
    assert result.items(NAME)["Secret"] == "done"


def test_a_role_assignable_group_that_is_refused_fails_alone_and_says_what_to_do(lab: Lab) -> None:
    join(lab, "tier0", isAssignableToRole=True)
    lab.simulator.arrange("fabrikam.example", "revoke_permission", permission="RoleManagement.ReadWrite.Directory")

    result = lab.offboard(seed.ADA, GROUPS)

    assert result.items(NAME)["Tier0"] == "failed"
    assert result.items(NAME)["Project 0"] == "done"
    assert "RoleManagement.ReadWrite.Directory" in result.message(NAME)


def test_a_group_under_restricted_management_that_is_refused_fails_alone(lab: Lab) -> None:
    join(lab, "board", isManagementRestricted=True)

    result = lab.offboard(seed.ADA, GROUPS)

    assert result.items(NAME)["Board"] == "failed"
    assert "administrative unit" in result.message(NAME)
    assert result.items(NAME)["Project 0"] == "done"


def test_a_member_who_was_removed_meanwhile_is_removed(lab: Lab) -> None:
    for kind in ("security", "list"):
        join(lab, f"gone-{kind}", kind)
    offboarding = lab.submit(seed.ADA, GROUPS)
    while (work := lab.hub.ready())[0].name != NAME:
        lab.hub.execute(work[0])
    for kind in ("security", "list"):
        lab.simulator.arrange("fabrikam.example", "group", group=f"gone-{kind}", remove=[seed.ADA])
    lab.run()

    items = lab.result(offboarding.id).items(NAME)
    assert (items["Gone-Security"], items["Gone-List"]) == ("done", "done")


def test_more_than_a_page_of_groups_and_more_than_a_batch(lab: Lab) -> None:
    for number in range(25):
        join(lab, f"security-{number}")
        if number < 12:
            join(lab, f"list-{number}", "list")

    result = lab.offboard(seed.ADA, GROUPS, force=True)

    graph = [len(sent["items"]) for sent in result.requests if sent["service"] == "graph"]
    exchange = [len(sent["items"]) for sent in result.requests if sent["service"] == "exchange"]
    assert groups_of(lab) == {"Everyone"}
    assert graph[2:4] == [20, 8 + 25 + 1 - 20], "the look-up and the snapshot stand before them"
    assert exchange[1:] == [10, 3 + 12 - 10]


def test_one_request_for_each_service_beside_the_snapshot_and_the_proof(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, GROUPS)

    assert result.count("graph") == 4, "the look-up at submit, the snapshot, the batch, the proof"
    assert result.count("exchange") == 2, "whether the mail is safe, the batch"


def test_groups_are_left_after_the_block(lab: Lab) -> None:
    """A group may be what a Conditional Access policy holds on to."""
    for order in range(5):
        lab.simulator.reset()
        writes = lab.offboard(seed.BO, GROUPS | {"disable_sign_in": True}, order=order).writes()
        patch = next(n for n, write in enumerate(writes) if write.startswith("PATCH"))
        assert patch < next(n for n, write in enumerate(writes) if "/members/" in write)


def test_without_the_graph_permission_only_the_lists_are_left(lab: Lab) -> None:
    for permission in ("Group.ReadWrite.All", "GroupMember.ReadWrite.All"):
        lab.simulator.arrange("fabrikam.example", "revoke_permission", permission=permission)

    result = lab.offboard(seed.BO, GROUPS)

    assert result.items(NAME) == {"Books 0": "failed", "Books 1": "failed", "Books 2": "done"}
    assert "Grant the app GroupMember.ReadWrite.All" in result.message(NAME)


def test_without_the_exchange_role_the_lists_stay_and_the_step_says_what_to_do(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "revoke_entra_role", role="Exchange Administrator")

    result = lab.offboard(seed.BO, GROUPS)

    assert result.items(NAME) == {"Books 0": "done", "Books 1": "done", "Books 2": "failed"}
    assert "Exchange Administrator" in result.message(NAME)


@pytest.mark.parametrize("service", ["graph", "exchange"])
def test_a_batch_that_fails_as_a_whole_is_tried_again_and_never_taken_for_success(lab: Lab, service: str) -> None:
    offboarding = lab.submit(seed.BO, GROUPS)
    while (work := lab.hub.ready())[0].name != NAME:
        lab.hub.execute(work[0])
    rule = {"service": service, "match": "batch", "kind": "throttle", "retry_after": 60, "probability": 1, "count": 3}
    lab.simulator.faults([rule])
    lab.run()

    step = lab.result(offboarding.id).steps[NAME]
    assert step.attempts == 4
    assert {item.outcome for item in step.items} == {"done"}
    assert groups_of(lab, seed.BO) == set()


def test_a_dynamic_group_that_lets_go_of_a_blocked_person_was_not_left_by_this_step(lab: Lab) -> None:
    offboarding = lab.submit(seed.ADA, GROUPS)
    while (work := lab.hub.ready())[0].name != "verify":
        lab.hub.execute(work[0])
    everyone = next(g for g in lab.simulator.state("fabrikam.example")["groups"].values() if g["membershipRule"])
    lab.simulator.arrange("fabrikam.example", "group", group=everyone["id"], remove=[seed.ADA])
    lab.run()

    assert lab.result(offboarding.id).items(NAME)["Everyone"] == "not_applicable"
