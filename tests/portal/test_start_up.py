"""What the portal asks before it shows anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from dev.stack import Stack

    Front = Any


def test_me_is_who_is_signed_in(front: Front) -> None:
    told = front.get("me", role="admin").json()

    assert told["clientPrincipal"] == {
        "identityProvider": "aad",
        "userId": "id of op@msp.example",
        "userDetails": "op@msp.example",
        "userRoles": ["anonymous", "authenticated", "admin"],
    }
    assert told["initialSetupComplete"] is True
    assert told["samAppPresent"] is True
    assert not {"ssoMigration", "forceSsoMigration", "hostedSubscriptionEnded", "hostedFailedPayments"} & set(told)


def test_permissions_follow_the_role(front: Front) -> None:
    reader, operator, admin = (
        set(front.get("me", role=r).json()["permissions"]) for r in ("readonly", "editor", "admin")
    )

    assert {"CIPP.Core.Read", "CIPP.Scheduler.Read", "Identity.User.Read"} <= reader
    assert not any(permission.endswith("ReadWrite") for permission in reader)
    assert {"CIPP.Scheduler.ReadWrite", "Identity.User.ReadWrite"} <= operator
    assert not any(permission.startswith("CIPP.AppSettings") for permission in operator)
    assert {"CIPP.AppSettings.Read", "CIPP.AppSettings.ReadWrite"} <= admin


def test_somebody_without_a_role_is_told_so_by_the_portal(front: Front) -> None:
    told = front.get("me", role="sales").json()

    assert told["clientPrincipal"]["userRoles"] == ["anonymous", "authenticated"]
    assert told["permissions"] == []


def test_with_a_function_key_the_portal_is_served_as_well(stack: Stack) -> None:
    told = stack.get("/api/me").json()

    assert told["clientPrincipal"]["userDetails"] == "key"
    assert "editor" in told["clientPrincipal"]["userRoles"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("ListGitHubReleaseNotes", []),
        ("GetCippAlerts?localversion=10.9.0", []),
        ("ListBrandingSettings", {}),
        ("ListGraphExplorerPresets", {"Results": []}),
        ("ListCustomVariables?tenantFilter=fabrikam.example&includeSystem=false", {"Results": []}),
    ],
)
def test_decoration_is_empty(front: Front, path: str, body: Any) -> None:
    answer = front.get(path, role="readonly")

    assert answer.status_code == 200
    assert answer.json() == body


_HOME = {
    "ListTestResultsTenants?status=Failed&countsOnly=true": {"Results": [], "Counts": {}},
    "ListDomainAnalyser?tenantFilter=AllTenants": [],
    "ListDBCache?tenantFilter=AllTenants&countsOnly=true": [],
    "ListSecureScoreReport?tenantFilter=AllTenants&includeHistory=true": [],
    "ListTestReports": [],
    "ListTenantAlignment": [],
    "ListTenantAlignment?summary=true": {
        "ScoredTenantCount": 0,
        "Average": 0,
        "PendingDeviations": 0,
        "PendingTenantCount": 0,
        "Buckets": {},
        "Lowest": [],
    },
    "ListTenantGroups": {"Results": []},
    "ExecCippReplacemap?Action=List&tenantId=AllTenants": {"Results": []},
    "ExecPasswordConfig?list=true": {"Results": {"passwordType": "Classic"}},
    "ExecDnsConfig?Action=GetConfig": {"Results": {}},
    "ExecBackupRetentionConfig?List=true": {"Results": {}},
    "ExecLogRetentionConfig?List=true": {"Results": {"RetentionDays": 365}},
    "ExecJITAdminSettings?Action=Get": {},
    "ListFunctionParameters?Module=CIPPCore": [],
    "ListExtensionsConfig": {},
}


@pytest.mark.parametrize("path", list(_HOME))
def test_pages_beside_the_wizard_are_told_what_is_true(front: Front, path: str) -> None:
    """Home page, tenant page, general settings, Edit Job: an error is shown in red, and missing numbers as zeros."""
    answer = front.get(path, role="readonly")

    assert (answer.status_code, answer.json()) == (200, _HOME[path])


@pytest.mark.parametrize("name", ["ExecPasswordConfig", "ExecDnsConfig", "ExecLogRetentionConfig"])
def test_what_nothing_here_would_follow_is_not_saved(front: Front, name: str) -> None:
    answer = front.post(name, {"passwordType": "Passphrase"}, role="admin")

    assert answer.status_code == 400
    assert "not saved" in answer.json()["Results"]


def test_the_menu_leaves_out_the_pages_that_do_not_exist_here(front: Front) -> None:
    """It drops what is in `Pages` of a flag that is not enabled."""
    (flag,) = front.get("ListFeatureFlags", role="readonly").json()

    assert flag["Enabled"] is False
    assert "/identity/administration/users" in flag["Pages"]
    ours = {"/identity/administration/offboarding-wizard", "/cipp/scheduler", "/cipp/logs", "/cipp/settings", "/"}
    assert not ours & set(flag["Pages"])


def test_there_are_no_photos(front: Front) -> None:
    assert front.get("ListUserPhoto?UserID=op@msp.example").status_code == 404


def test_nothing_is_out_of_date(front: Front) -> None:
    assert front.get("GetVersion?LocalVersion=10.9.0").json() == {
        "LocalCIPPVersion": "10.9.0",
        "RemoteCIPPVersion": "10.9.0",
        "LocalCIPPAPIVersion": "10.9.0",
        "RemoteCIPPAPIVersion": "10.9.0",
        "OutOfDateCIPP": False,
        "OutOfDateCIPPAPI": False,
    }


def test_health_says_nothing(front: Front) -> None:
    answer = front.stack.send("GET", "/api/health", headers={"x-functions-key": ""})

    assert (answer.status_code, json.loads(answer.content)) == (200, {})
