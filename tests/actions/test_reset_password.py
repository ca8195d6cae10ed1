"""Resetting the password."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dev.lab import Lab


CONTAIN = {"disable_sign_in": True, "reset_password": True, "revoke_sessions": True}


def test_block_and_password_go_in_requests_of_their_own(lab: Lab) -> None:
    """A missing permission for one must not leave the other undone."""
    lab.simulator.arrange("fabrikam.example", "revoke_permission", permission="User-PasswordProfile.ReadWrite.All")

    result = lab.offboard("ada@fabrikam.example", CONTAIN)

    assert result.outcome("disable_sign_in") == "done"
    assert result.outcome("reset_password") == "failed"
    assert result.outcome("revoke_sessions") == "done"
    assert result.offboarding.reason == "steps_failed"
