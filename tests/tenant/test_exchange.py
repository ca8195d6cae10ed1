from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from dev.tenant.by_hand import exception_of

if TYPE_CHECKING:
    from dev.tenant.by_hand import Caller
    from dev.tenant.process import Simulator

ADA = {"Identity": seed.ADA}


def mailbox(sim: Simulator, user_id: str = seed.ADA, tenant: str = "fabrikam.example") -> dict[str, Any]:
    return sim.state(tenant)["mailboxes"][user_id]


def test_every_key_finds_the_mailbox(caller: Caller) -> None:
    row = caller.rows("Get-Mailbox", **ADA)[0]
    for key in (
        "ExternalDirectoryObjectId",
        "Guid",
        "ExchangeGuid",
        "DistinguishedName",
        "PrimarySmtpAddress",
        "Alias",
    ):
        assert caller.rows("Get-Mailbox", Identity=row[key])[0]["Guid"] == row["Guid"]


def test_unknown_cmdlets_parameters_values_and_properties_are_refused(caller: Caller, sim: Simulator) -> None:
    unknown = caller.invoke("Get-Shoes")
    assert (unknown.status_code, exception_of(unknown)) == (400, "CommandNotFoundException")
    response = caller.invoke("Set-Mailbox", **ADA, ShoeSize=44)
    assert (response.status_code, exception_of(response)) == (400, "ParameterBindingException")
    assert "A parameter cannot be found that matches parameter name 'ShoeSize'." in response.text
    assert caller.invoke("Set-Mailbox", **ADA, HiddenFromAddressListsEnabled="yes").status_code == 400
    assert caller.invoke("Set-Mailbox", **ADA, Type="Sharde").status_code == 400
    assert caller.invoke("Remove-MobileDevice").status_code == 400
    assert caller.invoke("Get-Mailbox", **ADA, select="Guid,ShoeSize").status_code == 400
    assert all(entry["refused"] for entry in sim.requests() if entry["service"] == "exchange")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"CmdletInput": {"CmdletName": "Get-Mailbox"}},
        {"CmdletInput": {"CmdletName": "Get-Mailbox", "Parameters": None}},
        {"CmdletInput": {"cmdletName": "Get-Mailbox", "Parameters": {}}},
        {"CmdletInput": {"CmdletName": "Get-Mailbox", "Parameters": {}}, "More": 1},
    ],
)
def test_envelopes(caller: Caller, sim: Simulator, body: dict[str, Any] | None) -> None:
    url = f"{sim.exchange}/adminapi/beta/{seed.FABRIKAM}/InvokeCommand"
    response = caller.session.post(url, json=body, headers=caller.bearer("https://outlook.office365.com"))
    assert response.status_code == 400


def test_other_paths_and_methods(caller: Caller, sim: Simulator) -> None:
    headers = caller.bearer("https://outlook.office365.com")
    root = f"{sim.exchange}/adminapi/beta/{seed.FABRIKAM}"
    assert caller.session.get(f"{root}/InvokeCommand", headers=headers).status_code == 405
    assert caller.session.post(f"{root}/Mailbox", headers=headers, json={}).status_code == 404


def test_not_found_has_the_shape_of_the_module(caller: Caller) -> None:
    response = caller.invoke("Get-Mailbox", Identity=seed.NO_MAILBOX)
    assert (response.status_code, exception_of(response)) == (404, "ManagementObjectNotFoundException")
    error = response.json()["error"]
    assert "couldn't be found on" in error["innererror"]["internalexception"]["message"]
    assert error["details"][0]["message"].count("|") == 2


def test_an_ambiguous_name(caller: Caller, sim: Simulator) -> None:
    sim.arrange("fabrikam.example", "user", user=seed.BO, set={"displayName": "Ada Castell"})
    response = caller.invoke("Get-Mailbox", Identity="Ada Castell")
    assert exception_of(response) == "ManagementObjectAmbiguousException"


def test_a_null_or_empty_identity_stands_for_every_mailbox(caller: Caller) -> None:
    for identity in (None, ""):
        assert len(caller.rows("Get-Mailbox", Identity=identity, ResultSize="Unlimited")) == 201
    assert len(caller.rows("Get-MobileDevice", Mailbox=None, ResultSize="Unlimited")) == 3
    assert caller.invoke("Set-Mailbox", Identity=None, Type="Shared").status_code == 400


