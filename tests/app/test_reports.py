"""Reports over HTTP."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from dev.tenant import seed

if TYPE_CHECKING:
    from conftest import Leaver

    from dev.stack import Stack

    Front = Any


@pytest.fixture
def planned(stack: Stack, leaver: Leaver) -> str:
    body = {
        "tenant": "fabrikam.example",
        "users": [leaver.upn],
        "actions": {"disable_sign_in": True},
        "scheduled_for": "2027-01-01T00:00:00Z",
    }
    return stack.post("/api/offboardings", body).json()["offboardings"][0]["id"]


def test_a_report_is_a_page_under_a_strict_policy(stack: Stack, planned: str, leaver: Leaver) -> None:
    answer = stack.get(f"/api/offboardings/{planned}/report?zone=Europe/Berlin")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe-inline" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert leaver.upn in answer.text
    assert "It is due 1 Jan 2027, 01:00:00 CET." in answer.text


def test_a_browser_gives_its_key_in_the_address_and_the_page_does_not_repeat_it(stack: Stack, planned: str) -> None:
    answer = requests.get(f"{stack.api}/api/offboardings/{planned}/report?code={stack.key}", timeout=60)

    assert answer.status_code == 200
    assert stack.key not in answer.text


def test_the_record_is_what_its_hash_is_of(stack: Stack, planned: str) -> None:
    told = stack.get(f"/api/offboardings/{planned}/report?format=json").json()
    text = json.dumps(told["record"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    assert told["record"]["id"] == planned
    assert told["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert told["sha256"] in stack.get(f"/api/offboardings/{planned}/report").text


def test_a_tenants_report_is_a_page_a_table_or_a_record(stack: Stack, planned: str) -> None:
    path = "/api/tenants/fabrikam.example/report?since=2020-01-01T00:00:00Z"
    page, table, record = (stack.get(f"{path}{form}") for form in ("", "&format=csv", "&format=json"))

    assert page.headers["Content-Type"].startswith("text/html")
    assert "Offboardings of fabrikam.example" in page.text
    assert table.headers["Content-Type"].startswith("text/csv")
    assert planned in table.text
    assert planned in [row["id"] for row in record.json()["record"]["offboardings"]]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("offboardings/nothing/report", 404),
        ("offboardings/{id}/report?zone=Nowhere", 400),
        ("offboardings/{id}/report?format=pdf", 400),
        ("offboardings/{id}/report?style=none", 400),
        ("tenants/fabrikam.example/report?since=yesterday", 400),
        ("tenants/unknown.example/report", 404),
    ],
)
def test_what_cannot_be_told_is_refused(stack: Stack, planned: str, path: str, status: int) -> None:
    answer = stack.get(f"/api/{path.format(id=planned)}")

    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")


def test_readers_of_the_tenant_see_it_and_nobody_else(front: Front) -> None:
    user = front.stack.simulator.arrange(seed.FABRIKAM, "user", create={"alias": "reported", "name": "Reported"})
    body = {
        "tenant": "fabrikam.example",
        "users": [user],
        "actions": {"disable_sign_in": True},
        "scheduled_for": "2027-01-01T00:00:00Z",
    }
    submitted = front.stack.send(
        "POST",
        "/api/offboardings",
        body,
        {"x-ms-client-principal": front.principal("editor"), "X-Forwarded-For": "203.0.113.7:4711"},
    )
    path = f"offboardings/{submitted.json()['offboardings'][0]['id']}/report"

    assert front.get(path, role="readonly").status_code == 200
    assert front.get(path, role="contoso").status_code == 404
    assert front.get("tenants/fabrikam.example/report", role="readonly").status_code == 200
    assert front.get("tenants/fabrikam.example/report", role="contoso").status_code == 404
    (decision,) = front.get(f"{path}?format=json", role="readonly").json()["record"]["decisions"]
    assert (decision["by"], decision["what"]) == ("op@msp.example", "submitted")
    assert "203.0.113.7" in decision["origin"]


def test_the_portals_task_page_names_the_report(front: Front) -> None:
    user = front.stack.simulator.arrange(seed.FABRIKAM, "user", create={"alias": "linked", "name": "Linked"})
    body = {"tenantFilter": "fabrikam.example", "user": [user], "DisableSignIn": True}
    sent = front.post("ExecOffboardUser", {**body, "Scheduled": {"enabled": True, "date": 1_798_761_600}})
    key = sent.json()["Results"][0]["copyField"]
    parameters = front.get(f"ListScheduledItemDetails?RowKey={key}").json()["Task"]["Parameters"]

    assert parameters["Report"].endswith(f"/api/offboardings/{key}/report")
