"""Sending as the leaver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant import seed

if TYPE_CHECKING:
    from dev.lab import Lab

from grants import holders, openers, to


def test_who_sends_as_the_leaver_does_not_open_the_mailbox(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, to(seed.CY, action="grant_send_as"))

    assert result.outcome("grant_send_as") == "done"
    assert holders(lab, "grant_send_as") == [seed.CY]
    assert openers(lab) == {}
