"""The tenants that the simulation starts with, and the ids in them that tests and demonstrations refer to.

- `contoso.example`: small; 40 people, 60 groups, no telephony. LIA leaves with little to her name.
- `fabrikam.example`: typical; 200 mailboxes, 400 groups. ADA leaves with everything that a leaver can have; the
  people with one peculiarity each have the constants below.
- `large.example`: 2,000 mailboxes, 6,000 groups, in a seed of its own. MIRA leaves after decades.
- `hybrid.example`: small, synchronised from on-premises; SYNCED leaves.
- `msp.example`: the partner, with delegated administration of the three.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant import hybrid, leavers, partner
from dev.tenant.belongings import mobile_devices, sign_in_methods
from dev.tenant.population import (
    EXCHANGE_ADMINISTRATOR,
    GIB,
    GLOBAL_ADMINISTRATOR,
    HELPDESK_ADMINISTRATOR,
    Organisation,
    ident,
)
from dev.tenant.skus import BUSINESS_PREMIUM, EXCHANGE_PLAN_1

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dev.tenant.state import Tenant, User

CLIENT_ID = ident("app", "offboarding")
CLIENT_SECRET = "canary-7f2c-client-secret-of-the-simulated-app"  # noqa: S105 - worth nothing outside the simulation

CONTOSO, FABRIKAM, HYBRID, MSP = ident("contoso"), ident("fabrikam"), ident("hybrid"), ident("msp")
LARGE = ident("large")

LIA = ident("contoso", "user", "lia")
CONTOSO_ADMIN = ident("contoso", "user", "admin")

ADA = ident("fabrikam", "user", "ada")
BO = ident("fabrikam", "user", "bo")
CY = ident("fabrikam", "user", "cy")
GUEST = ident("fabrikam", "user", "gil_partner.example#EXT#")
NO_MAILBOX = ident("fabrikam", "user", "nomail")
BIG_MAILBOX = ident("fabrikam", "user", "big")
ON_HOLD = ident("fabrikam", "user", "hold")
ARCHIVED = ident("fabrikam", "user", "archive")
SHARED = ident("fabrikam", "user", "info")
ADMIN = ident("fabrikam", "user", "admin")
HELPDESK = ident("fabrikam", "user", "helpdesk")
BREAK_GLASS = ident("fabrikam", "user", "breakglass")
RESTRICTED = ident("fabrikam", "user", "board")

MIRA = ident("large", "user", "mira")

SYNCED = ident("hybrid", "user", "sven")
SYNCED_COLLEAGUE = ident("hybrid", "user", "signe")
CLOUD_ONLY = ident("hybrid", "user", "cleo")
LEFTOVER_ANCHOR = ident("hybrid", "user", "lars")
LAST_ADMIN = ident("hybrid", "user", "admin")


def contoso() -> Tenant:
    """Build the small tenant."""
    org = Organisation.found("contoso", "Contoso")
    admin = org.person("admin", "Contoso Administrator", licenses=())
    lia = org.person("lia", "Lia Moreau", licenses=(BUSINESS_PREMIUM,), jobTitle="Office assistant")
    people = org.staff(40, licenses=(BUSINESS_PREMIUM,))
    org.directory_role("Global Administrator", GLOBAL_ADMINISTRATOR, admin, people[0])
    for nickname, kind in (("all-hands", "team"), ("office", "m365"), ("vpn", "security"), ("news", "list")):
        org.group(nickname, nickname.replace("-", " ").title(), kind, [lia, *people[:5]], owners=[people[0].id])
    sign_in_methods.authenticator(lia)
    sign_in_methods.phone(lia, "mobile", "+1 5550101")
    mobile_devices.pair(org.tenant, lia, 1)
    org.fill_groups(60, people)
    return org.tenant


def fabrikam() -> Tenant:
    """Build the typical tenant."""
    org = Organisation.found("fabrikam", "Fabrikam")
    org.tenant.app.graph.append("Mail.Send")  # its mailbox sends the notifications
    admin = org.person("admin", "Fabrikam Administrator", licenses=())
    breakglass = org.person("breakglass", "Emergency Access", licenses=())
    cy = org.person("cy", "Cy Brandt", jobTitle="Head of Engineering")
    ada = org.person("ada", "Ada Castell", licenses=(), jobTitle="Engineer", department="Engineering", manager=cy.id)
    bo = org.person("bo", "Bo Haugen", jobTitle="Accountant", department="Finance", manager=cy.id)
    helpdesk = _peculiar(org)
    people = org.staff(205)
    org.directory_role("Global Administrator", GLOBAL_ADMINISTRATOR, admin, breakglass)
    org.directory_role("Helpdesk Administrator", HELPDESK_ADMINISTRATOR, helpdesk)
    org.directory_role("Exchange Administrator", EXCHANGE_ADMINISTRATOR)
    leavers.everything(org, ada, cy, people)
    leavers.something(org, bo, cy, people)
    org.fill_groups(400, people)
    _fill_numbers(org, 120, people)
    return org.tenant


def _fill_numbers(org: Organisation, count: int, people: Sequence[User]) -> None:
    """Add telephone numbers until the tenant has `count`, every third of them somebody's."""
    for index in range(len(org.tenant.numbers), count):
        org.number(f"+1555020{index:04}", people[index % len(people)] if index % 3 == 0 else None)


