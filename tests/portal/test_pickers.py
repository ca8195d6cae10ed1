from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from dev.tenant import seed

if TYPE_CHECKING:
    Front = Any

_USERS = "ListGraphRequest?tenantFilter=fabrikam.example&Endpoint=users&manualPagination=true"
_WIZARD = f"{_USERS}&$select=id,userPrincipalName,displayName&$count=true&$orderby=displayName"


def _asked(front: Front, since: int = 0) -> list[dict[str, Any]]:
    """List the requests to Graph and Exchange after that number; whose domain it is, anybody may ask."""
    return [sent for sent in front.stack.simulator.requests(since) if sent["service"] != "login"]


def _last(front: Front) -> int:
    return max((sent["n"] for sent in front.stack.simulator.requests()), default=0)


def test_the_wizards_tenants(front: Front) -> None:
    rows = front.get("ListTenants?IncludeOffboardingDefaults=true", role="readonly").json()

    assert [row["defaultDomainName"] for row in rows] == ["contoso.example", "fabrikam.example", "hybrid.example"]
    fabrikam = rows[1]
    assert fabrikam["customerId"] == seed.FABRIKAM
    assert fabrikam["initialDomainName"] == "fabrikam.onmicrosoft.example"
    assert fabrikam["displayName"] == "Fabrikam"
    assert all("offboardingDefaults" in row for row in rows)


def test_the_headers_tenants_begin_with_all(front: Front) -> None:
    rows = front.get("listTenants?AllTenantSelector=true", role="readonly").json()

    assert rows[0] == {
        "customerId": "AllTenants",
        "defaultDomainName": "AllTenants",
        "displayName": "*All Tenants",
        "domains": "AllTenants",
        "GraphErrorCount": 0,
    }
    assert "offboardingDefaults" not in rows[1]


def test_tenants_are_listed_for_a_post_as_well(front: Front) -> None:
    assert len(front.post("ListTenants", {"ClearCache": True}, role="readonly").json()) == 3


def test_the_card_of_a_tenant(front: Front) -> None:
    told = front.get("listTenantDetails?tenantFilter=fabrikam.example", role="readonly").json()

    assert (told["id"], told["displayName"]) == (seed.FABRIKAM, "Fabrikam")


def test_people_page_by_page(front: Front) -> None:
    answer = front.get(f"{_WIZARD}&$top=150", role="readonly").json()
    people = answer["Results"]
    link = answer["Metadata"]["nextLink"]
    rest = front.get(f"{_WIZARD}&$top=150&nextLink={quote(link, safe='')}").json()

    assert set(people[0]) == {"id", "userPrincipalName", "displayName"}
    assert rest["Metadata"] == {"Endpoint": "users"}
    found = [person["id"] for person in [*people, *rest["Results"]]]
    assert len(found) == len(set(found)) == len(front.stack.simulator.state(seed.FABRIKAM)["users"])


def test_without_manual_pagination_all_come_at_once(front: Front) -> None:
    answer = front.get("ListGraphRequest?TenantFilter=fabrikam.example&endpoint=/Users&$top=100").json()

    assert answer["Metadata"] == {"Endpoint": "users"}
    assert len(answer["Results"]) == len(front.stack.simulator.state(seed.FABRIKAM)["users"])


def test_other_properties_of_people(front: Front) -> None:
    row = front.get(f"{_USERS}&$select=MAIL,jobTitle&$top=1").json()["Results"][0]

    assert row == {"mail": "ada@fabrikam.example", "jobTitle": "Engineer"}


@pytest.mark.parametrize(
    "query",
    [
        "tenantFilter=fabrikam.example&Endpoint=groups",
        "tenantFilter=fabrikam.example&Endpoint=users/1/authentication/methods",
        "tenantFilter=fabrikam.example",
        "tenantFilter=fabrikam.example&Endpoint=users&$select=id,passwordProfile",
        "tenantFilter=AllTenants&Endpoint=users",
        "Endpoint=users",
    ],
)
def test_nothing_else_is_passed_on_to_graph(front: Front, query: str) -> None:
    before = _last(front)
    answer = front.get(f"ListGraphRequest?{query}")

    assert answer.status_code == 403
    assert isinstance(answer.json()["Results"], str)
    assert _asked(front, before) == []


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/users",
        "{graph}/v1.0/groups?$skiptoken=1",
        "{graph}/v1.0/users/../groups",
        "{graph}.evil.example/v1.0/users",
        "not a link",
    ],
)
def test_a_next_link_leads_to_the_same_list_only(front: Front, link: str) -> None:
    before = _last(front)
    answer = front.get(f"{_USERS}&nextLink={quote(link.format(graph=front.stack.simulator.graph), safe='')}")

    assert answer.status_code == 400
    assert _asked(front, before) == []


@pytest.mark.parametrize(
    "more",
    [
        "$filter=startswith(onPremisesImmutableId,'m')",
        "$skiptoken=x&$filter=startswith(onPremisesImmutableId,'m')",
        "$skiptoken=x&$select=id,onPremisesImmutableId",
        "$select=id,onPremisesImmutableId",
    ],
)
def test_a_next_link_of_anothers_making_asks_no_other_question(front: Front, more: str) -> None:
    link = f"{front.stack.simulator.graph}/v1.0/users?{more}"
    token = base64.urlsafe_b64encode(f"\n{link}".encode()).decode()

    assert front.get(f"{_USERS}&nextLink={quote(link, safe='')}").status_code == 400
    assert front.get(f"tenants/fabrikam.example/users?next={token}").status_code == 400


def test_sizes_of_mailboxes_are_measured_once_a_day(front: Front) -> None:
    path = "ListMailboxes?tenantFilter=contoso.example&UseReportDB=true"
    first = front.get(path, role="readonly").json()
    before = _last(front)

    assert all(set(row) == {"UPN", "storageUsedInBytes"} for row in first)
    assert len(first) == len(front.stack.simulator.state(seed.CONTOSO)["mailboxes"])
    assert front.get(path, role="readonly").json() == first
    assert _asked(front, before) == []


def test_a_mailbox_over_49_gib_is_seen(front: Front) -> None:
    rows = front.get("ListMailboxes?tenantFilter=fabrikam.example&UseReportDB=true").json()

    assert {row["UPN"] for row in rows if row["storageUsedInBytes"] >= 49 * 1024**3} == {"big@fabrikam.example"}
