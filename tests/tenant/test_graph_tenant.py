from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed
from dev.tenant.population import GLOBAL_ADMINISTRATOR, ident

if TYPE_CHECKING:
    import requests

    from dev.tenant.by_hand import Caller
    from dev.tenant.process import Simulator

NUMBERS = "/admin/teams/telephoneNumberManagement/numberAssignments"
ADA = f"/users/{seed.ADA}"
OURS = {"$filter": f"assignmentTargetId eq '{seed.ADA}'"}


def error(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_organisation_and_domains(caller: Caller) -> None:
    row = caller.get("/organization?$select=id,displayName,verifiedDomains,onPremisesSyncEnabled").json()["value"][0]
    assert row["id"] == seed.FABRIKAM
    assert [domain["name"] for domain in row["verifiedDomains"] if domain["isDefault"]] == ["fabrikam.example"]
    assert len(caller.get("/domains?$select=id,isDefault,isInitial").json()["value"]) == 2


def test_who_holds_a_role(caller: Caller) -> None:
    roles = caller.get("/directoryRoles?$filter=displayName eq 'Global Administrator'").json()["value"]
    members = caller.get(f"/directoryRoles/{roles[0]['id']}/members?$select=id,accountEnabled").json()["value"]
    assert {member["id"] for member in members} == {seed.ADMIN, seed.BREAK_GLASS}
    path = f"/directoryRoles(roleTemplateId='{GLOBAL_ADMINISTRATOR}')/members?$select=id"
    assert [each["id"] for each in caller.in_tenant(seed.HYBRID).get(path).json()["value"]] == [seed.LAST_ADMIN]


def test_a_number_is_taken_away_by_an_operation(caller: Caller, sim: Simulator) -> None:
    number = caller.get(NUMBERS, **OURS).json()["value"][0]
    body = {"telephoneNumber": number["telephoneNumber"], "numberType": number["numberType"]}
    response = caller.graph("POST", f"{NUMBERS}/unassignNumber", body)
    assert response.status_code == 202
    operation = response.headers["Location"].removeprefix(f"{sim.graph}/v1.0")
    assert [caller.get(operation).json()["status"] for _ in range(3)] == ["running", "succeeded", "succeeded"]
    assert caller.get(NUMBERS, **OURS).json()["value"] == []


def test_a_number_that_policy_holds(caller: Caller, sim: Simulator) -> None:
    sim.arrange("fabrikam.example", "number", number="+15550100", set={"locked": True})
    body = {"telephoneNumber": "+15550100", "numberType": "callingPlan"}
    response = caller.graph("POST", f"{NUMBERS}/unassignNumber", body)
    assert caller.get(response.headers["Location"].removeprefix(f"{sim.graph}/v1.0")).json()["status"] == "failed"
    assert len(caller.get(NUMBERS, **OURS).json()["value"]) == 1


def test_numbers_that_do_not_exist_and_tenants_without_telephony(caller: Caller) -> None:
    for body in (
        {"telephoneNumber": "+1", "numberType": "callingPlan"},
        {"telephoneNumber": "+15550100", "numberType": "x"},
    ):
        assert caller.graph("POST", f"{NUMBERS}/unassignNumber", body).status_code == 404
    assert caller.in_tenant(seed.HYBRID).get(NUMBERS).status_code == 400
    assert caller.in_tenant(seed.CONTOSO).get(NUMBERS).json()["value"] == []


def test_numbers_page(caller: Caller) -> None:
    body = caller.get(f"{NUMBERS}?$top=100").json()
    assert len(body["value"]) == 100
    rest = caller.session.get(body["@odata.nextLink"], headers=caller.bearer("https://graph.microsoft.com")).json()
    assert len(rest["value"]) == 20


def test_drive(caller: Caller, sim: Simulator) -> None:
    body = caller.get(f"{ADA}/drive?$select=id,webUrl,sharePointIds").json()
    assert body["sharePointIds"]["siteUrl"] == "https://fabrikam-my.sharepoint.com/personal/ada_fabrikam_example"
    assert "sharePointIds" not in caller.get(f"{ADA}/drive").json()
    assert caller.get(f"{ADA}/drive/root?$select=sharepointIds").json()["sharepointIds"]["siteId"]
    assert error(caller.get(f"/users/{seed.NO_MAILBOX}/drive")) == (404, "ResourceNotFound")
    sim.arrange("fabrikam.example", "site", user=seed.ADA, set={"lock": "ReadOnly"})
    assert error(caller.get(f"{ADA}/drive")) == (423, "resourceLocked")
    assert error(caller.get("/sites/root")) == (403, "Authorization_RequestDenied")


def test_the_root_library_tells_where_sharepoint_is(caller: Caller, sim: Simulator) -> None:
    library = caller.get("/sites/root/drive?$select=webUrl").json()
    assert library["webUrl"].startswith("https://fabrikam.sharepoint.com/")
    sim.arrange("fabrikam.example", "revoke_permission", permission="Files.Read.All")
    assert error(caller.get("/sites/root/drive")) == (403, "Authorization_RequestDenied")


def test_calendar_permissions(caller: Caller, sim: Simulator) -> None:
    state = sim.state("fabrikam.example")
    owner = next(key for key, box in state["mailboxes"].items() if any(e["user"] == seed.ADA for e in box["calendar"]))
    path = f"/users/{owner}/calendar/calendarPermissions"
    rows = caller.get(path).json()["value"]
    entry = next(row for row in rows if row["emailAddress"]["address"] == "ada@fabrikam.example")
    everyone = next(row for row in rows if not row["isRemovable"])
    assert caller.graph("DELETE", f"{path}/{everyone['id']}").status_code == 400
    assert caller.graph("DELETE", f"{path}/{entry['id']}").status_code == 204
    assert error(caller.graph("DELETE", f"{path}/{entry['id']}")) == (404, "ErrorItemNotFound")


def test_what_needs_a_mailbox(caller: Caller) -> None:
    path = f"/users/{seed.NO_MAILBOX}/calendar/calendarPermissions"
    assert error(caller.get(path)) == (404, "MailboxNotEnabledForRESTAPI")


def test_automatic_replies_through_graph_and_through_exchange_are_the_same(caller: Caller, sim: Simulator) -> None:
    sim.arrange("fabrikam.example", "grant_permission", permission="MailboxSettings.ReadWrite")
    replies = {"status": "alwaysEnabled", "externalAudience": "all", "internalReplyMessage": "Gone"}
    response = caller.graph("PATCH", f"{ADA}/mailboxSettings", {"automaticRepliesSetting": replies})
    assert response.json()["automaticRepliesSetting"]["status"] == "alwaysEnabled"
    row = caller.rows("Get-MailboxAutoReplyConfiguration", Identity=seed.ADA)[0]
    assert (row["AutoReplyState"], row["InternalMessage"]) == ("Enabled", "Gone")
    bad = {"automaticRepliesSetting": {"status": "perhaps"}}
    assert caller.graph("PATCH", f"{ADA}/mailboxSettings", bad).status_code == 400


def test_message_rules_leave_hidden_ones_out(caller: Caller, sim: Simulator) -> None:
    sim.arrange("fabrikam.example", "grant_permission", permission="MailboxSettings.ReadWrite")
    path = f"{ADA}/mailFolders/inbox/messageRules"
    rules = caller.get(path).json()["value"]
    assert len(rules) == 4
    assert caller.graph("DELETE", f"{path}/{rules[0]['id']}").status_code == 204


def test_mail_is_kept_instead_of_sent(caller: Caller, sim: Simulator) -> None:
    recipients = [{"emailAddress": {"address": "it@msp.example"}}]
    message = {"subject": "Done", "body": {"contentType": "Text", "content": "x"}, "toRecipients": recipients}
    assert caller.graph("POST", f"/users/{seed.CY}/sendMail", {"message": message}).status_code == 202
    assert sim.state("fabrikam.example")["sent_mail"][0]["message"]["subject"] == "Done"
    assert caller.graph("POST", f"/users/{seed.CY}/sendMail", {"message": {}}).status_code == 400


@pytest.fixture
def partner(caller: Caller) -> Caller:
    return caller.in_tenant(seed.MSP)


def test_customers_of_the_partner(partner: Caller) -> None:
    query = {"$filter": "status eq 'active'", "$select": "displayName,customer,autoExtendDuration,endDateTime,status"}
    rows = partner.get("/tenantRelationships/delegatedAdminRelationships", **query).json()["value"]
    assert len(rows) == 4
    assert sum(row["displayName"].startswith("MLT_") for row in rows) == 1
    path = "/tenantRelationships/delegatedAdminCustomers?$select=tenantId,displayName&$top=300"
    assert {row["tenantId"] for row in partner.get(path).json()["value"]} == {seed.CONTOSO, seed.FABRIKAM, seed.HYBRID}
    assert len(partner.get("/contracts?$select=customerId,defaultDomainName").json()["value"]) == 3
    path = f"/tenantRelationships/findTenantInformationByTenantId(tenantId='{seed.HYBRID}')"
    assert partner.get(path).json()["defaultDomainName"] == "hybrid.example"
    assert partner.get(path.replace(seed.HYBRID, ident("nobody"))).status_code == 404


def test_a_customer_may_not_look_at_the_partners_relationships(caller: Caller) -> None:
    response = caller.get("/tenantRelationships/delegatedAdminCustomers")
    assert error(response) == (403, "Authorization_RequestDenied")