def test_without_a_size_a_list_holds_up_to_a_thousand_rows(caller: Caller) -> None:
    assert len(caller.invoke("Get-Mailbox").json()["value"]) > 200
    assert len(caller.rows("Get-Mailbox", ResultSize=7)) == 7


def test_pages_are_posted_for_with_the_same_body(caller: Caller) -> None:
    how = {"prefer": "odata.maxpagesize=60", "ResultSize": "Unlimited"}
    body = caller.invoke("Get-Mailbox", select="Guid", **how).json()
    seen = body["value"]
    while "@odata.nextLink" in body:
        link = body["@odata.nextLink"]
        assert caller.session.get(link, headers=caller.bearer("https://outlook.office365.com")).status_code == 405
        assert caller.invoke("Get-Mailbox", url=link, ResultSize=5).status_code == 400
        body = caller.invoke("Get-Mailbox", url=link, **how).json()
        seen += body["value"]
    assert len({row["Guid"] for row in seen}) == len(seen) == 201
    assert set(seen[-1]) == {"Guid"}


def test_both_locks(caller: Caller, sim: Simulator) -> None:
    sim.arrange("fabrikam.example", "revoke_entra_role", role="Exchange Administrator")
    response = caller.invoke("Get-Mailbox", **ADA)
    assert (response.status_code, response.content) == (403, bytes(64))
    sim.arrange("fabrikam.example", "revoke_permission", permission="Exchange.ManageAsApp", api="exchange")
    assert caller.invoke("Get-Mailbox", **ADA).status_code == 401


def test_conversion_shows_some_reads_later(caller: Caller) -> None:
    assert caller.warnings("Set-Mailbox", **ADA, Type="Shared") == []
    kinds = [
        caller.rows("Get-Mailbox", **ADA, select="RecipientTypeDetails")[0]["RecipientTypeDetails"] for _ in range(4)
    ]
    assert kinds == ["UserMailbox", "UserMailbox", "SharedMailbox", "SharedMailbox"]
    assert "no settings of" in caller.warnings("Set-Mailbox", **ADA, Type="Shared")[0]
    assert caller.rows("Get-Mailbox", Identity=seed.SHARED)[0]["RecipientTypeDetails"] == "SharedMailbox"


def test_conversion_needs_a_license(caller: Caller, sim: Simulator) -> None:
    sim.arrange("fabrikam.example", "user", user=seed.BO, set={"licenseAssignmentStates": []})
    assert exception_of(caller.invoke("Set-Mailbox", Identity=seed.BO, Type="Shared")) == "RecipientTaskException"


def test_hiding_twice(caller: Caller, sim: Simulator) -> None:
    assert caller.warnings("Set-Mailbox", **ADA, HiddenFromAddressListsEnabled=True) == []
    assert mailbox(sim)["HiddenFromAddressListsEnabled"] is True
    warning = caller.warnings("Set-Mailbox", **ADA, HiddenFromAddressListsEnabled=True)[0]
    assert "completed successfully but no settings of" in warning


def test_what_is_mastered_on_premises(caller: Caller) -> None:
    hybrid = caller.in_tenant(seed.HYBRID)
    synced = {"Identity": seed.SYNCED}
    for change in ({"HiddenFromAddressListsEnabled": True}, {"ForwardingAddress": seed.CLOUD_ONLY}):
        response = hybrid.invoke("Set-Mailbox", **synced, **change)
        assert response.status_code == 400
        assert "out of the current user's write scope" in response.text
        assert "being synchronized from your on-premises" in response.text
    assert hybrid.invoke("Set-Mailbox", **synced, ForwardingAddress=None).status_code == 200
    assert hybrid.invoke("Set-Mailbox", **synced, ForwardingSmtpAddress="x@outside.example").status_code == 200
    assert hybrid.invoke("Set-Mailbox", **synced, Type="Shared").status_code == 200
    change = {"@odata.type": "#Exchange.GenericHashTable", "remove": ["sven@hybrid.example"]}
    response = hybrid.invoke("Set-Mailbox", Identity=seed.SYNCED_COLLEAGUE, GrantSendOnBehalfTo=change)
    assert response.status_code == 400


