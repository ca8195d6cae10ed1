"""Building believable organisations: every id derives from names, so that each start gives the same tenant."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from dev.tenant import consent, licensing
from dev.tenant.skus import E3, SKUS
from dev.tenant.state import EVERYONE, DirectoryRole, Group, Mailbox, Number, Site, Tenant, User

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dev.tenant.messages import Json
    from dev.tenant.skus import Sku

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "tenant.example")
_FIRST = [
    "Nora",
    "Imre",
    "Tove",
    "Sami",
    "Lena",
    "Otto",
    "Yara",
    "Emil",
    "Runa",
    "Joris",
    "Mika",
    "Alma",
    "Pelle",
    "Ines",
    "Tariq",
    "Vera",
    "Hugo",
    "Linnea",
    "Oskar",
    "Freya",
]
_LAST = [
    "Lindholm",
    "Varga",
    "Haugen",
    "Castell",
    "Brandt",
    "Okoro",
    "Moreau",
    "Sandell",
    "Pires",
    "Kovac",
    "Dahl",
    "Novotny",
    "Ferrer",
    "Aalto",
    "Wieland",
]
_DEPARTMENTS = ("Sales", "Finance", "Operations", "Engineering", "People", "Legal")

_NEWER = frozenset({"cy", "mira", "lia"})
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
EXCHANGE_ADMINISTRATOR = "29232cdf-9323-42fd-ade2-1d097af3e4de"
HELPDESK_ADMINISTRATOR = "729827e3-9c14-49f7-bb1b-9608f156bbb8"

PARTNER_PERMISSIONS = ["DelegatedAdminRelationship.Read.All", "CrossTenantInformation.ReadBasic.All"]

GIB = 1024**3


def ident(*parts: object) -> str:
    """Derive an id from names."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(str(part) for part in parts)))


