"""The mailbox disappears from the address lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant import seed

if TYPE_CHECKING:
    from dev.lab import Lab

NAME = "hide_from_address_lists"
HIDE = {NAME: True}
HYBRID = "hybrid.example"


def is_hidden(lab: Lab, user_id: str = seed.ADA, tenant: str = "fabrikam.example") -> bool:
    return lab.mailbox(user_id, tenant)["HiddenFromAddressListsEnabled"]


def test_a_mailbox_is_hidden_and_the_offline_address_book_is_told_of(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, HIDE)

    assert result.outcome(NAME) == "done"
    assert is_hidden(lab)
    assert "offline address books follow within a day" in result.message(NAME)


def test_the_second_time_nothing_is_written(lab: Lab) -> None:
    lab.offboard(seed.ADA, HIDE)

    result = lab.offboard(seed.ADA, HIDE)

    assert result.outcome(NAME) == "already_done"
    assert "Set-Mailbox" not in result.writes()


def test_a_shared_mailbox_is_hidden(lab: Lab) -> None:
    assert lab.offboard(seed.SHARED, HIDE).outcome(NAME) == "done"


def test_a_synced_mailbox_is_hidden_in_active_directory(lab: Lab) -> None:
    result = lab.offboard(seed.SYNCED, HIDE | {"disable_forwarding": True}, tenant=HYBRID)

    assert result.outcome(NAME) == "needs_attention"
    assert "msExchHideFromAddressLists" in result.message(NAME)
    assert "Set-Mailbox" not in result.writes()
    assert result.offboarding.state == "Completed"


def test_a_synced_mailbox_that_is_hidden_needs_no_attention(lab: Lab) -> None:
    lab.simulator.arrange(HYBRID, "mailbox", mailbox=seed.SYNCED, set={"HiddenFromAddressListsEnabled": True})

    assert lab.offboard(seed.SYNCED, HIDE, tenant=HYBRID).outcome(NAME) == "already_done"


def test_a_mailbox_that_only_exchange_knows_to_be_synced_is_handed_over(lab: Lab) -> None:
    """The refusal of Exchange is understood, too."""
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=seed.ADA, set={"IsDirSynced": True})

    result = lab.offboard(seed.ADA, HIDE)

    assert result.outcome(NAME) == "needs_attention"
    assert "Active Directory" in result.message(NAME)


def test_a_mailbox_on_premises_is_hidden_there(lab: Lab) -> None:
    user = lab.simulator.arrange(
        HYBRID,
        "user",
        create={"alias": "olga", "licenses": []},
        set={"onPremisesSyncEnabled": True, "mail": "olga@hybrid.example"},
    )

    result = lab.offboard(user, HIDE, tenant=HYBRID)

    assert result.outcome(NAME) == "needs_attention"
    assert "msExchHideFromAddressLists" in result.message(NAME)


def test_an_account_without_a_mailbox_is_in_no_address_list(lab: Lab) -> None:
    result = lab.offboard(seed.NO_MAILBOX, HIDE)

    assert result.outcome(NAME) == "not_applicable"
    assert not {"Set-Mailbox", "Set-MailUser"} & set(result.writes())


def test_a_guest_is_hidden_as_the_mail_user_it_is(lab: Lab) -> None:
    result = lab.offboard(seed.GUEST, HIDE)

    assert result.outcome(NAME) == "done"
    assert lab.user(seed.GUEST)["HiddenFromAddressListsEnabled"] is True
    assert "Set-Mailbox" not in result.writes()


def test_a_guest_without_an_address_is_in_no_address_list(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "user", user=seed.GUEST, set={"mail": None})

    assert lab.offboard(seed.GUEST, HIDE).outcome(NAME) == "not_applicable"


def test_a_guest_whose_step_died_before_its_record_tells_the_same_story(lab: Lab) -> None:
    assert lab.offboard_killed(NAME, seed.GUEST, HIDE).outcome(NAME) == "done"


def test_a_guest_who_is_hidden_is_left_alone(lab: Lab) -> None:
    lab.offboard(seed.GUEST, HIDE)

    result = lab.offboard(seed.GUEST, HIDE)

    assert result.outcome(NAME) == "already_done"
    assert "Set-MailUser" not in result.writes()


def test_it_is_hidden_before_licenses_go(lab: Lab) -> None:
    for order in range(5):
        lab.simulator.reset()
        result = lab.offboard(seed.ADA, HIDE | {"remove_licenses": True}, order=order, force=True)
        writes = result.writes()
        assert writes.index("Set-Mailbox") < next(n for n, write in enumerate(writes) if "assignLicense" in write)


def test_one_request_beside_the_snapshot_and_the_proof(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, HIDE)

    assert result.count("exchange") == 3
    assert result.count("graph") == 2


def test_of_a_mailbox_no_mail_user_is_asked_for(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, HIDE)

    assert "Get-MailUser" not in [call.get("cmdlet") for sent in result.requests for call in sent["items"]]


def test_a_step_that_died_before_its_record_tells_the_same_story(lab: Lab) -> None:
    assert lab.offboard_killed(NAME, seed.ADA, HIDE).outcome(NAME) == "done"


def test_without_its_exchange_role_the_step_says_what_to_do(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "revoke_entra_role", role="Exchange Administrator")

    result = lab.offboard(seed.ADA, HIDE | {"disable_sign_in": True})

    assert result.outcome(NAME) == "failed"
    assert "Exchange Administrator" in result.message(NAME)
    assert result.outcome("disable_sign_in") == "done"
