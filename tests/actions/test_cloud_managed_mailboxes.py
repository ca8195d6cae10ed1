"""Mailboxes of synced people whose Exchange attributes are managed in the cloud: changed like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed

if TYPE_CHECKING:
    from dev.lab import Lab

HYBRID = "hybrid.example"
ACTIONS: dict[str, Any] = {
    "hide_from_address_lists": True,
    "convert_to_shared": True,
    "forward_email": {"to": "cleo@hybrid.example"},
    "grant_send_on_behalf": {"to": ["cleo@hybrid.example"]},
    "grant_mailbox_access_automap": {"to": ["cleo@hybrid.example"]},
}


@pytest.mark.parametrize("name", ACTIONS)
def test_it_is_changed_here_and_nobody_is_sent_to_active_directory(lab: Lab, name: str) -> None:
    lab.simulator.arrange(HYBRID, "mailbox", mailbox=seed.SYNCED, set={"IsExchangeCloudManaged": True})

    result = lab.offboard(seed.SYNCED, {name: ACTIONS[name]}, tenant=HYBRID)

    assert result.outcome(name) == "done", result.message(name)
    assert "Active Directory" not in result.message(name)
