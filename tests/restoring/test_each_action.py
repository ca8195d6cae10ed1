"""For each action that can be undone: it comes back, is found back, is left where somebody changed it, or is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.demo.comparison import left_over
from dev.tenant import seed

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.lab import Lab, Result

    Restore = Callable[..., Result]

FABRIKAM = "fabrikam.example"
CASES: dict[str, dict[str, Any]] = {
    "clear_immutable_id": {},
    "convert_to_shared": {},
    "disable_devices": {},
    "disable_forwarding": {},
    "disable_onedrive_sharing": {},
    "disable_sign_in": {},
    "forward_email": {"forward_email": {"to": "colleague@partner.example"}},
    "grant_mailbox_access": {"grant_mailbox_access": {"to": [seed.BO, seed.CY]}},
    "grant_mailbox_access_automap": {"grant_mailbox_access_automap": {"to": [seed.BO, seed.CY]}},
    "grant_onedrive_access": {"grant_onedrive_access": {"to": [seed.BO, seed.CY]}},
    "grant_send_as": {"grant_send_as": {"to": [seed.BO, seed.CY]}},
    "grant_send_on_behalf": {"grant_send_on_behalf": {"to": [seed.BO, seed.CY]}},
    "hand_over_ownership": {"hand_over_ownership": {"to": seed.CY}},
    "hide_from_address_lists": {},
    "remove_app_access": {},
    "remove_calendar_permissions": {},
    "remove_directory_roles": {},
    "remove_groups": {"convert_to_shared": True},
    "remove_licenses": {"convert_to_shared": True, "remove_groups": True},
    "remove_mailbox_permissions": {},
    "remove_teams_number": {},
    "set_out_of_office": {"set_out_of_office": {"internal": "Gone."}},
}


def prepare(lab: Lab, name: str) -> None:
    """Give Ada what she lacks for an action: she has one of nearly everything."""
    if name in {"disable_devices", "hand_over_ownership", "remove_app_access", "remove_directory_roles"}:
        lab.simulator.arrange(FABRIKAM, "belongings", user=seed.ADA, actions=[name])
    if name == "clear_immutable_id":
        lab.simulator.arrange(FABRIKAM, "user", user=seed.ADA, set={"onPremisesImmutableId": "YWRh"})
    if name == "disable_forwarding":
        values = {"ForwardingSmtpAddress": "smtp:ada@private.example", "DeliverToMailboxAndForward": True}
        lab.simulator.arrange(FABRIKAM, "mailbox", mailbox=seed.ADA, set=values)


def left(lab: Lab, name: str) -> Result:
    """Offboard Ada with an action and what it needs beside it."""
    prepare(lab, name)
    return lab.offboard(seed.ADA, {name: True, **CASES[name]})


@pytest.mark.parametrize("name", CASES)
def test_it_comes_back_and_is_found_back_the_second_time(lab: Lab, restore: Restore, name: str) -> None:
    prepare(lab, name)
    before = lab.simulator.state(FABRIKAM)
    gone = left(lab, name)
    assert gone.outcome(name) == "done"

    result = restore(gone)

    assert result.outcome(name) == "done", result.message(name)
    assert left_over(before, lab.simulator.state(FABRIKAM), [seed.ADA]) == []
    again = restore(gone)
    assert again.outcome(name) == "already_done", again.message(name)
    assert [write for write in again.writes() if "ProcessQuery" not in write] == []  # SharePoint is read by POST, too


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_written_where_the_person_is_gone_by_now(lab: Lab, restore: Restore, name: str) -> None:
    gone = left(lab, name)
    lab.simulator.arrange(FABRIKAM, "delete_user", user=seed.ADA)

    result = restore(gone)

    assert (result.offboarding.state, result.outcome(name)) == ("Failed", "skipped")
    assert "The account does not exist now" in result.message(name)
    assert result.writes() == []


OTHER: dict[str, Any] = {"mailbox": seed.ADA, "set": {"ForwardingSmtpAddress": "smtp:new@private.example"}}
CHANGED_SINCE: dict[str, tuple[str, dict[str, Any]]] = {
    "clear_immutable_id": ("user", {"user": seed.ADA, "set": {"onPremisesImmutableId": "b3RoZXI="}}),
    "disable_forwarding": (
        "mailbox",
        {"mailbox": seed.ADA, "set": {"ForwardingSmtpAddress": "smtp:new@private.example"}},
    ),
    "forward_email": ("mailbox", {"mailbox": seed.ADA, "set": {"ForwardingSmtpAddress": "smtp:new@private.example"}}),
    "convert_to_shared": ("mailbox", {"mailbox": seed.ADA, "set": {"RecipientTypeDetails": "RoomMailbox"}}),
}


@pytest.mark.parametrize("name", CHANGED_SINCE)
def test_what_somebody_changed_since_is_left_and_named_unless_that_is_asked_for(
    lab: Lab, restore: Restore, name: str
) -> None:
    kind, change = CHANGED_SINCE[name]
    gone = left(lab, name)
    lab.simulator.arrange(FABRIKAM, kind, **change)

    kept = restore(gone)
    assert kept.outcome(name) == "needs_attention", kept.message(name)
    assert kept.writes() == []
    result = restore(gone, overwrite=True)
    assert result.outcome(name) == "done", result.message(name)


@pytest.mark.parametrize(
    ("name", "field"), [("grant_send_as", "send_as"), ("grant_send_on_behalf", "GrantSendOnBehalfTo")]
)
def test_what_somebody_took_back_of_it_is_found_and_the_rest_is_taken_back(
    lab: Lab, restore: Restore, name: str, field: str
) -> None:
    before = lab.mailbox(seed.ADA)[field]
    gone = left(lab, name)
    given = lab.mailbox(seed.ADA)[field]
    lab.simulator.arrange(FABRIKAM, "mailbox", mailbox=seed.ADA, set={field: given[:-1]})

    result = restore(gone)

    assert sorted(result.items(name).values()) == ["already_done", "done"]
    assert lab.mailbox(seed.ADA)[field] == before


def test_a_group_that_was_joined_again_is_found_and_the_rest_is_joined(lab: Lab, restore: Restore) -> None:
    for nickname in ("kept", "joined"):
        create = {"nickname": nickname, "name": nickname.title(), "members": [seed.ADA]}
        lab.simulator.arrange(FABRIKAM, "group", create=create)
    gone = left(lab, "remove_groups")
    lab.simulator.arrange(FABRIKAM, "group", group="joined", add=[seed.ADA])

    result = restore(gone)

    assert result.items("remove_groups")["Kept"] == "done"
    assert result.items("remove_groups")["Joined"] == "already_done"


def test_a_group_that_is_gone_by_now_is_named_and_the_rest_is_joined(lab: Lab, restore: Restore) -> None:
    for nickname in ("kept", "gone"):
        create = {"nickname": nickname, "name": nickname.title(), "members": [seed.ADA]}
        lab.simulator.arrange(FABRIKAM, "group", create=create)
    offboarded = left(lab, "remove_groups")
    gone = next(key for key, name in offboarded.steps["remove_groups"].changed_items.items() if name == "Gone")
    body = {"error": {"code": "Request_ResourceNotFound", "message": f"Resource '{gone}' does not exist."}}
    rule = {"service": "graph", "match": f"groups/{gone}/members", "kind": "status", "status": 404, "body": body}
    lab.simulator.faults([rule])

    result = restore(offboarded)

    assert result.items("remove_groups")["Kept"] == "done"
    assert result.items("remove_groups")["Gone"] == "needs_attention"
    assert "Gone: " in result.message("remove_groups")


def test_an_automatic_reply_that_somebody_set_since_is_left(lab: Lab, restore: Restore) -> None:
    gone = left(lab, "set_out_of_office")
    reply = {**lab.mailbox(seed.ADA)["auto_reply"], "InternalMessage": "<html><body>Mine.</body></html>"}
    lab.simulator.arrange(FABRIKAM, "mailbox", mailbox=seed.ADA, set={"auto_reply": reply})

    kept = restore(gone)
    assert kept.outcome("set_out_of_office") == "needs_attention", kept.message("set_out_of_office")
    assert lab.mailbox(seed.ADA)["auto_reply"] == reply
    assert restore(gone, overwrite=True).outcome("set_out_of_office") == "done"


def test_a_number_that_is_somebody_elses_by_now_is_named(lab: Lab, restore: Restore) -> None:
    gone = left(lab, "remove_teams_number")
    number = next(iter(gone.steps["remove_teams_number"].changed_items))
    values = {"assignmentTargetId": seed.BO, "assignmentStatus": "userAssigned"}
    lab.simulator.arrange(FABRIKAM, "number", number=number, set=values)

    result = restore(gone)

    assert result.outcome("remove_teams_number") == "needs_attention"
    assert "give the person another" in result.message("remove_teams_number")


def test_a_license_that_is_used_up_is_named_and_the_rest_goes_on(lab: Lab, restore: Restore) -> None:
    """Learn: "Group-based licensing - identify and resolve problems": not enough licenses."""
    gone = lab.offboard(seed.ADA, {"convert_to_shared": True, "remove_licenses": True, "hide_from_address_lists": True})
    text = "Subscription with SKU MCOEV does not have any available licenses."
    body = {"error": {"code": "Request_BadRequest", "message": text}}
    rule = {"service": "graph", "match": "assignLicense", "kind": "status", "status": 400, "body": body}
    lab.simulator.faults([rule])

    result = restore(gone)

    assert result.outcome("remove_licenses") == "needs_attention"
    named = [name for name, outcome in result.items("remove_licenses").items() if outcome == "needs_attention"]
    assert any("MCOEV" in name for name in named)
    assert "buy or free one" in result.message("remove_licenses")
    assert result.outcome("hide_from_address_lists") == "done"
    assert result.offboarding.state == "Completed"
