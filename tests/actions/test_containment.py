"""Block, reset, revoke: the account is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant import seed

if TYPE_CHECKING:
    from dev.lab import Lab


CONTAIN = {"disable_sign_in": True, "reset_password": True, "revoke_sessions": True}


def test_an_account_is_closed(lab: Lab) -> None:
    before = lab.user(seed.ADA)

    result = lab.offboard("ada@fabrikam.example", CONTAIN)

    after = lab.user(seed.ADA)
    assert result.offboarding.state == "Completed"
    assert [result.outcome(name) for name in CONTAIN] == ["done", "done", "done"]
    assert (before["accountEnabled"], after["accountEnabled"]) == (True, False)


def test_a_second_offboarding_finds_the_block_and_does_the_others_again(lab: Lab) -> None:
    lab.offboard("ada@fabrikam.example", CONTAIN)

    result = lab.offboard("ada@fabrikam.example", CONTAIN)

    assert [result.outcome(name) for name in CONTAIN] == ["already_done", "done", "done"]


def test_a_synced_account_is_blocked_and_the_rest_is_handed_over(lab: Lab) -> None:
    result = lab.offboard(seed.SYNCED, CONTAIN, tenant="hybrid.example")

    assert lab.user(seed.SYNCED, "hybrid.example")["accountEnabled"] is False
    assert result.outcome("disable_sign_in") == "needs_attention"
    assert result.outcome("reset_password") == "needs_attention"
    assert "Active Directory" in result.message("disable_sign_in")
    assert result.offboarding.state == "Completed"
    assert any("Active Directory" in warning for warning in result.offboarding.warnings)


def test_a_guest_is_blocked_but_keeps_the_password_of_its_home(lab: Lab) -> None:
    result = lab.offboard(seed.GUEST, CONTAIN)

    assert [result.outcome(name) for name in CONTAIN] == ["done", "not_applicable", "not_applicable"]
