import copy
from typing import Any

import pytest

import function_app  # noqa: F401 - puts the actions into the catalogue
from dev.demo import changes, form
from dev.demo.expectations import EXPECTATIONS, Case, unmet
from dev.tenant import belongings, seed, state
from shared.actions import catalogue, plan, portal_form

ACTIONS = list(catalogue.all_actions().values())
IN_PORTAL = [action for action in ACTIONS if action.portal_key]


@pytest.fixture(scope="module")
def fabrikam() -> dict[str, Any]:
    tenant = seed.fabrikam()
    belongings.give_missing(tenant, tenant.users[seed.ADA], catalogue.all_actions())
    return state.dump(tenant)


@pytest.fixture
def tenant(fabrikam: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(fabrikam)


def filled(tenant: dict[str, Any], selected: list[catalogue.Action]) -> dict[str, Any]:
    people = tenant["users"]
    return form.fill(tenant, people[seed.ADA], (people[seed.CY], people[seed.HELPDESK]), selected, ACTIONS)


def test_every_action_has_an_expectation() -> None:
    assert {action.name for action in ACTIONS} <= set(EXPECTATIONS)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_the_expectation_is_not_met_before_the_action(tenant: dict[str, Any], action: catalogue.Action) -> None:
    case = Case(tenant, tenant, seed.ADA, seed.CY, seed.HELPDESK)

    assert unmet(case, [action.name]) == [
        f"{action.name}: expected that {EXPECTATIONS[action.name][0]}, but that is not so"
    ]


def test_an_action_without_an_expectation_is_a_problem(tenant: dict[str, Any]) -> None:
    (problem,) = unmet(Case(tenant, tenant, seed.ADA, seed.CY, seed.HELPDESK), ["invented"])

    assert problem.startswith("invented: dev/tenant/belongings")


@pytest.mark.parametrize("action", IN_PORTAL, ids=lambda action: action.name)
def test_the_form_selects_exactly_what_it_is_filled_in_for(tenant: dict[str, Any], action: catalogue.Action) -> None:
    sent = portal_form.lowered(filled(tenant, [action]))

    assert [each.name for each in ACTIONS if each.from_portal(sent) is not None] == [action.name]


def test_every_action_goes_to_one_leaver_and_no_leaver_has_a_contradiction() -> None:
    shares = form.split(ACTIONS)

    assert sorted(action.name for share in shares for action in share) == sorted(action.name for action in ACTIONS)
    for share in shares:
        assert plan.make([action.name for action in share]).refusals == ()


def test_changes_are_told_in_words(tenant: dict[str, Any]) -> None:
    after = copy.deepcopy(tenant)
    ada, box = after["users"][seed.ADA], after["mailboxes"][seed.ADA]
    ada.update(accountEnabled=False, password_resets=1, licenseAssignmentStates=[], onPremisesImmutableId=None)
    box.update(RecipientTypeDetails="SharedMailbox", HiddenFromAddressListsEnabled=True, ForwardingAddress=seed.BO)
    box["rules"] = box["rules"][2:]
    box["send_as"].append(seed.CY)
    box["meetings"][0]["cancelled"] = True
    for group in after["groups"].values():
        if group["displayName"] in {"Project 1", "Project 0"}:
            group["members"].remove(seed.ADA)
    for number in after["numbers"].values():
        if number["assignmentTargetId"] == seed.ADA:
            number.update(assignmentTargetId=None, assignmentStatus="unassigned")

    assert changes.describe(tenant, after) == [
        "Ada Castell: left 2 groups (Project 0, Project 1)",
        "Ada Castell: sign-in is blocked",
        "Ada Castell: immutable id is cleared",
        "Ada Castell: licenses removed: FLOW_FREE, MCOEV, POWER_BI_STANDARD, SPE_E3",
        "Ada Castell: has a new password",
        "Ada Castell (mailbox): is now a shared mailbox (was a user mailbox)",
        "Ada Castell (mailbox): forwarding address: Bo Haugen (was Cy Brandt)",
        "Ada Castell (mailbox): is hidden from the address lists",
        "Ada Castell (mailbox): people who may send as this person added: Cy Brandt",
        "Ada Castell (mailbox): inbox rules removed: Sort 0, Sort 1",
        "Ada Castell (mailbox): cancelled: Weekly planning",
        "+15550100: assigned to: none (was Ada Castell)",
    ]


def test_nothing_different_is_no_line(tenant: dict[str, Any]) -> None:
    assert changes.describe(tenant, copy.deepcopy(tenant)) == []


def test_a_deleted_account_is_told(tenant: dict[str, Any]) -> None:
    after = copy.deepcopy(tenant)
    after["deleted_users"][seed.BO] = after["users"].pop(seed.BO)

    assert "Bo Haugen: is deleted" in changes.describe(tenant, after)
