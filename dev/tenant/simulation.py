"""The simulation as a whole: its tenants, its app registration, its faults, and what it keeps across restarts.

Services handle a request in one go on the event loop's thread, never awaiting in between: that is the lock under
which state changes. Waiting (latency, faults) happens outside, so that requests overlap.
"""

from __future__ import annotations

import functools
import json
import os
import pickle
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dev.tenant import seed as seeds
from dev.tenant import state
from dev.tenant.faults import Faults
from dev.tenant.recorder import Recorder
from dev.tenant.tokens import SigningKey

if TYPE_CHECKING:
    from pathlib import Path

    from dev.tenant.state import Tenant


@dataclass
class App:
    """The app registration; it lives in no customer's tenant, so a reset leaves it alone."""

    secret: str = seeds.CLIENT_SECRET
    certificates: list[str] = field(default_factory=list)
    token_seconds: int = 3600


@functools.cache
def _seeded(seed: str) -> bytes:
    return pickle.dumps(seeds.build(seed))


def _fresh(seed: str) -> dict[str, Tenant]:
    """Build the tenants of a seed; reading back what was built once is several times faster than building again."""
    return pickle.loads(_seeded(seed))  # noqa: S301 - written by this process


class Simulation:
    """All that the services share."""

    def __init__(self, seed: str = "standard", file: Path | None = None) -> None:
        self.file = file
        self.dirty = False
        self.app = App()
        self.latency: dict[str, float] = {}
        self.recorder = Recorder()
        self.faults = Faults()
        self.mailbox_writes: Counter[tuple[str, str]] = Counter()
        self.seed = seed
        self.tenants: dict[str, Tenant] = {}
        if file and file.exists():
            self._load(file)
        else:
            self.key = SigningKey()
            self.tenants = _fresh(seed)

    def reset(self, seed: str | None = None) -> None:
        """Go back to the beginning; only the app registration and the signing key stay, so that tokens remain good."""
        self.seed = seed or self.seed
        self.tenants = _fresh(self.seed)
        self.latency = {}
        self.recorder = Recorder()
        self.faults = Faults()
        self.mailbox_writes = Counter()
        self.dirty = True

    def tenant(self, name: str) -> Tenant | None:
        """Find a tenant by id or by one of its domains."""
        wanted = name.casefold()
        return self.tenants.get(wanted) or next(
            (tenant for tenant in self.tenants.values() if wanted in {tenant.domain, tenant.initial_domain}), None
        )

    def tenant_of_host(self, host: str) -> Tenant | None:
        """Find the tenant that a SharePoint host belongs to."""
        name = host.casefold().split(".")[0]
        for tenant in self.tenants.values():
            if name in {tenant.sharepoint, f"{tenant.sharepoint}-my", f"{tenant.sharepoint}-admin"}:
                return tenant
        return None

    def save(self) -> None:
        """Write everything that outlives the process; a reader finds the old file or the new one, never half of one."""
        self.dirty = False
        if self.file is None:
            return
        plain: dict[str, Any] = {
            "seed": self.seed,
            "key": self.key.pem(),
            "app": vars(self.app),
            "tenants": [state.dump(tenant) for tenant in self.tenants.values()],
        }
        self.file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps(plain), encoding="utf-8")
        os.replace(fresh, self.file)  # noqa: PTH105 - replaces on every platform

    def _load(self, file: Path) -> None:
        plain = json.loads(file.read_text(encoding="utf-8"))
        self.seed = plain["seed"]
        self.key = SigningKey(plain["key"])
        self.app = App(**plain["app"])
        self.tenants = {part["id"]: state.load(part) for part in plain["tenants"]}
