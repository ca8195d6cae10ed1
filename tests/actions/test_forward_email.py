"""Arriving mail goes on to somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from shared.actions import catalogue
from shared.base.problems import RefusedError

if TYPE_CHECKING:
    from dev.lab import Lab

NAME = "forward_email"
HYBRID = "hybrid.example"


def forward(to: str = seed.CY, **more: Any) -> dict[str, Any]:
    return {NAME: {"to": to, **more}}


def forwarding(lab: Lab, user_id: str = seed.ADA, tenant: str = "fabrikam.example") -> tuple[Any, Any, bool]:
    mailbox = lab.mailbox(user_id, tenant)
    return mailbox["ForwardingAddress"], mailbox["ForwardingSmtpAddress"], mailbox["DeliverToMailboxAndForward"]


@pytest.mark.parametrize("to", [seed.CY, "cy@fabrikam.example", "CY@fabrikam.onmicrosoft.example"])
def test_a_colleague_gets_the_mail(lab: Lab, to: str) -> None:
    result = lab.offboard(seed.ADA, forward(to))

    assert result.outcome(NAME) == "done"
    assert forwarding(lab) == (seed.CY, None, False)
    assert "no copy is kept" in result.message(NAME)


def test_a_copy_can_stay(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, forward(keep_copy=True))

    assert result.outcome(NAME) == "done"
    assert forwarding(lab) == (seed.CY, None, True)


def test_a_group_gets_the_mail(lab: Lab) -> None:
    group = lab.simulator.arrange("fabrikam.example", "group", create={"nickname": "successors", "kind": "list"})

    result = lab.offboard(seed.ADA, forward("successors@fabrikam.example"))

    assert result.outcome(NAME) == "done"
    assert forwarding(lab)[0] == group


def test_an_address_outside_gets_the_mail_and_the_spam_policy_is_told(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, forward("ada@home.example"))

    assert result.outcome(NAME) == "done"
    assert forwarding(lab) == (None, "smtp:ada@home.example", False)
    assert "spam policy" in result.message(NAME)


def test_the_other_kind_of_forwarding_is_cleared(lab: Lab) -> None:
    """With both set the outside address would be ignored."""
    lab.offboard(seed.ADA, forward("ada@home.example"))
    inside = lab.offboard(seed.ADA, forward())
    after_inside = forwarding(lab)
    outside = lab.offboard(seed.ADA, forward("ada@home.example"))

    assert (inside.outcome(NAME), outside.outcome(NAME)) == ("done", "done")
    assert after_inside == (seed.CY, None, False)
    assert forwarding(lab) == (None, "smtp:ada@home.example", False)


@pytest.mark.parametrize("to", [seed.CY, "ada@home.example"])
def test_the_second_time_nothing_is_written(lab: Lab, to: str) -> None:
    lab.offboard(seed.ADA, forward(to, keep_copy=True))

    result = lab.offboard(seed.ADA, forward(to, keep_copy=True))

    assert result.outcome(NAME) == "already_done"
    assert "Set-Mailbox" not in result.writes()


def test_a_copy_that_was_not_kept_before_is_a_change(lab: Lab) -> None:
    lab.offboard(seed.ADA, forward())

    assert lab.offboard(seed.ADA, forward(keep_copy=True)).outcome(NAME) == "done"


@pytest.mark.parametrize("to", ["nobody@fabrikam.example", "33333333-0000-4000-8000-000000000000", seed.ADMIN])
def test_a_target_of_the_tenant_that_gets_no_mail_fails(lab: Lab, to: str) -> None:
    result = lab.offboard(seed.ADA, forward(to))

    assert result.outcome(NAME) == "failed"
    assert "not a recipient in this tenant" in result.message(NAME)
    assert forwarding(lab) == (None, None, False)


@pytest.mark.parametrize("to", [seed.ADA, "ada@fabrikam.example", "ada@fabrikam.onmicrosoft.example"])
def test_mail_does_not_go_round_in_a_loop(lab: Lab, to: str) -> None:
    with pytest.raises(RefusedError, match="Name somebody who stays"):
        lab.submit(seed.ADA, forward(to))


def test_starting_and_stopping_at_once_is_refused(lab: Lab) -> None:
    for other in ("disable_forwarding", "delete_user"):
        with pytest.raises(RefusedError, match="contradict"):
            lab.submit(seed.ADA, forward() | {other: True})


@pytest.mark.parametrize("user", [seed.NO_MAILBOX, seed.GUEST])
def test_without_a_mailbox_there_is_nothing_to_forward(lab: Lab, user: str) -> None:
    result = lab.offboard(user, forward())

    assert result.outcome(NAME) == "not_applicable"
    assert "Set-Mailbox" not in result.writes()


def test_forwarding_survives_the_conversion_and_is_set_before_licenses_go(lab: Lab) -> None:
    for order in range(5):
        lab.simulator.reset()
        actions = forward() | {"convert_to_shared": True, "remove_licenses": True}
        result = lab.offboard(seed.ADA, actions, order=order)
        assert result.offboarding.state == "Completed"
        assert forwarding(lab) == (seed.CY, None, False)
        assert lab.simulator.state("fabrikam.example")["concurrent_mailbox_writes"] == []


def test_a_synced_mailbox_forwards_by_the_address_that_is_the_clouds(lab: Lab) -> None:
    """ForwardingAddress is altRecipient of Active Directory; ForwardingSmtpAddress is not synchronised."""
    result = lab.offboard(seed.SYNCED, forward(seed.CLOUD_ONLY), tenant=HYBRID)

    assert result.outcome(NAME) == "done"
    assert forwarding(lab, seed.SYNCED, HYBRID) == (None, "smtp:cleo@hybrid.example", False)


def test_a_synced_mailbox_that_forwards_so_already_is_left_alone(lab: Lab) -> None:
    lab.offboard(seed.SYNCED, forward(seed.CLOUD_ONLY), tenant=HYBRID)

    result = lab.offboard(seed.SYNCED, forward("cleo@hybrid.example"), tenant=HYBRID)

    assert result.outcome(NAME) == "already_done"
    assert "Set-Mailbox" not in result.writes()


def test_a_synced_mailbox_that_active_directory_forwards_must_be_changed_there(lab: Lab) -> None:
    """Beside ForwardingAddress, which only Active Directory can clear, the other address would be ignored."""
    lab.simulator.arrange(HYBRID, "mailbox", mailbox=seed.SYNCED, set={"ForwardingAddress": seed.SYNCED_COLLEAGUE})

    result = lab.offboard(seed.SYNCED, forward(seed.CLOUD_ONLY), tenant=HYBRID)

    assert result.outcome(NAME) == "needs_attention"
    assert "altRecipient" in result.message(NAME)
    assert forwarding(lab, seed.SYNCED, HYBRID) == (seed.SYNCED_COLLEAGUE, None, False)


def test_a_synced_mailbox_can_forward_to_an_outside_address(lab: Lab) -> None:
    result = lab.offboard(seed.SYNCED, forward("sven@home.example"), tenant=HYBRID)

    assert result.outcome(NAME) == "done"


def test_one_request_beside_the_snapshot_and_the_proof(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, forward())

    assert result.count("exchange") == 3
    assert result.count("graph") == 2


def test_a_step_that_died_before_its_record_tells_the_same_story(lab: Lab) -> None:
    assert lab.offboard_killed(NAME, seed.ADA, forward()).outcome(NAME) == "done"


def test_without_its_exchange_role_the_step_says_what_to_do(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "revoke_entra_role", role="Exchange Administrator")

    result = lab.offboard(seed.ADA, forward() | {"disable_sign_in": True})

    assert result.outcome(NAME) == "failed"
    assert "Exchange Administrator" in result.message(NAME)
    assert result.outcome("disable_sign_in") == "done"


@pytest.mark.parametrize("to", ["", "Cy", "cy@", "@fabrikam.example", "a b@fabrikam.example"])
def test_what_cannot_name_a_recipient_is_refused(lab: Lab, to: str) -> None:
    with pytest.raises(RefusedError):
        lab.submit(seed.ADA, forward(to))


def test_the_portals_picker_is_read() -> None:
    action = catalogue.get(NAME)
    form = {"forward": {"label": "Cy", "value": seed.CY}, "keepcopy": "true"}

    assert action.from_portal(form) == {"to": seed.CY, "keep_copy": True}
    assert action.from_portal({"forward": "cy@fabrikam.example"}) == {"to": "cy@fabrikam.example", "keep_copy": False}
    assert [action.from_portal({"forward": empty}) for empty in (None, "", {"value": " "}, [])] == [None] * 4


@pytest.mark.parametrize("kind", ["list", "m365"])
def test_forwarding_to_a_group_is_seen_though_exchange_shows_it_by_another_name(lab: Lab, kind: str) -> None:
    group = lab.simulator.arrange(
        "fabrikam.example", "group", create={"nickname": "sales", "name": "Sales of the North", "kind": kind}
    )

    result = lab.offboard(seed.ADA, forward("sales@fabrikam.example"))

    assert lab.mailbox(seed.ADA)["ForwardingAddress"] == group
    assert result.outcome(NAME) == "done"
    assert lab.offboard(seed.ADA, forward("sales@fabrikam.example")).outcome(NAME) == "already_done"


def test_forwarding_to_a_mail_contact_is_seen(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "contact", alias="partner", mail="desk@partner.example", name="A Partner")

    result = lab.offboard(seed.ADA, forward("desk@partner.example"))

    assert result.outcome(NAME) == "done"


def test_one_of_the_same_look_is_not_taken_for_the_recipient(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=seed.BO, set={"Name": "cy"})
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=seed.ADA, set={"ForwardingAddress": seed.BO})

    result = lab.offboard(seed.ADA, forward(seed.CY))

    assert lab.mailbox(seed.ADA)["ForwardingAddress"] == seed.CY
    assert result.outcome(NAME) == "done"


def test_what_two_actions_ask_about_the_same_colleague_is_asked_once(lab: Lab) -> None:
    both: dict[str, Any] = {"forward_email": {"to": seed.CY}, "grant_mailbox_access_automap": {"to": [seed.CY]}}

    result = lab.offboard(seed.ADA, both)

    asked = [call for sent in result.requests for call in sent["items"] if call.get("cmdlet") == "Get-Recipient"]
    assert len(asked) == 1
    assert {result.outcome(name) for name in both} == {"done"}
