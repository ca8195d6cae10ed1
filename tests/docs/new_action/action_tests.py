"""Leaving administrative units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant import seed

if TYPE_CHECKING:
    from conftest import Lab

NAME = "remove_administrative_units"


def test_the_person_leaves_every_unit(lab: Lab) -> None:
    lab.simulator.arrange(seed.FABRIKAM, "belongings", user=seed.ADA, actions=[NAME])

    result = lab.offboard(seed.ADA, {NAME: True})

    assert result.outcome(NAME) == "done"
    assert result.message(NAME) == "1 unit left."
    (unit,) = lab.simulator.state(seed.FABRIKAM)["belongings"]["administrative_units"].values()
    assert unit["members"] == []


def test_who_is_in_no_unit_has_left_already(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, {NAME: True})

    assert result.outcome(NAME) == "already_done"
    assert result.writes() == []


def test_a_tenant_without_the_permission_is_told_which_is_missing(lab: Lab) -> None:
    lab.simulator.arrange(seed.FABRIKAM, "belongings", user=seed.ADA, actions=[NAME])
    lab.simulator.arrange(seed.FABRIKAM, "revoke_permission", permission="AdministrativeUnit.ReadWrite.All")

    result = lab.offboard(seed.ADA, {NAME: True})

    assert result.outcome(NAME) == "failed"
    assert "AdministrativeUnit.ReadWrite.All" in result.message(NAME)
