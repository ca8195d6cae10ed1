"""Colleagues are let into the leaver's mailbox: full access, send as, send on behalf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from shared.actions import catalogue
from shared.base.problems import RefusedError
from triggers.portal import wizard

if TYPE_CHECKING:
    from dev.lab import Lab

HYBRID = "hybrid.example"
GRANTS = ("grant_mailbox_access", "grant_mailbox_access_automap", "grant_send_as", "grant_send_on_behalf")
WRITES = {"Add-MailboxPermission", "Add-RecipientPermission", "Set-Mailbox"}


def to(*people: str, action: str = "grant_mailbox_access") -> dict[str, Any]:
    return {action: {"to": list(people)}}


def every_grant(*people: str) -> dict[str, Any]:
    """Give everything that one person can have at once."""
    return {name: {"to": list(people)} for name in GRANTS if name != "grant_mailbox_access"}


def openers(lab: Lab, user_id: str = seed.ADA, tenant: str = "fabrikam.example") -> dict[str, bool]:
    """Return who may open the mailbox, and whether Outlook shows it by itself."""
    entries = lab.mailbox(user_id, tenant)["permissions"]
    return {e["User"]: e["AutoMapping"] for e in entries if e["User"] != "NT AUTHORITY\\SELF"}


def holders(lab: Lab, name: str, user_id: str = seed.ADA, tenant: str = "fabrikam.example") -> list[str]:
    mailbox = lab.mailbox(user_id, tenant)
    if name == "grant_send_as":
        return mailbox["send_as"]
    return mailbox["GrantSendOnBehalfTo"] if name == "grant_send_on_behalf" else list(openers(lab, user_id, tenant))


@pytest.mark.parametrize("name", GRANTS)
def test_colleagues_are_let_in(lab: Lab, name: str) -> None:
    result = lab.offboard(seed.ADA, to(seed.CY, "bo@fabrikam.example", action=name))

    assert result.offboarding.state == "Completed"
    assert result.items(name) == {"Cy Brandt": "done", "Bo Haugen": "done"}
    assert holders(lab, name) == [seed.CY, seed.BO]
    assert lab.simulator.state("fabrikam.example")["concurrent_mailbox_writes"] == []


def test_the_two_kinds_of_full_access_differ_in_what_outlook_shows(lab: Lab) -> None:
    lab.offboard(seed.ADA, to(seed.CY) | to(seed.BO, action="grant_mailbox_access_automap"))

    assert openers(lab) == {seed.CY: False, seed.BO: True}


@pytest.mark.parametrize("name", GRANTS)
def test_the_second_time_everybody_has_it_and_nothing_is_written(lab: Lab, name: str) -> None:
    lab.offboard(seed.ADA, to(seed.CY, seed.BO, action=name))

    result = lab.offboard(seed.ADA, to(seed.CY, seed.BO, action=name))

    assert result.items(name) == {"Cy Brandt": "already_done", "Bo Haugen": "already_done"}
    assert result.writes() == ["POST /v1.0/$batch"] * result.writes().count("POST /v1.0/$batch")


@pytest.mark.parametrize("name", GRANTS)
def test_a_step_that_died_before_its_record_tells_the_same_story(lab: Lab, name: str) -> None:
    result = lab.offboard_killed(name, seed.ADA, to(seed.CY, seed.BO, action=name))

    assert result.items(name) == {"Cy Brandt": "done", "Bo Haugen": "done"}
    assert holders(lab, name) == [seed.CY, seed.BO]


def test_one_who_has_access_keeps_it_and_the_other_auto_mapping_is_told(lab: Lab) -> None:
    """Exchange shows nowhere whether a mailbox is auto-mapped, and does not change it by giving access again."""
    lab.offboard(seed.ADA, to(seed.CY))

    result = lab.offboard(seed.ADA, to(seed.CY, action="grant_mailbox_access_automap"))

    assert result.outcome("grant_mailbox_access_automap") == "already_done"
    assert "remove the access first" in result.steps["grant_mailbox_access_automap"].items[0].message
    assert openers(lab) == {seed.CY: False}


@pytest.mark.parametrize("name", GRANTS)
def test_one_who_does_not_exist_fails_and_the_others_go_on(lab: Lab, name: str) -> None:
    stranger = "33333333-0000-4000-8000-000000000000"

    result = lab.offboard(seed.ADA, to(seed.CY, "nobody@fabrikam.example", stranger, action=name))

    assert result.items(name) == {
        "Cy Brandt": "done",
        "nobody@fabrikam.example": "failed",
        stranger: "failed",
    }
    assert "nobody@fabrikam.example: There is nobody called" in result.message(name)
    assert result.offboarding.reason == "steps_failed"


@pytest.mark.parametrize("name", GRANTS)
def test_a_person_named_by_id_by_address_and_by_alias_is_one_person(lab: Lab, name: str) -> None:
    people = (seed.BO, "bo@fabrikam.example", "BO@fabrikam.example", "bo@fabrikam.onmicrosoft.example")

    result = lab.offboard(seed.ADA, to(*people, action=name))

    assert result.items(name) == {"Bo Haugen": "done"}
    assert holders(lab, name) == [seed.BO]


@pytest.mark.parametrize("name", GRANTS)
def test_without_a_mailbox_there_is_nothing_to_let_anybody_into(lab: Lab, name: str) -> None:
    result = lab.offboard(seed.NO_MAILBOX, to(seed.CY, action=name))

    assert result.outcome(name) == "not_applicable"
    assert not WRITES & set(result.writes())


def test_a_guest_has_no_mailbox_to_let_anybody_into(lab: Lab) -> None:
    result = lab.offboard(seed.GUEST, every_grant(seed.CY))

    assert {result.outcome(name) for name in every_grant()} == {"not_applicable"}


def test_an_account_without_a_mailbox_can_open_others_but_send_for_none(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, to(seed.ADMIN) | to(seed.ADMIN, action="grant_send_on_behalf"))

    assert result.outcome("grant_mailbox_access") == "done"
    assert result.outcome("grant_send_on_behalf") == "failed"
    assert "mailbox" in result.message("grant_send_on_behalf")


def test_a_mail_enabled_security_group_gets_access_without_auto_mapping(lab: Lab) -> None:
    group = lab.simulator.arrange(
        "fabrikam.example", "group", create={"nickname": "deputies", "name": "Deputies", "kind": "mail_security"}
    )

    result = lab.offboard(seed.ADA, every_grant(group))

    assert [result.outcome(name) for name in every_grant()] == ["done", "done", "done"]
    assert "to people only" in result.steps["grant_mailbox_access_automap"].items[0].message
    assert group in openers(lab)


@pytest.mark.parametrize("kind", ["list", "m365"])
@pytest.mark.parametrize("name", GRANTS)
def test_a_distribution_list_or_a_team_cannot_be_let_in(lab: Lab, name: str, kind: str) -> None:
    group = lab.simulator.arrange("fabrikam.example", "group", create={"nickname": "everybody", "kind": kind})

    result = lab.offboard(seed.ADA, to(group, action=name))

    assert result.outcome(name) == "failed"
    assert "mail-enabled security groups" in result.message(name)
    assert not WRITES & set(result.writes())


def test_two_people_of_one_name_are_not_mixed_up(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "user", user=seed.BO, set={"displayName": "Cy Brandt"})
    lab.offboard(seed.ADA, every_grant(seed.CY))

    result = lab.offboard(seed.ADA, every_grant(seed.BO))

    assert [result.outcome(name) for name in every_grant()] == ["done", "done", "done"]


def test_ten_people_go_in_one_batch(lab: Lab) -> None:
    state = lab.simulator.state("fabrikam.example")
    people = [user for user in state["mailboxes"] if user != seed.ADA][:12]

    result = lab.offboard(seed.ADA, to(*people))

    batches = [len(sent["items"]) for sent in result.requests if sent["service"] == "exchange"]
    assert batches == [10, 4, 10, 2, 1], "the snapshot with twelve names, the two batches, the proof"
    assert set(result.items("grant_mailbox_access").values()) == {"done"}


def test_three_rights_of_one_person_take_six_requests(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, every_grant(seed.CY))

    assert result.count("exchange") == 5, "the snapshot, one for each right, one proof for all"
    assert result.count("graph") == 2, "the look-up at submit, the snapshot"


def test_everybody_sends_on_behalf_by_one_request(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, to(seed.CY, seed.BO, seed.HELPDESK, action="grant_send_on_behalf"))

    assert result.writes().count("Set-Mailbox") == 1


def test_a_full_list_of_rights_fails_the_person_who_no_longer_fits(lab: Lab) -> None:
    """Exchange keeps 500 entries on a mailbox."""
    entry = {"AccessRights": ["ReadPermission"], "IsInherited": False, "Deny": False, "InheritanceType": "All"}
    full = [{**entry, "User": f"{n:08}-0000-4000-8000-000000000000", "AutoMapping": False} for n in range(500)]
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=seed.ADA, set={"permissions": full})

    result = lab.offboard(seed.ADA, to(seed.CY))

    assert result.outcome("grant_mailbox_access") == "failed"
    assert "500" in result.message("grant_mailbox_access")


def test_the_right_to_read_permissions_is_not_full_access(lab: Lab) -> None:
    reader = {"User": seed.CY, "AccessRights": ["ReadPermission"], "IsInherited": False, "Deny": False}
    inherited = {"User": seed.BO, "AccessRights": ["FullAccess"], "IsInherited": True, "Deny": False}
    entries = [{**e, "InheritanceType": "All", "AutoMapping": False} for e in (reader, inherited)]
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=seed.ADA, set={"permissions": entries})

    result = lab.offboard(seed.ADA, to(seed.CY))

    assert result.outcome("grant_mailbox_access") == "done"


def test_a_synced_mailbox_keeps_its_lists_in_active_directory(lab: Lab) -> None:
    result = lab.offboard(seed.SYNCED, every_grant(seed.CLOUD_ONLY), tenant=HYBRID)

    automap, send_as, behalf = (result.steps[name].items[0] for name in every_grant())
    assert automap.outcome == "done"
    assert "msExchDelegateListLink" in automap.message
    assert send_as.outcome == "done"
    assert behalf.outcome == "needs_attention"
    assert "publicDelegates" in behalf.message
    assert result.writes().count("Set-Mailbox") == 0
    assert result.offboarding.state == "Completed"


def test_who_is_in_the_synced_list_already_needs_no_attention(lab: Lab) -> None:
    lab.simulator.arrange(HYBRID, "mailbox", mailbox=seed.SYNCED, set={"GrantSendOnBehalfTo": [seed.CLOUD_ONLY]})

    result = lab.offboard(seed.SYNCED, to(seed.CLOUD_ONLY, action="grant_send_on_behalf"), tenant=HYBRID)

    assert result.outcome("grant_send_on_behalf") == "already_done"


@pytest.mark.parametrize("name", GRANTS)
def test_without_its_exchange_role_the_step_says_what_to_do(lab: Lab, name: str) -> None:
    lab.simulator.arrange("fabrikam.example", "revoke_entra_role", role="Exchange Administrator")

    result = lab.offboard(seed.ADA, to(seed.CY, action=name) | {"disable_sign_in": True})

    assert result.outcome(name) == "failed"
    assert "Exchange Administrator" in result.message(name)
    assert result.outcome("disable_sign_in") == "done"


def test_a_rename_between_two_offboardings_changes_nothing(lab: Lab) -> None:
    lab.offboard(seed.ADA, every_grant(seed.CY))
    lab.simulator.arrange(
        "fabrikam.example", "user", user=seed.CY, set={"userPrincipalName": "cyrill@fabrikam.example"}
    )

    result = lab.offboard(seed.ADA, every_grant(seed.CY))

    assert [result.outcome(name) for name in every_grant()] == ["already_done"] * 3


@pytest.mark.parametrize("name", GRANTS)
def test_a_list_without_anybody_is_refused_at_submit(lab: Lab, name: str) -> None:
    for people in ([], [""], ["Cy"], "cy@fabrikam.example"):
        with pytest.raises(RefusedError):
            lab.submit(seed.ADA, {name: {"to": people}})


@pytest.mark.parametrize("name", GRANTS)
def test_rights_on_a_mailbox_that_is_deleted_are_refused_at_submit(lab: Lab, name: str) -> None:
    with pytest.raises(RefusedError, match="contradict") as refused:
        lab.submit(seed.ADA, to(seed.CY, action=name) | {"delete_user": True})

    assert any(name in problem.message for problem in refused.value.problems)


def test_one_person_with_and_without_auto_mapping_is_refused_at_submit(lab: Lab) -> None:
    with pytest.raises(RefusedError) as refused:
        lab.submit(seed.ADA, to(seed.CY, seed.BO) | to(seed.CY.upper(), action="grant_mailbox_access_automap"))

    problems = [problem.message for problem in refused.value.problems]
    assert len(problems) == 1
    assert seed.CY in problems[0]
    assert seed.BO not in problems[0]


def test_one_person_with_and_without_auto_mapping_under_two_names_gets_it_with(lab: Lab) -> None:
    """Only the run finds out that it is one person: auto-mapping wins."""
    actions = to(seed.CY, seed.BO) | to("cy@fabrikam.example", action="grant_mailbox_access_automap")

    result = lab.offboard(seed.ADA, actions)

    assert result.items("grant_mailbox_access") == {"Cy Brandt": "not_applicable", "Bo Haugen": "done"}
    assert openers(lab) == {seed.CY: True, seed.BO: False}


def test_the_portals_pickers_are_read() -> None:
    form = {
        "accessnoautomap": [{"label": "Cy", "value": seed.CY, "addedFields": {}}, {"label": "Cy", "value": seed.CY}],
        "accessautomap": [],
        "accesssendas": ["bo@fabrikam.example"],
    }

    read = {name: catalogue.get(name).from_portal(form) for name in GRANTS}

    assert read == {
        "grant_mailbox_access": {"to": [seed.CY]},
        "grant_mailbox_access_automap": None,
        "grant_send_as": {"to": ["bo@fabrikam.example"]},
        "grant_send_on_behalf": None,
    }


def test_of_the_portals_form_the_picker_with_auto_mapping_has_who_is_in_both() -> None:
    """The wizard lets one person be in both; our API refuses that."""
    both = to(seed.CY, seed.BO) | to(seed.CY, action="grant_mailbox_access_automap")
    same = to(seed.CY) | to(seed.CY.upper(), action="grant_mailbox_access_automap")

    dropped = wizard._without_twice_named(both)
    wizard._without_twice_named(same)

    assert both == to(seed.BO) | to(seed.CY, action="grant_mailbox_access_automap")
    assert len(dropped) == 1
    assert seed.CY in dropped[0]
    assert list(same) == ["grant_mailbox_access_automap"]


def test_a_name_of_any_length_keeps_no_step_from_running(lab: Lab) -> None:
    far = "\u00e9" * 250 + "@fabrikam.example"

    result = lab.offboard(seed.ADA, {"disable_sign_in": True, "grant_mailbox_access": {"to": [far]}})

    assert result.outcome("disable_sign_in") == "done"
    assert result.outcome("grant_mailbox_access") == "failed"
