"""Values come back as they were: only those still as they were left, all of them where told to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.lab import Lab, Result

FABRIKAM = "fabrikam.example"
FORWARDING = ("ForwardingAddress", "ForwardingSmtpAddress", "DeliverToMailboxAndForward")


def mailbox_before(lab: Lab, **values: Any) -> dict[str, Any]:
    lab.simulator.arrange(FABRIKAM, "mailbox", mailbox=seed.ADA, set=values)
    return lab.mailbox(seed.ADA)


CASES: dict[str, dict[str, Any]] = {
    "disable_forwarding": {"ForwardingSmtpAddress": "smtp:ada@private.example", "DeliverToMailboxAndForward": True},
    "forward_email": {"ForwardingSmtpAddress": "smtp:ada@private.example", "DeliverToMailboxAndForward": True},
    "hide_from_address_lists": {},
}
PARAMS: dict[str, Any] = {"forward_email": {"to": seed.CY}}


@pytest.mark.parametrize("name", CASES)
def test_a_value_of_the_mailbox_comes_back(lab: Lab, restore: Callable[..., Result], name: str) -> None:
    before = mailbox_before(lab, **CASES[name])
    left = lab.offboard(seed.ADA, {name: PARAMS.get(name, True)})
    assert left.outcome(name) == "done"

    result = restore(left)

    assert result.outcome(name) == "done"
    assert lab.mailbox(seed.ADA) == before


@pytest.mark.parametrize("name", CASES)
def test_the_second_time_it_is_there_already_and_nothing_is_written(
    lab: Lab, restore: Callable[..., Result], name: str
) -> None:
    mailbox_before(lab, **CASES[name])
    left = lab.offboard(seed.ADA, {name: PARAMS.get(name, True)})
    restore(left)

    result = restore(left)

    assert result.outcome(name) == "already_done"
    assert result.writes() == []


def test_what_somebody_changed_since_is_left_and_named(lab: Lab, restore: Callable[..., Result]) -> None:
    mailbox_before(lab, ForwardingSmtpAddress="smtp:ada@private.example")
    left = lab.offboard(seed.ADA, {"disable_forwarding": True})
    since = mailbox_before(lab, ForwardingSmtpAddress="smtp:new@private.example")

    result = restore(left)

    assert result.outcome("disable_forwarding") == "needs_attention"
    assert "ForwardingSmtpAddress" in result.message("disable_forwarding")
    assert lab.mailbox(seed.ADA) == since


def test_what_somebody_changed_since_comes_back_where_that_is_asked_for(
    lab: Lab, restore: Callable[..., Result]
) -> None:
    before = mailbox_before(lab, ForwardingSmtpAddress="smtp:ada@private.example")
    left = lab.offboard(seed.ADA, {"disable_forwarding": True})
    mailbox_before(lab, ForwardingSmtpAddress="smtp:new@private.example")

    result = restore(left, overwrite=True)

    assert result.outcome("disable_forwarding") == "done"
    assert lab.mailbox(seed.ADA) == before


def test_the_mailbox_stays_shared_while_the_person_has_no_license(lab: Lab, restore: Callable[..., Result]) -> None:
    left = lab.offboard(seed.ADA, {"convert_to_shared": True, "remove_licenses": True})

    result = restore(left, steps=["convert_to_shared"])

    assert result.outcome("convert_to_shared") == "needs_attention"
    assert lab.mailbox(seed.ADA)["RecipientTypeDetails"] == "SharedMailbox"


def test_the_mailbox_is_a_users_again(lab: Lab, restore: Callable[..., Result]) -> None:
    left = lab.offboard(seed.ADA, {"convert_to_shared": True})

    result = restore(left)

    assert result.outcome("convert_to_shared") == "done"
    assert lab.mailbox(seed.ADA)["RecipientTypeDetails"] == "UserMailbox"


def test_the_automatic_reply_is_as_before(lab: Lab, restore: Callable[..., Result]) -> None:
    before = lab.simulator.state(FABRIKAM)
    left = lab.offboard(seed.ADA, {"set_out_of_office": {"internal": "Gone for good."}})
    assert left.outcome("set_out_of_office") == "done"

    result = restore(left)

    assert result.outcome("set_out_of_office") == "done"
    assert lab.simulator.state(FABRIKAM)["mailboxes"][seed.ADA] == before["mailboxes"][seed.ADA]


def test_the_onedrive_can_be_shared_as_before(lab: Lab, restore: Callable[..., Result]) -> None:
    left = lab.offboard(seed.ADA, {"disable_onedrive_sharing": True})
    assert left.outcome("disable_onedrive_sharing") == "done"

    result = restore(left)

    assert result.outcome("disable_onedrive_sharing") == "done", result.message("disable_onedrive_sharing")
