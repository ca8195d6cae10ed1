"""Sign-in is opened again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from shared.base.problems import RefusedError
from shared.offboarding.request import parsing
from shared.offboarding.restoring import Restorations, Wish

if TYPE_CHECKING:
    from dev.lab import Lab

BLOCK = {"disable_sign_in": True, "reset_password": True}


def restore(lab: Lab, offboarding_id: str, **wish: Any) -> Any:
    parsed = Wish(**parsing.parse_restore(json.dumps(wish).encode()))
    stored = Restorations(lab.app, "operator").submit(offboarding_id, parsed)
    if stored.state == "Running":
        lab.start(stored)
    lab.run()
    return lab.result(stored.id)


def test_sign_in_is_open_again_and_the_password_is_left_to_a_person(lab: Lab) -> None:
    left = lab.offboard(seed.ADA, BLOCK)

    result = restore(lab, left.offboarding.id)

    assert lab.user(seed.ADA)["accountEnabled"] is True
    assert result.offboarding.state == "Completed"
    assert result.outcome("disable_sign_in") == "done"
    assert result.outcome("reset_password") == "not_applicable"
    assert "set a new password" in result.message("reset_password")


def test_a_second_restoration_finds_it_open(lab: Lab) -> None:
    left = lab.offboard(seed.ADA, BLOCK)
    restore(lab, left.offboarding.id)

    result = restore(lab, left.offboarding.id, steps=["disable_sign_in"])

    assert result.outcome("disable_sign_in") == "already_done"


def test_an_offboarding_that_changed_nothing_has_nothing_to_restore(lab: Lab) -> None:
    lab.offboard(seed.ADA, {"disable_sign_in": True})
    again = lab.offboard(seed.ADA, {"disable_sign_in": True})

    with pytest.raises(RefusedError, match="changed nothing"):
        restore(lab, again.offboarding.id)