def test_forwarding(caller: Caller, sim: Simulator) -> None:
    inside = {"ForwardingAddress": "cy@fabrikam.example", "ForwardingSmtpAddress": None}
    assert caller.invoke("Set-Mailbox", **ADA, **inside, DeliverToMailboxAndForward=True).ok
    assert mailbox(sim)["ForwardingAddress"] == seed.CY
    assert caller.rows("Get-Mailbox", **ADA)[0]["ForwardingAddress"] == mailbox(sim, seed.CY)["Name"]
    outside = {"ForwardingAddress": None, "ForwardingSmtpAddress": "ada@private.example"}
    assert caller.invoke("Set-Mailbox", **ADA, **outside).ok
    assert caller.rows("Get-Mailbox", **ADA)[0]["ForwardingSmtpAddress"] == "smtp:ada@private.example"
    assert caller.invoke("Set-Mailbox", **ADA, ForwardingAddress="nobody@fabrikam.example").status_code == 404
    assert caller.invoke("Set-Mailbox", **ADA, ForwardingAddress=seed.NO_MAILBOX).status_code == 404


def test_statistics_name_the_bytes(caller: Caller) -> None:
    size = caller.rows("Get-MailboxStatistics", Identity=seed.BIG_MAILBOX)[0]["TotalItemSize"]
    assert size == "49.56 GB (53,213,349,376 bytes)"
    held = caller.rows("Get-Mailbox", Identity=seed.ON_HOLD)[0]
    assert held["LitigationHoldEnabled"] is True
    assert held["InPlaceHolds"]
    assert caller.rows("Get-Mailbox", Identity=seed.ARCHIVED)[0]["ArchiveStatus"] == "Active"


def test_automatic_replies(caller: Caller) -> None:
    texts = {"InternalMessage": "Gone", "ExternalMessage": "<html>Gone</html>"}
    how = {"AutoReplyState": "Enabled", "ExternalAudience": "All"}
    assert caller.invoke("Set-MailboxAutoReplyConfiguration", **ADA, **how, **texts).ok
    row = caller.rows("Get-MailboxAutoReplyConfiguration", **ADA)[0]
    assert row["AutoReplyState"] == "Enabled"
    assert row["InternalMessage"].startswith("<html>")
    assert row["ExternalMessage"] == "<html>Gone</html>"
    assert caller.invoke("Set-MailboxAutoReplyConfiguration", **ADA, AutoReplyState="On").status_code == 400


def test_rules_hidden_and_not(caller: Caller, sim: Simulator) -> None:
    assert len(caller.rows("Get-InboxRule", Mailbox=seed.ADA)) == 4
    rows = caller.rows("Get-InboxRule", Mailbox=seed.ADA, IncludeHidden=True)
    assert len(rows) == 7
    how = {"Mailbox": seed.ADA, "Force": True, "AlwaysDeleteOutlookRulesBlob": True, "Confirm": False}
    assert caller.invoke("Remove-InboxRule", Identity=rows[0]["Identity"], **how).ok
    assert caller.invoke("Remove-InboxRule", Identity=rows[0]["Identity"], **how).status_code == 404
    assert len(mailbox(sim)["rules"]) == 6


def test_devices(caller: Caller, sim: Simulator) -> None:
    rows = caller.rows("Get-MobileDevice", Mailbox=seed.ADA, ResultSize="Unlimited")
    assert len(rows) == 2
    assert caller.invoke("Remove-MobileDevice", Identity=rows[0]["Guid"], Confirm=False).ok
    assert caller.invoke("Remove-MobileDevice", Identity=rows[1]["Identity"], Confirm=False).ok
    assert caller.invoke("Remove-MobileDevice", Identity=rows[0]["Guid"], Confirm=False).status_code == 404
    assert mailbox(sim)["devices"] == []


def test_only_organised_meetings_in_the_window_are_cancelled(caller: Caller, sim: Simulator) -> None:
    how = {"CancelOrganizedMeetings": True, "Confirm": False}
    assert caller.invoke("Remove-CalendarEvents", **ADA, **how, QueryWindowInDays=2000).status_code == 400
    assert caller.invoke("Remove-CalendarEvents", **ADA, **how, QueryWindowInDays=730, PreviewOnly=True).ok
    assert not any(meeting["cancelled"] for meeting in mailbox(sim)["meetings"])
    assert caller.invoke("Remove-CalendarEvents", **ADA, **how, QueryWindowInDays=730).ok
    cancelled = {meeting["subject"]: meeting["cancelled"] for meeting in mailbox(sim)["meetings"]}
    assert cancelled == {
        "Weekly planning": True,
        "Design review": True,
        "Focus time": False,
        "Retrospective of last year": False,
    }


