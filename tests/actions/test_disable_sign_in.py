"""Blocking sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant import seed

if TYPE_CHECKING:
    from dev.lab import Lab


BLOCK = {"disable_sign_in": True}


def test_an_account_in_a_restricted_unit_is_explained_by_its_unit(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "user", user=seed.BO, set={"isManagementRestricted": True})

    result = lab.offboard(seed.BO, BLOCK)

    assert result.outcome("disable_sign_in") == "failed"
    assert "administrative unit" in result.message("disable_sign_in")
