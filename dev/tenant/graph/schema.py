"""How users and groups look to a caller of Graph, property for property."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dev.tenant.state import Group, Tenant, User

USER_DEFAULT = (
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
)
"""What a user is without $select ("List users" on Learn)."""

_USER_EMPTY = [
    "aboutMe",
    "ageGroup",
    "city",
    "companyName",
    "country",
    "creationType",
    "employeeHireDate",
    "employeeId",
    "employeeLeaveDateTime",
    "employeeType",
    "externalUserState",
    "externalUserStateChangeDateTime",
    "faxNumber",
    "legalAgeGroupClassification",
    "mobilePhone",
    "officeLocation",
    "onPremisesDistinguishedName",
    "onPremisesDomainName",
    "onPremisesLastSyncDateTime",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesUserPrincipalName",
    "passwordPolicies",
    "postalCode",
    "preferredDataLocation",
    "preferredLanguage",
    "showInAddressList",
    "state",
    "streetAddress",
]
"""Properties that users have and no one here fills in."""

_USER_STATE = [
    "id",
    "userPrincipalName",
    "displayName",
    "givenName",
    "surname",
    "mail",
    "proxyAddresses",
    "accountEnabled",
    "userType",
    "jobTitle",
    "department",
    "usageLocation",
    "isManagementRestricted",
    "onPremisesSyncEnabled",
    "onPremisesImmutableId",
    "licenseAssignmentStates",
    "createdDateTime",
    "deletedDateTime",
    "lastPasswordChangeDateTime",
    "signInSessionsValidFromDateTime",
]

GROUP_DEFAULT = [
    "id",
    "deletedDateTime",
    "classification",
    "createdDateTime",
    "description",
    "displayName",
    "groupTypes",
    "isAssignableToRole",
    "mail",
    "mailEnabled",
    "mailNickname",
    "membershipRule",
    "membershipRuleProcessingState",
    "onPremisesSyncEnabled",
    "proxyAddresses",
    "resourceProvisioningOptions",
    "securityEnabled",
    "visibility",
]
_GROUP_STATE = [
    "id",
    "displayName",
    "mailNickname",
    "mail",
    "description",
    "mailEnabled",
    "securityEnabled",
    "groupTypes",
    "membershipRule",
    "visibility",
    "onPremisesSyncEnabled",
    "isAssignableToRole",
    "isManagementRestricted",
    "assignedLicenses",
    "resourceProvisioningOptions",
    "createdDateTime",
]


def user_resource(user: User) -> dict[str, Any]:
    """Show a user with every property there is."""
    resource: dict[str, Any] = {name: getattr(user, name) for name in _USER_STATE}
    resource["assignedLicenses"] = _assigned(user)
    resource["businessPhones"] = []
    resource["imAddresses"] = [user.mail] if user.mail else []
    resource["identities"] = []
    resource["mailNickname"] = user.userPrincipalName.split("@")[0]
    resource["otherMails"] = []
    resource["securityIdentifier"] = sid(user.id)
    return {**resource, **dict.fromkeys(_USER_EMPTY)}


def _assigned(user: User) -> list[dict[str, Any]]:
    working = {"Active", "ActiveWithError"}
    states = {state["skuId"]: state for state in user.licenseAssignmentStates if state["state"] in working}
    return [{"skuId": sku_id, "disabledPlans": state["disabledPlans"]} for sku_id, state in states.items()]


def sid(object_id: str) -> str:
    """Derive the security identifier of an account from its object id, as Entra ID does."""
    digits = object_id.replace("-", "")
    numbers = [int.from_bytes(bytes.fromhex(digits[at : at + 8]), "little") for at in range(0, 32, 8)]
    return "S-1-12-1-" + "-".join(str(number) for number in numbers)


def group_resource(group: Group) -> dict[str, Any]:
    """Show a group with every property there is."""
    resource: dict[str, Any] = {name: getattr(group, name) for name in _GROUP_STATE}
    resource["proxyAddresses"] = [f"SMTP:{group.mail}"] if group.mail else []
    is_dynamic = "DynamicMembership" in group.groupTypes
    resource["membershipRuleProcessingState"] = "On" if is_dynamic else "Paused" if group.membershipRule else None
    resource["classification"] = None
    resource["deletedDateTime"] = None
    resource["hideFromAddressLists"] = group.HiddenFromAddressListsEnabled
    return resource


def role_resource(tenant: Tenant, role_id: str) -> dict[str, Any]:
    """Show a directory role."""
    role = tenant.directory_roles[role_id]
    return {
        "id": role.id,
        "displayName": role.displayName,
        "description": role.displayName,
        "roleTemplateId": role.roleTemplateId,
        "deletedDateTime": None,
    }
