"""Sessions are revoked after sign-in is blocked and the password is new, whatever else is selected."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest

import function_app
from shared.actions import catalogue, plan

if TYPE_CHECKING:
    from dev.lab import Lab

CONTAIN = {"disable_sign_in": True, "reset_password": True, "revoke_sessions": True}
FIRST = ("disable_sign_in", "reset_password")


def test_sessions_are_revoked_last(lab: Lab) -> None:
    for order in range(5):
        lab.simulator.reset()
        result = lab.offboard("ada@fabrikam.example", CONTAIN, order=order)
        writes = [sent for sent in result.requests if sent["service"] == "graph" and "$batch" not in sent["url"]]
        assert writes[-1]["url"].endswith("revokeSignInSessions")


@pytest.mark.parametrize("others", range(3))
def test_whatever_is_selected_with_them(others: int) -> None:
    assert function_app.app, "registers the actions"
    rest = [name for name in catalogue.all_actions() if name not in {*FIRST, "revoke_sessions"}]
    for chosen in combinations(rest, others):
        for count in range(len(FIRST) + 1):
            for first in combinations(FIRST, count):
                nodes = {node.name: node for node in plan.make([*chosen, "revoke_sessions", *first]).nodes}
                assert {*first} <= {*nodes["revoke_sessions"].after}
