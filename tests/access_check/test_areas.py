"""Each place that is looked at: open, closed, left as it is, or not to be known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from dev.tenant.skus import EXCHANGE_PLAN_1
from shared.base import clock
from shared.offboarding.access_check import areas
from shared.offboarding.access_check.verdict import Answer, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.lab import Lab
    from shared.offboarding.access_check.verdict import AreaFound, Check

    Look = Callable[..., Check]

TENANT = "fabrikam.example"
AREAS = {area.title: area for area in areas.all_areas()}
OF_ACTIONS = [title for title, area in AREAS.items() if isinstance(area, areas.OfAction)]
EVERYTHING: dict[str, Any] = {
    **{area.action: True for area in AREAS.values() if isinstance(area, areas.OfAction)},
    "convert_to_shared": True,
    "hand_over_ownership": {"to": seed.CY},
}


def area_of(check: Check, title: str) -> AreaFound:
    return next(area for area in check.areas if area.area == title)


def names(found: AreaFound, verdict: Verdict) -> list[str]:
    return [thing.name for thing in found.things if thing.verdict is verdict]


def give(lab: Lab, *actions: str) -> None:
    lab.simulator.arrange(TENANT, "belongings", user=seed.ADA, actions=list(actions))


@pytest.mark.parametrize("title", OF_ACTIONS)
def test_what_an_action_would_take_away_is_open_and_names_that_action(lab: Lab, looked: Look, title: str) -> None:
    action = AREAS[title].action
    give(lab, action)

    check = looked(scanned="Other" in title)

    found = area_of(check, title)
    assert found.verdict is Verdict.open
    assert found.action == action
    assert check.answer is Answer.open
    assert all(thing.name and thing.message for thing in found.things)


def test_after_an_offboarding_with_all_of_it_the_person_is_out(lab: Lab, looked: Look) -> None:
    give(lab, *EVERYTHING)
    lab.offboard(seed.ADA, EVERYTHING)

    check = looked()

    assert {area.area: area.verdict.value for area in check.areas} == {
        **dict.fromkeys(AREAS, "closed"),
        "Devices": "left",  # one that somebody else owns
        "Groups": "left",  # one whose members follow a rule
    }
    assert check.answer is Answer.out
    assert check.in_words() == "The person is out: nothing is open, and everything could be looked at."


def test_an_account_that_is_gone_has_nothing_left(lab: Lab, looked: Look) -> None:
    give(lab, *EVERYTHING)
    lab.simulator.arrange(TENANT, "delete_user", user=seed.ADA)

    check = looked()

    assert {area.area for area in check.areas if area.verdict is not Verdict.closed} == set()


UNREAD = {
    "Sign-in": f"GET /v1.0/users/{seed.ADA}\\?",
    "Sign-in methods": "/authentication/methods",
    "Groups": "/memberOf/",
    "Ownership": "/ownedObjects",
    "Administrator roles": "/roleAssignments",
    "Apps": "/oauth2PermissionGrants",
    "Devices": "/ownedDevices",
    "Licenses": f"GET /v1.0/users/{seed.ADA}\\?",
    "Phone number": "/numberAssignments",
    "Recent sign-ins": "/auditLogs/signIns",
    "Forwarding": "^Get-Mailbox$",
    "Inbox rules": "^Get-InboxRule$",
    "Mobile devices": "^Get-MobileDevice",
    "Delegates of the mailbox": "^Get-MailboxPermission$",
    "OneDrive sharing": "ProcessQuery",
    "Other mailboxes": "^Get-Recipient$",
    "Other calendars": f"GET /v1.0/users/{seed.ADA}\\?",
}


@pytest.mark.parametrize("title", AREAS)
def test_what_could_not_be_read_is_unknown_and_never_closed(lab: Lab, looked: Look, title: str) -> None:
    lab.offboard(seed.ADA, EVERYTHING)
    lab.simulator.faults([{"match": UNREAD[title], "kind": "status", "status": 403}])

    check = looked()

    found = area_of(check, title)
    assert found.verdict is Verdict.unknown
    assert all(thing.message for thing in found.things)
    assert check.answer is not Answer.out
    lab.simulator.faults([])


@pytest.mark.parametrize(
    ("title", "permission"),
    [
        ("Recent sign-ins", "AuditLog.Read.All"),
        ("Administrator roles", "RoleEligibilitySchedule.Read.Directory"),
        ("Groups", "Member.Read.Hidden"),
        ("Sign-in methods", "UserAuthenticationMethod.ReadWrite.All"),
        ("Phone number", "TeamsTelephoneNumber.ReadWrite.All"),
    ],
)
def test_the_missing_permission_is_named(lab: Lab, looked: Look, title: str, permission: str) -> None:
    for name in {permission, "RoleManagement.ReadWrite.Directory"}:
        lab.simulator.arrange(TENANT, "revoke_permission", permission=name)

    found = area_of(looked(), title)

    assert found.verdict in {Verdict.unknown, Verdict.open}
    assert any(permission in thing.message for thing in found.things if thing.verdict is Verdict.unknown)


def test_a_tenant_without_the_license_is_told_that_sign_ins_are_unknown(lab: Lab, looked: Look) -> None:
    lab.simulator.arrange(TENANT, "tenant", set={"skus": {EXCHANGE_PLAN_1.id: 500}})

    found = area_of(looked(), "Recent sign-ins")

    assert found.verdict is Verdict.unknown
    assert "no Microsoft Entra ID P1 license" in found.things[0].message


def test_mailboxes_that_were_not_looked_through_are_unknown(looked: Look) -> None:
    check = looked()

    for title in ("Other mailboxes", "Other calendars"):
        assert area_of(check, title).verdict is Verdict.unknown
        assert "Nobody has looked through the mailboxes" in area_of(check, title).things[0].message


def test_how_old_the_knowledge_of_other_mailboxes_is_stands_beside_it(looked: Look) -> None:
    assert "in all 202 mailboxes of the tenant" in area_of(looked(scanned=True), "Other mailboxes").note


def test_what_was_found_longer_ago_counts_too_and_no_scan_is_begun(lab: Lab, looked: Look) -> None:
    looked(scanned=True)
    lab.hub.advance(timedelta(days=3))
    before = lab.simulator.requests()[-1]["n"]

    found = area_of(looked(), "Other mailboxes")

    assert "in all 202 mailboxes of the tenant 72 hours before" in found.note
    cmdlets = [item.get("cmdlet") for sent in lab.simulator.requests(before) for item in sent["items"]]
    assert "Get-EXOMailbox" not in cmdlets


def test_a_group_that_active_directory_or_a_rule_fills_is_left(lab: Lab, looked: Look) -> None:
    group = lab.simulator.arrange(
        TENANT, "group", create={"nickname": "ad", "members": [seed.ADA]}, set={"onPremisesSyncEnabled": True}
    )

    left = {thing.id: thing.message for thing in area_of(looked(), "Groups").things if thing.verdict == "left"}

    assert "Active Directory" in left[group]


def test_ownership_of_a_synced_group_is_left(lab: Lab, looked: Look) -> None:
    lab.simulator.arrange(
        TENANT, "group", create={"nickname": "ad"}, set={"onPremisesSyncEnabled": True, "owners": [seed.ADA]}
    )

    assert "ad (group)" in names(area_of(looked(), "Ownership"), Verdict.left)


def test_what_a_group_is_assigned_is_left_to_that(lab: Lab, looked: Look) -> None:
    give(lab, "remove_app_access")

    assert names(area_of(looked(), "Apps"), Verdict.left) == ["Time sheets"]


def test_the_role_of_the_last_administrator_is_left(lab: Lab, looked: Look) -> None:
    for role in lab.simulator.state(TENANT)["directory_roles"].values():
        if role["displayName"] == "Global Administrator":
            for member in role["members"]:
                lab.simulator.arrange(TENANT, "user", user=member, set={"accountEnabled": False})
    lab.simulator.arrange(TENANT, "directory_role", user=seed.ADA, role="Global Administrator")

    assert names(area_of(looked(), "Administrator roles"), Verdict.left) == ["Global Administrator"]


def test_a_method_of_a_kind_that_is_not_known_is_left_and_named(lab: Lab, looked: Look) -> None:
    lab.simulator.arrange(TENANT, "method", user=seed.ADA, kind="future")

    found = area_of(looked(), "Sign-in methods")

    assert "future" in names(found, Verdict.left)


def test_forwarding_that_the_offboarding_set_is_meant(lab: Lab, looked: Look) -> None:
    lab.offboard(seed.ADA, {"forward_email": {"to": seed.CY}})

    assert area_of(looked(), "Forwarding").verdict is Verdict.open
    (meant,) = area_of(looked(meant={"forward_email": {}}), "Forwarding").things
    assert meant.verdict is Verdict.left
    assert meant.message == 'Meant to be so: the offboarding did "Forward e-mail".'


def test_who_else_has_rights_on_the_mailbox_is_told(lab: Lab, looked: Look) -> None:
    lab.offboard(seed.ADA, {"grant_mailbox_access": {"to": [seed.CY]}, "grant_send_as": {"to": [seed.CY]}})

    found = area_of(looked(), "Delegates of the mailbox")

    assert found.verdict is Verdict.left
    assert names(found, Verdict.left) == [
        "cy@fabrikam.example opens the mailbox",
        "cy@fabrikam.example sends as the person",
    ]


def test_a_device_of_somebody_else_is_left(lab: Lab, looked: Look) -> None:
    give(lab, "disable_devices")

    assert names(area_of(looked(), "Devices"), Verdict.left) == ["DESK of Ada Castell (Windows)"]


def test_licenses_that_stay_because_the_mailbox_needs_them_are_open(looked: Look) -> None:
    (found,) = area_of(looked(), "Licenses").things

    assert found.verdict is Verdict.open
    assert "The mailbox is not shared" in found.message


@pytest.mark.parametrize(
    ("minutes", "error", "verdict"),
    [(30, 0, "open"), (30, 50057, "closed"), (5, 0, "closed"), (-30, 0, "closed")],
    ids=["later", "a failed attempt", "under way when it was blocked", "before"],
)
def test_a_sign_in_after_the_block_is_open(lab: Lab, looked: Look, minutes: int, error: int, verdict: str) -> None:
    now = clock.now()
    lab.simulator.arrange(TENANT, "user", user=seed.ADA, set={"accountEnabled": False})
    at = clock.to_text(datetime.fromtimestamp(now.timestamp() + 60 * minutes, UTC))
    lab.simulator.arrange(TENANT, "sign_in", user=seed.ADA, at=at, app="Outlook", error=error)

    found = area_of(looked(since=now), "Recent sign-ins")

    assert found.verdict == verdict
    assert found.action == "revoke_sessions"


def test_while_the_account_is_enabled_sign_ins_are_nothing_unusual(lab: Lab, looked: Look) -> None:
    lab.simulator.arrange(TENANT, "sign_in", user=seed.ADA, at=clock.to_text(clock.now()))

    assert "nothing unusual" in area_of(looked(), "Recent sign-ins").note


def test_it_asks_four_times_beside_the_scans_and_changes_nothing(lab: Lab, looked: Look) -> None:
    give(lab, *EVERYTHING)
    looked(scanned=True)
    before, state = lab.simulator.requests()[-1]["n"], lab.simulator.state(TENANT)

    looked()

    sent = [one for one in lab.simulator.requests(before) if one["service"] != "login"]
    assert lab.simulator.state(TENANT) == state
    of_scans = [one for one in sent if asked_in(one) and asked_in(one) <= OF_SCANS]
    own = [one for one in sent if one not in of_scans]
    assert sorted((one["service"], one["url"].split("/")[1]) for one in own) == [
        ("exchange", "adminapi"),
        ("graph", "beta"),
        ("graph", "v1.0"),
        ("sharepoint", "fabrikam-admin.sharepoint.com"),
    ]
    assert len(of_scans) == 2


OF_SCANS = {
    *("calendarPermissions", "Get-MailboxPermission", "Get-RecipientPermission", "Get-Recipient"),
    *("Get-Mailbox", "Get-DistributionGroup", "Get-UnifiedGroup"),
}


def asked_in(batch: dict[str, Any]) -> set[str]:
    """Return what is asked in a batch: cmdlets, or what of a user."""
    named = [item.get("cmdlet") or item["url"].rpartition("/")[2] for item in batch["items"]]
    return {name.split("?")[0] for name in named}


def test_of_an_account_that_is_gone_nothing_more_is_asked(lab: Lab, looked: Look) -> None:
    lab.offboard(seed.ADA, {"delete_user": True})
    before = lab.simulator.requests()[-1]["n"]

    looked()

    assert len([one for one in lab.simulator.requests(before) if one["service"] != "login"]) == 3


def test_every_action_that_takes_access_away_is_looked_through() -> None:
    """What an action closes and no area sees would never be found open."""
    from shared.actions import catalogue

    not_access = {"reset_password", "revoke_sessions", "cancel_meetings", "clear_immutable_id", "delete_user"}
    taking = {name for name, action in catalogue.all_actions().items() if action.removes or action.destructive}
    assert taking - {area.action for area in AREAS.values()} <= not_access


def test_whatever_can_be_open_names_an_action_that_closes_it() -> None:
    from shared.actions import catalogue

    without = [title for title, area in AREAS.items() if area.action not in catalogue.all_actions()]
    assert without == ["Delegates of the mailbox"], "which is told, and never open"
