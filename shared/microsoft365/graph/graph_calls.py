"""The calls of Microsoft Graph that are used: what is sent, one function for each. Nothing is sent here.

Paths are relative to the version. Everything that comes from outside goes through `segment` (paths), `literal` (OData
texts) or `query` (options), so that an apostrophe in a name or the `#` in a guest's UPN cannot change what a call
means.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from shared.microsoft365.http.wire import Json, JsonObject, text_at

USER_PROPERTIES = (
    "id,displayName,userPrincipalName,mail,proxyAddresses,accountEnabled,userType,isManagementRestricted,"
    "onPremisesSyncEnabled,onPremisesImmutableId,assignedLicenses,licenseAssignmentStates,"
    "signInSessionsValidFromDateTime,lastPasswordChangeDateTime"
)
LISTED_USER_PROPERTIES = (
    "id,displayName,userPrincipalName,mail,accountEnabled,userType,onPremisesSyncEnabled,assignedLicenses,"
    "jobTitle,department"
)
GROUP_PROPERTIES = (
    "id,displayName,mail,mailEnabled,securityEnabled,groupTypes,membershipRule,membershipRuleProcessingState,"
    "onPremisesSyncEnabled,isAssignableToRole,"
    "isManagementRestricted,assignedLicenses,resourceProvisioningOptions"
)
EVENTUAL: Mapping[str, str] = {"ConsistencyLevel": "eventual"}
"""Needed for `$search`, `$count` and casts (Learn: "Advanced query capabilities on Microsoft Entra ID objects")."""

PASSWORD_METHOD = "#microsoft.graph.passwordAuthenticationMethod"  # noqa: S105 - a type name
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
"""Role template id, the same in every tenant (Learn: "Microsoft Entra built-in roles")."""

AUTH_METHODS: Mapping[str, tuple[str, str]] = {
    # type -> (version, path below /authentication; the singleton has no id). The generic /methods/{id} is read-only.
    "#microsoft.graph.phoneAuthenticationMethod": ("v1.0", "phoneMethods/{id}"),
    "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod": ("v1.0", "microsoftAuthenticatorMethods/{id}"),
    "#microsoft.graph.softwareOathAuthenticationMethod": ("v1.0", "softwareOathMethods/{id}"),
    "#microsoft.graph.fido2AuthenticationMethod": ("v1.0", "fido2Methods/{id}"),
    "#microsoft.graph.windowsHelloForBusinessAuthenticationMethod": ("v1.0", "windowsHelloForBusinessMethods/{id}"),
    "#microsoft.graph.platformCredentialAuthenticationMethod": ("v1.0", "platformCredentialMethods/{id}"),
    "#microsoft.graph.temporaryAccessPassAuthenticationMethod": ("v1.0", "temporaryAccessPassMethods/{id}"),
    "#microsoft.graph.emailAuthenticationMethod": ("v1.0", "emailMethods/{id}"),
    "#microsoft.graph.externalAuthenticationMethod": ("v1.0", "externalAuthenticationMethods/{id}"),
    "#microsoft.graph.hardwareOathAuthenticationMethod": ("beta", "hardwareOathMethods/{id}"),
    "#microsoft.graph.qrCodePinAuthenticationMethod": ("beta", "qrCodePinMethod"),
}


@dataclass(frozen=True)
class GraphCall:
    """One request to Microsoft Graph.

    Attributes:
        path: below the version, with its query; begins with a slash.
        version: `v1.0`, or `beta` where v1.0 lacks the resource.
        repeatable: whether sending it twice does no more than once; decides on quick retries only.
        permission: the least application permission that it needs, where `permissions_needed` does not know its path.
    """

    method: str
    path: str
    body: JsonObject | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    version: str = "v1.0"
    repeatable: bool = True
    permission: str = ""

    @property
    def is_write(self) -> bool:
        """Whether it changes something."""
        return self.method != "GET"


def segment(value: str) -> str:
    """Encode an id or a UPN for a path.

    Raises:
        ValueError: it is empty or blank, or what clients take for a folder: the path would address the collection, or
            another object.
    """
    if not value.strip():
        raise ValueError("An id for Microsoft Graph is empty.")
    if value in {".", ".."}:
        raise ValueError("An id for Microsoft Graph stands for a folder.")
    return quote(value, safe="")


def literal(value: str) -> str:
    """Write a text as an OData literal: in single quotes, those inside doubled."""
    return "'" + value.replace("'", "''") + "'"


def query(**options: str) -> str:
    """Write OData query options; the `$` is added."""
    return "?" + "&".join(f"${name}={quote(value, safe=',()/:')}" for name, value in options.items())


def user_path(user_id: str) -> str:
    """Address a user by object id or UPN.

    A UPN that begins with `$` needs the key in parentheses (Learn: "Get a user").
    """
    return f"/users({quote(literal(user_id), safe='')})" if user_id.startswith("$") else f"/users/{segment(user_id)}"


# Users.


def get_user(user_id: str) -> GraphCall:
    """Read what the actions need to know of a user, by object id or UPN."""
    return GraphCall("GET", user_path(user_id) + query(select=USER_PROPERTIES))


def get_sign_ins(user_id: str, since: str) -> GraphCall:
    """Read the successful sign-ins of a user since a moment, the newest first (Learn: "List signIns")."""
    condition = f"userId eq {literal(user_id)} and createdDateTime ge {since} and status/errorCode eq 0"
    return GraphCall("GET", "/auditLogs/signIns" + query(filter=condition, top="999"), permission="AuditLog.Read.All")


def get_manager(user_id: str) -> GraphCall:
    """Read a user's manager; not found where nobody is named."""
    return GraphCall("GET", f"{user_path(user_id)}/manager" + query(select="displayName,mail"))


