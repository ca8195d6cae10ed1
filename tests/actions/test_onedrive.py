"""What both actions on the leaver's OneDrive have in common."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed
from shared.actions.reads.onedrive import DRIVE

if TYPE_CHECKING:
    from dev.lab import Lab

from onedrives import BOTH, SHARING, access, calls, onedrive


def test_the_second_time_nothing_is_written(lab: Lab) -> None:
    lab.offboard(seed.ADA, access(seed.CY) | SHARING)

    result = lab.offboard(seed.ADA, access(seed.CY) | SHARING)

    assert [result.outcome(name) for name in BOTH] == ["already_done", "already_done"]
    assert sorted(calls(result)) == ["ProcessQuery", "ensureuser"], "what is there was read, and that is all"


@pytest.mark.parametrize("name", BOTH)
def test_a_step_that_died_before_its_record_tells_the_same_story(lab: Lab, name: str) -> None:
    result = lab.offboard_killed(name, seed.ADA, access(seed.CY) | SHARING)

    assert result.offboarding.state == "Completed"
    assert [result.outcome(one) for one in BOTH] == ["done", "done"]
    assert onedrive(lab)["admins"] == [seed.ADA, seed.CY]


def test_two_requests_a_person_beside_reading_back(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, access(seed.CY, seed.BO) | SHARING)

    assert result.count("graph") == 2, "the look-up at submit, the snapshot"
    assert result.count("sharepoint") == 2 * 2 + 1 + 3
    assert result.count("exchange") == 0


@pytest.mark.parametrize("user", [seed.NO_MAILBOX, seed.GUEST])
def test_without_a_onedrive_there_is_nothing_to_do(lab: Lab, user: str) -> None:
    result = lab.offboard(user, access(seed.CY) | SHARING)

    assert [result.outcome(name) for name in BOTH] == ["not_applicable", "not_applicable"]
    assert result.count("sharepoint") == 0


def test_a_locked_onedrive_fails_and_says_why(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "site", user=seed.ADA, set={"lock": "ReadOnly"})

    result = lab.offboard(seed.ADA, access(seed.CY) | SHARING | {"disable_sign_in": True})

    assert [result.outcome(name) for name in BOTH] == ["failed", "failed"]
    assert all("locked" in result.message(name) for name in BOTH)
    assert result.outcome("disable_sign_in") == "done"


def test_a_onedrive_that_is_locked_during_the_run_fails_and_says_why(lab: Lab) -> None:
    offboarding = lab.submit(seed.ADA, access(seed.CY))
    work = lab.hub.ready()
    while work[0].name != "grant_onedrive_access":
        lab.hub.execute(work[0])
        work = lab.hub.ready()
    lab.simulator.arrange("fabrikam.example", "site", user=seed.ADA, set={"lock": "NoAccess"})
    lab.run()

    result = lab.result(offboarding.id)
    assert result.outcome("grant_onedrive_access") == "failed"
    assert "locked" in result.message("grant_onedrive_access")


def test_a_library_in_another_language_is_found(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "site", user=seed.ADA, set={"library": "Dokumente"})

    result = lab.offboard(seed.ADA, SHARING)

    assert result.outcome("disable_onedrive_sharing") == "done"


def test_where_the_drive_does_not_name_its_site_the_address_of_its_library_does() -> None:
    site = "https://fabrikam-my.sharepoint.com/personal/ada_fabrikam_example"

    assert DRIVE.parse({"webUrl": f"{site}/Freigegebene%20Dokumente"}) == site
    assert DRIVE.parse({"webUrl": f"{site}/Documents/", "sharePointIds": {"siteUrl": None}}) == site
    assert DRIVE.parse({"webUrl": f"{site}/Documents", "sharePointIds": {"siteUrl": f"{site}2"}}) == f"{site}2"
    assert DRIVE.parse(None) is None


def test_a_synced_leavers_onedrive_is_handed_over_and_closed(lab: Lab) -> None:
    result = lab.offboard(seed.SYNCED, access(seed.CLOUD_ONLY) | SHARING, tenant="hybrid.example")

    assert [result.outcome(name) for name in BOTH] == ["done", "done"]


def test_without_its_permission_the_step_says_what_to_do(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "revoke_permission", permission="Sites.FullControl.All", api="sharepoint")

    result = lab.offboard(seed.ADA, access(seed.CY) | SHARING | {"disable_sign_in": True})

    assert [result.outcome(name) for name in BOTH] == ["failed", "failed"]
    assert all("Sites.FullControl.All" in result.message(name) for name in BOTH)
    assert result.outcome("disable_sign_in") == "done"


def test_without_the_permission_to_find_the_onedrive_the_step_says_what_to_do(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "revoke_permission", permission="Files.Read.All")

    result = lab.offboard(seed.ADA, SHARING)

    assert result.outcome("disable_onedrive_sharing") == "failed"
    assert "The OneDrive could not be read" in result.message("disable_onedrive_sharing")


def test_sharepoint_asking_for_patience_delays_nobody_else(lab: Lab) -> None:
    rule = {"service": "sharepoint", "match": ".*", "kind": "throttle", "retry_after": 300, "probability": 1}
    lab.simulator.faults([rule])

    result = lab.offboard(seed.ADA, access(seed.CY) | SHARING | {"disable_sign_in": True, "revoke_sessions": True})

    assert [result.outcome(name) for name in BOTH] == ["failed", "failed"]
    revoked, shared = result.steps["revoke_sessions"], result.steps["grant_onedrive_access"]
    assert (revoked.outcome, revoked.attempts) == ("done", 1)
    assert shared.ended_at - shared.started_at >= timedelta(minutes=29)
    assert revoked.started_at - shared.started_at == timedelta()


def test_a_deletion_of_the_account_does_not_stand_in_the_way(lab: Lab) -> None:
    """The OneDrive is kept for a while; the wizard offers the picker beside "Delete user"."""
    result = lab.offboard(seed.ADA, access(seed.CY) | {"delete_user": True})

    assert [result.outcome("grant_onedrive_access"), result.outcome("delete_user")] == ["done", "done"]


def test_the_onedrive_of_somebody_with_an_apostrophe_is_found(lab: Lab) -> None:
    person = lab.simulator.arrange("fabrikam.example", "user", create={"alias": "o'brien", "name": "Pat O'Brien"})

    result = lab.offboard(person, {"disable_onedrive_sharing": True})

    assert "o_brien_fabrikam_example" in lab.user(person)["site"]
    assert result.outcome("disable_onedrive_sharing") == "done"
