"""The services of the pickers in process, as a partner sees them: one tenant of its own, and GDAP customers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from dev.memory_table import MemoryTable
from dev.tenant import seed
from shared.app import services
from shared.app.settings import Settings
from shared.base import clock
from shared.jobs.storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.tenant.process import Simulator


@pytest.fixture
def partner(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[services.Services]:
    """The app with empty storage and fresh tenants; hybrid.example is in the settings, the others are customers."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", simulator.ca)
    simulator.reset()
    settings = Settings.parse(
        {
            "OFFBOARDING_STORAGE": "in memory",
            "PUBLIC_URL": "https://offboarding.example",
            "M365_TENANTS": seed.HYBRID,
            "M365_PARTNER_TENANT": seed.MSP,
            "M365_CLIENT_ID": seed.CLIENT_ID,
            "M365_CLIENT_SECRET": seed.CLIENT_SECRET,
            "GRAPH_URL": simulator.graph,
            "EXCHANGE_URL": simulator.exchange,
            "LOGIN_URL": simulator.login,
            "SHAREPOINT_URL": simulator.sharepoint,
        }
    )
    app = services.Services(settings, Store(MemoryTable(), MemoryTable()), services.connect(settings))
    yield app
    app.microsoft365.close()


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 9, tzinfo=UTC)

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def hands() -> Iterator[Hands]:
    hands = Hands()
    clock.set_source(lambda: hands.now)
    yield hands
    clock.set_source(clock.system_time)


@pytest.fixture
def alone(partner: services.Services) -> services.Services:
    """The same app without a partner's tenant."""
    return replace(partner, settings=replace(partner.settings, partner_tenant=""))
