"""The calls of Microsoft Graph about what a person may do beside their own account: roles, apps, ownership, devices.

What is said in `graph_calls` holds here, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from shared.microsoft365.graph.graph_calls import GraphCall, literal, query, segment, user_path

if TYPE_CHECKING:
    from shared.microsoft365.http.wire import JsonObject

ROLES: Final = "RoleManagement.ReadWrite.Directory"
APP_ROLES: Final = "AppRoleAssignment.ReadWrite.All"
GRANTS: Final = "DelegatedPermissionGrant.ReadWrite.All"
APPLICATIONS: Final = "Application.ReadWrite.All"
DEVICES: Final = "Device.ReadWrite.All"
ELIGIBLE_ROLES: Final = "RoleEligibilitySchedule.Read.Directory"

OwnedApp = Literal["application", "servicePrincipal"]

_ROLE_MANAGEMENT: Final = "/roleManagement/directory"


# Directory roles.


def get_role_assignments(user_id: str) -> GraphCall:
    """Read the roles that a user was given directly, at whatever scope (Learn: "List unifiedRoleAssignments")."""
    return _of_principal(f"{_ROLE_MANAGEMENT}/roleAssignments", user_id, "Directory.Read.All")


def get_role_eligibilities(user_id: str) -> GraphCall:
    """Read the roles that a user can activate (Learn: "List roleEligibilityScheduleInstances")."""
    return _of_principal(f"{_ROLE_MANAGEMENT}/roleEligibilityScheduleInstances", user_id, ELIGIBLE_ROLES)


def _of_principal(path: str, user_id: str, permission: str) -> GraphCall:
    options = query(filter=f"principalId eq {literal(user_id)}", expand="roleDefinition")
    return GraphCall("GET", path + options, permission=permission)


def remove_role(assignment_id: str) -> GraphCall:
    """Take a role away (Learn: "Delete unifiedRoleAssignment")."""
    path = f"{_ROLE_MANAGEMENT}/roleAssignments/{segment(assignment_id)}"
    return GraphCall("DELETE", path, permission=ROLES)


def give_role(user_id: str, definition: str, scope: str) -> GraphCall:
    """Give a role at a scope, `/` or the path of an administrative unit (Learn: "Create unifiedRoleAssignment")."""
    body: JsonObject = {"principalId": user_id, "roleDefinitionId": definition, "directoryScopeId": scope}
    return GraphCall("POST", f"{_ROLE_MANAGEMENT}/roleAssignments", body, permission=ROLES)


def remove_eligibility(user_id: str, definition: str, scope: str) -> GraphCall:
    """Let a user activate a role no longer (Learn: "Create roleEligibilityScheduleRequest")."""
    return _eligibility("adminRemove", user_id, definition, scope, {})


def give_eligibility(user_id: str, definition: str, scope: str) -> GraphCall:
    """Let a user activate a role for good; policies of the tenant may allow that for a while only."""
    return _eligibility(
        "adminAssign", user_id, definition, scope, {"scheduleInfo": {"expiration": {"type": "noExpiration"}}}
    )


def _eligibility(action: str, user_id: str, definition: str, scope: str, more: JsonObject) -> GraphCall:
    body: JsonObject = {
        "action": action,
        "principalId": user_id,
        "roleDefinitionId": definition,
        "directoryScopeId": scope,
        "justification": "Offboarding",
        **more,
    }
    return GraphCall("POST", f"{_ROLE_MANAGEMENT}/roleEligibilityScheduleRequests", body, permission=ROLES)


# Applications that a person may use, and those that act in the person's name.


def get_app_role_assignments(user_id: str) -> GraphCall:
    """Read what is assigned to a user and to the groups the user is in directly (Learn: "List appRoleAssignments")."""
    return GraphCall("GET", f"{user_path(user_id)}/appRoleAssignments" + query(top="999"))


def remove_app_role(user_id: str, assignment_id: str) -> GraphCall:
    """Take an application from a user (Learn: "Delete appRoleAssignment")."""
    path = f"{user_path(user_id)}/appRoleAssignments/{segment(assignment_id)}"
    return GraphCall("DELETE", path, permission=APP_ROLES)


def give_app_role(user_id: str, resource: str, role: str) -> GraphCall:
    """Let a user use an application (Learn: "Grant an appRoleAssignment to a user")."""
    body: JsonObject = {"principalId": user_id, "resourceId": resource, "appRoleId": role}
    return GraphCall("POST", f"{user_path(user_id)}/appRoleAssignments", body, permission=APP_ROLES)


def get_grants(user_id: str) -> GraphCall:
    """Read what applications may do in a user's name; the user's own list is not offered to apps, so this filters."""
    return GraphCall("GET", "/oauth2PermissionGrants" + query(filter=f"principalId eq {literal(user_id)}"))


def remove_grant(grant_id: str) -> GraphCall:
    """Take back what an application may do in somebody's name (Learn: "Delete oAuth2PermissionGrant")."""
    return GraphCall("DELETE", f"/oauth2PermissionGrants/{segment(grant_id)}", permission=GRANTS)


def give_grant(user_id: str, client: str, resource: str, scope: str) -> GraphCall:
    """Let an application act in a user's name (Learn: "Create oAuth2PermissionGrant")."""
    body: JsonObject = {
        "clientId": client,
        "consentType": "Principal",
        "principalId": user_id,
        "resourceId": resource,
        "scope": scope,
    }
    return GraphCall("POST", "/oauth2PermissionGrants", body, permission=GRANTS)


def get_service_principal(principal_id: str) -> GraphCall:
    """Read what an application is called."""
    return GraphCall("GET", f"/servicePrincipals/{segment(principal_id)}" + query(select="displayName"))


# What a person owns.


def get_owned_objects(user_id: str) -> GraphCall:
    """Read all that a user owns: groups, applications and their service principals."""
    return GraphCall("GET", f"{user_path(user_id)}/ownedObjects" + query(select="id,displayName", top="999"))


def add_app_owner(kind: OwnedApp, object_id: str, user_id: str) -> GraphCall:
    """Make a user an owner of an application or a service principal (Learn: "Add owner")."""
    reference: JsonObject = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{segment(user_id)}"}
    return GraphCall("POST", f"/{kind}s/{segment(object_id)}/owners/$ref", reference, permission=APPLICATIONS)


def remove_app_owner(kind: OwnedApp, object_id: str, user_id: str) -> GraphCall:
    """Take an owner off an application or a service principal.

    Without the last segment the same path would address the user itself (Learn: "Remove owner").
    """
    path = f"/{kind}s/{segment(object_id)}/owners/{segment(user_id)}/$ref"
    if not path.endswith("/$ref"):
        raise AssertionError("An ownership is removed by its $ref only.")
    return GraphCall("DELETE", path, permission=APPLICATIONS)


# Devices in the directory.

_DEVICE: Final = "id,displayName,accountEnabled,operatingSystem,trustType"


def get_owned_devices(user_id: str) -> GraphCall:
    """Read the computers and phones that a user joined or registered."""
    return GraphCall("GET", f"{user_path(user_id)}/ownedDevices" + query(select=_DEVICE, top="999"))


def get_registered_devices(user_id: str) -> GraphCall:
    """Read the computers and phones that a user works with."""
    return GraphCall("GET", f"{user_path(user_id)}/registeredDevices" + query(select=_DEVICE, top="999"))


def enable_device(device_id: str, *, enabled: bool) -> GraphCall:
    """Enable or disable a device, by its object id (Learn: "Update device")."""
    return GraphCall("PATCH", f"/devices/{segment(device_id)}", {"accountEnabled": enabled}, permission=DEVICES)
