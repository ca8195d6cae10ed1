"""Sending on behalf of the leaver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant import seed

if TYPE_CHECKING:
    from dev.lab import Lab

from grants import HYBRID, to


def test_everybody_sends_on_behalf_by_one_request(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, to(seed.CY, seed.BO, seed.HELPDESK, action="grant_send_on_behalf"))

    assert result.writes().count("Set-Mailbox") == 1


def test_an_account_without_a_mailbox_can_open_others_but_send_for_none(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, to(seed.ADMIN) | to(seed.ADMIN, action="grant_send_on_behalf"))

    assert result.outcome("grant_mailbox_access") == "done"
    assert result.outcome("grant_send_on_behalf") == "failed"
    assert "mailbox" in result.message("grant_send_on_behalf")


def test_who_is_in_the_synced_list_already_needs_no_attention(lab: Lab) -> None:
    lab.simulator.arrange(HYBRID, "mailbox", mailbox=seed.SYNCED, set={"GrantSendOnBehalfTo": [seed.CLOUD_ONLY]})

    result = lab.offboard(seed.SYNCED, to(seed.CLOUD_ONLY, action="grant_send_on_behalf"), tenant=HYBRID)

    assert result.outcome("grant_send_on_behalf") == "already_done"