def test_folders_and_their_permissions(caller: Caller, sim: Simulator) -> None:
    state = sim.state("fabrikam.example")
    owner = next(key for key, box in state["mailboxes"].items() if any(e["user"] == seed.ADA for e in box["calendar"]))
    sim.arrange("fabrikam.example", "mailbox", mailbox=owner, set={"calendar_name": "Kalender"})
    folders = caller.rows("Get-MailboxFolderStatistics", Identity=owner, FolderScope="Calendar")
    name = next(row["Name"] for row in folders if row["FolderType"] == "Calendar")
    assert len(folders) == 2
    folder = f"{owner}:\\{name}"
    assert len(caller.rows("Get-MailboxFolderPermission", Identity=folder)) == 4
    assert caller.invoke("Get-MailboxFolderPermission", Identity=f"{owner}:\\Calendar").status_code == 404
    how = {"Identity": folder, "User": "ada@fabrikam.example", "Confirm": False}
    assert caller.invoke("Remove-MailboxFolderPermission", **how).ok
    response = caller.invoke("Remove-MailboxFolderPermission", **how)
    assert exception_of(response) == "UserNotFoundInPermissionEntryException"


def test_recipients_and_organisation(caller: Caller) -> None:
    rows = caller.rows(
        "Get-Recipient", ResultSize="Unlimited", select="DisplayName,PrimarySmtpAddress,RecipientTypeDetails"
    )
    kinds = {row["RecipientTypeDetails"] for row in rows}
    assert {"UserMailbox", "SharedMailbox", "GroupMailbox", "MailUniversalSecurityGroup", "GuestMailUser"} <= kinds
    assert caller.invoke("Get-Recipient", Identity=seed.NO_MAILBOX).status_code == 404
    assert caller.rows("Get-OrganizationConfig", select="Name,IsDehydrated")[0]["IsDehydrated"] is False


def test_guests_are_mail_users(caller: Caller) -> None:
    assert caller.invoke("Set-MailUser", Identity=seed.GUEST, HiddenFromAddressListsEnabled=True).ok
    assert caller.rows("Get-MailUser", Identity=seed.GUEST)[0]["HiddenFromAddressListsEnabled"] is True
    assert caller.invoke("Set-MailUser", Identity=seed.ADA, HiddenFromAddressListsEnabled=True).status_code == 404


def test_the_mailbox_of_a_deleted_user(caller: Caller) -> None:
    assert caller.graph("DELETE", f"/users/{seed.ADA}").status_code == 204
    assert caller.invoke("Get-Mailbox", **ADA).status_code == 404
    assert caller.rows("Get-Mailbox", **ADA, SoftDeletedMailbox=True)[0]["ExternalDirectoryObjectId"] == seed.ADA


def test_a_batch_holds_ten_and_answers_each(caller: Caller, sim: Simulator) -> None:
    cmdlets = [("Get-Mailbox", ADA), ("Get-Shoes", {}), ("Get-MailboxStatistics", ADA)] * 3
    response = caller.invoke_batch(*cmdlets)
    answers = {each["id"]: each for each in response.json()["responses"]}
    assert [answers[str(number)]["status"] for number in range(9)] == [200, 400, 200] * 3
    assert [each["id"] for each in response.json()["responses"]] != sorted(answers)
    items = sim.requests()[-1]["items"]
    assert [item["cmdlet"] for item in items[:3]] == ["Get-Mailbox", "Get-Shoes", "Get-MailboxStatistics"]
    assert [item["refused"] for item in items[:3]] == [False, True, False]
    assert caller.invoke_batch(*[("Get-Mailbox", ADA)] * 11).status_code == 400


def test_a_page_of_a_batch_item_is_continued(caller: Caller, sim: Simulator) -> None:
    url = f"https://outlook.office365.com/adminapi/beta/{seed.FABRIKAM}/InvokeCommand?$select=Guid"
    body = {"CmdletInput": {"CmdletName": "Get-Mailbox", "Parameters": {"ResultSize": "Unlimited"}}}
    item = {"id": "a", "method": "POST", "url": url, "headers": {"Prefer": "odata.maxpagesize=150"}, "body": body}
    batch = f"{sim.exchange}/adminapi/beta/{seed.FABRIKAM}/$batch"
    headers = caller.bearer("https://outlook.office365.com")
    seen = []
    while item["url"]:
        response = caller.session.post(
            batch, data=json.dumps({"requests": [item]}), headers={**headers, "Content-Type": "application/json"}
        )
        answer = response.json()["responses"][0]["body"]
        seen += answer["value"]
        item["url"] = answer.get("@odata.nextLink")
    assert len(seen) == 201
