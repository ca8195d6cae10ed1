"""Take the administrator roles away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from dev.tenant.skus import E3

if TYPE_CHECKING:
    from dev.lab import Lab

NAME = "remove_directory_roles"
ROLES = {NAME: True}
TENANT = "fabrikam.example"
ELIGIBLE = "/roleManagement/directory/roleEligibilityScheduleRequests"


@pytest.fixture(autouse=True)
def an_administrator(lab: Lab) -> None:
    lab.simulator.arrange(TENANT, "belongings", user=seed.ADA, actions=[NAME])


def roles(lab: Lab) -> list[str]:
    """Return what Ada holds: where, or "to activate"."""
    state = lab.simulator.state(TENANT)
    kinds = {"scoped_role_assignments": "in a unit", "role_eligibilities": "to activate"}
    held = ["everywhere" for role in state["directory_roles"].values() if seed.ADA in role["members"]]
    for kind, words in kinds.items():
        held += [words for row in state["belongings"].get(kind, {}).values() if row["principalId"] == seed.ADA]
    return held


def test_roles_go_at_every_scope_and_those_to_be_activated(lab: Lab) -> None:
    assert roles(lab) == ["everywhere", "in a unit", "to activate"]

    result = lab.offboard(seed.ADA, ROLES)

    assert roles(lab) == []
    names = {item.name for item in result.steps[NAME].items}
    assert names == {
        "Reports Reader",
        "Helpdesk Administrator (in one administrative unit)",
        "User Administrator (can be activated)",
    }
    assert set(result.items(NAME).values()) == {"done"}
    assert result.message(NAME) == "3 roles removed."


def test_the_account_is_changed_after_they_went(lab: Lab) -> None:
    """Of an administrator the app may change much less."""
    for order in range(5):
        lab.simulator.reset()
        lab.simulator.arrange(TENANT, "belongings", user=seed.ADA, actions=[NAME])
        actions = {**ROLES, "disable_sign_in": True, "reset_password": True, "remove_mfa_methods": True}
        writes = lab.offboard(seed.ADA, actions, order=order).writes()
        first = next(n for n, write in enumerate(writes) if "/users/" in write)
        assert all("roleManagement" in write for write in writes[:first])
        assert len([write for write in writes[:first] if "roleManagement" in write]) == 3


def test_what_holds_the_roles_up_does_not_hold_up_the_block(lab: Lab) -> None:
    lab.simulator.arrange(TENANT, "revoke_permission", permission="RoleManagement.ReadWrite.Directory")
    lab.simulator.arrange(TENANT, "grant_entra_role", role="Privileged Authentication Administrator")

    result = lab.offboard(seed.ADA, {**ROLES, "disable_sign_in": True})

    assert result.outcome("disable_sign_in") == "done"
    assert result.outcome(NAME) == "failed"
    assert "Grant the app RoleManagement.ReadWrite.Directory (Microsoft Graph)" in result.message(NAME)


def test_what_cannot_be_listed_is_said(lab: Lab) -> None:
    """`Directory.Read.All` shows what is held, but not what can be activated."""
    for permission in ("RoleManagement.ReadWrite.Directory", "RoleEligibilitySchedule.Read.Directory"):
        lab.simulator.arrange(TENANT, "revoke_permission", permission=permission)

    result = lab.offboard(seed.BO, ROLES)

    assert result.outcome(NAME) == "needs_attention"
    assert "so it is not known whether there are any" in result.message(NAME)
    assert "RoleEligibilitySchedule.Read.Directory" in result.message(NAME)


def test_a_tenant_without_the_license_has_nothing_to_activate(lab: Lab) -> None:
    lab.simulator.arrange(TENANT, "tenant", set={"skus": {E3.id: 500}})

    result = lab.offboard(seed.ADA, ROLES)

    assert result.outcome(NAME) == "done"
    assert roles(lab) == ["to activate"], "no such role counts without the license"
    assert ELIGIBLE not in "".join(result.writes())


def test_the_last_global_administrator_keeps_the_role(lab: Lab) -> None:
    """Blocked already, the account counts for no administrator; yet somebody must be one."""
    for role in lab.simulator.state(TENANT)["directory_roles"].values():
        if role["displayName"] == "Global Administrator":
            for member in role["members"]:
                lab.simulator.arrange(TENANT, "user", user=member, set={"accountEnabled": False})
    lab.simulator.arrange(TENANT, "directory_role", user=seed.ADA, role="Global Administrator")
    lab.simulator.arrange(TENANT, "user", user=seed.ADA, set={"accountEnabled": False})

    result = lab.offboard(seed.ADA, ROLES)

    assert roles(lab) == ["everywhere"]
    assert result.outcome(NAME) == "needs_attention"
    assert "There is no other enabled Global Administrator" in result.message(NAME)


def test_one_of_two_global_administrators_loses_the_role(lab: Lab) -> None:
    lab.simulator.arrange(TENANT, "directory_role", user=seed.ADA, role="Global Administrator")

    result = lab.offboard(seed.ADA, ROLES)

    assert roles(lab) == []
    assert result.outcome(NAME) == "done"


def test_a_second_offboarding_finds_none(lab: Lab) -> None:
    lab.offboard(seed.ADA, ROLES)

    result = lab.offboard(seed.ADA, ROLES)

    assert result.outcome(NAME) == "already_done"
    assert result.message(NAME) == "The person has no administrator role."
    assert result.writes() == []


def test_nobody_elses_roles_are_touched(lab: Lab) -> None:
    lab.simulator.arrange(TENANT, "belongings", user=seed.BO, actions=[NAME])

    def others() -> list[Any]:
        state = lab.simulator.state(TENANT)
        scoped = [
            row for row in state["belongings"]["scoped_role_assignments"].values() if row["principalId"] == seed.BO
        ]
        return [scoped, [role["members"] for role in state["directory_roles"].values() if seed.BO in role["members"]]]

    lab.offboard(seed.ADA, ROLES)

    assert others()[0]
    assert others()[1]


def test_killed_in_between_it_says_the_same(lab: Lab) -> None:
    result = lab.offboard_killed(NAME, seed.ADA, ROLES)

    assert roles(lab) == []
    assert set(result.items(NAME).values()) == {"done"}


def test_what_it_takes(lab: Lab) -> None:
    assert lab.offboard(seed.ADA, ROLES).count("graph") == 4, "the submission, the snapshot, the removal, the proof"


def test_where_microsoft_notices_late_that_the_roles_are_gone_the_block_is_tried_again(lab: Lab) -> None:
    lab.simulator.arrange(TENANT, "tenant", set={"role_writes": 2})

    result = lab.offboard(seed.ADA, {**ROLES, "disable_sign_in": True})

    assert result.outcome("disable_sign_in") == "done"
    assert result.steps["disable_sign_in"].attempts == 3


def test_an_account_that_stays_closed_to_the_app_fails_and_says_why(lab: Lab) -> None:
    lab.simulator.arrange(TENANT, "tenant", set={"role_writes": 99})

    result = lab.offboard(seed.ADA, {**ROLES, "disable_sign_in": True})

    assert result.outcome("disable_sign_in") == "failed"
    assert "was an administrator until a moment ago" in result.message("disable_sign_in")
    assert "Privileged Authentication Administrator" in result.message("disable_sign_in")
