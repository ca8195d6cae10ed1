from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from dev.tenant.by_hand import exception_of
from dev.tenant.population import ident

if TYPE_CHECKING:
    from dev.tenant.by_hand import Caller
    from dev.tenant.process import Simulator

ADA_UPN = "ada@fabrikam.example"


@pytest.fixture
def state(sim: Simulator) -> dict[str, Any]:
    return sim.state("fabrikam.example")


def owners(state: dict[str, Any], field: str) -> list[str]:
    return [key for key, box in state["mailboxes"].items() if seed.ADA in box[field]]


def full_access(state: dict[str, Any]) -> list[str]:
    return [key for key, box in state["mailboxes"].items() if any(e["User"] == seed.ADA for e in box["permissions"])]


def test_full_access_is_found_mailbox_by_mailbox_and_removed(
    caller: Caller, sim: Simulator, state: dict[str, Any]
) -> None:
    assert len(full_access(state)) == 2
    owner = full_access(state)[0]
    rows = caller.rows("Get-MailboxPermission", Identity=owner, User=ADA_UPN)
    assert [(row["User"], row["AccessRights"]) for row in rows] == [(ADA_UPN, ["FullAccess", "ReadPermission"])]
    how = {"Identity": owner, "User": ADA_UPN, "AccessRights": rows[0]["AccessRights"], "InheritanceType": "All"}
    assert caller.warnings("Remove-MailboxPermission", **how, Confirm=False) == []
    assert "because the ACE doesn't exist on the object" in caller.warnings("Remove-MailboxPermission", **how)[0]
    assert owner not in full_access(sim.state("fabrikam.example"))


def test_send_as_is_found_by_the_trustee_in_one_call(caller: Caller, state: dict[str, Any]) -> None:
    rows = caller.rows("Get-RecipientPermission", Trustee=ADA_UPN, ResultSize="Unlimited")
    assert len(rows) == len(owners(state, "send_as")) == 2
    how = {"Identity": rows[0]["Identity"], "Trustee": ADA_UPN, "AccessRights": ["SendAs"], "Confirm": False}
    assert caller.warnings("Remove-RecipientPermission", **how) == []
    assert "because the ACE isn't present" in caller.warnings("Remove-RecipientPermission", **how)[0]


def test_a_trustee_that_does_not_exist_filters_nothing(caller: Caller) -> None:
    rows = caller.rows("Get-RecipientPermission", Trustee="nobody@fabrikam.example", ResultSize="Unlimited")
    assert len(rows) > 200
    assert len(caller.rows("Get-MailboxPermission", Identity=seed.CY, User="nobody@fabrikam.example")) == 1


def test_send_on_behalf_is_found_by_distinguished_name(caller: Caller, sim: Simulator, state: dict[str, Any]) -> None:
    name = caller.rows("Get-Mailbox", Identity=seed.ADA)[0]["DistinguishedName"]
    find = {"Filter": f"GrantSendOnBehalfTo -eq '{name}'", "ResultSize": "Unlimited"}
    rows = caller.rows("Get-Mailbox", **find)
    assert {row["ExternalDirectoryObjectId"] for row in rows} == set(owners(state, "GrantSendOnBehalfTo"))
    assert caller.rows("Get-Mailbox", Filter=f"GrantSendOnBehalfTo -eq '{ADA_UPN}'", ResultSize="Unlimited") == []
    change = {"@odata.type": "#Exchange.GenericHashTable", "remove": ADA_UPN}
    target = rows[0]["ExternalDirectoryObjectId"]
    assert caller.warnings("Set-Mailbox", Identity=target, GrantSendOnBehalfTo=change) == []
    assert "no settings of" in caller.warnings("Set-Mailbox", Identity=target, GrantSendOnBehalfTo=change)[0]
    assert target not in owners(sim.state("fabrikam.example"), "GrantSendOnBehalfTo")


def test_filters_that_are_not_understood_are_refused(caller: Caller) -> None:
    assert caller.invoke("Get-Mailbox", Filter="ShoeSize -eq '4'", ResultSize="Unlimited").status_code == 400
    assert caller.invoke("Get-Mailbox", Filter="Alias resembles 'x'", ResultSize="Unlimited").status_code == 400


def test_granting_access_and_granting_it_again(caller: Caller, sim: Simulator) -> None:
    how = {
        "Identity": seed.ADA,
        "User": "cy@fabrikam.example",
        "AccessRights": ["FullAccess"],
        "InheritanceType": "All",
    }
    assert caller.rows("Add-MailboxPermission", **how, AutoMapping=False, Confirm=False)[0]["User"] == how["User"]
    warning = caller.warnings("Add-MailboxPermission", **how, AutoMapping=True)[0]
    assert "appropriate access control entry is already present" in warning
    entries = sim.state("fabrikam.example")["mailboxes"][seed.ADA]["permissions"]
    assert [entry["AutoMapping"] for entry in entries if entry["User"] == seed.CY] == [False]
    assert caller.invoke("Add-MailboxPermission", **{**how, "User": "nobody@fabrikam.example"}).status_code == 404
    assert caller.invoke("Add-MailboxPermission", **{**how, "AccessRights": ["Everything"]}).status_code == 400


def test_granting_send_as(caller: Caller, sim: Simulator) -> None:
    how = {"Identity": seed.ADA, "Trustee": "cy@fabrikam.example", "AccessRights": ["SendAs"], "Confirm": False}
    assert caller.rows("Add-RecipientPermission", **how)[0]["Trustee"] == "cy@fabrikam.example"
    assert "already present" in caller.warnings("Add-RecipientPermission", **how)[0]
    assert sim.state("fabrikam.example")["mailboxes"][seed.ADA]["send_as"] == [seed.CY]


