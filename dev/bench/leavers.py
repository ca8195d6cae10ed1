"""How many requests to Microsoft 365 an offboarding costs: three leavers, beside what the incumbent needs for them.

Every action takes part that the incumbent has, but `disable_forwarding`, which excludes forwarding; only the heavy case
deletes the user. What the incumbent needs is counted without verification, because it has none, and without the nightly
refresh of its permission cache, which stands apart as our scans of a tenant do: they serve everybody who leaves it
within a day.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from dev.bench.offboarding import SCANNING, Meter, completed, offboard, selection, without_delays
from dev.tenant import seed

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.stack import Stack
    from dev.tenant.state import Tenant


@dataclass(frozen=True)
class Leaver:
    """Somebody who leaves, and the figures to compare with."""

    seed: str
    build: Callable[[], Tenant]
    id: str
    incumbent: int
    incumbent_cache: int
    """Requests of one refresh of the incumbent's permission cache: two for each mailbox, ten of them in a batch, twice
    (mailboxes and calendars)."""
    aim: int
    heirs: int = 1
    """How many are given the mailbox with automapping, and the OneDrive; where it is several, one more gets the mailbox
    without."""
    is_deleted: bool = False
    """Deletion excludes what the mailbox is needed for: it is an offboarding of its own, after the first."""


LEAVERS: Final = {
    "light": Leaver("small", seed.contoso, seed.LIA, incumbent=34, incumbent_cache=16, aim=28),
    "typical": Leaver("standard", seed.fabrikam, seed.ADA, incumbent=55, incumbent_cache=80, aim=36),
    "heavy": Leaver(
        "large", seed.large, seed.MIRA, incumbent=194, incumbent_cache=800, aim=68, heirs=2, is_deleted=True
    ),
}


def measure(stack: Stack, leaver: Leaver) -> dict[str, float]:
    """Offboard somebody of a tenant whose permissions were scanned for an earlier leaver; count the requests."""
    tenant = leaver.build()
    stack.simulator.reset(leaver.seed)
    without_delays(stack, tenant.id)
    # Ordinary staff come last, and hold nothing on other mailboxes.
    *_, first, second, other = staff = [user for user in tenant.mailboxes if user != leaver.id]
    heirs = staff[-3 - leaver.heirs : -3]
    whole = Meter(stack)
    cold, warm = (_requests(stack, tenant.id, user, SCANNING) for user in (first, second))
    services = _requests(stack, tenant.id, leaver.id, _comparable(selection(heirs, [other]), leaver))
    if leaver.is_deleted:
        services += _requests(stack, tenant.id, leaver.id, {"delete_user": True})
    return {
        "requests_graph": services["graph"],
        "requests_exchange": services["exchange"],
        "requests_sharepoint": services["sharepoint"],
        "requests": services.total(),
        "requests_aim": leaver.aim,
        "requests_of_incumbent": leaver.incumbent,
        "requests_of_cold_scans": cold.total() - warm.total(),
        "requests_of_incumbents_cache": leaver.incumbent_cache,
        "requests_for_tokens": sum(request["service"] == "login" for request in whole.microsoft()),
    }


def _comparable(selected: dict[str, Any], leaver: Leaver) -> dict[str, Any]:
    """Leave out what the compared figures do not hold: what the incumbent never does, a second list of heirs."""
    left_out = {
        *("grant_send_as", "grant_send_on_behalf"),
        *("remove_directory_roles", "remove_app_access", "hand_over_ownership", "disable_devices"),
        *(("grant_mailbox_access",) if leaver.heirs == 1 else ()),
    }
    return {name: params for name, params in selected.items() if name not in left_out}


def _requests(stack: Stack, tenant: str, user: str, actions: dict[str, Any]) -> Counter[str]:
    """Count an offboarding's requests to each service, from its submission to its end."""
    meter = Meter(stack)
    offboarding = offboard(stack, tenant, user, actions)
    made = meter.microsoft()
    completed(stack, offboarding)
    return Counter(request["service"] for request in made if request["service"] != "login")