class Organisation:
    """A tenant under construction, or one that a test adds to."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.key = tenant.sharepoint
        self.domain = tenant.domain

    @classmethod
    def found(cls, key: str, name: str, **facts: Json) -> Organisation:
        """Begin a tenant in which the app is consented to."""
        return cls(
            Tenant(
                id=ident(key),
                displayName=name,
                domain=f"{key}.example",
                initial_domain=f"{key}.onmicrosoft.example",
                sharepoint=key,
                app=consent.given(),
                skus=dict.fromkeys(SKUS, 500),
                **facts,
            )
        )

    def person(self, alias: str, name: str, *, licenses: Sequence[Sku] = (E3,), **facts: Json) -> User:
        """Add an account, with the mailbox and the OneDrive that its licenses bring."""
        user = User(
            id=ident(self.key, "user", alias),
            userPrincipalName=f"{alias}@{self.domain}",
            displayName=name,
            givenName=name.split(maxsplit=1)[0],
            surname=name.rsplit(maxsplit=1)[-1],
            licenseAssignmentStates=[licensing.assignment(sku.id) for sku in licenses],
            methods=[{"@odata.type": "#microsoft.graph.passwordAuthenticationMethod", "id": PASSWORD_METHOD}],
        )
        for fact, value in facts.items():
            setattr(user, fact, value)
        self.tenant.users[user.id] = user
        if licensing.has_exchange(user):
            self.mailbox(user)
        if licensing.has_sharepoint(user):
            self.site(user)
        return user

    def mailbox(self, user: User, **facts: Json) -> Mailbox:
        """Give an account a mailbox."""
        alias = user.userPrincipalName.split("@")[0]
        # Exchange gave older mailboxes their alias as their name, and gives newer ones a GUID.
        name = ident("name", user.id) if alias in _NEWER else alias
        user.mail = user.userPrincipalName
        user.proxyAddresses = [f"SMTP:{user.mail}", f"smtp:{alias}@{self.tenant.initial_domain}"]
        mailbox = Mailbox(
            ExternalDirectoryObjectId=user.id,
            Name=name,
            Alias=alias,
            Guid=ident(user.id, "mailbox"),
            ExchangeGuid=ident(user.id, "store"),
            DistinguishedName=self.distinguished_name(name),
            PrimarySmtpAddress=user.mail,
            IsDirSynced=bool(user.onPremisesSyncEnabled),
            total_item_size=(1 + int(ident(user.id)[:2], 16) % 12) * GIB + 53_867_315,
            item_count=4_000 + int(ident(user.id)[:3], 16),
            auto_reply={
                "AutoReplyState": "Disabled",
                "InternalMessage": "",
                "ExternalMessage": "",
                "ExternalAudience": "All",
            },
            permissions=[ace("NT AUTHORITY\\SELF", ("FullAccess", "ReadPermission"))],
            calendar=[
                calendar_entry(EVERYONE, EVERYONE, role="freeBusyRead", removable=False),
                calendar_entry("Anonymous", "Anonymous", role="none", removable=False),
            ],
        )
        for fact, value in facts.items():
            setattr(mailbox, fact, value)
        self.tenant.mailboxes[user.id] = mailbox
        return mailbox

    def site(self, user: User) -> Site:
        """Give an account a OneDrive."""
        path = re.sub(r"[^A-Za-z0-9-]", "_", user.userPrincipalName)
        url = f"https://{self.tenant.sharepoint}-my.sharepoint.com/personal/{path}"
        site = Site(
            url=url,
            site_id=ident(url),
            drive_id=f"b!{ident(url, 'drive')}",
            owner=user.id,
            admins=[user.id],
            user_ids={user.id: 3},
        )
        user.site = url
        self.tenant.sites[url] = site
        return site

    def staff(self, count: int, *, licenses: Sequence[Sku] = (E3,), **facts: Json) -> list[User]:
        """Add people nothing special is known of, until the tenant has `count` accounts."""
        added = []
        for number in range(len(self.tenant.users), count):
            first = _FIRST[number % len(_FIRST)]
            last = _LAST[(number // len(_FIRST) + number) % len(_LAST)]
            alias = f"{first}.{last}{number}".lower()
            department = _DEPARTMENTS[number % len(_DEPARTMENTS)]
            added.append(self.person(alias, f"{first} {last}", licenses=licenses, department=department, **facts))
        return added

    def group(
        self, nickname: str, name: str, kind: str = "security", members: Sequence[User] = (), **facts: Json
    ) -> Group:
        """Add a group: "security", "m365", "team", "list" (distribution) or "mail_security"."""
        unified = kind in {"m365", "team"}
        mail = unified or kind in {"list", "mail_security"}
        group = Group(
            id=ident(self.key, "group", nickname),
            displayName=name,
            mailNickname=nickname,
            mail=f"{nickname}@{self.domain}" if mail else None,
            mailEnabled=mail,
            securityEnabled=kind in {"security", "mail_security"},
            groupTypes=["Unified"] if unified else [],
            resourceProvisioningOptions=["Team"] if kind == "team" else [],
            visibility="Private" if unified else None,
            DistinguishedName=self.distinguished_name(nickname),
        )
        for fact, value in facts.items():
            setattr(group, fact, value)
        self.tenant.groups[group.id] = group
        for member in members:
            group.members.append(member.id)
            licensing.joined_group(self.tenant, group, member)
        return group

    def fill_groups(self, count: int, people: Sequence[User]) -> None:
        """Add groups nothing special is known of, with some members each, until the tenant has `count`."""
        kinds = ("security", "team", "list", "m365", "mail_security")
        for number in range(len(self.tenant.groups), count):
            kind = kinds[number % len(kinds)]
            department = _DEPARTMENTS[number % len(_DEPARTMENTS)]
            members = [people[(number * 7 + step) % len(people)] for step in range(min(6, len(people)))]
            self.group(
                f"{department.lower()}-{number}", f"{department} {number}", kind, members, owners=[members[0].id]
            )

    def directory_role(self, name: str, template: str, *members: User) -> None:
        """Put a directory role into use, or give one that is in use to more people."""
        role = DirectoryRole(ident(self.key, "role", template), name, template)
        role = self.tenant.directory_roles.setdefault(role.id, role)
        role.members += [member.id for member in members]

    def number(self, telephone: str, user: User | None = None, **facts: Json) -> Number:
        """Add a telephone number, assigned or in the pool."""
        number = Number(ident(self.key, telephone), telephone, **facts)
        if user:
            number.assignmentStatus, number.assignmentTargetId = "userAssigned", user.id
            number.assignmentCategory = "primary"
        self.tenant.numbers[number.id] = number
        return number

    def distinguished_name(self, name: str) -> str:
        """Write the distinguished name of a recipient."""
        root = "OU=Microsoft Exchange Hosted Organizations,DC=EURPR01A001,DC=PROD,DC=OUTLOOK,DC=COM"
        return f"CN={name},OU={self.tenant.initial_domain},{root}"


PASSWORD_METHOD = "28c10230-6103-485e-b985-444c60001490"  # noqa: S105 - the id that every password method has, per Learn


def ace(user: str, rights: Sequence[str] = ("FullAccess",), *, automapping: bool = True) -> dict[str, Any]:
    """Write an entry of a mailbox's access control list."""
    return {
        "User": user,
        "AccessRights": list(rights),
        "IsInherited": False,
        "Deny": False,
        "InheritanceType": "All",
        "AutoMapping": automapping,
    }


def calendar_entry(
    user: str, name: str, address: str = "", role: str = "read", *, removable: bool = True
) -> dict[str, Any]:
    """Write an entry of a calendar's permissions; `user` is an object id or one of the two that stand for many."""
    return {
        "id": ident("calendar permission", user),
        "user": user,
        "name": "My Organization" if user == EVERYONE else name,
        "address": address,
        "role": role,
        "isRemovable": removable,
        "isInsideOrganization": user != "Anonymous",
    }