def get_deleted_user(user_id: str) -> GraphCall:
    """Read a deleted user, by object id; they are kept for 30 days."""
    return GraphCall("GET", f"/directory/deletedItems/{segment(user_id)}" + query(select="id,deletedDateTime"))


def restore_user(user_id: str) -> GraphCall:
    """Bring a deleted user back, within 30 days (Learn: "Restore deleted directory object item")."""
    return GraphCall("POST", f"/directory/deletedItems/{segment(user_id)}/restore")


def find_users_by_address(address: str) -> GraphCall:
    """Find the user that has a mail address, also as an alias."""
    condition = f"proxyAddresses/any(a:a eq {literal('smtp:' + address)})"
    options = query(filter=condition, select=USER_PROPERTIES, count="true")
    return GraphCall("GET", "/users" + options, headers=EVENTUAL)


def list_users(top: int = 999) -> GraphCall:
    """List the tenant's users by name; at most 999 to a page."""
    return GraphCall("GET", "/users" + query(select=LISTED_USER_PROPERTIES, top=str(top), orderby="displayName"))


def search_users(text: str, top: int = 25) -> GraphCall:
    """Search users by the beginning of words in name, UPN and mail; read one page of it.

    Quotes and backslashes are escaped as Graph asks (Learn: "Use the $search query parameter").
    """
    wanted = text.replace("\\", "\\\\").replace('"', '\\"')
    search = " OR ".join(f'"{name}:{wanted}"' for name in ("displayName", "userPrincipalName", "mail"))
    options = query(search=search, select=LISTED_USER_PROPERTIES, top=str(top), count="true")
    return GraphCall("GET", "/users" + options, headers=EVENTUAL)


def disable_user(user_id: str) -> GraphCall:
    """Block sign-in. On its own, never with the password: a missing permission for one would refuse both."""
    return GraphCall("PATCH", user_path(user_id), {"accountEnabled": False})


def enable_user(user_id: str) -> GraphCall:
    """Open sign-in again."""
    return GraphCall("PATCH", user_path(user_id), {"accountEnabled": True})


def set_password(user_id: str, password: str) -> GraphCall:
    """Set a new password, which must be changed at the next sign-in."""
    profile = {"password": password, "forceChangePasswordNextSignIn": True}
    return GraphCall("PATCH", user_path(user_id), {"passwordProfile": profile})


def revoke_sessions(user_id: str) -> GraphCall:
    """Make all refresh tokens invalid; `signInSessionsValidFromDateTime` becomes now."""
    return GraphCall("POST", f"{user_path(user_id)}/revokeSignInSessions")


def clear_immutable_id(user_id: str) -> GraphCall:
    """Cut the link to the on-premises account; refused while the user is synchronised."""
    return GraphCall("PATCH", user_path(user_id), {"onPremisesImmutableId": None})


def set_immutable_id(user_id: str, immutable_id: str) -> GraphCall:
    """Link the account to the on-premises account of this id; refused while the user is synchronised."""
    return GraphCall("PATCH", user_path(user_id), {"onPremisesImmutableId": immutable_id})


def delete_user(user_id: str) -> GraphCall:
    """Delete a user, restorable for 30 days."""
    return GraphCall("DELETE", user_path(user_id))


# Groups and roles.


def get_user_groups(user_id: str) -> GraphCall:
    """Read the groups a user is a direct member of, with what decides how each is left."""
    path = f"{user_path(user_id)}/memberOf/microsoft.graph.group"
    return GraphCall("GET", path + query(count="true", top="999", select=GROUP_PROPERTIES), headers=EVENTUAL)


