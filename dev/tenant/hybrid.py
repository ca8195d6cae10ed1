"""The tenant whose accounts are mastered on-premises."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from dev.tenant.belongings import meetings, mobile_devices, rules, sign_in_methods
from dev.tenant.population import GLOBAL_ADMINISTRATOR, Organisation, ident
from dev.tenant.skus import BUSINESS_PREMIUM

if TYPE_CHECKING:
    from dev.tenant.state import Tenant


def build() -> Tenant:
    """Build the tenant."""
    org = Organisation.found("hybrid", "Hybrid", onPremisesSyncEnabled=True, teams_phone=False)
    admin = org.person("admin", "Hybrid Administrator", licenses=())
    sven = org.person("sven", "Sven Novotny", licenses=(BUSINESS_PREMIUM,), **_synced("sven"))
    signe = org.person("signe", "Signe Aalto", licenses=(BUSINESS_PREMIUM,), **_synced("signe"))
    cleo = org.person("cleo", "Cleo Ferrer", licenses=(BUSINESS_PREMIUM,))
    org.person("lars", "Lars Okoro", licenses=(BUSINESS_PREMIUM,), onPremisesImmutableId=_anchor("lars"))
    people = org.staff(15, licenses=(BUSINESS_PREMIUM,))
    org.directory_role("Global Administrator", GLOBAL_ADMINISTRATOR, admin)
    org.group("on-premises", "On-premises group", members=[sven, signe], onPremisesSyncEnabled=True)
    org.group("on-premises-list", "On-premises list", "list", [sven, signe], onPremisesSyncEnabled=True)
    org.group("cloud", "Cloud group", members=[sven, cleo])
    org.group("project", "Project", "team", [sven, signe, cleo], owners=[signe.id])
    sign_in_methods.authenticator(sven)
    rules.write(org.tenant, sven, 1)
    mobile_devices.pair(org.tenant, sven, 1)
    org.tenant.mailboxes[sven.id].meetings = [meetings.meeting("Stand-up", attendees=3, recurring=True)]
    org.tenant.mailboxes[signe.id].GrantSendOnBehalfTo.append(sven.id)
    org.fill_groups(20, people)
    return org.tenant


def _synced(alias: str) -> dict[str, Any]:
    return {"onPremisesSyncEnabled": True, "onPremisesImmutableId": _anchor(alias)}


def _anchor(alias: str) -> str:
    return base64.b64encode(ident("anchor", alias)[:16].encode()).decode()
