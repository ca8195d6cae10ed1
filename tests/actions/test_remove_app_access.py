"""Take away applications, and what they may do in the person's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed

if TYPE_CHECKING:
    from dev.lab import Lab

NAME = "remove_app_access"
APPS = {NAME: True}
TENANT = "fabrikam.example"


@pytest.fixture(autouse=True)
def somebody_with_apps(lab: Lab) -> None:
    lab.simulator.arrange(TENANT, "belongings", user=seed.ADA, actions=[NAME])


def kept(lab: Lab, kind: str) -> list[str | None]:
    """Return who has what is left: the type of an assignment, the person of a grant (None: everybody)."""
    rows: dict[str, Any] = lab.simulator.state(TENANT)["belongings"][kind]
    return [row.get("principalType", row["principalId"]) for row in rows.values()]


def test_assignments_and_grants_go_and_those_of_others_stay(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, APPS)

    assert kept(lab, "app_role_assignments") == ["Group"]
    assert kept(lab, "permission_grants") == [None]
    found = {item.name: (item.outcome, item.message) for item in result.steps[NAME].items}
    assert found["Expenses"] == ("done", "Removed.")
    assert found["Mail merge (acts for the person: Mail.ReadWrite offline_access)"] == ("done", "Removed.")
    assert found["Time sheets"][0] == "not_applicable"
    assert "assigned to the group" in found["Time sheets"][1]


def test_an_app_without_a_name_is_known_by_its_id(lab: Lab) -> None:
    lab.simulator.faults([{"service": "graph", "match": "/servicePrincipals/", "kind": "status", "status": 404}])

    result = lab.offboard(seed.ADA, APPS)

    assert result.outcome(NAME) == "done"
    assert any(item.name.startswith("App ") and "Mail.ReadWrite" in item.name for item in result.steps[NAME].items)


@pytest.mark.parametrize(
    ("permission", "name"),
    [
        ("AppRoleAssignment.ReadWrite.All", "Expenses"),
        ("DelegatedPermissionGrant.ReadWrite.All", "Mail merge"),
    ],
)
def test_each_missing_permission_is_named_at_what_it_keeps(lab: Lab, permission: str, name: str) -> None:
    lab.simulator.arrange(TENANT, "revoke_permission", permission=permission)

    result = lab.offboard(seed.ADA, APPS)

    failed = [item for item in result.steps[NAME].items if item.outcome == "failed"]
    assert [item.name.startswith(name) for item in failed] == [True]
    assert permission in failed[0].message


def test_the_block_comes_first(lab: Lab) -> None:
    for order in range(5):
        lab.simulator.reset()
        lab.simulator.arrange(TENANT, "belongings", user=seed.ADA, actions=[NAME])
        writes = lab.offboard(seed.ADA, {**APPS, "disable_sign_in": True}, order=order).writes()
        assert writes[0] == f"PATCH /v1.0/users/{seed.ADA}"


def test_a_person_without_any_is_left_alone(lab: Lab) -> None:
    result = lab.offboard(seed.BO, APPS)

    assert result.outcome(NAME) == "already_done"
    assert result.writes() == []


def test_a_second_offboarding_finds_none(lab: Lab) -> None:
    lab.offboard(seed.ADA, APPS)

    result = lab.offboard(seed.ADA, APPS)

    assert set(result.items(NAME).values()) == {"not_applicable"}
    assert result.writes() == []


def test_killed_in_between_it_says_the_same(lab: Lab) -> None:
    result = lab.offboard_killed(NAME, seed.ADA, APPS)

    assert kept(lab, "app_role_assignments") == ["Group"]
    assert sorted(result.items(NAME).values()) == ["done", "done", "not_applicable"]


def test_what_it_takes(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, APPS)

    assert result.count("graph") == 5, "the submission, the snapshot, the names of the apps, the removal, the proof"