def get_owned_groups(user_id: str) -> GraphCall:
    """Read the groups a user owns; teams count their owners as members, whether they are or not."""
    path = f"{user_path(user_id)}/ownedObjects/microsoft.graph.group"
    return GraphCall("GET", path + query(count="true", top="999", select=GROUP_PROPERTIES), headers=EVENTUAL)


def get_group_owners(group_id: str) -> GraphCall:
    """Read who owns a group: users, and maybe apps."""
    return GraphCall("GET", f"/groups/{segment(group_id)}/owners" + query(select="id", top="100"))


def list_directory_roles() -> GraphCall:
    """List the administrator roles that are in use in the tenant."""
    return GraphCall("GET", "/directoryRoles" + query(select="id,displayName,roleTemplateId"))


def get_role_members(role_template_id: str) -> GraphCall:
    """Read who holds an administrator role, for instance `GLOBAL_ADMINISTRATOR`: users, and maybe groups and apps."""
    role = quote(literal(role_template_id), safe="'")
    path = f"/directoryRoles(roleTemplateId={role})/members"
    return GraphCall("GET", path + query(select="id,displayName,userPrincipalName,accountEnabled"))


def remove_group_member(group_id: str, user_id: str) -> GraphCall:
    """Remove a user from a group.

    Without the last segment the same path would delete the user (Learn: "Remove member").
    """
    path = f"/groups/{segment(group_id)}/members/{segment(user_id)}/$ref"
    if not path.endswith("/$ref"):
        raise AssertionError("A membership is removed by its $ref only.")
    return GraphCall("DELETE", path)


def remove_group_owner(group_id: str, user_id: str) -> GraphCall:
    """Remove a user from the owners of a group; refused for the last one (Learn: "Remove group owner")."""
    path = f"/groups/{segment(group_id)}/owners/{segment(user_id)}/$ref"
    if not path.endswith("/$ref"):
        raise AssertionError("An ownership is removed by its $ref only.")
    return GraphCall("DELETE", path)


def add_group_owner(group_id: str, user_id: str) -> GraphCall:
    """Make a user an owner of a group (Learn: "Add owners")."""
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/users/{segment(user_id)}"}
    return GraphCall("POST", f"/groups/{segment(group_id)}/owners/$ref", reference)


def add_group_member(group_id: str, user_id: str) -> GraphCall:
    """Make a user a member of a group (Learn: "Add members")."""
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{segment(user_id)}"}
    return GraphCall("POST", f"/groups/{segment(group_id)}/members/$ref", reference)


# Licenses.


def assign_license(user_id: str, remove: Iterable[str]) -> GraphCall:
    """Remove licenses that are assigned to the user directly, by SKU id, all at once; Graph asks for both lists."""
    return GraphCall("POST", f"{user_path(user_id)}/assignLicense", {"addLicenses": [], "removeLicenses": list(remove)})


def give_licenses(user_id: str, add: Iterable[tuple[str, Sequence[str]]]) -> GraphCall:
    """Assign licenses to the user directly, each a SKU id and the ids of its plans that stay off; all or none."""
    licenses: list[Json] = [{"skuId": sku, "disabledPlans": list(off)} for sku, off in add]
    return GraphCall("POST", f"{user_path(user_id)}/assignLicense", {"addLicenses": licenses, "removeLicenses": []})


def reprocess_licenses(user_id: str) -> GraphCall:
    """Have the licenses that come from groups computed again."""
    return GraphCall("POST", f"{user_path(user_id)}/reprocessLicenseAssignment")


def get_subscribed_skus() -> GraphCall:
    """Read the tenant's subscriptions: what a SKU id is called, and its service plans."""
    return GraphCall("GET", "/subscribedSkus" + query(select="skuId,skuPartNumber,servicePlans"))


# Sign-in methods.


def get_auth_methods(user_id: str) -> GraphCall:
    """Read a user's sign-in methods; the call takes no query options."""
    return GraphCall("GET", f"{user_path(user_id)}/authentication/methods")


def get_hardware_tokens(user_id: str) -> GraphCall:
    """Read a user's hardware OATH tokens, which the list of all methods leaves out: only beta knows them."""
    return GraphCall("GET", f"{user_path(user_id)}/authentication/hardwareOathMethods", version="beta")


def get_qr_code(user_id: str) -> GraphCall:
    """Read a user's QR code and PIN, of which there is one at most; not found where there is none. Beta only."""
    return GraphCall("GET", f"{user_path(user_id)}/authentication/qrCodePinMethod", version="beta")


