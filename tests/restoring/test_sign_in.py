"""Sign-in is opened again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed
from shared.access.scope import Scope
from shared.base.problems import RefusedError
from shared.offboarding.restoring import Restorations, Wish

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.lab import Lab, Result

BLOCK = {"disable_sign_in": True, "reset_password": True}


def test_sign_in_is_open_again_and_the_password_is_left_to_a_person(lab: Lab, restore: Callable[..., Result]) -> None:
    left = lab.offboard(seed.ADA, BLOCK)

    result = restore(left)

    assert lab.user(seed.ADA)["accountEnabled"] is True
    assert result.offboarding.state == "Completed"
    assert result.outcome("disable_sign_in") == "done"
    assert result.outcome("reset_password") == "not_applicable"
    assert "set a new password" in result.message("reset_password")


def test_a_second_restoration_finds_it_open(lab: Lab, restore: Callable[..., Result]) -> None:
    left = lab.offboard(seed.ADA, BLOCK)
    restore(left)

    result = restore(left, steps=["disable_sign_in"])

    assert result.outcome("disable_sign_in") == "already_done"


def test_an_offboarding_that_changed_nothing_has_nothing_to_restore(lab: Lab, restore: Callable[..., Result]) -> None:
    lab.offboard(seed.ADA, {"disable_sign_in": True})
    again = lab.offboard(seed.ADA, {"disable_sign_in": True})

    with pytest.raises(RefusedError, match="changed nothing"):
        restore(again)


@pytest.mark.parametrize("name", ["ada@fabrikam.example", "ada@fabrikam.onmicrosoft.example", seed.ADA])
def test_nobody_restores_their_own_account_under_whichever_name(lab: Lab, name: str) -> None:
    left = lab.offboard(seed.ADA, BLOCK)
    restorations = Restorations(lab.app, name, Scope(own_names=frozenset({name})))

    with pytest.raises(RefusedError, match="your own account"):
        restorations.submit(left.offboarding.id, Wish())

    assert lab.user(seed.ADA)["accountEnabled"] is False
