"""What a contributor writes as tests/actions/test_department.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant import seed

if TYPE_CHECKING:
    from conftest import Lab

CLEAR = {"clear_department": True}


def test_the_department_is_cleared(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, CLEAR)

    assert lab.user(seed.ADA)["department"] is None
    assert result.outcome("clear_department") == "done"


def test_a_second_offboarding_finds_it_cleared(lab: Lab) -> None:
    lab.offboard(seed.ADA, CLEAR)

    result = lab.offboard(seed.ADA, CLEAR)

    assert result.outcome("clear_department") == "already_done"
    assert result.writes() == []
