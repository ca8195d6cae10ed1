"""People outside are shut out of the leaver's OneDrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant import seed

if TYPE_CHECKING:
    from dev.lab import Lab

from onedrives import SHARING, onedrive


def test_people_outside_are_shut_out(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, SHARING)

    assert result.outcome("disable_onedrive_sharing") == "done"
    assert onedrive(lab)["SharingCapability"] == 0
