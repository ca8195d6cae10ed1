"""Ids of the application permissions (app roles) this app may need, as app registrations and consents name them.

Source: Microsoft's permission files for the Graph documentation; "Microsoft Graph permissions reference" on Learn.
"""

from __future__ import annotations

from typing import Final

GRAPH: Final = "Microsoft Graph"
EXCHANGE: Final = "Exchange Online"
SHAREPOINT: Final = "SharePoint"

RESOURCES: Final = {
    GRAPH: "00000003-0000-0000-c000-000000000000",
    EXCHANGE: "00000002-0000-0ff1-ce00-000000000000",
    SHAREPOINT: "00000003-0000-0ff1-ce00-000000000000",
}
"""Application ids of the APIs that grant permissions."""

APP_ROLES: Final = {
    "AppRoleAssignment.ReadWrite.All": "06b708a9-e830-4db3-a914-8e69da51d44f",
    "Application.ReadWrite.All": "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
    "AuditLog.Read.All": "b0afded3-3588-46d8-8b3d-9842eff778da",
    "Calendars.Read": "798ee544-9d2d-430c-a058-570e29e34338",
    "Calendars.ReadWrite": "ef54d2bf-783f-4e0f-bca1-3210c0444d99",
    "CrossTenantInformation.ReadBasic.All": "cac88765-0581-4025-9725-5ebc13f729ee",
    "DelegatedAdminRelationship.Read.All": "f6e9e124-4586-492f-adc0-c6f96e4823fd",
    "DelegatedPermissionGrant.ReadWrite.All": "8e8e4742-1d95-4f68-9d56-6ee75648c72a",
    "Device.ReadWrite.All": "1138cb37-bd11-4084-a2b7-9f71582aeddb",
    "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
    "Domain.Read.All": "dbb9058a-0e50-45d7-ae91-66909b5d4664",
    "Exchange.ManageAsApp": "dc50a0fb-09a3-484d-be87-e023b12c6440",
    "Files.Read.All": "01d4889c-1287-42c6-ac1f-5d1e02578ef6",
    "Group.ReadWrite.All": "62a82d76-70ea-41e2-9197-370581804d09",
    "GroupMember.ReadWrite.All": "dbaae8cf-10b5-4b86-a4a1-f871c94c6695",
    "LicenseAssignment.ReadWrite.All": "5facf0c1-8979-4e95-abcf-ff3d079771c0",
    "Mail.Send": "b633e1c5-b582-4048-a93e-9f11b44c7e96",
    "MailboxSettings.ReadWrite": "6931bccd-447a-43d1-b442-00a195474933",
    "Member.Read.Hidden": "658aa5d8-239f-45c4-aa12-864f4fc7e490",
    "RoleEligibilitySchedule.Read.Directory": "ff278e11-4a33-4d0c-83d2-d01dc58929a5",
    "RoleManagement.ReadWrite.Directory": "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8",
    "Sites.FullControl.All": "678536fe-1083-478a-9c59-b99265e6b0d3",
    "TeamsTelephoneNumber.ReadWrite.All": "0a42382f-155c-4eb1-9bdc-21548ccaa387",
    "User-PasswordProfile.ReadWrite.All": "cc117bb9-00cf-4eb8-b580-ea2a878fe8f7",
    "User.DeleteRestore.All": "eccc023d-eccf-4e7b-9683-8813ab36cecc",
    "User.EnableDisableAccount.All": "3011c876-62b7-4ada-afa2-506cbbecc68c",
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
    "User.ReadWrite.All": "741f803b-c850-494e-b5df-cde7c675a1ca",
    "User.RevokeSessions.All": "77f3a031-c388-4f99-b373-dc68676a979e",
    "UserAuthenticationMethod.ReadWrite.All": "50483e42-d915-4231-9639-7fdb7fd190e5",
}
"""App role ids by name; names are unique over the three APIs."""

BROADER: Final = {
    "Directory.Read.All": ("Directory.ReadWrite.All",),
    "Files.Read.All": ("Files.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All"),
    "GroupMember.ReadWrite.All": ("Group.ReadWrite.All", "Directory.ReadWrite.All"),
    "LicenseAssignment.ReadWrite.All": ("User.ReadWrite.All", "Directory.ReadWrite.All"),
    "User.DeleteRestore.All": ("User.ReadWrite.All",),
    "User.EnableDisableAccount.All": ("User.ReadWrite.All", "Directory.ReadWrite.All"),
    "User.Read.All": ("User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"),
    "User.ReadWrite.All": ("Directory.ReadWrite.All",),
    "User.RevokeSessions.All": ("User.ReadWrite.All", "Directory.ReadWrite.All"),
}
"""Permissions that allow what a lesser one is needed for here (Learn: "Higher privileged permissions" of the calls)."""

TIER_ZERO: Final = frozenset(
    {"AppRoleAssignment.ReadWrite.All", "Application.ReadWrite.All", "RoleManagement.ReadWrite.Directory"}
)
"""Permissions with which an app can make itself, or anybody, a Global Administrator (Learn: "Microsoft Graph
permissions reference", the cautions there)."""

FOR_THE_CHECK: Final = {
    "AuditLog.Read.All": "whether somebody signed in after the account was blocked",
    "RoleEligibilitySchedule.Read.Directory": "which administrator roles can be activated, where "
    "RoleManagement.ReadWrite.Directory is not granted",
}
"""Optional permissions of Microsoft Graph: what the access check sees with each, and says is unknown without."""

BESIDES: Final = {
    "CrossTenantInformation.ReadBasic.All": "the partner's tenant only: what the customers are called",
    "Directory.Read.All": "tenants' names and domains, the users of the pickers, who holds administrator roles",
    "DelegatedAdminRelationship.Read.All": "the partner's tenant only: which customers there are",
    "Mail.Send": "the tenant that sends notifications by e-mail only; limit it to one mailbox (Learn: Role Based "
    "Access Control for Applications in Exchange Online)",
}
"""Permissions of Microsoft Graph that the app needs for something else than an action, and for what."""
