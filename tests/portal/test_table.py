"""The portal's table and task page, in the shapes it was seen to need."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from shared.base import clock

if TYPE_CHECKING:
    from collections.abc import Callable

    Front = Any
    Form = Callable[..., dict[str, Any]]

_LIST = "ListScheduledItems?Type=Invoke-CIPPOffboardingJob&&tenantFilter=fabrikam.example"
LATER = int(time.time()) + 200 * 24 * 3600
_LATER = {"enabled": True, "date": LATER}
_ROW = {
    "PartitionKey": str,
    "RowKey": str,
    "Timestamp": str,
    "Name": str,
    "Command": str,
    "TaskState": str,
    "Tenant": dict,
    "Parameters": dict,
    "ScheduledTime": str,
    "ExecutedTime": str,
    "Recurrence": str,
    "PostExecution": str,
    "Reference": str,
    "Hidden": bool,
    "Results": str,
    "excludedTenants": str,
    "excludedTenantGroups": str,
    "AdditionalProperties": str,
    "AlertComment": str,
    "CustomSubject": str,
    "PsaTicketStrategy": str,
}
_LOG = {
    "DateTime": str,
    "Severity": str,
    "Message": str,
    "User": str,
    "Tenant": str,
    "API": str,
    "TenantID": str,
    "AppId": str,
    "IP": str,
    "LogData": type(None),
    "RowKey": str,
    "StandardInfo": dict,
    "DateFilter": str,
}
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def _shape(row: dict[str, Any]) -> dict[str, type]:
    return {name: type(value) for name, value in row.items()}


@pytest.fixture
def planned(front: Front, form: Form) -> str:
    answer = front.post("ExecOffboardUser", form(Scheduled=_LATER, postExecution={"webhook": True, "Email": "true"}))
    return answer.json()["Results"][0]["copyField"]


def _row(front: Front, key: str, query: str = _LIST) -> dict[str, Any]:
    return next(row for row in front.get(query, role="readonly").json() if row["RowKey"] == key)


@pytest.mark.parametrize("query", [_LIST, "ListScheduledItems?Type=Invoke-CIPPOffboardingJob&"])
def test_a_row_of_the_table(front: Front, planned: str, person: dict[str, Any], query: str) -> None:
    row = _row(front, planned, query)

    assert _shape(row) == _ROW
    assert row["Name"] == f"Offboarding: {person['value']}"
    assert row["TaskState"] == "Planned"
    assert row["Tenant"] == {"label": "fabrikam.example", "value": "fabrikam.example", "type": "Tenant"}
    assert row["Parameters"]["Username"] == person["value"]
    assert row["ScheduledTime"] == clock.to_text(datetime.fromtimestamp(LATER, UTC))
    assert row["ExecutedTime"] == ""
    assert row["PostExecution"] == "Webhook,Email"
    assert row["Reference"] == "TICKET-42"
    assert json.loads(row["Results"]) == [{"Results": "Planned"}]


@pytest.mark.parametrize(
    ("query", "is_there"),
    [
        ("Id={key}", True),
        ("id={key}&tenantFilter=fabrikam.example", True),
        ("Id=nothing", False),
        ("type=invoke-cippoffboardingjob&TENANTFILTER=fabrikam.example&", True),
        ("Type=Invoke-Something", False),
        ("ShowHidden=true", False),
        ("Name=offboarding: {upn}", True),
        ("Name=Offboarding: somebody@else.example", False),
        ("SearchTitle=Offboarding*{upn}", True),
        ("SearchTitle=Onboarding*", False),
        ("tenantFilter=AllTenants", True),
        ("tenantFilter=contoso.example", False),
        ("tenantFilter%5Blabel%5D=x&tenantFilter%5Bvalue%5D=fabrikam.example&tenantFilter%5Btype%5D=Tenant", True),
        ("tenantFilter%5Bvalue%5D=contoso.example", False),
    ],
)
def test_filters(front: Front, planned: str, person: dict[str, Any], query: str, is_there: bool) -> None:  # noqa: FBT001
    asked = query.format(key=planned, upn=person["value"])
    keys = [row["RowKey"] for row in front.get(f"listscheduleditems?{asked}").json()]

    assert (planned in keys) is is_there


def test_the_latest_scheduled_comes_first(front: Front, planned: str) -> None:
    rows = front.get(_LIST).json()

    assert planned in [row["RowKey"] for row in rows]
    assert [row["ScheduledTime"] for row in rows] == sorted((row["ScheduledTime"] for row in rows), reverse=True)


def test_the_task_page_has_a_row_for_each_step(front: Front, planned: str) -> None:
    told = front.get(f"ListScheduledItemDetails?RowKey={planned}", role="readonly").json()
    steps = front.get(f"offboardings/{planned}").json()["steps"]

    assert set(told) == {"Task", "Details"}
    task = {k: v for k, v in told["Task"].items() if k not in {"TenantGroup", "Trigger"}}
    assert _shape(task) == {**_ROW, "Tenant": str}
    assert told["Task"]["Parameters"]["options"]["DisableSignIn"] is True
    assert told["Task"]["Parameters"]["options"]["KeepCopy"] is True
    (block,) = told["Details"]
    assert block["Tenant"] == "fabrikam.example"
    assert _UTC.fullmatch(block["Timestamp"])
    assert [row["Step"] for row in block["Results"]] == [step["title"] for step in steps]
    assert all(_shape(row) == dict.fromkeys(("Step", "Status", "Results", "Time"), str) for row in block["Results"])


def test_the_log_of_one_offboarding_is_newest_first(front: Front, planned: str) -> None:
    front.send("PATCH", f"offboardings/{planned}", {"scheduled_for": "2031-01-01T00:00:00Z"})
    rows = front.get(f"ListLogs?Filter=true&ScheduledTaskId={planned}", role="readonly").json()

    assert [_shape(row) for row in rows] == [_LOG, _LOG]
    assert [row["Message"] for row in rows] == [
        "The offboarding was moved to another moment.",
        "The offboarding was submitted.",
    ]
    assert rows[0]["User"] == "op@msp.example"
    assert front.get("ListLogs").json() == []


def _off(**different: Any) -> dict[str, Any]:
    off = {"AccessAutomap": None, "AccessSendAs": None, "OnedriveAccess": None, "forward": None, "RemoveGroups": False}
    return {**off, **different}


def test_run_now_then_details_and_delete(front: Front, form: Form) -> None:
    key = front.post("ExecOffboardUser", form(**_off(), Scheduled=_LATER)).json()["Results"][0]["copyField"]
    tenant = {"label": "fabrikam.example", "value": "fabrikam.example", "type": "Tenant"}

    started = front.post("AddScheduledItem", {"tenantFilter": tenant, "RowKey": key, "RunNow": True})
    assert started.status_code == 200
    assert "is scheduled to run now" in started.json()["Results"]["resultText"]
    assert started.json()["Results"]["state"] == "success"
    # The portal shows "No Data" for "", and the moment it ended once there is one.
    assert _row(front, key)["ExecutedTime"] == ""
    _wait_for_end(front, key)

    row = _row(front, key)
    assert row["TaskState"] == "Completed"
    assert _UTC.fullmatch(row["ExecutedTime"])
    rows = front.get(f"ListScheduledItemDetails?RowKey={key}").json()["Details"][0]["Results"]
    assert {row["Status"] for row in rows} <= {"done", "already_done", "not_applicable"}
    assert all(_UTC.fullmatch(row["Time"]) and row["Results"] for row in rows)

    removed = front.post("RemoveScheduledItem", {"tenantFilter": "fabrikam.example", "id": key})
    assert removed.status_code == 200
    assert removed.json()["Results"]["state"] == "success"
    assert front.get(f"ListScheduledItems?Id={key}").json() == []


def test_a_refused_row_does_not_stop_the_rows_behind_it(front: Front, form: Form, person: dict[str, Any]) -> None:
    """The portal sends a request for each row and stops at the first status of 400 or more."""
    key = front.post("ExecOffboardUser", form(**_off())).json()["Results"][0]["copyField"]
    _wait_for_end(front, key)

    again = front.post("AddScheduledItem", {"RowKey": key, "RunNow": True})
    assert again.status_code == 200
    refusal = again.json()["Results"]
    assert refusal["state"] == "error"
    assert refusal["resultText"].startswith(f"{person['value']}: it is completed.")
    gone = [front.post("RemoveScheduledItem", {"id": key}) for _ in range(2)]
    assert [answer.status_code for answer in gone] == [200, 200]
    assert [answer.json()["Results"]["state"] for answer in gone] == ["success", "error"]
    assert "Refresh the table" in gone[1].json()["Results"]["resultText"]


def test_deleting_a_running_one_cancels_it_and_deleting_it_again_removes_it(front: Front, form: Form) -> None:
    """The portal has no button to cancel."""
    front.stack.simulator.faults([{"service": "graph", "match": "revokeSignIn", "kind": "status", "status": 503}])
    try:
        key = front.post("ExecOffboardUser", form(**_off())).json()["Results"][0]["copyField"]
        first = front.post("RemoveScheduledItem", {"id": key})
        assert first.status_code == 200
        assert first.json()["Results"]["state"] == "warning"
        assert "is cancelled now: no further step begins" in first.json()["Results"]["resultText"]
        second = front.post("RemoveScheduledItem", {"id": key}).json()["Results"]
    finally:
        front.stack.simulator.faults([])
    if second["state"] == "warning":
        assert "is being cancelled" in second["resultText"]
        _wait_for_end(front, key)
        assert front.get(f"offboardings/{key}").json()["reason"] == "cancelled"
        assert front.get(f"ListScheduledItemDetails?RowKey={key}").json()["Details"][0]["Results"]
        second = front.post("RemoveScheduledItem", {"id": key}).json()["Results"]
    assert second["state"] == "success"
    assert front.get(f"ListScheduledItems?Id={key}").json() == []


def test_the_tenant_of_the_task_page_is_a_text(front: Front, planned: str) -> None:
    """Under All Tenants the task page puts it into its title and its links as it is; the table wants the object."""
    query = f"ListScheduledItemDetails?RowKey={planned}&tenantFilter=AllTenants"
    assert front.get(query).json()["Task"]["Tenant"] == "fabrikam.example"
    assert _row(front, planned, "ListScheduledItems?tenantFilter=AllTenants")["Tenant"]["value"] == "fabrikam.example"


def _wait_for_end(front: Front, key: str) -> None:
    for _ in range(600):
        if front.get(f"offboardings/{key}/status").status_code == 200:
            return
        front.stack.advance(2)
    raise AssertionError("the offboarding did not end")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("AddScheduledItem", {"RunNow": True}, 400),
        ("AddScheduledItem", {"Name": "Other", "Command": {"value": "Get-Something"}, "Parameters": {}}, 400),
        ("RemoveScheduledItem", {}, 400),
    ],
)
def test_what_cannot_be_done_is_told_as_a_text(front: Front, path: str, body: Any, status: int) -> None:
    answer = front.post(path, body)

    assert answer.status_code == status
    assert isinstance(answer.json()["Results"], str)


def test_the_id_may_stand_in_the_query(front: Front, planned: str) -> None:
    assert front.post(f"RemoveScheduledItem?ID={planned}", {}).status_code == 200


@pytest.mark.parametrize(("query", "status"), [("", 400), ("RowKey=unknown", 404), ("RowKey=job%7C1", 404)])
def test_details_of_nothing(front: Front, query: str, status: int) -> None:
    assert front.get(f"ListScheduledItemDetails?{query}").status_code == status
