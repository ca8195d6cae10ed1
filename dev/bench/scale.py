"""What everything costs in requests to storage, and that it costs the same however many offboardings have ended."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from dev.bench.offboarding import AT_ONCE, SCANNING, Meter, completed, offboard, selection, submit, without_delays
from dev.processes import StackError
from dev.stack import TENANTS
from dev.tenant import seed
from dev.tenant.population import ident
from shared.actions.reads.snapshot import Person
from shared.app import services
from shared.app.services import Services
from shared.app.settings import Settings
from shared.base import clock
from shared.jobs.records import Offboarding, Request, State, Tenant
from shared.jobs.storage import azure_table, keys
from shared.jobs.storage.store import Store
from shared.offboarding.lifecycle import watch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from dev.stack import Stack

SIZES: Final = (1_000, 100_000)
_BATCH: Final = 50
"""An ended offboarding is two rows, and a transaction takes 100."""
_WRITERS: Final = 2
_BETWEEN: Final = timedelta(minutes=5)
"""From the end of one offboarding to the end of the next: the most that are measured with fit into the retention."""
_DUE: Final = 10
_PAGE: Final = 50
_SUBMITTED: Final = (1, 20, 100)
_LATER: Final = timedelta(days=300)
_SCAN: Final = quote(keys.scan_partition(seed.FABRIKAM, ""), safe="")
AIMS: Final = {
    "idle_tick": 1,
    f"tick_with_{_DUE}_due": 1 + 3 * _DUE,
    f"page_of_{_PAGE}": 2,
    f"page_of_{_PAGE}_of_a_tenant": 2,
    "details": 3,
    **{f"submit_of_{users}": 2 + math.ceil(users / 20) for users in _SUBMITTED},
    "typical_offboarding": 60,
    "typical_offboarding_besides_scans": 60,
}
"""Scans are read by everybody who leaves a tenant within a day, and counted apart at Microsoft 365, too."""


def measure(stack: Stack) -> dict[str, float]:
    """Count everything with few and with many ended offboardings; many over few should be 1."""
    now = clock.now()
    _prepare(stack)
    counts: list[dict[str, int]] = []
    stored = 0
    for size in SIZES:
        _store_ended(stack, now, range(stored, size))
        stored = size
        counts.append(_Count(stack).everything())
    return compared(counts[0], counts[1])


def compared(few: dict[str, int], many: dict[str, int]) -> dict[str, float]:
    """Set the counts of the two sizes side by side, with their ratio and the most that was aimed at."""
    return {
        name: figure
        for what, aim in AIMS.items()
        for name, figure in (
            (f"{what}_at_{SIZES[0]}", few[what]),
            (f"{what}_at_{SIZES[1]}", many[what]),
            (f"{what}_ratio", round(many[what] / few[what], 2)),
            (f"{what}_aim", aim),
        )
    }


def _prepare(stack: Stack) -> None:
    """Scan the tenant: what that costs is shared by all who leave within a day."""
    completed(stack, offboard(stack, seed.FABRIKAM, seed.BO, SCANNING))


def _store_ended(stack: Stack, now: datetime, numbers: Sequence[int]) -> None:
    """Write ended offboardings as the store would, without living through them."""
    stores = [_connect(stack) for _ in range(_WRITERS)]

    def write(first: int) -> None:
        batch = numbers[first : first + _BATCH]
        stores[first // _BATCH % _WRITERS].add([ended(number, now) for number in batch])

    with ThreadPoolExecutor(_WRITERS) as threads:
        list(threads.map(write, range(0, len(numbers), _BATCH)))


def ended(number: int, now: datetime) -> Offboarding:
    """Return an offboarding that was completed the earlier, the higher its number."""
    moment = now - (number + 1) * _BETWEEN
    tenant = Tenant(TENANTS[number % len(TENANTS)], "ended.example")
    person = Person(ident("ended", number), f"ended{number}@ended.example", f"Ended {number}")
    request = Request(tenant, person, {"disable_sign_in": {}}, requested_by="bench")
    return Offboarding(keys.new_id(moment), request, State.completed, moment, started_at=moment, ended_at=moment, run=1)


def _connect(stack: Stack) -> Store:
    settings = _settings(stack)
    return Store(azure_table.connect(settings, "offboardings"), azure_table.connect(settings, "offboardingdetails"))


def _settings(stack: Stack) -> Settings:
    return Settings.parse(
        {
            "OFFBOARDING_STORAGE": stack.storage.connection_string,
            "PUBLIC_URL": stack.api,
            "M365_TENANTS": ",".join(TENANTS),
            "M365_CLIENT_ID": seed.CLIENT_ID,
            "M365_CLIENT_SECRET": seed.CLIENT_SECRET,
            "MAX_RUNS_PER_TENANT": str(AT_ONCE),
            "MAX_PER_TENANT_AND_HOUR": "10000",
        }
    )


class _Count:
    """Counts requests to storage, with whatever is stored at this moment.

    Ticks are made in this process, on the stack's storage: in the host, the runs that they start would count, too.
    """

    def __init__(self, stack: Stack) -> None:
        settings = _settings(stack)
        self._stack = stack
        self._app = Services(settings, _connect(stack), services.connect(settings))
        self._office = Tenant(ident("bench"), "bench.example")

    def everything(self) -> dict[str, int]:
        """Count all that there are aims for."""
        stack = self._stack
        counts = {
            "idle_tick": self._count(lambda: watch.wake(self._app)),
            f"tick_with_{_DUE}_due": self._tick(),
            f"page_of_{_PAGE}": self._page(""),
            f"page_of_{_PAGE}_of_a_tenant": self._page(f"&tenant={seed.FABRIKAM}"),
            **{f"submit_of_{users}": self._submission(users) for users in _SUBMITTED},
        }
        stack.simulator.reset()
        without_delays(stack, seed.FABRIKAM)
        made: list[str] = []
        everything = selection([seed.CY], [seed.HELPDESK])
        table = self._requests(lambda: made.append(offboard(stack, seed.FABRIKAM, seed.ADA, everything)))
        counts["typical_offboarding"] = len(table)
        counts["typical_offboarding_besides_scans"] = sum(_SCAN not in request for request in table)
        counts["details"] = self._count(lambda: completed(stack, made[0]))
        return counts

    def _count(self, do: Callable[[], object]) -> int:
        return len(self._requests(do))

    def _requests(self, do: Callable[[], object]) -> list[str]:
        meter = Meter(self._stack)
        do()
        return meter.storage()

    def _tick(self) -> int:
        store, now = self._app.store, clock.now()
        due = [self._planned(number, now) for number in range(_DUE)]
        store.add(due)
        claimed: list[Offboarding] = []
        count = self._count(lambda: claimed.extend(watch.wake(self._app)))
        if len(claimed) != _DUE:
            raise StackError(f"{_DUE} offboardings were due, and {len(claimed)} were started.")
        for one in claimed:
            current = store.get(one.id)
            if current:
                store.change(current, current.ended(now, None))
        return count

    def _planned(self, number: int, now: datetime) -> Offboarding:
        person = Person(ident("due", number), f"due{number}@bench.example", f"Due {number}")
        request = Request(self._office, person, {"disable_sign_in": {}}, requested_by="bench")
        return Offboarding(keys.new_id(now), request, State.planned, now, wake_at=now)

    def _page(self, more: str) -> int:
        found: list[Any] = []

        def ask() -> None:
            answer = self._stack.get(f"/api/offboardings?limit={_PAGE}{more}")
            answer.raise_for_status()
            found.extend(answer.json()["items"])

        count = self._count(ask)
        if len(found) != _PAGE:
            raise StackError(f"A page of {_PAGE} offboardings has {len(found)}.")
        return count

    def _submission(self, users: int) -> int:
        """Count a submission for later, so that no run counts, too; then take it back."""
        people = list(seed.fabrikam().mailboxes)[-users:]
        made: list[str] = []
        later = {"scheduled_for": clock.to_text(clock.now() + _LATER)}
        action = {"disable_sign_in": True}
        count = self._count(lambda: made.extend(submit(self._stack, seed.FABRIKAM, people, action, **later)))
        self._stack.post("/api/offboardings/bulk", {"action": "delete", "ids": made}).raise_for_status()
        return count
