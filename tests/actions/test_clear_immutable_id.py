"""Clear the immutable id: the link to an account that was in Active Directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant import seed

if TYPE_CHECKING:
    from dev.lab import Lab

CLEAR = {"clear_immutable_id": True}
HYBRID = "hybrid.example"


def test_an_account_that_is_no_longer_synchronised_loses_its_immutable_id(lab: Lab) -> None:
    result = lab.offboard(seed.LEFTOVER_ANCHOR, CLEAR, tenant=HYBRID)

    assert lab.user(seed.LEFTOVER_ANCHOR, HYBRID)["onPremisesImmutableId"] is None
    assert result.outcome("clear_immutable_id") == "done"
    assert "next synchronisation may link" in result.message("clear_immutable_id")
    assert len(result.writes()) == 1


def test_an_account_of_the_cloud_has_no_immutable_id_and_is_left_alone(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, CLEAR)

    assert result.outcome("clear_immutable_id") == "already_done"
    assert result.writes() == []


def test_a_second_offboarding_finds_it_cleared(lab: Lab) -> None:
    lab.offboard(seed.LEFTOVER_ANCHOR, CLEAR, tenant=HYBRID)

    result = lab.offboard(seed.LEFTOVER_ANCHOR, CLEAR, tenant=HYBRID)

    assert result.outcome("clear_immutable_id") == "already_done"
    assert result.writes() == []


def test_a_synced_account_keeps_it_and_the_way_to_clear_it_is_told(lab: Lab) -> None:
    before = lab.user(seed.SYNCED, HYBRID)

    result = lab.offboard(seed.SYNCED, CLEAR, tenant=HYBRID)

    assert lab.user(seed.SYNCED, HYBRID) == before
    assert result.outcome("clear_immutable_id") == "needs_attention"
    assert "restore it" in result.message("clear_immutable_id")
    assert result.writes() == []
    assert result.offboarding.state == "Completed"


def test_a_guest_without_a_value_is_left_alone(lab: Lab) -> None:
    assert lab.offboard(seed.GUEST, CLEAR).outcome("clear_immutable_id") == "already_done"


def test_it_is_cleared_after_sign_in_is_blocked(lab: Lab) -> None:
    for order in range(5):
        lab.simulator.reset()
        both = {**CLEAR, "disable_sign_in": True}
        result = lab.offboard(seed.LEFTOVER_ANCHOR, both, tenant=HYBRID, order=order)

        bodies = [sent["body"] for sent in result.requests if sent["method"] == "PATCH"]
        assert bodies == [{"accountEnabled": False}, {"onPremisesImmutableId": None}]


def test_without_the_permission_only_this_fails_and_says_what_to_grant(lab: Lab) -> None:
    lab.simulator.arrange(HYBRID, "revoke_permission", permission="User.ReadWrite.All")

    result = lab.offboard(seed.LEFTOVER_ANCHOR, {**CLEAR, "disable_sign_in": True}, tenant=HYBRID)

    assert result.outcome("clear_immutable_id") == "failed"
    assert "Grant" in result.message("clear_immutable_id")
    assert result.outcome("disable_sign_in") == "done"


def test_an_administrator_takes_a_role_of_the_app_and_the_message_names_it(lab: Lab) -> None:
    lab.simulator.arrange(HYBRID, "directory_role", user=seed.LEFTOVER_ANCHOR, role="Global Administrator")

    result = lab.offboard(seed.LEFTOVER_ANCHOR, CLEAR, tenant=HYBRID)

    assert result.outcome("clear_immutable_id") == "failed"
    assert "Privileged Authentication Administrator" in result.message("clear_immutable_id")


def test_killed_before_its_record_it_tells_the_same_story(lab: Lab) -> None:
    result = lab.offboard_killed("clear_immutable_id", seed.LEFTOVER_ANCHOR, CLEAR, tenant=HYBRID)

    assert result.outcome("clear_immutable_id") == "done"
    assert lab.user(seed.LEFTOVER_ANCHOR, HYBRID)["onPremisesImmutableId"] is None


def test_a_read_that_lags_behind_is_waited_for(lab: Lab) -> None:
    lab.simulator.faults([{"service": "graph", "kind": "stale", "match": "GET /v1.0/users/", "count": 2}])

    assert lab.offboard(seed.LEFTOVER_ANCHOR, CLEAR, tenant=HYBRID).outcome("clear_immutable_id") == "done"


def test_in_a_federated_domain_the_step_says_to_change_the_user_name_first(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "tenant", set={"federated": True})
    lab.simulator.arrange("fabrikam.example", "user", user=seed.BO, set={"onPremisesImmutableId": "c29tZQ=="})

    result = lab.offboard(seed.BO, {"clear_immutable_id": True})

    assert result.outcome("clear_immutable_id") == "failed"
    assert "managed domain first" in result.message("clear_immutable_id")
