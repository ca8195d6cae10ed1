"""Who leaves in the demonstration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant import seed

if TYPE_CHECKING:
    from dev.tenant.process import Simulator

TENANT, COLLEAGUE, OTHER = seed.FABRIKAM, seed.CY, seed.HELPDESK
_KNOWN = (seed.ADA, seed.BO)


def prepare(simulator: Simulator, number: int) -> list[str]:
    """Return the ids of so many leavers, who have something for every action to find."""
    made = [f"leaver{n}" for n in range(1, number - len(_KNOWN) + 1)]
    leavers = [*_KNOWN[:number], *(simulator.arrange(TENANT, "user", create={"alias": alias}) for alias in made)]
    simulator.arrange(TENANT, "user", user=leavers[0], set={"onPremisesImmutableId": "bGVmdCBvdmVyIGZyb20gYSBzeW5j"})
    for leaver in leavers[1:]:
        simulator.arrange(TENANT, "mailbox", mailbox=leaver, set={"ForwardingAddress": COLLEAGUE})
    return leavers
