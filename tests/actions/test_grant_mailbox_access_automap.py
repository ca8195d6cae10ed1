"""Full access that Outlook shows by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed
from shared.base.problems import RefusedError
from triggers.portal import wizard

if TYPE_CHECKING:
    from dev.lab import Lab

from grants import openers, to


def test_the_two_kinds_of_full_access_differ_in_what_outlook_shows(lab: Lab) -> None:
    lab.offboard(seed.ADA, to(seed.CY) | to(seed.BO, action="grant_mailbox_access_automap"))

    assert openers(lab) == {seed.CY: False, seed.BO: True}


def test_one_who_has_access_keeps_it_and_the_other_auto_mapping_is_told(lab: Lab) -> None:
    """Exchange shows nowhere whether a mailbox is auto-mapped, and does not change it by giving access again."""
    lab.offboard(seed.ADA, to(seed.CY))

    result = lab.offboard(seed.ADA, to(seed.CY, action="grant_mailbox_access_automap"))

    assert result.outcome("grant_mailbox_access_automap") == "already_done"
    assert "remove the access first" in result.steps["grant_mailbox_access_automap"].items[0].message
    assert openers(lab) == {seed.CY: False}


def test_one_person_with_and_without_auto_mapping_is_refused_at_submit(lab: Lab) -> None:
    with pytest.raises(RefusedError) as refused:
        lab.submit(seed.ADA, to(seed.CY, seed.BO) | to(seed.CY.upper(), action="grant_mailbox_access_automap"))

    problems = [problem.message for problem in refused.value.problems]
    assert len(problems) == 1
    assert seed.CY in problems[0]
    assert seed.BO not in problems[0]


def test_one_person_with_and_without_auto_mapping_under_two_names_gets_it_with(lab: Lab) -> None:
    """Only the run finds out that it is one person: auto-mapping wins."""
    actions = to(seed.CY, seed.BO) | to("cy@fabrikam.example", action="grant_mailbox_access_automap")

    result = lab.offboard(seed.ADA, actions)

    assert result.items("grant_mailbox_access") == {"Cy Brandt": "not_applicable", "Bo Haugen": "done"}
    assert openers(lab) == {seed.CY: True, seed.BO: False}


def test_of_the_portals_form_the_picker_with_auto_mapping_has_who_is_in_both() -> None:
    """The wizard lets one person be in both; our API refuses that."""
    both = to(seed.CY, seed.BO) | to(seed.CY, action="grant_mailbox_access_automap")
    same = to(seed.CY) | to(seed.CY.upper(), action="grant_mailbox_access_automap")

    dropped = wizard._without_twice_named(both)
    wizard._without_twice_named(same)

    assert both == to(seed.BO) | to(seed.CY, action="grant_mailbox_access_automap")
    assert len(dropped) == 1
    assert seed.CY in dropped[0]
    assert list(same) == ["grant_mailbox_access_automap"]
