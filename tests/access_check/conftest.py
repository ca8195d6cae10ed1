"""Looking at what a person can still get at, in the simulated tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed
from shared.actions.reads.snapshot import Person
from shared.offboarding.access_check.look import look

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.lab import Lab
    from shared.offboarding.access_check.verdict import Check

    Look = Callable[..., Check]


@pytest.fixture
def looked(lab: Lab) -> Look:
    """Look at a person of Fabrikam; with `scanned`, after an offboarding that looked through all mailboxes."""

    def at(person: str = seed.ADA, tenant: str = seed.FABRIKAM, *, scanned: bool = False, **more: object) -> Check:
        if scanned:
            other = lab.simulator.arrange(tenant, "user", create={"alias": "earlier", "name": "Earlier"})
            lab.offboard(other, {"remove_mailbox_permissions": True, "remove_calendar_permissions": True})
        clients = lab.app.microsoft365.tenant(tenant)
        user = lab.simulator.state(tenant)["users"].get(person, {"userPrincipalName": "", "displayName": ""})
        who = Person(person, user["userPrincipalName"], user["displayName"])
        return look(who, clients, lab.app.store.known_scans(tenant), **more)[0]  # type: ignore[arg-type]

    return at
