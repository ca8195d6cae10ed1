"""What the people who leave have gathered over the years."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant import licensing
from dev.tenant.population import ace, calendar_entry, ident
from dev.tenant.skus import E3, ENTRA_P2, FLOW_FREE, POWER_BI, TEAMS_PHONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dev.tenant.messages import Json
    from dev.tenant.population import Organisation
    from dev.tenant.state import Tenant, User

PHONE_IDS = {
    "mobile": "3179e48a-750b-4051-897c-87b9720928f7",
    "alternateMobile": "b6332ec1-7057-4abe-9331-3d72feddfe41",
    "office": "e37fc753-ff3b-4958-9484-eaa9425c82bc",
}


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
    authenticator(ada)
    phone(ada, "mobile", "+1 5550100")
    phone(ada, "alternateMobile", "+1 5550177")
    method(ada, "fido2", model="Security key")
    org.number("+15550100", ada)
    rules(org.tenant, ada, 5)
    devices(org.tenant, ada, 2)
    mailbox.meetings = [
        meeting("Weekly planning", attendees=4, recurring=True),
        meeting("Design review", attendees=2),
        meeting("Focus time", attendees=0),
        meeting("Retrospective of last year", attendees=5, days=-200),
    ]
    _delegations(org.tenant, ada, people[30:36])
    for owner in people[40:45]:
        share_calendar(org.tenant, owner, ada)


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
    authenticator(mira)
    for index, kind in enumerate(PHONE_IDS):
        phone(mira, kind, f"+1 55502{index:02}")
    for kind in ("fido2", "softwareOath", "windowsHelloForBusiness", "email"):
        method(mira, kind)
    org.number("+15550300001", mira)
    org.number("+15550300002", mira).assignmentCategory = "alternate"
    rules(org.tenant, mira, 25)
    devices(org.tenant, mira, 4)
    mailbox.meetings = [meeting(f"Steering committee {index}", attendees=8, recurring=True) for index in range(12)]
    _delegations(org.tenant, mira, people[100:140])
    for owner in people[200:260]:
        share_calendar(org.tenant, owner, mira)


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


def _delegations(tenant: Tenant, ada: User, owners: Sequence[User]) -> None:
    """Give full access to the first third of the owners' mailboxes, send as to the next, send on behalf to the last."""
    third = len(owners) // 3
    for owner in owners[:third]:
        tenant.mailboxes[owner.id].permissions.append(ace(ada.id, ("FullAccess", "ReadPermission")))
    for owner in owners[third : 2 * third]:
        tenant.mailboxes[owner.id].send_as.append(ada.id)
    for owner in owners[2 * third :]:
        tenant.mailboxes[owner.id].GrantSendOnBehalfTo.append(ada.id)


def something(org: Organisation, bo: User, cy: User, people: Sequence[User]) -> None:
    """Give a leaver one or two of most things."""
    for index, kind in enumerate(("security", "team", "list")):
        org.group(f"bo-{kind}-{index}", f"Books {index}", kind, [bo, cy], owners=[cy.id])
    authenticator(bo)
    phone(bo, "mobile", "+1 5550102")
    rules(org.tenant, bo, 2)
    devices(org.tenant, bo, 1)
    org.tenant.mailboxes[bo.id].meetings = [meeting("Month end", attendees=3, recurring=True)]
    org.tenant.mailboxes[people[30].id].permissions.append(ace(bo.id))
    share_calendar(org.tenant, people[40], bo)


def method(user: User, kind: str, **facts: Json) -> str:
    """Register an authentication method, named as in its type: "fido2", "softwareOath"."""
    method_id = facts.pop("id", ident(user.id, kind))
    kind_name = f"#microsoft.graph.{kind}AuthenticationMethod"
    user.methods.append({"@odata.type": kind_name, "id": method_id, "createdDateTime": "2024-03-01T08:00:00Z", **facts})
    return method_id


def authenticator(user: User) -> None:
    """Register Microsoft Authenticator as the default method."""
    user.default_method = method(user, "microsoftAuthenticator", displayName="Phone", phoneAppVersion="6.2509.1")


def phone(user: User, kind: str, number: str) -> None:
    """Register a phone; the three kinds have fixed ids (phoneAuthenticationMethod on Learn)."""
    method(user, "phone", id=PHONE_IDS[kind], phoneType=kind, phoneNumber=number)


def rules(tenant: Tenant, user: User, count: int) -> None:
    """Write inbox rules, the last of them hidden, beside the rules that Exchange keeps for itself."""
    mailbox = tenant.mailboxes[user.id]
    names = [f"Sort {index}" for index in range(count - 1)] + ["Forward to private address"]
    own = ["Junk E-Mail Rule", "Microsoft.Exchange.OOF.AllExternalSenders.Global"]
    mailbox.rules = [
        {
            "RuleIdentity": int(ident(user.id, name).replace("-", "")[:15], 16),
            "Name": name,
            "Enabled": True,
            "hidden": name in own or name == names[-1],
        }
        for name in (*names, *own)
    ]


def devices(tenant: Tenant, user: User, count: int) -> None:
    """Give a user mobile devices."""
    mailbox = tenant.mailboxes[user.id]
    mailbox.devices = [
        {
            "Guid": ident(user.id, "device", index),
            "DeviceId": ident(user.id, "device id", index).replace("-", "").upper(),
            "FriendlyName": f"Outlook for iOS {index}",
            "DeviceType": "Outlook",
            "DeviceModel": "Outlook for iOS and Android",
        }
        for index in range(count)
    ]


def meeting(subject: str, *, attendees: int, recurring: bool = False, days: int = 30) -> dict[str, Any]:
    """Organise a meeting that many days from now; without attendees it is an appointment."""
    return {"subject": subject, "attendees": attendees, "recurring": recurring, "days": days, "cancelled": False}


def share_calendar(tenant: Tenant, owner: User, user: User) -> None:
    """Let a user see and change a colleague's calendar."""
    entry = calendar_entry(user.id, user.displayName, user.mail or "", role="write")
    tenant.mailboxes[owner.id].calendar.append({**entry, "id": ident(owner.id, "calendar", user.id)})
