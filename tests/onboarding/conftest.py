"""The app in process with one tenant, signing in as a test wants it to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

import function_app
from dev.memory_table import MemoryTable
from dev.tenant import seed
from shared.app import services
from shared.app.settings import Settings
from shared.jobs.storage.store import Store
from shared.offboarding.onboarding import check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.certificate import Certificate
    from dev.tenant.process import Simulator
    from shared.offboarding.onboarding.report import ActionState, AudienceState, Report

assert function_app.app


@dataclass
class Site:
    """The app, and the simulated Microsoft 365 that it works in."""

    simulator: Simulator
    signed: Certificate
    nowhere: str = "99999999-0000-4000-8000-000000000000"
    """A tenant that is in the settings and that Microsoft does not know."""
    _apps: list[services.Services] = field(default_factory=list)

    def app(self, **credential: str) -> services.Services:
        settings = Settings.parse(
            {
                "OFFBOARDING_STORAGE": "in memory",
                "PUBLIC_URL": "https://offboarding.example",
                "M365_TENANTS": f"{seed.FABRIKAM},{self.nowhere}",
                "M365_CLIENT_ID": seed.CLIENT_ID,
                "GRAPH_URL": self.simulator.graph,
                "EXCHANGE_URL": self.simulator.exchange,
                "LOGIN_URL": self.simulator.login,
                "SHAREPOINT_URL": self.simulator.sharepoint,
                **(credential or {"M365_CERTIFICATE": self.signed.pfx}),
            }
        )
        made = services.Services(settings, Store(MemoryTable(), MemoryTable()), services.connect(settings))
        self._apps.append(made)
        return made

    def close(self) -> None:
        for app in self._apps:
            app.microsoft365.close()

    def check(self, app: services.Services | None = None, tenant: str = seed.FABRIKAM) -> Checked:
        """Check the tenant; by default as an app with a certificate that has just started."""
        before = self.simulator.requests()
        report = check.check(app or self.app(), tenant)
        return Checked(report, self.simulator.requests(before[-1]["n"] if before else 0))

    def revoke(self, permission: str, api: str = "graph") -> None:
        self.simulator.arrange(seed.FABRIKAM, "revoke_permission", permission=permission, api=api)

    def revoke_exchange_role(self) -> None:
        self.simulator.arrange(seed.FABRIKAM, "revoke_entra_role", role="Exchange Administrator")

    def grant(self, permission: str, api: str = "graph") -> None:
        self.simulator.arrange(seed.FABRIKAM, "grant_permission", permission=permission, api=api)

    def refuse_sign_in(self, number: int) -> None:
        """Have every token request refused with an AADSTS number."""
        body = {"error": "unauthorized_client", "error_description": f"AADSTS{number}: No. Trace ID: 1"}
        self.simulator.faults([{"service": "login", "match": "token", "kind": "status", "status": 400, "body": body}])


@dataclass
class Checked:
    """A report, and what was asked for it."""

    report: Report
    requests: list[dict[str, Any]]

    def audience(self, api: str) -> AudienceState:
        return next(state for state in self.report.audiences if state.audience == api)

    def action(self, name: str) -> ActionState:
        return next(state for state in self.report.actions if state.name == name)

    @property
    def not_ready(self) -> set[str]:
        return {state.name for state in self.report.actions if not state.ready}

    @property
    def asked(self) -> list[str]:
        """The services that were called besides the sign-in."""
        return sorted(sent["service"] for sent in self.requests if sent["service"] != "login")

    @property
    def tokens(self) -> int:
        return sum(sent["service"] == "login" and sent["method"] == "POST" for sent in self.requests)


@pytest.fixture
def site(simulator: Simulator, signed: Certificate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", simulator.ca)
    simulator.reset()
    simulator.app(certificate=signed.pem)
    site = Site(simulator, signed)
    yield site
    site.close()
    assert [sent for sent in simulator.requests() if sent["refused"]] == []