def delete_auth_method(user_id: str, method_type: str, method_id: str) -> GraphCall:
    """Delete one sign-in method, at the path of its type.

    Raises:
        ValueError: the type is not in `AUTH_METHODS`: report it rather than guess a path.
    """
    if method_type not in AUTH_METHODS:
        raise ValueError(f"There is no known way to delete the sign-in method {method_type}.")
    version, path = AUTH_METHODS[method_type]
    path = path.format(id=segment(method_id))
    return GraphCall("DELETE", f"{user_path(user_id)}/authentication/{path}", version=version)


# Teams phone numbers.

TELEPHONY = "/admin/teams/telephoneNumberManagement"


def get_phone_numbers(user_id: str) -> GraphCall:
    """Read the Teams phone numbers that are assigned to a user."""
    return GraphCall(
        "GET", f"{TELEPHONY}/numberAssignments" + query(filter=f"assignmentTargetId eq {literal(user_id)}")
    )


def unassign_number(number: str, number_type: str) -> GraphCall:
    """Take a phone number from whoever has it; answered 202, the work goes on as an operation (see `get_operation`).

    Args:
        number: E.164 with `+`.
        number_type: as read: `directRouting`, `callingPlan` or `operatorConnect`.
    """
    body = {"telephoneNumber": number, "numberType": number_type}
    return GraphCall("POST", f"{TELEPHONY}/numberAssignments/unassignNumber", body)


def assign_number(number: str, number_type: str, user_id: str, category: str | None) -> GraphCall:
    """Give a phone number to a user; answered 202 like `unassign_number` (Learn: "numberAssignment: assignNumber")."""
    body: JsonObject = {"telephoneNumber": number, "numberType": number_type, "assignmentTargetId": user_id}
    if category:
        body["assignmentCategory"] = category
    return GraphCall("POST", f"{TELEPHONY}/numberAssignments/assignNumber", body)


def get_operation(operation_id: str) -> GraphCall:
    """Read how an operation of the telephone number management is doing.

    `status` notStarted, running, succeeded, failed.
    """
    return GraphCall("GET", f"{TELEPHONY}/operations/{segment(operation_id)}")


def operation_id(answer: Json) -> str:
    """Take the id out of `location`, `.../operations('{id}')` or `.../operations/{id}`; empty if there is none."""
    return text_at(answer, "location").rpartition("operations")[2].strip("/()'")


# OneDrive, calendars, mail.


def get_drive(user_id: str) -> GraphCall:
    """Read where a user's OneDrive is."""
    return GraphCall("GET", f"{user_path(user_id)}/drive" + query(select="id,webUrl,sharePointIds"))


def list_calendar_permissions(mailbox: str) -> GraphCall:
    """Read who may do what in a mailbox's default calendar."""
    return GraphCall("GET", f"{user_path(mailbox)}/calendar/calendarPermissions")


def add_calendar_permission(mailbox: str, address: str, role: str) -> GraphCall:
    """Share a mailbox's calendar with somebody (Learn: "Create calendarPermission")."""
    body = {"emailAddress": {"address": address, "name": address}, "role": role}
    return GraphCall("POST", f"{user_path(mailbox)}/calendar/calendarPermissions", body, repeatable=False)


def delete_calendar_permission(mailbox: str, permission_id: str) -> GraphCall:
    """Remove one entry of `list_calendar_permissions`."""
    return GraphCall("DELETE", f"{user_path(mailbox)}/calendar/calendarPermissions/{segment(permission_id)}")


def send_mail(sender: str, message: JsonObject) -> GraphCall:
    """Send a mail from a mailbox; `message` is Graph's message resource. Not repeatable: it would arrive twice."""
    body = {"message": message, "saveToSentItems": False}
    return GraphCall("POST", f"{user_path(sender)}/sendMail", body, repeatable=False)


# Tenants.


def get_organization() -> GraphCall:
    """Read the tenant's name, domains, and whether it synchronises from on-premises."""
    return GraphCall("GET", "/organization" + query(select="id,displayName,verifiedDomains,onPremisesSyncEnabled"))


def get_root_library() -> GraphCall:
    """Read where the tenant's SharePoint is: the address of its first library. Asks no more than `get_drive` does."""
    return GraphCall("GET", "/sites/root/drive" + query(select="webUrl"))


def list_relationships() -> GraphCall:
    """List the active GDAP relationships of a partner's tenant; what is filtered on must be selected too."""
    options = query(
        filter="status eq 'active'", select="displayName,customer,autoExtendDuration,endDateTime,status", top="300"
    )
    return GraphCall("GET", "/tenantRelationships/delegatedAdminRelationships" + options)


def find_tenant(tenant_id: str) -> GraphCall:
    """Read name and default domain of any tenant, with a token of the partner's own tenant."""
    key = quote(literal(tenant_id), safe="'")
    return GraphCall("GET", f"/tenantRelationships/findTenantInformationByTenantId(tenantId={key})")
