"""What runs before what, and what contradicts what."""

from __future__ import annotations

import itertools

import pytest

import function_app
from shared.actions import catalogue, plan
from shared.actions.catalogue import After

ACTIONS = tuple(catalogue.all_actions())


def order(*selected: str) -> dict[str, plan.Node]:
    return {node.name: node for node in plan.make(selected).nodes}


def test_the_app_imports_its_actions() -> None:
    assert function_app.app
    assert ACTIONS


def test_sessions_are_revoked_after_the_block_and_the_new_password() -> None:
    nodes = order("revoke_sessions", "disable_sign_in", "reset_password")

    assert nodes["revoke_sessions"].after == ("disable_sign_in", "reset_password")


def test_licenses_wait_behind_the_gate_of_the_conversion() -> None:
    nodes = order("remove_licenses", "convert_to_shared")

    assert "convert_to_shared" in nodes["remove_licenses"].requires
    assert "needs_attention" not in nodes["remove_licenses"].opens_on


def test_what_is_not_selected_imposes_nothing() -> None:
    nodes = order("remove_licenses")

    assert nodes["remove_licenses"].after == ()
    assert nodes["remove_licenses"].requires == (plan.SNAPSHOT_DIRECTORY, plan.SNAPSHOT_MAILBOX)


def test_groups_wait_for_the_conversion_only_where_nobody_else_keeps_the_license_groups() -> None:
    alone = order("remove_groups", "convert_to_shared")
    together = order("remove_groups", "convert_to_shared", "remove_licenses")

    assert "convert_to_shared" in alone["remove_groups"].after
    assert "convert_to_shared" not in together["remove_groups"].after


def test_containing_an_account_needs_nothing_of_exchange() -> None:
    nodes = order("disable_sign_in", "reset_password", "revoke_sessions", "convert_to_shared")

    for name in ("disable_sign_in", "reset_password", "revoke_sessions"):
        assert plan.SNAPSHOT_MAILBOX not in (*nodes[name].after, *nodes[name].requires)


def test_without_a_mailbox_step_exchange_is_not_asked() -> None:
    assert plan.SNAPSHOT_MAILBOX not in order("disable_sign_in")


def test_verification_follows_every_step() -> None:
    assert set(order("disable_sign_in", "hide_from_address_lists")[plan.VERIFY].after) == {
        "disable_sign_in",
        "hide_from_address_lists",
    }


def test_a_contradiction_is_refused_and_both_sides_are_named() -> None:
    for action, other in itertools.permutations(catalogue.all_actions().values(), 2):
        if other.name in action.excludes:
            refusals = plan.make([action.name, other.name]).refusals
            assert any(action.name in text and other.name in text for text in refusals)


def test_forwarding_beside_an_out_of_office_message_is_warned_of() -> None:
    warnings = plan.make(["forward_email", "set_out_of_office"]).warnings

    assert any("out-of-office" in text for text in warnings)


def test_licenses_without_conversion_are_warned_of() -> None:
    assert plan.make(["remove_licenses"]).warnings
    assert not plan.make(["remove_licenses", "convert_to_shared"]).warnings


@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_selection_has_an_order_that_respects_its_edges(size: int) -> None:
    for selected in itertools.combinations(ACTIONS, size):
        placed: set[str] = set()
        for node in plan.make(selected).nodes:
            assert placed.issuperset((*node.after, *node.requires))
            placed.add(node.name)


def test_the_whole_catalogue_has_an_order() -> None:
    assert {node.name for node in plan.make(ACTIONS).steps} == set(ACTIONS)


@pytest.mark.parametrize("name", ACTIONS)
def test_a_gate_hangs_only_on_actions_that_prove_themselves(name: str) -> None:
    for required in catalogue.get(name).requires:
        if required in ACTIONS:
            assert catalogue.get(required).proves_itself


@pytest.mark.parametrize("name", ACTIONS)
def test_edges_name_actions_of_the_design(name: str) -> None:
    action = catalogue.get(name)
    edges = [edge.action if isinstance(edge, After) else edge for edge in action.after]

    assert DESIGNED.issuperset([*edges, *action.requires, *action.excludes])


def test_a_node_travels_through_the_orchestrator_unchanged() -> None:
    for node in plan.make(ACTIONS).nodes:
        assert plan.Node.from_json(node.to_json()) == node


DESIGNED = frozenset(
    {
        "disable_sign_in",
        "reset_password",
        "revoke_sessions",
        "remove_mfa_methods",
        "remove_groups",
        "remove_licenses",
        "convert_to_shared",
        "hide_from_address_lists",
        "cancel_meetings",
        "remove_mailbox_permissions",
        "remove_calendar_permissions",
        "remove_inbox_rules",
        "remove_mobile_devices",
        "remove_teams_number",
        "grant_mailbox_access",
        "grant_mailbox_access_automap",
        "grant_send_as",
        "grant_send_on_behalf",
        "grant_onedrive_access",
        "disable_onedrive_sharing",
        "forward_email",
        "disable_forwarding",
        "set_out_of_office",
        "clear_immutable_id",
        "delete_user",
    }
)
