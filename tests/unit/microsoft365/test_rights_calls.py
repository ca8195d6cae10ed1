"""What is sent to Graph about roles, apps, ownership and devices, to the letter."""

from __future__ import annotations

import pytest

from shared.microsoft365.graph import permissions_needed
from shared.microsoft365.graph import rights_calls as calls
from shared.microsoft365.graph.graph_calls import GraphCall, get_sign_ins

USER = "aaaaaaaa-0000-4000-8000-000000000001"
ROLE = "bbbbbbbb-0000-4000-8000-000000000001"
ROLES = "/roleManagement/directory"
OF_USER = f"?$filter=principalId%20eq%20%27{USER}%27&$expand=roleDefinition"
SIGN_INS = (
    f"/auditLogs/signIns?$filter=userId%20eq%20%27{USER}%27%20and%20createdDateTime%20ge%20"
    "2030-01-01T00:00:00.000Z%20and%20status/errorCode%20eq%200&$top=999"
)


@pytest.mark.parametrize(
    ("call", "sent", "permission"),
    [
        (
            calls.get_role_assignments(USER),
            f"GET {ROLES}/roleAssignments{OF_USER}",
            "Directory.Read.All",
        ),
        (
            calls.get_role_eligibilities(USER),
            f"GET {ROLES}/roleEligibilityScheduleInstances{OF_USER}",
            "RoleEligibilitySchedule.Read.Directory",
        ),
        (calls.remove_role("a/b"), f"DELETE {ROLES}/roleAssignments/a%2Fb", "RoleManagement.ReadWrite.Directory"),
        (
            calls.remove_app_role(USER, "x"),
            f"DELETE /users/{USER}/appRoleAssignments/x",
            "AppRoleAssignment.ReadWrite.All",
        ),
        (calls.remove_grant("g"), "DELETE /oauth2PermissionGrants/g", "DelegatedPermissionGrant.ReadWrite.All"),
        (
            calls.remove_app_owner("application", "app", USER),
            f"DELETE /applications/app/owners/{USER}/$ref",
            "Application.ReadWrite.All",
        ),
        (
            calls.remove_app_owner("servicePrincipal", "app", USER),
            f"DELETE /servicePrincipals/app/owners/{USER}/$ref",
            "Application.ReadWrite.All",
        ),
        (calls.enable_device("d", enabled=False), "PATCH /devices/d", "Device.ReadWrite.All"),
        (
            get_sign_ins(USER, "2030-01-01T00:00:00.000Z"),
            f"GET {SIGN_INS}",
            "AuditLog.Read.All",
        ),
    ],
)
def test_calls_and_the_permission_they_need(call: GraphCall, sent: str, permission: str) -> None:
    assert f"{call.method} {call.path}" == sent
    assert permissions_needed.permission_of(call) == permission
    assert permission in permissions_needed.advice(call)


def test_a_role_to_be_activated_is_taken_by_a_request() -> None:
    call = calls.remove_eligibility(USER, ROLE, "/")

    assert call.path == f"{ROLES}/roleEligibilityScheduleRequests"
    assert call.body == {
        "action": "adminRemove",
        "principalId": USER,
        "roleDefinitionId": ROLE,
        "directoryScopeId": "/",
        "justification": "Offboarding",
    }


@pytest.mark.parametrize("empty", ["", " ", ".", ".."])
def test_an_id_that_is_none_addresses_nothing(empty: str) -> None:
    for build in (calls.remove_role, calls.remove_grant, lambda one: calls.enable_device(one, enabled=False)):
        with pytest.raises(ValueError, match="id"):
            build(empty)
    with pytest.raises(ValueError, match="id"):
        calls.remove_app_owner("application", "app", empty)
