"""The portal's table and task page, in the shapes it was seen to need."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
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
_STEP = dict.fromkeys(("Step", "Status", "Message", "DateTime"), str)
"""The portal gives `Message` a tooltip where it is cut, shows `DateTime` as "5 minutes ago", and colors `Status`."""
_COLORED = {"success", "warning", "skipped", "failed", "in progress", "not started"}
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
    assert all(_shape(row) == _STEP for row in block["Results"])
    assert {row["Status"] for row in block["Results"]} == {"not started"}


def test_the_log_of_one_offboarding_is_newest_first(front: Front, planned: str) -> None:
    front.send("PATCH", f"offboardings/{planned}", {"scheduled_for": "2027-05-01T00:00:00Z"})
    rows = front.get(f"ListLogs?Filter=true&ScheduledTaskId={planned}", role="readonly").json()

    assert [_shape(row) for row in rows] == [_LOG, _LOG]
    assert [row["Message"].partition(": ")[2] for row in rows] == [
        "The offboarding was moved to another moment.",
        "The offboarding was submitted.",
    ]
    assert rows[0]["User"] == "op@msp.example"


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
    steps = [row for row in rows if row["Step"] != "Access left"]
    assert {row["Status"] for row in steps} <= {"success", "skipped"}
    assert all(_UTC.fullmatch(row["DateTime"]) and row["Message"] for row in rows)

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


@pytest.fixture
def last_owner(front: Front, person: dict[str, Any]) -> dict[str, Any]:
    """Somebody in a group that they can leave, and in a team that nobody else owns."""
    user, alias = person["rawData"]["id"], person["value"].partition("@")[0]
    for name, kind, owners in (("plain", "security", []), ("alone", "team", [user])):
        made = {"nickname": f"{alias}{name}", "name": f"{alias} {name}", "kind": kind, "members": [user]}
        front.stack.simulator.arrange("fabrikam.example", "group", create=made, set={"owners": owners})
    return person


@pytest.fixture
def left(front: Front, form: Form, last_owner: dict[str, Any]) -> str:
    """Return the key of their offboarding, which has ended: a person must still act."""
    del last_owner
    answer = front.post(
        "ExecOffboardUser", form(**_off(RemoveGroups=True, ClearImmutableId=True), postExecution={"psa": True})
    )
    key = answer.json()["Results"][0]["copyField"]
    _wait_for_end(front, key)
    return key


def _rows(front: Front, key: str) -> list[dict[str, str]]:
    return front.get(f"ListScheduledItemDetails?RowKey={key}").json()["Details"][0]["Results"]


def test_the_task_page_has_a_row_for_each_item_beneath_its_step(
    front: Front, left: str, person: dict[str, Any]
) -> None:
    alias = person["value"].partition("@")[0]
    rows = _rows(front, left)
    step, *items = [row for row in rows if row["Step"] == "Remove from groups"]

    assert all(_shape(row) == _STEP and row["Status"] in _COLORED for row in rows)
    assert step["Status"] == "warning"
    said = {row["Message"].partition(": ")[0]: row["Status"] for row in items}
    assert said[f"{alias} plain"] == "success"
    assert said[f"{alias} alone"] == "warning"
    assert len(items) == len(said)


def test_each_text_is_told_once(front: Front, left: str, person: dict[str, Any]) -> None:
    rows = _rows(front, left)
    texts = [row["Message"] for row in rows]
    step = next(row for row in rows if row["Step"] == "Remove from groups")

    assert person["value"].partition("@")[0] not in step["Message"]
    assert len(texts) == len(set(texts))


def test_a_row_says_that_a_person_must_still_act(front: Front, left: str, person: dict[str, Any]) -> None:
    """The table shows `Name` and `Results` where they are chosen as columns, the task page as its title."""
    for row in (_row(front, left), front.get(f"ListScheduledItemDetails?RowKey={left}").json()["Task"]):
        assert row["TaskState"] == "Completed"
        assert row["Name"] == f"Offboarding: {person['value']} - needs attention"
        (result,) = json.loads(row["Results"])
        assert result["Results"] == "Completed - Needs attention: Remove from groups."
    assert _row(front, left, f"ListScheduledItems?Name=Offboarding: {person['value']}")


def test_a_channel_without_destination_is_told_on_the_task_page_and_in_the_log(front: Front, left: str) -> None:
    row = next(row for row in _rows(front, left) if row["Step"] == "Send results by psa")
    entries = front.get(f"ListLogs?ScheduledTaskId={left}").json()

    assert (row["Status"], row["Message"]) == ("failed", "No destination is set up for this channel.")
    assert ("Error", "Send results by psa: No destination is set up for this channel.") in [
        (entry["Severity"], entry["Message"]) for entry in entries
    ]


def test_the_log_is_a_history(front: Front, left: str) -> None:
    entries = front.get(f"ListLogs?Filter=true&ScheduledTaskId={left}").json()
    moments = [entry["DateTime"] for entry in entries]
    of = {entry["Message"]: entry for entry in entries}

    assert moments == sorted(moments, reverse=True)
    written = of["Remove from groups: Microsoft accepted the changes."]
    proved = next(entry for entry in entries if entry["Message"].startswith("Remove from groups: 1 group removed"))
    assert written["DateTime"] <= proved["DateTime"]
    assert proved["Severity"] == "Warning"
    assert {entry["Severity"] for entry in entries if entry["Message"].endswith(": Removed.")} == {"Info"}
    (nothing_to_do,) = [entry for entry in entries if entry["Message"].startswith("Clear the immutable id")]
    assert nothing_to_do["Severity"] == "Info"
    ended = next(entry for entry in entries if "The offboarding is completed." in entry["Message"])
    assert ended["Severity"] == "Warning"
    assert "Needs attention: Remove from groups." in ended["Message"]


def test_an_entry_of_the_log_has_a_page_of_its_own(front: Front, left: str) -> None:
    """The portal opens an entry by its `RowKey`."""
    for entry in front.get(f"ListLogs?ScheduledTaskId={left}").json():
        assert front.get(f"ListLogs?logentryid={entry['RowKey']}").json() == [entry]
    assert front.get(f"ListLogs?logentryid={left}-nothing").json() == []


def test_the_log_book_is_that_of_today_unless_dates_are_given(front: Front, left: str, person: dict[str, Any]) -> None:
    def told(query: str, **who: str) -> set[tuple[str, str]]:
        entries = front.get(f"ListLogs?Filter=true&{query}", **who).json()
        return {(entry["Severity"], entry["Message"]) for entry in entries if person["value"] in entry["Message"]}

    day = front.get(f"ListLogs?ScheduledTaskId={left}").json()[0]["DateFilter"]
    submitted = ("Info", f"{person['value']}: The offboarding was submitted.")
    assert submitted in told(f"StartDate={day}&EndDate={day}")
    assert submitted in told("StartDate=20200101&EndDate=29991231&tenantFilter=fabrikam.example")
    assert submitted in told(f"DateFilter={day}&Tenant=AllTenants&User=op@msp.example")
    assert told(f"DateFilter={day}&Tenant=contoso.example") == set()
    assert told(f"DateFilter={day}&User=somebody@else.example") == set()
    assert {severity for severity, _ in told("StartDate=20200101&Severity=Warning,Error")} == {"Warning"}
    assert told("StartDate=20200101&EndDate=20200102") == set()
    assert told("StartDate=20200101&tenantFilter=contoso.example") == set()
    assert told("StartDate=20200101", role="contoso") == set()
    assert told("StartDate=20200101", role="nowhere") == set()
    assert submitted in told("")


@pytest.mark.parametrize("query", ["StartDate=yesterday", "EndDate=20261301", "StartDate=99991231", "EndDate=00010101"])
def test_a_date_that_is_none_is_named(front: Front, query: str) -> None:
    answer = front.get(f"ListLogs?{query}")

    assert answer.status_code == 400
    assert "must be a date such as 20261130" in answer.json()["Results"]


def test_parameters_show_the_names_that_were_picked(front: Front, form: Form, person: dict[str, Any]) -> None:
    """The page of a task shows the `label` of each choice; the wizard sends ids."""
    key = front.post("ExecOffboardUser", form(Scheduled=_LATER)).json()["Results"][0]["copyField"]
    options = front.get(f"ListScheduledItemDetails?RowKey={key}").json()["Task"]["Parameters"]["options"]

    cy = {"label": "Cy Brandt (cy@fabrikam.example)", "value": seed.CY}
    assert options["AccessAutomap"] == [cy]
    assert options["forward"] == cy
    assert person["value"] not in json.dumps(options)


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
