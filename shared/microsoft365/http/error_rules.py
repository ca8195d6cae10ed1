"""The one table of what a refusal of Microsoft 365 means: which text, code or status is which category, and what to do.

`errors` reads the answers and applies it; the first line of `RULES` that holds wins.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

Service: TypeAlias = Literal["graph", "exchange", "sharepoint", "login"]

SERVICE_NAMES: dict[Service, str] = {
    "graph": "Microsoft Graph",
    "exchange": "Exchange Online",
    "sharepoint": "SharePoint",
    "login": "Microsoft Entra sign-in",
}


class Category(StrEnum):
    """What a failure means for whoever called, whichever service it came from."""

    throttled = "throttled"
    transient = "transient"
    auth_token = "auth_token"  # noqa: S105 - a category, not a token
    auth_permission = "auth_permission"
    auth_role = "auth_role"
    not_found = "not_found"
    already_done = "already_done"
    conflict = "conflict"
    invalid = "invalid"
    on_prem_mastered = "on_prem_mastered"
    not_licensed = "not_licensed"
    not_provisioned = "not_provisioned"
    inherited_license = "inherited_license"
    no_license_left = "no_license_left"
    last_owner = "last_owner"
    license_dependency = "license_dependency"
    default_method = "default_method"
    unknown = "unknown"


@dataclass(frozen=True)
class Failure:
    """What an answer says, before it is known what it means."""

    service: Service
    status: int | None
    code: str
    text: str
    exception_type: str = ""


def plain(text: str) -> str:
    """Prepare a text for comparison: lower case, straight apostrophes (Exchange writes both kinds)."""
    return text.replace("\u2019", "'").lower()


@dataclass(frozen=True)
class Rule:
    """One line of the mapping: all conditions that are given must hold; texts are compared as `plain`."""

    category: Category
    advice: str = ""
    services: tuple[Service, ...] = ("graph", "exchange", "sharepoint")
    statuses: tuple[int, ...] = ()
    codes: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    def holds(self, failure: Failure) -> bool:
        """Say whether this line describes the failure."""
        return (
            failure.service in self.services
            and (not self.statuses or failure.status in self.statuses)
            and (not self.codes or failure.code.lower() in {code.lower() for code in self.codes})
            and (not self.exceptions or failure.exception_type in self.exceptions)
            and (not self.texts or any(text in plain(failure.text) for text in self.texts))
        )


CHANGED_MEANWHILE = "Somebody changed the object at the same moment."
ON_PREMISES = "The object is mastered on-premises: make the change in Active Directory; the next sync brings it here."
GRAPH_PERMISSION = (
    "Grant the app's Microsoft Graph application permissions in this tenant (admin consent). If the user holds an "
    "administrator role or is in a role-assignable group, also give the app's service principal the Entra role "
    "Privileged Authentication Administrator."
)
EXCHANGE_CONSENT = (
    "Grant the app the application permission Exchange.ManageAsApp (Office 365 Exchange Online) in this tenant, and "
    "give its service principal the Entra role Exchange Administrator. A new assignment can take an hour to arrive."
)
EXCHANGE_ROLE = (
    "Give the app's service principal the Entra role Exchange Administrator in this tenant (or an Exchange role group "
    "with this cmdlet). A new assignment can take an hour to arrive."
)
SHAREPOINT_PERMISSION = (
    "Grant the app the SharePoint application permission Sites.FullControl.All in this tenant (admin consent)."
)

RULES: tuple[Rule, ...] = (
    # Before all texts: "over its MailboxConcurrency limit" is no conflict.
    Rule(Category.throttled, statuses=(429,)),
    # The user's license comes from a group (Learn: "Group-based licensing - identify and resolve problems").
    Rule(
        Category.inherited_license,
        "The license comes from a group: remove the user from that group instead.",
        ("graph",),
        texts=("inherited from a group membership",),
    ),
    # Of assignLicense (Learn: "Group-based licensing - identify and resolve problems": not enough licenses).
    Rule(
        Category.no_license_left,
        "The tenant has none of these licenses left.",
        ("graph",),
        texts=("does not have any available licenses",),
    ),
    Rule(
        Category.license_dependency,
        "Another license of the person depends on it.",
        ("graph",),
        texts=("depends on the service plan",),
    ),
    Rule(
        Category.last_owner,
        "The group has no other owner.",
        ("graph",),
        texts=("must have at least one owner",),
    ),
    Rule(
        Category.already_done,
        "The person is a member already.",
        ("graph",),
        texts=("added object references already exist",),
    ),
    Rule(
        Category.already_done,
        "It is so already.",
        ("graph",),
        texts=(
            "a conflicting object with one or more of the specified property values",
            "permission being assigned already exists",
            "permission entry already exists",
        ),
    ),
    # Of roles that can be activated (Learn: "Create roleEligibilityScheduleRequest").
    Rule(Category.already_done, "The role can be activated already.", ("graph",), codes=("RoleAssignmentExists",)),
    Rule(Category.not_found, "The role was gone already.", ("graph",), codes=("RoleAssignmentDoesNotExist",)),
    Rule(
        Category.not_licensed,
        "The tenant has no license for roles that can be activated.",
        ("graph",),
        codes=("AadPremiumLicenseRequired",),
    ),
    Rule(
        Category.already_done,
        "It was gone already.",
        ("graph",),
        statuses=(400,),
        texts=("does not have a corresponding license",),
    ),
    Rule(
        Category.on_prem_mastered,
        ON_PREMISES,
        texts=(
            "on-premises mastered",
            "directory sync objects",
            "being synchronized from your on-premises",
            "out of the current user's write scope",
        ),
    ),
    Rule(
        Category.default_method,
        "This is the user's default sign-in method: it can go only after the others.",
        ("graph",),
        texts=("default authentication method", "cannot delete default method"),
    ),
    Rule(Category.not_provisioned, "The user has no OneDrive.", ("graph",), statuses=(400, 404), texts=("mysite",)),
    Rule(
        Category.not_licensed,
        "The tenant has no SharePoint license.",
        ("graph",),
        texts=("does not have a spo license",),
    ),
    Rule(
        Category.not_provisioned,
        "The tenant has no Teams Phone.",
        ("graph",),
        statuses=(400, 404),
        texts=("skype for business", "teams phone"),
    ),
    Rule(Category.not_provisioned, "The user has no mailbox here.", ("graph",), codes=("MailboxNotEnabledForRESTAPI",)),
    Rule(Category.transient, CHANGED_MEANWHILE, ("graph",), statuses=(400, 409, 412), texts=("concurren",)),
    Rule(
        Category.transient,
        "A step before it in the same batch failed, so this was not tried.",
        ("graph",),
        statuses=(424,),
    ),
    Rule(
        Category.not_licensed,
        "The tenant has no Microsoft Entra ID P1 license, without which nobody reads its sign-ins.",
        ("graph",),
        codes=("Authentication_RequestFromNonPremiumTenantOrB2CTenant",),
    ),
    Rule(Category.auth_permission, GRAPH_PERMISSION, ("graph",), statuses=(403,)),
    Rule(Category.auth_token, "Microsoft Graph does not accept the app's token.", ("graph",), statuses=(401,)),
    # Exchange Online: texts before statuses, because nearly every refusal is 400 or 404.
    Rule(
        Category.auth_role,
        EXCHANGE_ROLE,
        ("exchange",),
        texts=(
            "within a valid server write scope",
            "role definition of the current user",
            "is not recognized as the name of a cmdlet",
        ),
    ),
    Rule(Category.auth_role, EXCHANGE_ROLE, ("exchange",), exceptions=("CommandNotFoundException",)),
    Rule(Category.already_done, "It is so already.", ("exchange",), texts=("access control entry is already present",)),
    Rule(
        Category.already_done,
        "It was gone already.",
        ("exchange",),
        exceptions=("MemberNotFoundException", "UserNotFoundInPermissionEntryException"),
    ),
    Rule(Category.not_found, services=("exchange",), exceptions=("ManagementObjectNotFoundException",)),
    Rule(Category.not_found, services=("exchange",), statuses=(400, 404), texts=("couldn't be found",)),
    Rule(Category.throttled, services=("exchange",), texts=("too many requests",)),
    Rule(
        Category.transient,
        services=("exchange",),
        # Not "try again" alone: that also follows "check the spelling and".
        texts=("resource temporarily unavailable", "server busy", "server is busy", "try again later"),
    ),
    Rule(
        Category.invalid,
        "The name fits more than one object: use the object id.",
        ("exchange",),
        exceptions=("ManagementObjectAmbiguousException",),
    ),
    Rule(Category.auth_permission, EXCHANGE_CONSENT, ("exchange",), statuses=(401,)),
    Rule(Category.auth_role, EXCHANGE_ROLE, ("exchange",), statuses=(403,)),
    Rule(
        Category.auth_token,
        "SharePoint takes app-only tokens from a certificate only: configure a certificate instead of a secret.",
        ("sharepoint",),
        texts=("unsupported app only token",),
    ),
    Rule(
        Category.auth_role,
        f"{SHAREPOINT_PERMISSION} A signed-in administrator needs the role SharePoint Administrator.",
        ("sharepoint",),
        texts=("attempted to perform an unauthorized operation",),
    ),
    # `ensureuser` says so of an account that exists but has no SharePoint license.
    Rule(
        Category.not_licensed,
        "SharePoint does not know this account: it probably has no SharePoint license.",
        ("sharepoint",),
        texts=("could not be found",),
    ),
    Rule(Category.not_found, services=("sharepoint",), texts=("cannot get site", "file not found")),
    Rule(Category.auth_permission, SHAREPOINT_PERMISSION, ("sharepoint",), statuses=(401, 403)),
    # Every service.
    Rule(Category.transient, statuses=(408, 500, 502, 503, 504, 509)),
    Rule(Category.not_found, statuses=(404, 410)),
    Rule(Category.conflict, CHANGED_MEANWHILE, statuses=(409, 412)),
    Rule(Category.conflict, "The site or mailbox is locked or archived: unlock it first.", statuses=(423,)),
    Rule(Category.invalid, statuses=(400, 405, 406, 411, 413, 414, 415, 422)),
    # CSOM reports failures with HTTP 200, so what is left over there is a refusal of the request.
    Rule(Category.invalid, services=("sharepoint",), statuses=(200,)),
)

DEFAULT_ADVICE: dict[Category, str] = {
    Category.throttled: "The service is limiting requests for now.",
    Category.transient: "The service is not available at the moment.",
    Category.not_found: "It does not exist.",
    Category.invalid: "The service does not accept the request.",
    Category.unknown: "The service gave an answer that is not understood.",
}

CONSENT = "Open the admin consent link of this app as an administrator of the customer's tenant, and accept."
GDAP = "This tenant does not know the account: check the GDAP relationship and the service account's security groups."
NO_TENANT = "There is no such tenant: check the tenant's domain or id."

SIGN_IN: dict[int, tuple[Category, str]] = {
    # Learn: "Microsoft Entra authentication and authorization error codes".
    50020: (Category.auth_role, GDAP),
    50177: (Category.auth_role, GDAP),
    50076: (Category.auth_token, "Multifactor authentication is required: sign in to the service account again."),
    50079: (Category.auth_token, "Multifactor authentication is required: sign in to the service account again."),
    50173: (
        Category.auth_token,
        "The stored sign-in was revoked (password change): sign in to the service account again.",
    ),
    53003: (
        Category.auth_permission,
        "A Conditional Access policy for workload identities blocks the app: exclude it, or allow its addresses.",
    ),
    65001: (Category.auth_permission, CONSENT),
    70011: (Category.invalid, "The app asks for a permission that this resource does not offer."),
    90002: (Category.not_found, NO_TENANT),
    90072: (Category.auth_role, GDAP),
    500011: (
        Category.auth_permission,
        f"The service is not set up in this tenant (no license for it), or not consented. {CONSENT}",
    ),
    650051: (Category.transient, "The app is just being added to the tenant: wait half a minute."),
    650052: (
        Category.not_licensed,
        "The tenant has no subscription to this service, or the service is switched off for it.",
    ),
    700016: (Category.auth_permission, f"The app does not exist in this tenant. {CONSENT}"),
    700024: (
        Category.auth_token,
        "The proof of identity is not valid at this time: check the clock of the host.",
    ),
    700027: (
        Category.auth_token,
        "The app has another certificate: upload this one there, or wait a minute after a rotation.",
    ),
    700082: (Category.auth_token, "The stored sign-in has expired: sign in to the service account again."),
    700213: (
        Category.auth_token,
        "No federated credential of the app matches the managed identity: check subject and issuer.",
    ),
    7000112: (Category.auth_permission, "The app is disabled in this tenant: enable it under Enterprise applications."),
    7000215: (Category.auth_token, "The app's client secret is wrong: use the secret's value, not its id."),
    7000222: (Category.auth_token, "The app's client secret has expired: create a new one."),
    7000229: (Category.auth_permission, f"The app does not exist in this tenant. {CONSENT}"),
    900023: (Category.not_found, NO_TENANT),
    1000502: (Category.auth_token, "The app's certificate has expired: create a new one, and upload it to the app."),
    5000224: (Category.not_found, "This tenant has been deleted or is blocked."),
}

NOT_CONSENTED = frozenset({"AADSTS65001", "AADSTS700016", "AADSTS7000229"})
"""Codes of a sign-in that was refused because the app is not in the tenant: nothing is granted there."""

NOT_A_FAILURE: tuple[tuple[str, Category], ...] = (
    ("completed successfully but no settings of", Category.already_done),
    ("because the ace doesn't exist on the object", Category.already_done),
    ("because the ace isn't present", Category.already_done),
    ("access control entry is already present", Category.already_done),
    ("micro delay applied", Category.throttled),
)
"""Texts of warnings in a successful answer of Exchange Online."""
