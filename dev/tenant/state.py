"""What a tenant holds.

Facts that Microsoft has a name for carry that name, in Graph's or in Exchange's spelling, so that `$select`, PATCH,
cmdlet parameters and the tests that read `GET /_sim/state` need no translation. Facts of the simulation itself are in
snake_case. People and groups are referred to by object id everywhere.
"""
# ruff: noqa: N815 - see above

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

EVERYONE = "Default"
"""The entry of a calendar that stands for all colleagues; "Anonymous" stands for the world."""


@dataclass
class User:
    """An account, as the directory knows it."""

    id: str
    userPrincipalName: str
    displayName: str
    givenName: str | None = None
    surname: str | None = None
    mail: str | None = None
    proxyAddresses: list[str] = field(default_factory=list)
    accountEnabled: bool = True
    userType: str = "Member"
    jobTitle: str | None = None
    department: str | None = None
    usageLocation: str | None = "NL"
    isManagementRestricted: bool | None = None
    onPremisesSyncEnabled: bool | None = None
    onPremisesImmutableId: str | None = None
    licenseAssignmentStates: list[dict[str, Any]] = field(default_factory=list)
    createdDateTime: str = "2024-02-05T08:00:00Z"
    deletedDateTime: str | None = None
    lastPasswordChangeDateTime: str = "2026-01-12T08:00:00Z"
    signInSessionsValidFromDateTime: str = "2026-01-12T08:00:00Z"
    manager: str | None = None
    methods: list[dict[str, Any]] = field(default_factory=list)
    default_method: str | None = None
    site: str | None = None
    """URL of the person's OneDrive."""
    password_resets: int = 0
    session_revocations: int = 0
    HiddenFromAddressListsEnabled: bool = False
    """Of a mail user, which is what Exchange makes of a guest; a mailbox has its own."""
    ArchiveGuid: str = "00000000-0000-0000-0000-000000000000"
    """Of a mail user whose mailbox is on-premises: the archive that is online all the same."""
    former_administrator: int = 0
    """How many sensitive changes are still refused although the last role is gone."""
    leaving_groups: dict[str, int] = field(default_factory=dict)
    """License groups just left: the licenses go when they have been looked at this often."""


@dataclass
class Group:
    """A group of any kind; `groupTypes`, `mailEnabled` and `securityEnabled` tell which."""

    id: str
    displayName: str
    mailNickname: str
    mail: str | None = None
    description: str | None = None
    mailEnabled: bool = False
    securityEnabled: bool = True
    groupTypes: list[str] = field(default_factory=list)
    membershipRule: str | None = None
    visibility: str | None = None
    onPremisesSyncEnabled: bool | None = None
    isAssignableToRole: bool | None = None
    isManagementRestricted: bool | None = None
    assignedLicenses: list[dict[str, Any]] = field(default_factory=list)
    resourceProvisioningOptions: list[str] = field(default_factory=list)
    createdDateTime: str = "2024-02-05T08:00:00Z"
    members: list[str] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    DistinguishedName: str = ""
    HiddenFromAddressListsEnabled: bool = False
    GrantSendOnBehalfTo: list[str] = field(default_factory=list)
    send_as: list[str] = field(default_factory=list)


@dataclass
class Contact:
    """A mail contact: somebody outside whom mail can be sent to by name."""

    id: str
    Name: str
    Alias: str
    mail: str
    DistinguishedName: str


@dataclass
class Mailbox:
    """A mailbox; its key in the tenant is the object id of its account."""

    ExternalDirectoryObjectId: str
    Name: str
    Alias: str
    Guid: str
    ExchangeGuid: str
    DistinguishedName: str
    PrimarySmtpAddress: str
    RecipientTypeDetails: str = "UserMailbox"
    LitigationHoldEnabled: bool = False
    InPlaceHolds: list[str] = field(default_factory=list)
    ComplianceTagHoldApplied: bool = False
    DelayHoldApplied: bool = False
    DelayReleaseHoldApplied: bool = False
    ArchiveGuid: str = "00000000-0000-0000-0000-000000000000"
    ArchiveStatus: str = "None"
    ForwardingAddress: str | None = None
    ForwardingSmtpAddress: str | None = None
    DeliverToMailboxAndForward: bool = False
    HiddenFromAddressListsEnabled: bool = False
    IsDirSynced: bool = False
    IsExchangeCloudManaged: bool = False
    GrantSendOnBehalfTo: list[str] = field(default_factory=list)
    total_item_size: int = 0
    item_count: int = 0
    auto_reply: dict[str, Any] = field(default_factory=dict)
    permissions: list[dict[str, Any]] = field(default_factory=list)
    send_as: list[str] = field(default_factory=list)
    rules: list[dict[str, Any]] = field(default_factory=list)
    devices: list[dict[str, Any]] = field(default_factory=list)
    calendar_name: str = "Calendar"
    calendar: list[dict[str, Any]] = field(default_factory=list)
    meetings: list[dict[str, Any]] = field(default_factory=list)
    conversion: dict[str, Any] | None = None
    """A change of type under way: what to, and how many reads still show the old type."""
    mailbox_lost: bool = False
    """The license went while it still read as a user mailbox: Microsoft deletes such a mailbox after 30 days."""


