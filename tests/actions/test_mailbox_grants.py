"""What all rights on the leaver's mailbox have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed
from shared.actions import catalogue
from shared.base.problems import RefusedError

if TYPE_CHECKING:
    from dev.lab import Lab

from grants import GRANTS, HYBRID, every_grant, holders, openers, to

WRITES = {"Add-MailboxPermission", "Add-RecipientPermission", "Set-Mailbox"}


@pytest.mark.parametrize("name", GRANTS)
def test_colleagues_are_let_in(lab: Lab, name: str) -> None:
    result = lab.offboard(seed.ADA, to(seed.CY, "bo@fabrikam.example", action=name))

    assert result.offboarding.state == "Completed"
    assert result.items(name) == {"Cy Brandt": "done", "Bo Haugen": "done"}
    assert holders(lab, name) == [seed.CY, seed.BO]
    assert lab.simulator.state("fabrikam.example")["concurrent_mailbox_writes"] == []


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


def test_three_rights_of_one_person_take_six_requests(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, every_grant(seed.CY))

    assert result.count("exchange") == 5, "the snapshot, one for each right, one proof for all"
    assert result.count("graph") == 2, "the look-up at submit, the snapshot"


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


def test_somebody_with_the_longest_name_is_given_access(lab: Lab) -> None:
    """Escaped, the name is longer than a key of Table Storage."""
    alias = "\U00020000" * 64
    lab.simulator.arrange("fabrikam.example", "user", create={"alias": alias, "name": "Long"})

    result = lab.offboard(seed.ADA, {"grant_mailbox_access": {"to": [f"{alias}@fabrikam.example"]}})

    assert result.outcome("grant_mailbox_access") == "done"


def test_a_name_longer_than_any_is_refused(lab: Lab) -> None:
    with pytest.raises(RefusedError, match="neither an object id nor an address"):
        lab.submit(seed.ADA, {"grant_mailbox_access": {"to": ["\u00e9" * 250 + "@fabrikam.example"]}})
