"""Offboardings that end, what they have to tell, and receivers that take it over real HTTP."""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet

import function_app
from activities import blueprint
from activities.attempt import Order
from activities.run import finish
from dev import certificate
from dev.host.clock import Clock
from dev.host.durable.inprocess import InProcessHub
from dev.memory_table import MemoryTable
from dev.sinks import Sinks
from dev.tenant import seed
from dev.tenant.process import Simulator
from orchestrators.offboard_user import offboard_user
from shared.actions.outcome import Outcome, StepState
from shared.actions.reads.snapshot import Person
from shared.app import services
from shared.app.settings import Settings
from shared.base import clock
from shared.jobs.records import Offboarding, Request, State, Step, Tenant
from shared.jobs.storage import keys
from shared.jobs.storage.store import Store
from shared.notifications import outbox
from shared.notifications.settings import destinations
from shared.notifications.settings.preferences import Preferences
from shared.offboarding.request import parsing
from shared.offboarding.request.submit import Submissions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shared.jobs.delivery import Delivery
    from shared.jobs.storage.table import Operation

START = datetime(2030, 1, 7, 9, tzinfo=UTC)
TICK = timedelta(minutes=1)
CLIENTS = {seed.FABRIKAM: "15", seed.CONTOSO: "12"}


class MortalTable(MemoryTable):
    """A table that can lose its writer, and tells how many transactions there were."""

    dies_on: str | None = None
    transactions = 0

    def transact(self, partition: str, operations: Sequence[Operation]) -> list[str]:
        self.transactions += 1
        row = next((o for o in operations if o.key.startswith("job|")), None)
        if self.dies_on and row and self.dies_on in json.dumps(getattr(row, "row", {})):
            self.dies_on = None
            raise KeyboardInterrupt
        return super().transact(partition, operations)


@dataclass
class Office:
    """The app in process, its settings, and its receivers."""

    app: services.Services
    sinks: Sinks
    clock: Clock
    jobs: MortalTable
    details: MemoryTable = field(default_factory=MemoryTable)

    def settings(self, tenant: str | None = None, **channels: Any) -> dict[str, Any]:
        return Preferences(self.app, tenant).put(destinations.parse_json(channels), "op@msp.example")

    def standard(self, **more: Any) -> dict[str, Any]:
        """Return a webhook that signs as Standard Webhooks."""
        signing = [self.sinks.keys["signing"]]
        url = f"{self.sinks.origin}/standard/hook"
        return {"id": "standard", "format": "standard", "url": url, "signing": signing, **more}

    def halo(self, **more: Any) -> dict[str, Any]:
        keys = {"client_id": self.sinks.keys["halo_id"], "client_secret": self.sinks.keys["halo_secret"]}
        return {
            "id": "halo",
            "system": "halopsa",
            "url": self.sinks.origin + "/halo",
            "clients": CLIENTS,
            **keys,
            **more,
        }

    def run(self, number: int = 1, outcomes: dict[str, Outcome] | None = None, **asked: Any) -> Offboarding:
        """Store an offboarding whose steps have all ended, as its run leaves it before it finishes."""
        outcomes = outcomes or {"disable_sign_in": Outcome.done, "remove_groups": Outcome.done}
        person = Person(f"00000000-0000-4000-8000-{number:012}", f"leaver{number}@fabrikam.example", f"Leaver {number}")
        defaults = {"notify": ("webhook",), "reference": "REF-7", "requested_by": "operator@msp.example"}
        asked = {**defaults, **asked}
        wanted = Request(Tenant(seed.FABRIKAM, "fabrikam.example"), person, {name: {} for name in outcomes}, **asked)
        new_id = keys.new_id(clock.now(), f"{number:020x}")
        planned = Offboarding(new_id, wanted, State.planned, clock.now(), wake_at=clock.now())
        self.app.store.add([planned.claimed(clock.now(), clock.now() + timedelta(minutes=10), number)])
        running = self.get(new_id)
        steps = [
            Step(name, 1, StepState.ended, outcome, "What came of it.", ended_at=clock.now())
            for name, outcome in outcomes.items()
        ]
        self.app.store.begin(running, self.app.store.details(new_id), [Step(name, 1) for name in outcomes])
        self.app.store.put_steps(new_id, steps)
        return running

    def finish(self, running: Offboarding) -> Offboarding:
        finish.finish_run(self.app, Order(running.id, running.run, 1, 0, last=False), None)
        return self.get(running.id)

    def deliver(self, offboarding: Offboarding) -> Offboarding:
        outbox.deliver_first(self.app, offboarding.id)
        return self.get(offboarding.id)

    def end(self, number: int = 1, outcomes: dict[str, Outcome] | None = None, **asked: Any) -> Offboarding:
        """Let an offboarding end and its run tell it."""
        return self.deliver(self.finish(self.run(number, outcomes, **asked)))

    def get(self, offboarding_id: str) -> Offboarding:
        found = self.app.store.get(offboarding_id)
        assert found is not None
        return found

    def only(self, offboarding: Offboarding) -> Delivery:
        (delivery,) = self.get(offboarding.id).deliveries
        return delivery

    def tick(self, after: timedelta = TICK) -> None:
        """Let time pass, and the timer do its work."""
        self.clock.advance(after)
        outbox.deliver_due(self.app, self.app.store.due(clock.now()))

    def pending(self) -> int:
        return sum(key.startswith("wake|") for key in self.jobs.keys("offboardings"))


