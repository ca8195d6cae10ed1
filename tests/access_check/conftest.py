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
    """Look at a person of Fabrikam; the tenant's mailboxes are looked through to the end before."""

    def at(person: str = seed.ADA, tenant: str = seed.FABRIKAM, *, scans: int = 20, **more: object) -> Check:
        clients = lab.app.microsoft365.tenant(tenant)
        user = lab.simulator.state(tenant)["users"].get(person, {"userPrincipalName": "", "displayName": ""})
        who = Person(person, user["userPrincipalName"], user["displayName"])
        for _ in range(scans):
            check, _ = look(who, clients, lab.app.store.scans(tenant), **more)  # type: ignore[arg-type]
        return check

    return at