@dataclass
class Site:
    """A OneDrive."""

    url: str
    site_id: str
    drive_id: str
    owner: str
    library: str = "Documents"
    SharingCapability: int = 2
    lock: str | None = None
    admins: list[str] = field(default_factory=list)
    user_ids: dict[str, int] = field(default_factory=dict)
    """The numbers that this site gave to the people it knows; every site counts for itself."""


@dataclass
class DirectoryRole:
    """A directory role that is in use in the tenant."""

    id: str
    displayName: str
    roleTemplateId: str
    members: list[str] = field(default_factory=list)


@dataclass
class Number:
    """A Teams telephone number."""

    id: str
    telephoneNumber: str
    numberType: str = "callingPlan"
    assignmentStatus: str = "unassigned"
    assignmentTargetId: str | None = None
    assignmentCategory: str | None = None
    locked: bool = False
    """Assigned by policy or on-premises: the operation that takes it away ends as failed."""
    refused: bool = False
    """Teams refuses at once to take it away, without an operation that fails later."""
    leaving: int | None = None


@dataclass
class Consent:
    """What the tenant allows the app: app roles per resource, and the Entra roles of its service principal."""

    graph: list[str] = field(default_factory=list)
    exchange: list[str] = field(default_factory=list)
    sharepoint: list[str] = field(default_factory=list)
    entra_roles: list[str] = field(default_factory=list)
    present: bool = True


@dataclass
class Tenant:
    """One organisation."""

    id: str
    displayName: str
    domain: str
    initial_domain: str
    sharepoint: str
    onPremisesSyncEnabled: bool | None = None
    app: Consent = field(default_factory=Consent)
    users: dict[str, User] = field(default_factory=dict)
    deleted_users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    mailboxes: dict[str, Mailbox] = field(default_factory=dict)
    deleted_mailboxes: dict[str, Mailbox] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    directory_roles: dict[str, DirectoryRole] = field(default_factory=dict)
    numbers: dict[str, Number] = field(default_factory=dict)
    belongings: dict[str, Any] = field(default_factory=dict)
    """Rows of what only one file of `dev.tenant.belongings` knows, by its name."""
    skus: dict[str, int] = field(default_factory=dict)
    """How many seats were bought of each SKU."""
    operations: dict[str, dict[str, Any]] = field(default_factory=dict)
    relationships: list[dict[str, Any]] = field(default_factory=list)
    contracts: list[dict[str, Any]] = field(default_factory=list)
    sent_mail: list[dict[str, Any]] = field(default_factory=list)
    concurrent_mailbox_writes: list[dict[str, Any]] = field(default_factory=list)
    conversion_reads: int = 2
    """How often a converted mailbox still reads as what it was."""
    license_reads: int = 2
    """How often an inherited license is still seen after the group was left."""
    number_reads: int = 1
    """How often a number is still seen as assigned after it was taken away."""
    role_writes: int = 0
    """How many sensitive changes of a former administrator are still refused after the last role was taken away."""
    teams_phone: bool = True
    InPlaceHolds: list[str] = field(default_factory=list)
    """Holds that cover the whole organisation."""
    federated: bool = False
    """Its own domain signs people in by itself; the initial domain is always managed."""
    rules_by_alias: bool = False
    """Inbox rules are named by their mailbox's alias, as documented, and not by its name, as was seen."""

    def live_members(self, group: Group) -> list[User]:
        """The members of a group that still exist: a soft-deleted user keeps its place for the case of a restore."""
        return [self.users[member] for member in group.members if member in self.users]

    def groups_of(self, user: User) -> list[Group]:
        """The groups that a user is a direct member of."""
        return [group for group in self.groups.values() if user.id in group.members]

    def directory_roles_of(self, user: User) -> list[DirectoryRole]:
        """The directory roles of a user."""
        return [role for role in self.directory_roles.values() if user.id in role.members]

    def find_user(self, key: str) -> User | None:
        """Find a live user by object id or user principal name, the two keys that Graph takes in a path."""
        if key in self.users:
            return self.users[key]
        wanted = key.casefold()
        return next((user for user in self.users.values() if user.userPrincipalName.casefold() == wanted), None)


_PARTS: dict[str, type] = {
    "users": User,
    "deleted_users": User,
    "groups": Group,
    "mailboxes": Mailbox,
    "deleted_mailboxes": Mailbox,
    "contacts": Contact,
    "sites": Site,
    "directory_roles": DirectoryRole,
    "numbers": Number,
}


def dump(tenant: Tenant) -> dict[str, Any]:
    """Show a tenant as plain data, without copying: for writing out at once."""
    plain = dict(vars(tenant))
    plain["app"] = vars(tenant.app)
    plain["belongings"] = {name: rows for name, rows in tenant.belongings.items() if rows}
    for name in _PARTS:
        plain[name] = {key: vars(part) for key, part in plain[name].items()}
    return plain


def load(plain: dict[str, Any]) -> Tenant:
    """Build a tenant from what `dump` wrote."""
    values = {**plain, "app": Consent(**plain["app"])}
    for name, kind in _PARTS.items():
        values[name] = {key: kind(**part) for key, part in plain[name].items()}
    return Tenant(**values)