@pytest.fixture(scope="session")
def sinks() -> Iterator[Sinks]:
    with Sinks.start() as running:
        yield running


@pytest.fixture(name="settings_of")
def _settings_of() -> Callable[..., Settings]:
    return settings_of


def settings_of(**more: str) -> Settings:
    return Settings.parse(
        {
            "OFFBOARDING_STORAGE": "in memory",
            "ACCESS_CHECK_AFTER": "",
            "PUBLIC_URL": "https://offboarding.example",
            "M365_TENANTS": f"{seed.FABRIKAM},{seed.CONTOSO},{seed.HYBRID}",
            "M365_CLIENT_ID": seed.CLIENT_ID,
            "NOTIFICATION_KEY": Fernet.generate_key().decode(),
            "ALLOW_LOOPBACK_WEBHOOKS": "true",
            **more,
        }
    )


@pytest.fixture
def office(sinks: Sinks) -> Iterator[Office]:
    """Return the app with empty storage and without Microsoft 365; time stands still until it is advanced."""
    assert function_app.app
    sinks.reset(check_time=False)
    time = Clock(source=lambda: START)
    clock.set_source(time.now)
    settings = settings_of(M365_CLIENT_SECRET="canary-of-the-app", NOTIFICATION_SECRET_ONE="canary-by-name")
    jobs, details = MortalTable(), MemoryTable()
    app = services.Services(settings, Store(jobs, details), services.connect(settings))
    yield Office(app, sinks, time, jobs, details)
    clock.set_source(clock.system_time)
    app.microsoft365.close()


@dataclass
class Lab(Office):
    """The same with Microsoft 365 and real runs."""

    hub: InProcessHub = None  # type: ignore[assignment]
    simulator: Simulator = None  # type: ignore[assignment]

    def submit(self, user: str, actions: dict[str, Any], **more: Any) -> Offboarding:
        body = {"tenant": "fabrikam.example", "users": [user], "actions": actions, **more}
        submission = parsing.parse(json.dumps(body).encode(), max_users=100)
        submitted = Submissions(self.app).submit(submission, "operator")
        for claimed in submitted.to_start:
            self.hub.start("offboard_user", claimed.instance_id, {"id": claimed.id, "run": claimed.run})
        return submitted.offboardings[0]

    def go(self) -> None:
        self.hub.run(random.Random(0).choice)


@pytest.fixture(scope="session")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulator, str]]:
    """Return the simulated Microsoft 365 and the app's certificate for it."""
    signed = certificate.keep(tmp_path_factory.mktemp("certificate"))
    folder = tmp_path_factory.mktemp("tenant")
    running = Simulator.start("--ca", str(folder), log=folder / "log.txt")
    running.app(certificate=signed.pem)
    before = os.environ.get("REQUESTS_CA_BUNDLE")
    os.environ["REQUESTS_CA_BUNDLE"] = running.ca
    yield running, signed.pfx
    running.stop()
    if before is None:
        del os.environ["REQUESTS_CA_BUNDLE"]
    else:
        os.environ["REQUESTS_CA_BUNDLE"] = before


@pytest.fixture
def lab(office: Office, tenant: tuple[Simulator, str]) -> Iterator[Lab]:
    simulator, pfx = tenant
    simulator.reset()
    settings = settings_of(
        M365_CERTIFICATE=pfx,
        GRAPH_URL=simulator.graph,
        EXCHANGE_URL=simulator.exchange,
        LOGIN_URL=simulator.login,
        SHAREPOINT_URL=simulator.sharepoint,
        MAIL_TENANT=seed.FABRIKAM,
        MAIL_SENDER="bo@fabrikam.example",
    )
    app = replace(office.app, settings=settings, microsoft365=services.connect(settings))

    def activity(name: str) -> Any:
        work = blueprint.activities()[name]
        return lambda order: work(app, Order.from_json(order), order)

    hub = InProcessHub({"offboard_user": offboard_user}, {name: activity(name) for name in blueprint.activities()})
    clock.set_source(hub.clock.now)
    yield Lab(app, office.sinks, hub.clock, office.jobs, office.details, hub, simulator)
    app.microsoft365.close()
