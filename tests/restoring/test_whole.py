"""Somebody who had one of everything is offboarded with all actions and comes back: the tenant is as it was, but for
what nobody can bring back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.demo.comparison import left_over
from dev.tenant import seed
from shared.actions import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.lab import Lab, Result

FABRIKAM = "fabrikam.example"
PARAMS: dict[str, Any] = {
    "forward_email": {"to": seed.CY},
    "set_out_of_office": {"internal": "Gone."},
    "grant_mailbox_access": {"to": [seed.BO]},
    "grant_mailbox_access_automap": {"to": [seed.CY]},
    "grant_send_as": {"to": [seed.CY]},
    "grant_send_on_behalf": {"to": [seed.CY]},
    "grant_onedrive_access": {"to": [seed.CY]},
    "hand_over_ownership": {"to": seed.CY},
}
LOST = {"cancel_meetings", "remove_inbox_rules", "remove_mfa_methods", "remove_mobile_devices", "reset_password"}


def all_but(*left_out: str) -> dict[str, Any]:
    return {name: PARAMS.get(name, True) for name in catalogue.all_actions() if name not in left_out}


@pytest.mark.parametrize("order", range(3))
def test_the_tenant_is_as_it_was(lab: Lab, restore: Callable[..., Result], order: int) -> None:
    before = lab.simulator.state(FABRIKAM)
    left = lab.offboard(seed.ADA, all_but("delete_user", "disable_forwarding"), order=order)
    assert left.offboarding.state == "Completed"

    result = restore(left, order=order)

    told = {name: (step.outcome, step.message) for name, step in result.steps.items()}
    assert result.offboarding.state == "Completed", told
    lost = {name for name, (outcome, _) in told.items() if outcome == "not_applicable"}
    assert lost <= LOST | {"revoke_sessions"}, told
    after = lab.simulator.state(FABRIKAM)
    assert left_over(before, after, [seed.ADA]) == []


def test_a_deleted_person_is_back_with_the_mailbox(lab: Lab, restore: Callable[..., Result]) -> None:
    before = lab.simulator.state(FABRIKAM)
    actions = {"disable_sign_in": True, "remove_groups": True, "remove_licenses": True, "delete_user": True}
    left = lab.offboard(seed.ADA, actions)
    assert left.outcome("delete_user") == "done"

    result = restore(left)

    assert result.offboarding.state == "Completed", {n: s.message for n, s in result.steps.items()}
    after = lab.simulator.state(FABRIKAM)
    assert seed.ADA in after["users"]
    assert after["mailboxes"][seed.ADA]["PrimarySmtpAddress"] == before["mailboxes"][seed.ADA]["PrimarySmtpAddress"]
    assert after["users"][seed.ADA]["accountEnabled"] is True
