"""Make a colleague the owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed
from shared.base.problems import RefusedError

if TYPE_CHECKING:
    from dev.lab import Lab

NAME = "hand_over_ownership"
TO_CY = {NAME: {"to": seed.CY}}
TENANT = "fabrikam.example"


@pytest.fixture(autouse=True)
def an_owner(lab: Lab) -> None:
    lab.simulator.arrange(TENANT, "belongings", user=seed.ADA, actions=[NAME])


def owners(lab: Lab) -> dict[str, list[str]]:
    """Return the owners of everything that Ada or Cy owns, by name and kind."""
    state = lab.simulator.state(TENANT)
    owned = [("group", one) for one in state["groups"].values()]
    owned += [(one["kind"], one) for one in state["belongings"]["owned_applications"].values()]
    return {f"{kind} {one['displayName']}": one["owners"] for kind, one in owned if one["owners"]}


def test_groups_and_applications_get_the_colleague_as_owner(lab: Lab) -> None:
    before = owners(lab)

    result = lab.offboard(seed.ADA, TO_CY)

    after = owners(lab)
    theirs = [name for name, who in before.items() if seed.ADA in who]
    assert {"group Project of Ada Castell", "application Time sheets export"} <= set(theirs)
    changed = [name for name in theirs if seed.ADA not in after[name]]
    assert all(seed.CY in after[name] for name in changed)
    assert set(after) == set(before), "nothing is without an owner"
    assert {item.name for item in result.steps[NAME].items if item.outcome == "done"} >= {
        "Project of Ada Castell (group)",
        "Time sheets export (app registration)",
        "Time sheets export (enterprise application)",
    }


def test_nothing_is_without_an_owner_at_any_moment(lab: Lab) -> None:
    """The simulated tenant refuses to take the last owner off a group; applications it would leave without."""
    result = lab.offboard(seed.ADA, TO_CY)

    batches = [[item["method"] for item in sent["items"]] for sent in result.requests if sent["items"]]
    writes = [methods for methods in batches if "POST" in methods or "DELETE" in methods]
    assert [set(methods) for methods in writes] == [{"POST"}, {"DELETE"}]


def test_the_new_owner_of_a_team_is_a_member_too(lab: Lab) -> None:
    lab.offboard(seed.ADA, TO_CY)

    groups = lab.simulator.state(TENANT)["groups"].values()
    (project,) = [group for group in groups if group["displayName"] == "Project of Ada Castell"]
    assert seed.CY in project["members"]


def test_the_person_leaves_the_groups_after_it(lab: Lab) -> None:
    """Of a group whose last owner they were they would have to stay a member otherwise."""
    for order in range(5):
        lab.simulator.reset()
        lab.simulator.arrange(TENANT, "belongings", user=seed.ADA, actions=[NAME])
        result = lab.offboard(seed.ADA, {**TO_CY, "remove_groups": True}, order=order)
        groups = lab.simulator.state(TENANT)["groups"].values()
        (project,) = [group for group in groups if group["displayName"] == "Project of Ada Castell"]
        assert seed.ADA not in project["members"]
        assert result.items("remove_groups")["Project of Ada Castell"] == "done"
        assert not [item for item in result.items("remove_groups") if item.endswith("(owner)")]


def test_a_colleague_who_is_nobody_changes_nothing(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, {NAME: {"to": "nobody@fabrikam.example"}})

    assert result.outcome(NAME) == "failed"
    assert "There is nobody called nobody@fabrikam.example" in result.message(NAME)
    assert result.writes() == []


def test_the_leaver_cannot_take_over(lab: Lab) -> None:
    with pytest.raises(RefusedError, match="is leaving"):
        lab.offboard(seed.ADA, {NAME: {"to": seed.ADA}})


def test_an_address_outside_is_refused(lab: Lab) -> None:
    with pytest.raises(RefusedError, match="is not an address of"):
        lab.offboard(seed.ADA, {NAME: {"to": "eve@outside.example"}})


def test_where_the_colleague_owns_it_already_the_person_is_taken_off(lab: Lab) -> None:
    groups = lab.simulator.state(TENANT)["groups"]
    (project,) = [key for key, group in groups.items() if group["displayName"] == "Project of Ada Castell"]
    lab.simulator.arrange(TENANT, "group", group=project, set={"owners": [seed.ADA, seed.CY]})

    result = lab.offboard(seed.ADA, TO_CY)

    assert owners(lab)["group Project of Ada Castell"] == [seed.CY]
    assert result.items(NAME)["Project of Ada Castell (group)"] == "done"


def test_what_may_not_be_changed_is_named_and_keeps_its_owner(lab: Lab) -> None:
    lab.simulator.arrange(TENANT, "revoke_permission", permission="Application.ReadWrite.All")

    result = lab.offboard(seed.ADA, TO_CY)

    failed = [item for item in result.steps[NAME].items if item.outcome == "failed"]
    assert {item.name for item in failed} == {
        "Time sheets export (app registration)",
        "Time sheets export (enterprise application)",
    }
    assert all("Application.ReadWrite.All" in item.message for item in failed)
    assert owners(lab)["application Time sheets export"] == [seed.ADA]
    assert owners(lab)["group Project of Ada Castell"] == [seed.CY]


def test_synced_groups_and_lists_are_handed_to_a_person(lab: Lab) -> None:
    groups = lab.simulator.state(TENANT)["groups"]
    (project,) = [key for key, group in groups.items() if group["displayName"] == "Project of Ada Castell"]
    lab.simulator.arrange(TENANT, "group", group=project, set={"onPremisesSyncEnabled": True})
    lab.simulator.arrange(
        TENANT, "group", create={"nickname": "news-of-ada", "kind": "list"}, set={"owners": [seed.ADA]}
    )

    result = lab.offboard(seed.ADA, TO_CY)

    told = {item.name: item.message for item in result.steps[NAME].items if item.outcome == "needs_attention"}
    assert "Active Directory" in told["Project of Ada Castell (group)"]
    assert any("Exchange admin center" in message for message in told.values())


def test_somebody_who_owns_nothing_is_left_alone(lab: Lab) -> None:
    result = lab.offboard(seed.HELPDESK, TO_CY)

    assert result.outcome(NAME) == "already_done"
    assert result.writes() == []


def test_killed_in_between_it_says_the_same(lab: Lab) -> None:
    whole = lab.offboard_killed(NAME, seed.ADA, TO_CY)

    assert seed.CY in owners(lab)["application Time sheets export"]
    assert whole.outcome(NAME) in {"done", "needs_attention"}
    again = lab.offboard(seed.ADA, TO_CY)
    assert again.writes() == []


def test_a_new_owner_who_is_not_seen_yet_is_waited_for(lab: Lab) -> None:
    text = "The group must have at least one owner, hence this owner cannot be removed."
    body = {"error": {"code": "Request_BadRequest", "message": text}}
    rule = {"service": "graph", "match": "^DELETE /v1.0/groups/", "kind": "status", "status": 400, "count": 1}
    lab.simulator.faults([{**rule, "body": body}])

    result = lab.offboard(seed.ADA, TO_CY)

    assert "failed" not in result.items(NAME).values()
    assert owners(lab)["group Project of Ada Castell"] == [seed.CY]


def test_what_it_takes(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, TO_CY)

    assert result.count("graph") == 6, "the submission, the snapshot, what the colleague owns, two writes, the proof"
