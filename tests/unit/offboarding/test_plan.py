"""What runs before what, and what contradicts what."""

from __future__ import annotations

import itertools
from graphlib import CycleError

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
def test_edges_name_actions(name: str) -> None:
    action = catalogue.get(name)
    edges = [edge.action if isinstance(edge, After) else edge for edge in action.after]

    assert set(ACTIONS).issuperset([*edges, *action.before, *action.requires, *action.excludes])


def test_an_action_says_itself_what_it_comes_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(catalogue.get("clear_immutable_id")), "after", ())
    monkeypatch.setattr(type(catalogue.get("clear_immutable_id")), "before", ("disable_sign_in", "delete_user"))

    nodes = order("delete_user", "disable_sign_in", "clear_immutable_id")

    assert nodes["disable_sign_in"].after == ("clear_immutable_id",)
    assert list(nodes).index("clear_immutable_id") < list(nodes).index("disable_sign_in")
    assert order("disable_sign_in")["disable_sign_in"].after == ()


def test_actions_that_wait_for_each_other_have_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(catalogue.get("revoke_sessions")), "before", ("disable_sign_in",))

    with pytest.raises(CycleError):
        order("disable_sign_in", "revoke_sessions")


def test_the_steps_of_the_mailbox_begin_before_those_that_have_time() -> None:
    """They follow one another, so nothing takes longer."""
    nodes = plan.make(("remove_teams_number", "remove_groups", "forward_email", "hide_from_address_lists")).nodes

    placed = [node.name for node in plan.longest_path_first(nodes)]

    assert placed[:4] == ["snapshot_mailbox", "snapshot_directory", "forward_email", "hide_from_address_lists"]
    assert sorted(placed) == sorted(node.name for node in nodes)


def test_what_begins_first_is_behind_what_it_waits_for() -> None:
    placed = [node.name for node in plan.longest_path_first(plan.make(ACTIONS).nodes)]

    for node in plan.make(ACTIONS).nodes:
        assert all(placed.index(other) < placed.index(node.name) for other in (*node.after, *node.requires))


def test_a_node_travels_through_the_orchestrator_unchanged() -> None:
    for node in plan.make(ACTIONS).nodes:
        assert plan.Node.from_json(node.to_json()) == node
