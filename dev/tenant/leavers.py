"""What the people who leave have gathered over the years."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant import licensing
from dev.tenant.belongings import calendars, mailbox_rights, meetings, mobile_devices, rules, sign_in_methods
from dev.tenant.population import ace
from dev.tenant.skus import E3, ENTRA_P2, FLOW_FREE, POWER_BI, TEAMS_PHONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dev.tenant.population import Organisation
    from dev.tenant.state import User


def everything(org: Organisation, ada: User, cy: User, people: Sequence[User]) -> None:
    """Give a leaver all that the actions remove, in the figures of a typical case."""
    license_group = org.group(
        "license-e3",
        "License E3",
        members=[ada, *people[:20]],
        assignedLicenses=[{"skuId": E3.id, "disabledPlans": []}],
    )
    mailbox = org.mailbox(ada)
    org.site(ada)
    ada.licenseAssignmentStates += [licensing.assignment(sku.id) for sku in (TEAMS_PHONE, POWER_BI)]
    ada.licenseAssignmentStates.append(licensing.assignment(FLOW_FREE.id, state="Error"))
    _groups(org, ada, cy, people)
    org.group(
        "everyone",
        "Everyone",
        members=[ada, cy, *people],
        groupTypes=["DynamicMembership"],
        membershipRule='(user.userType -eq "Member")',
    )
    org.tenant.groups[license_group.id].description = "Gives Microsoft 365 E3"
    sign_in_methods.authenticator(ada)
    sign_in_methods.phone(ada, "mobile", "+1 5550100")
    sign_in_methods.phone(ada, "alternateMobile", "+1 5550177")
    sign_in_methods.method(ada, "fido2", model="Security key")
    org.number("+15550100", ada)
    rules.write(org.tenant, ada, 5)
    mobile_devices.pair(org.tenant, ada, 2)
    mailbox.meetings = [
        meetings.meeting("Weekly planning", attendees=4, recurring=True),
        meetings.meeting("Design review", attendees=2),
        meetings.meeting("Focus time", attendees=0),
        meetings.meeting("Retrospective of last year", attendees=5, days=-200),
    ]
    mailbox_rights.delegate(org.tenant, ada, people[30:36])
    for owner in people[40:45]:
        calendars.share(org.tenant, owner, ada)


def _groups(org: Organisation, ada: User, cy: User, people: Sequence[User]) -> None:
    kinds = ("security", "security", "security", "team", "team", "m365", "m365", "security")
    for index, kind in enumerate(kinds):
        org.group(f"ada-{kind}-{index}", f"Project {index}", kind, [ada, cy, people[index]], owners=[cy.id])
    for index, kind in enumerate(("list", "list", "mail_security")):
        org.group(f"ada-{kind}-{index}", f"Mailing {index}", kind, [ada, cy, people[index]], owners=[cy.id])


def much(org: Organisation, mira: User, cy: User, people: Sequence[User]) -> None:
    """Give a leaver what gathers over decades in a large organisation, in the figures of a heavy case."""
    for sku in (E3, POWER_BI, ENTRA_P2):
        name = f"license-mira-{sku.name.lower().replace('_', '-')}"
        licenses = [{"skuId": sku.id, "disabledPlans": []}]
        org.group(name, f"License {sku.name}", members=[mira, *people[:20]], assignedLicenses=licenses)
    mailbox = org.mailbox(mira)
    org.site(mira)
    mira.licenseAssignmentStates.append(licensing.assignment(TEAMS_PHONE.id))
    mira.onPremisesImmutableId = "bGVmdCBvdmVyIGZyb20gYSBzeW5j"
    _many_groups(org, mira, cy, people)
    sign_in_methods.authenticator(mira)
    for index, kind in enumerate(sign_in_methods.PHONE_IDS):
        sign_in_methods.phone(mira, kind, f"+1 55502{index:02}")
    for kind in ("fido2", "softwareOath", "windowsHelloForBusiness", "email"):
        sign_in_methods.method(mira, kind)
    org.number("+15550300001", mira)
    org.number("+15550300002", mira).assignmentCategory = "alternate"
    rules.write(org.tenant, mira, 25)
    mobile_devices.pair(org.tenant, mira, 4)
    mailbox.meetings = [
        meetings.meeting(f"Steering committee {index}", attendees=8, recurring=True) for index in range(12)
    ]
    mailbox_rights.delegate(org.tenant, mira, people[100:140])
    for owner in people[200:260]:
        calendars.share(org.tenant, owner, mira)


def _many_groups(org: Organisation, mira: User, cy: User, people: Sequence[User]) -> None:
    """Put a leaver into 90 groups that Graph removes from, 30 that Exchange does, and 7 that follow a rule."""
    for index in range(90):
        kind = ("security", "team", "m365")[index % 3]
        org.group(f"mira-{index}", f"Programme {index}", kind, [mira, cy, people[index]], owners=[cy.id])
    for index in range(30):
        kind = ("list", "mail_security")[index % 2]
        org.group(f"mira-mail-{index}", f"Circular {index}", kind, [mira, cy, people[index]], owners=[cy.id])
    for index in range(7):
        rule = f'(user.department -ne "Unit {index}")'
        members = [mira, cy, *people]
        dynamic = {"groupTypes": ["DynamicMembership"], "membershipRule": rule}
        org.group(f"all-but-{index}", f"All but unit {index}", members=members, **dynamic)


def something(org: Organisation, bo: User, cy: User, people: Sequence[User]) -> None:
    """Give a leaver one or two of most things."""
    for index, kind in enumerate(("security", "team", "list")):
        org.group(f"bo-{kind}-{index}", f"Books {index}", kind, [bo, cy], owners=[cy.id])
    sign_in_methods.authenticator(bo)
    sign_in_methods.phone(bo, "mobile", "+1 5550102")
    rules.write(org.tenant, bo, 2)
    mobile_devices.pair(org.tenant, bo, 1)
    org.tenant.mailboxes[bo.id].meetings = [meetings.meeting("Month end", attendees=3, recurring=True)]
    org.tenant.mailboxes[people[30].id].permissions.append(ace(bo.id))
    calendars.share(org.tenant, people[40], bo)
