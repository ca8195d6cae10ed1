"""Who leaves in the demonstration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant import seed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dev.tenant.process import Simulator

TENANT, COLLEAGUE, OTHER = seed.FABRIKAM, seed.CY, seed.HELPDESK
_KNOWN = (seed.ADA, seed.BO)


def prepare(simulator: Simulator, shares: Sequence[Iterable[str]]) -> list[str]:
    """Return the ids of leavers, one for each share of the actions, who have what these actions take away."""
    made = [f"leaver{n}" for n in range(1, len(shares) - len(_KNOWN) + 1)]
    new = (simulator.arrange(TENANT, "user", create={"alias": alias}) for alias in made)
    leavers = [*_KNOWN[: len(shares)], *new]
    for leaver, actions in zip(leavers, shares, strict=True):
        simulator.arrange(TENANT, "belongings", user=leaver, actions=list(actions))
    return leavers
