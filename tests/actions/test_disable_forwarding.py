"""Stop e-mail forwarding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from shared.base.problems import RefusedError

if TYPE_CHECKING:
    from dev.lab import Lab

STOP = {"disable_forwarding": True}
HYBRID = "hybrid.example"
FORWARDING = ("ForwardingAddress", "ForwardingSmtpAddress", "DeliverToMailboxAndForward")


def forwarding(lab: Lab, person: str, tenant: str = "fabrikam.example") -> tuple[Any, ...]:
    mailbox = lab.mailbox(person, tenant)
    return tuple(mailbox[name] for name in FORWARDING)


def forward(lab: Lab, person: str, tenant: str = "fabrikam.example", **where: Any) -> None:
    lab.simulator.arrange(tenant, "mailbox", mailbox=person, set=where)


def test_forwarding_to_a_colleague_is_stopped(lab: Lab) -> None:
    forward(lab, seed.ADA, ForwardingAddress=seed.CY, DeliverToMailboxAndForward=True)

    result = lab.offboard(seed.ADA, STOP)

    assert forwarding(lab, seed.ADA) == (None, None, False)
    assert result.outcome("disable_forwarding") == "done"
    assert result.writes() == ["Set-Mailbox"]


def test_forwarding_to_an_outside_address_is_stopped_and_named(lab: Lab) -> None:
    forward(lab, seed.ADA, ForwardingSmtpAddress="smtp:ada@private.example")

    result = lab.offboard(seed.ADA, STOP)

    assert forwarding(lab, seed.ADA) == (None, None, False)
    assert "ada@private.example" in result.message("disable_forwarding")


def test_where_nothing_is_forwarded_nothing_is_written(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, STOP)

    assert result.outcome("disable_forwarding") == "already_done"
    assert result.writes() == []


def test_a_second_offboarding_finds_it_stopped(lab: Lab) -> None:
    forward(lab, seed.ADA, ForwardingAddress=seed.CY)
    lab.offboard(seed.ADA, STOP)

    result = lab.offboard(seed.ADA, STOP)

    assert result.outcome("disable_forwarding") == "already_done"
    assert result.writes() == []


@pytest.mark.parametrize("person", [seed.GUEST, seed.NO_MAILBOX])
def test_without_a_mailbox_it_does_not_apply(lab: Lab, person: str) -> None:
    result = lab.offboard(person, STOP)

    assert result.outcome("disable_forwarding") == "not_applicable"
    assert result.writes() == []


def test_forwarding_that_comes_from_active_directory_is_handed_over(lab: Lab) -> None:
    forward(lab, seed.SYNCED, HYBRID, ForwardingAddress=seed.CLOUD_ONLY)

    result = lab.offboard(seed.SYNCED, STOP, tenant=HYBRID)

    assert result.outcome("disable_forwarding") == "needs_attention"
    assert "altRecipient" in result.message("disable_forwarding")
    assert result.offboarding.state == "Completed"


def test_the_outside_address_behind_it_goes_all_the_same_and_the_copy_is_kept(lab: Lab) -> None:
    """It would take effect the moment Active Directory clears the other."""
    where = {"ForwardingSmtpAddress": "smtp:sven@private.example", "DeliverToMailboxAndForward": True}
    forward(lab, seed.SYNCED, HYBRID, ForwardingAddress=seed.CLOUD_ONLY, **where)

    result = lab.offboard(seed.SYNCED, STOP, tenant=HYBRID)

    assert forwarding(lab, seed.SYNCED, HYBRID) == (seed.CLOUD_ONLY, None, True)
    assert result.outcome("disable_forwarding") == "needs_attention"


def test_an_outside_address_of_a_synced_mailbox_is_the_clouds_and_goes(lab: Lab) -> None:
    forward(lab, seed.SYNCED, HYBRID, ForwardingSmtpAddress="smtp:sven@private.example")

    result = lab.offboard(seed.SYNCED, STOP, tenant=HYBRID)

    assert forwarding(lab, seed.SYNCED, HYBRID) == (None, None, False)
    assert result.outcome("disable_forwarding") == "done"
    assert "altRecipient" in result.message("disable_forwarding")


def test_rules_that_forward_are_not_touched(lab: Lab) -> None:
    before = lab.mailbox(seed.ADA)["rules"]

    lab.offboard(seed.ADA, STOP)

    assert lab.mailbox(seed.ADA)["rules"] == before


def test_beside_forwarding_it_is_refused(lab: Lab) -> None:
    both = {**STOP, "forward_email": {"to": "cy@fabrikam.example"}}

    with pytest.raises(RefusedError) as refused:
        lab.submit(seed.ADA, both)

    assert any("disable_forwarding" in problem.message for problem in refused.value.problems)


def test_without_the_exchange_role_it_fails_and_says_what_to_give(lab: Lab) -> None:
    forward(lab, seed.ADA, ForwardingAddress=seed.CY)
    lab.simulator.arrange("fabrikam.example", "revoke_entra_role", role="Exchange Administrator")

    result = lab.offboard(seed.ADA, {**STOP, "disable_sign_in": True})

    assert result.outcome("disable_forwarding") == "failed"
    assert "Exchange Administrator" in result.message("disable_forwarding")
    assert result.outcome("disable_sign_in") == "done"


def test_killed_before_its_record_it_tells_the_same_story(lab: Lab) -> None:
    forward(lab, seed.ADA, ForwardingAddress=seed.CY)

    result = lab.offboard_killed("disable_forwarding", seed.ADA, STOP)

    assert result.outcome("disable_forwarding") == "done"
    assert forwarding(lab, seed.ADA) == (None, None, False)
