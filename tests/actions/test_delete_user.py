"""Delete the user."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed
from shared.actions import catalogue
from shared.base import clock
from shared.base.problems import RefusedError
from shared.offboarding.lifecycle import watch

if TYPE_CHECKING:
    from dev.lab import Lab, Result

DELETE = {"delete_user": True}
FABRIKAM = "fabrikam.example"
HYBRID = "hybrid.example"


def is_deleted(lab: Lab, person: str, tenant: str = FABRIKAM) -> bool:
    state = lab.simulator.state(tenant)
    return person not in state["users"] and person in state["deleted_users"]


def submit_for_tomorrow(lab: Lab, user: str) -> str:
    tomorrow = clock.now() + timedelta(days=1)
    return lab.submit(user, DELETE, scheduled_for=tomorrow.isoformat()).id


def run_it_tomorrow(lab: Lab, offboarding_id: str) -> Result:
    since = lab.simulator.requests()[-1]["n"]
    lab.hub.advance(timedelta(days=1, minutes=1))
    for claimed in watch.wake(lab.app):
        lab.start(claimed)
    lab.hub.run(lambda ready: ready[0])
    return lab.result(offboarding_id, since)


def test_the_account_goes_to_the_deleted_ones(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, DELETE)

    assert is_deleted(lab, seed.ADA)
    assert result.outcome("delete_user") == "done"
    assert "30 days" in result.message("delete_user")
    assert result.offboarding.state == "Completed"


def test_the_deleted_entry_is_what_proves_it(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, DELETE)

    proof = result.requests[-1]["items"]
    assert [(item["method"], item["status"]) for item in proof] == [("GET", 404), ("GET", 200)]
    assert result.count("graph") == 5, "the submission, the snapshot, a last look, the deletion, the proof"


def test_it_is_deleted_after_all_else_is_proven(lab: Lab) -> None:
    actions = {**DELETE, "disable_sign_in": True, "remove_groups": True, "remove_mfa_methods": True}
    for order in range(5):
        lab.simulator.reset()
        result = lab.offboard(seed.ADA, actions, order=order)
        assert result.writes()[-1] == f"DELETE /v1.0/users/{seed.ADA}"
        assert result.outcome("remove_groups") in {"done", "needs_attention"}
        assert is_deleted(lab, seed.ADA)


def test_it_is_not_deleted_where_another_step_failed(lab: Lab) -> None:
    lab.simulator.arrange(FABRIKAM, "revoke_permission", permission="User-PasswordProfile.ReadWrite.All")

    result = lab.offboard(seed.ADA, {**DELETE, "reset_password": True})

    assert not is_deleted(lab, seed.ADA)
    assert result.outcome("delete_user") == "skipped"
    assert result.steps["delete_user"].blocked_by == ("reset_password",)
    assert "DELETE" not in " ".join(result.writes())


def test_what_is_left_for_a_person_to_finish_does_not_keep_it(lab: Lab) -> None:
    lab.simulator.arrange(HYBRID, "method", user=seed.CLOUD_ONLY, kind="carrierPigeon")

    result = lab.offboard(seed.CLOUD_ONLY, {**DELETE, "remove_mfa_methods": True}, tenant=HYBRID)

    assert result.outcome("remove_mfa_methods") == "needs_attention"
    assert result.outcome("delete_user") == "done"


def test_a_synced_account_is_left_to_active_directory(lab: Lab) -> None:
    result = lab.offboard(seed.SYNCED, DELETE, tenant=HYBRID)

    assert not is_deleted(lab, seed.SYNCED, HYBRID)
    assert result.outcome("delete_user") == "needs_attention"
    assert "Active Directory" in result.message("delete_user")
    assert result.writes() == []


def test_forced_it_is_tried_and_a_refusal_is_handed_over_all_the_same(lab: Lab) -> None:
    result = lab.offboard(seed.SYNCED, DELETE, tenant=HYBRID, force=True)

    assert len(result.writes()) == 1
    assert result.outcome("delete_user") == "needs_attention"
    assert "on-premises" in result.message("delete_user")


@pytest.mark.parametrize("person", [seed.GUEST, seed.NO_MAILBOX])
def test_guests_and_people_without_a_mailbox_are_deleted_too(lab: Lab, person: str) -> None:
    assert lab.offboard(person, DELETE).outcome("delete_user") == "done"
    assert is_deleted(lab, person)


def test_a_renamed_account_is_still_the_same_person(lab: Lab) -> None:
    offboarding_id = submit_for_tomorrow(lab, seed.ADA)
    lab.simulator.arrange(FABRIKAM, "user", user=seed.ADA, set={"userPrincipalName": "ada.x@fabrikam.example"})

    result = run_it_tomorrow(lab, offboarding_id)

    assert result.outcome("delete_user") == "done"
    assert is_deleted(lab, seed.ADA)


def test_another_person_under_the_same_name_is_left_alone(lab: Lab) -> None:
    offboarding_id = submit_for_tomorrow(lab, "ada@fabrikam.example")
    lab.simulator.arrange(FABRIKAM, "delete_user", user=seed.ADA, for_good=True)
    lab.simulator.arrange(FABRIKAM, "user", user=seed.CY, set={"userPrincipalName": "ada@fabrikam.example"})

    result = run_it_tomorrow(lab, offboarding_id)

    assert seed.CY in lab.simulator.state(FABRIKAM)["users"]
    assert (result.offboarding.state, result.offboarding.reason) == ("Failed", "refused")
    assert result.writes() == []


def test_an_account_that_was_deleted_before_the_run_is_already_done(lab: Lab) -> None:
    offboarding_id = submit_for_tomorrow(lab, seed.ADA)
    lab.simulator.arrange(FABRIKAM, "delete_user", user=seed.ADA)

    result = run_it_tomorrow(lab, offboarding_id)

    assert result.outcome("delete_user") == "already_done"
    assert result.offboarding.state == "Completed"
    assert result.writes() == []


def test_a_second_offboarding_of_a_deleted_user_is_turned_away(lab: Lab) -> None:
    lab.offboard(seed.ADA, DELETE)

    with pytest.raises(RefusedError) as refused:
        lab.submit(seed.ADA, DELETE)

    assert refused.value.status == 404


def test_an_account_that_went_at_the_last_moment_counts_as_deleted(lab: Lab) -> None:
    lab.simulator.faults([{"service": "graph", "match": "^DELETE ", "kind": "reset_after", "count": 1}])

    result = lab.offboard(seed.ADA, DELETE)

    assert result.outcome("delete_user") == "done"


@pytest.mark.parametrize(
    "other",
    [
        "convert_to_shared",
        "forward_email",
        "set_out_of_office",
        "grant_mailbox_access",
        "grant_mailbox_access_automap",
        "grant_send_as",
        "grant_send_on_behalf",
    ],
)
def test_it_contradicts_what_keeps_the_mailbox(other: str) -> None:
    assert other in catalogue.get("delete_user").excludes


def test_access_to_the_onedrive_may_be_given_beside_it() -> None:
    assert "grant_onedrive_access" not in catalogue.get("delete_user").excludes


def test_beside_a_conversion_it_is_refused(lab: Lab) -> None:
    with pytest.raises(RefusedError) as refused:
        lab.submit(seed.ADA, {**DELETE, "convert_to_shared": True})

    assert any("delete_user" in problem.message for problem in refused.value.problems)


def test_licenses_go_before_it_without_a_conversion(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, {**DELETE, "remove_licenses": True})

    assert result.outcome("remove_licenses") == "done"
    assert is_deleted(lab, seed.ADA)


@pytest.mark.parametrize("person", [seed.HELPDESK, seed.RESTRICTED])
def test_an_account_that_the_app_may_not_touch_stays_and_the_message_says_what_to_do(lab: Lab, person: str) -> None:
    result = lab.offboard(person, DELETE)

    assert result.outcome("delete_user") == "failed"
    assert "Privileged Authentication Administrator" in result.message("delete_user")


def test_without_the_permission_it_fails_and_says_what_to_grant(lab: Lab) -> None:
    for role in ("User.DeleteRestore.All", "User.ReadWrite.All"):
        lab.simulator.arrange(FABRIKAM, "revoke_permission", permission=role)

    result = lab.offboard(seed.ADA, {**DELETE, "disable_sign_in": True})

    assert result.outcome("delete_user") == "failed"
    assert "Grant" in result.message("delete_user")
    assert result.outcome("disable_sign_in") == "done"


def test_killed_before_its_record_it_tells_the_same_story(lab: Lab) -> None:
    result = lab.offboard_killed("delete_user", seed.ADA, DELETE)

    assert result.outcome("delete_user") == "done"
    assert result.offboarding.state == "Completed"
    assert is_deleted(lab, seed.ADA)


def test_killed_before_its_record_the_next_run_tells_the_same_story(lab: Lab) -> None:
    offboarding = lab.offboard_until_killed("delete_user", seed.ADA, DELETE)
    lab.hub.advance(timedelta(hours=1))

    for claimed in watch.wake(lab.app):
        lab.start(claimed)
    lab.hub.run(lambda ready: ready[0])

    result = lab.result(offboarding.id)
    assert result.offboarding.run == 2
    assert result.outcome("delete_user") == "done"
    assert result.offboarding.state == "Completed"
