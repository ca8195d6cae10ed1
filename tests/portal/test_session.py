"""The portal's own sequence of requests, from the cold page to the task page, by an operator and by a reader."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Front = Any

_START = (
    "me",
    "listTenants?AllTenantSelector=true",
    "ListGitHubReleaseNotes",
    "ListUserSettings",
    "ListFeatureFlags",
    "GetCippAlerts?localversion=10.9.0",
    "ListBrandingSettings",
    "ListGraphExplorerPresets",
    "listTenantDetails?tenantFilter=fabrikam.example",
    "ListScheduledItems?Type=Invoke-CIPPOffboardingJob&",
)
LATER = int(time.time()) + 200 * 24 * 3600
_LIST = "ListScheduledItems?Type=Invoke-CIPPOffboardingJob&&tenantFilter=fabrikam.example"
_PEOPLE = (
    "ListGraphRequest?tenantFilter=fabrikam.example&Endpoint=users&manualPagination=true"
    "&$select=id,userPrincipalName,displayName&$count=true&$orderby=displayName&$top=999"
)
_WIZARD = (
    "ListTenants?IncludeOffboardingDefaults=true",
    _PEOPLE,
    "ListMailboxes?tenantFilter=fabrikam.example&UseReportDB=true",
    "ListCustomVariables?tenantFilter=fabrikam.example&includeSystem=false",
)


def _look(front: Front, role: str) -> None:
    for path in (*_START, _LIST, *_WIZARD):
        answer = front.get(path, role=role)
        assert answer.status_code == 200, (path, answer.text)


def test_an_operator_does_everything(front: Front, form: Callable[..., dict[str, Any]], person: dict[str, Any]) -> None:
    _look(front, "editor")
    later = {"enabled": True, "date": LATER}
    sent = front.post("ExecOffboardUser", form(Scheduled=later))
    key = sent.json()["Results"][0]["copyField"]

    row = next(row for row in front.get(_LIST).json() if row["RowKey"] == key)
    assert (row["TaskState"], row["Parameters"]["Username"]) == ("Planned", person["value"])
    run = {"tenantFilter": row["Tenant"], "RowKey": key, "RunNow": True}
    assert front.post("AddScheduledItem", run).status_code == 200
    for _ in range(600):
        (row,) = front.get(f"ListScheduledItems?Id={key}").json()
        if row["TaskState"] != "Running":
            break
        front.stack.advance(2)
    assert row["TaskState"] == "Completed"
    told = front.get(f"ListScheduledItemDetails?RowKey={key}").json()
    assert len({row["Step"] for row in told["Details"][0]["Results"]}) == 9, "eight steps, and what access is left"
    assert front.get(f"ListLogs?Filter=true&ScheduledTaskId={key}").json()
    assert front.post("RemoveScheduledItem", {"tenantFilter": "fabrikam.example", "id": key}).status_code == 200
    assert key not in [row["RowKey"] for row in front.get(_LIST).json()]


def test_a_reader_looks_and_does_nothing_else(front: Front, form: Callable[..., dict[str, Any]]) -> None:
    key = front.post("ExecOffboardUser", form(Scheduled={"enabled": True, "date": LATER})).json()["Results"][0][
        "copyField"
    ]
    _look(front, "readonly")
    assert front.get(f"ListScheduledItemDetails?RowKey={key}", role="readonly").status_code == 200
    refused: list[tuple[str, Any]] = [
        ("ExecOffboardUser", form()),
        ("AddScheduledItem", {"RowKey": key, "RunNow": True}),
        ("RemoveScheduledItem", {"id": key}),
        ("ExecUserSettings", {"user": "op@msp.example", "currentSettings": {}}),
        ("EditTenantOffboardingDefaults", {"customerId": "fabrikam.example", "offboardingDefaults": {}}),
        ("ExecNotificationConfig", {"email": "a@b.example"}),
        ("ExecAddAlert", {"sendEmailNow": True}),
    ]
    for path, body in refused:
        answer = front.post(path, body, role="readonly")
        assert answer.status_code == 403, path
        assert answer.json()["Results"]
    assert front.get(f"offboardings/{key}").json()["state"] == "Planned"