def test_rights_of_a_deleted_user_no_longer_answer_to_its_name(caller: Caller, state: dict[str, Any]) -> None:
    owner = full_access(state)[0]
    assert caller.graph("DELETE", f"/users/{seed.ADA}").status_code == 204
    users = [row["User"] for row in caller.rows("Get-MailboxPermission", Identity=owner)]
    assert any(user.startswith("S-1-12-1-") for user in users)
    how = {"Identity": owner, "User": ADA_UPN, "AccessRights": ["FullAccess"]}
    assert caller.invoke("Remove-MailboxPermission", **how).status_code == 404


def test_members_of_distribution_groups(caller: Caller, sim: Simulator) -> None:
    group = ident("fabrikam", "group", "ada-mail_security-2")
    how = {"Identity": group, "Member": seed.ADA}
    response = caller.invoke("Remove-DistributionGroupMember", **how)
    assert "can only be performed by a manager" in response.text
    bypass = {**how, "BypassSecurityGroupManagerCheck": True, "Confirm": False}
    assert seed.ADA in {
        row["ExternalDirectoryObjectId"] for row in caller.rows("Get-DistributionGroupMember", Identity=group)
    }
    assert caller.invoke("Remove-DistributionGroupMember", **bypass).ok
    assert exception_of(caller.invoke("Remove-DistributionGroupMember", **bypass)) == "MemberNotFoundException"
    assert seed.ADA not in sim.state("fabrikam.example")["groups"][group]["members"]


def test_a_lesser_role_may_not_pass_the_manager_by(caller: Caller, sim: Simulator) -> None:
    sim.arrange("fabrikam.example", "revoke_entra_role", role="Exchange Administrator")
    sim.arrange("fabrikam.example", "grant_entra_role", role="Exchange Recipient Administrator")
    how = {"Identity": ident("fabrikam", "group", "ada-list-0"), "Member": seed.ADA}
    response = caller.invoke("Remove-DistributionGroupMember", **how, BypassSecurityGroupManagerCheck=True)
    assert "A parameter cannot be found that matches parameter name" in response.text
    assert caller.invoke("Get-Mailbox", Identity=seed.ADA).ok


def test_synchronised_distribution_groups(caller: Caller) -> None:
    hybrid = caller.in_tenant(seed.HYBRID)
    how = {"Identity": ident("hybrid", "group", "on-premises-list"), "Member": seed.SYNCED}
    response = hybrid.invoke("Remove-DistributionGroupMember", **how, BypassSecurityGroupManagerCheck=True)
    assert "out of the current user's write scope" in response.text


@pytest.mark.parametrize(
    ("noun", "nickname", "bypass"),
    [
        ("DistributionGroup", "ada-list-0", {"BypassSecurityGroupManagerCheck": True}),
        ("UnifiedGroup", "ada-team-3", {}),
    ],
)
def test_groups_one_may_send_on_behalf_of(
    caller: Caller, sim: Simulator, noun: str, nickname: str, bypass: dict[str, bool]
) -> None:
    sim.arrange("fabrikam.example", "group", group=nickname, set={"GrantSendOnBehalfTo": [seed.ADA]})
    name = caller.rows("Get-Mailbox", Identity=seed.ADA)[0]["DistinguishedName"]
    find = {"Filter": f"GrantSendOnBehalfTo -eq '{name}'", "ResultSize": "Unlimited"}
    row = caller.rows(f"Get-{noun}", **find)[0]
    change = {"@odata.type": "#Exchange.GenericHashTable", "remove": [ADA_UPN]}
    assert caller.invoke(f"Set-{noun}", Identity=row["Guid"], GrantSendOnBehalfTo=change, **bypass).ok
    assert caller.rows(f"Get-{noun}", **find) == []


def test_writes_to_one_mailbox_that_overlap_are_noted(caller: Caller, sim: Simulator) -> None:
    sim.latency(exchange=150)
    hide = [("Set-Mailbox", {"Identity": seed.ADA, "HiddenFromAddressListsEnabled": True})]
    reply = [("Set-MailboxAutoReplyConfiguration", {"Identity": ADA_UPN, "AutoReplyState": "Enabled"})]
    other = [("Set-Mailbox", {"Identity": seed.BO, "HiddenFromAddressListsEnabled": True})]
    caller.bearer("https://outlook.office365.com")
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        assert all(response.ok for response in pool.map(lambda each: caller.invoke_batch(*each), (hide, reply, other)))
    noted = sim.state("fabrikam.example")["concurrent_mailbox_writes"]
    assert [each["mailbox"] for each in noted] == [seed.ADA]
    sim.reset()
    for each in (hide, reply, other):
        assert caller.invoke_batch(*each).ok
    assert sim.state("fabrikam.example")["concurrent_mailbox_writes"] == []


def test_a_denied_right_and_a_granted_one_are_entries_apart(caller: Caller, sim: Simulator) -> None:
    denied = {"User": seed.ADA, "AccessRights": ["FullAccess"], "IsInherited": False, "Deny": True}
    entry = {**denied, "InheritanceType": "All", "AutoMapping": False}
    sim.arrange("fabrikam.example", "mailbox", mailbox=seed.CY, set={"permissions": [entry]})
    how = {"Identity": seed.CY, "User": ADA_UPN, "AccessRights": ["FullAccess"]}

    assert caller.warnings("Add-MailboxPermission", **how) == []
    assert caller.warnings("Remove-MailboxPermission", **how, Confirm=False) == []
    assert [row["Deny"] for row in caller.rows("Get-MailboxPermission", Identity=seed.CY)] == [True]
    assert caller.warnings("Remove-MailboxPermission", **how, Deny=True, Confirm=False) == []
    assert caller.rows("Get-MailboxPermission", Identity=seed.CY) == []