def _peculiar(org: Organisation) -> User:
    org.person("nomail", "Nils Aalto", licenses=())
    org.person(
        "gil_partner.example#EXT#",
        "Gil Partner",
        licenses=(),
        userType="Guest",
        mail="gil@partner.example",
        userPrincipalName="gil_partner.example#EXT#@fabrikam.onmicrosoft.example",
    )
    org.person("board", "Runa Dahl", isManagementRestricted=True)
    big, hold = org.person("big", "Imre Wieland"), org.person("hold", "Vera Kovac")
    archive = org.person("archive", "Hugo Pires")
    info = org.person("info", "Fabrikam Information", licenses=(), accountEnabled=False)
    org.mailbox(info, RecipientTypeDetails="SharedMailbox")
    mailboxes = org.tenant.mailboxes
    mailboxes[big.id].total_item_size = 49 * GIB + 600_000_000
    mailboxes[hold.id].LitigationHoldEnabled = True
    mailboxes[hold.id].InPlaceHolds = [f"UniH{ident('hold')}"]
    mailboxes[archive.id].ArchiveStatus = "Active"
    mailboxes[archive.id].ArchiveGuid = ident("archive", archive.id)
    return org.person("helpdesk", "Tove Sandell", licenses=(EXCHANGE_PLAN_1,))


def large() -> Tenant:
    """Build a tenant that is large for this app: 2,000 mailboxes, 6,000 groups, 3,000 telephone numbers."""
    org = Organisation.found("large", "Large")
    cy = org.person("cy", "Cy Brandt")
    ada = org.person("ada", "Ada Castell", licenses=(), manager=cy.id)
    mira = org.person("mira", "Mira Okoro", licenses=(), jobTitle="Director", manager=cy.id)
    people = org.staff(2000)
    org.directory_role("Global Administrator", GLOBAL_ADMINISTRATOR, cy)
    leavers.everything(org, ada, cy, people)
    leavers.much(org, mira, cy, people)
    org.fill_groups(6000, people)
    _fill_numbers(org, 3000, people)
    return org.tenant


def _standard() -> list[Tenant]:
    customers = [contoso(), fabrikam(), hybrid.build()]
    return [*customers, partner.build(customers)]


def _small() -> list[Tenant]:
    customers = [contoso(), hybrid.build()]
    return [*customers, partner.build(customers)]


SEEDS: dict[str, Callable[[], list[Tenant]]] = {
    "standard": _standard,
    "small": _small,
    "large": lambda: [large()],
}


def build(name: str) -> dict[str, Tenant]:
    """Build the tenants of a seed, by tenant id."""
    return {tenant.id: tenant for tenant in SEEDS[name]()}
