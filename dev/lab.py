"""The app in process: the real clients, activities and orchestrator, against the simulated tenant over HTTP."""

from __future__ import annotations

import json
import random
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import function_app
from activities import blueprint
from activities.attempt import Order
from dev.host.durable.inprocess import InProcessHub
from dev.memory_table import MemoryTable
from dev.tenant import seed
from orchestrators.offboard_user import offboard_user
from shared.app import services
from shared.app.settings import Settings
from shared.base import clock
from shared.jobs import judgement
from shared.jobs.storage.store import Store
from shared.jobs.storage.table import Delete
from shared.offboarding.lifecycle import access_checks, watch
from shared.offboarding.lookup import Lookup
from shared.offboarding.request import parsing
from shared.offboarding.request.submit import Submissions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dev.host.durable.inprocess import Work
    from dev.tenant.process import Simulator
    from shared.jobs.records import Offboarding, Step
    from shared.jobs.storage.table import Operation

FABRIKAM = "fabrikam.example"
_TENANTS = (seed.FABRIKAM, seed.CONTOSO, seed.HYBRID, seed.MSP, seed.LARGE)


class MortalTable(MemoryTable):
    """A table whose writer dies, once, on the way to recording what came of the step `dies_at`."""

    dies_at: str | None = None

    def transact(self, partition: str, operations: Sequence[Operation]) -> list[str]:
        """Write, or die."""
        for operation in operations:
            if isinstance(operation, Delete) or operation.key != f"step|{self.dies_at}":
                continue
            if operation.row["state"] not in {"waiting", "running"}:
                self.dies_at = None
                raise RuntimeError("The host was killed.")
        return super().transact(partition, operations)


@dataclass
class Result:
    """How an offboarding ended."""

    offboarding: Offboarding
    steps: dict[str, Step]
    requests: list[dict[str, Any]]

    def outcome(self, name: str) -> str | None:
        """Return the outcome of a step."""
        return self.steps[name].outcome

    def message(self, name: str) -> str:
        """Return what a step says of itself."""
        return judgement.told(self.steps[name].message, self.steps[name].items)

    def items(self, name: str) -> dict[str, str]:
        """Return the outcomes of a step's items by their names."""
        return {item.name: item.outcome for item in self.steps[name].items}

    def writes(self) -> list[str]:
        """Return what was asked to be changed, batched or not: "DELETE /users/...", "Remove-InboxRule"."""
        calls = [call for sent in self.requests if sent["service"] != "login" for call in sent["items"] or [sent]]
        named = [call.get("cmdlet") or f"{call['method']} {call['url']}" for call in calls]
        return [name for name in named if not name.startswith(("GET ", "Get-"))]

    def count(self, service: str) -> int:
        """Count the requests to a service."""
        return Counter(sent["service"] for sent in self.requests)[service]


@dataclass
class Lab:
    """The app in process, and the tenants it works in."""

    simulator: Simulator
    app: services.Services
    hub: InProcessHub
    jobs: MemoryTable = field(default_factory=MemoryTable)
    details: MortalTable = field(default_factory=MortalTable)

    def submit(self, user: str, actions: dict[str, Any], tenant: str = FABRIKAM, **more: object) -> Offboarding:
        """Submit one person's offboarding through the parser of the API and start what is due."""
        body = {"tenant": tenant, "users": [user], "actions": actions, **more}
        submission = parsing.parse(json.dumps(body).encode(), max_users=100)
        submitted = Submissions(self.app).submit(submission, "operator")
        for claimed in submitted.to_start:
            self.start(claimed)
        return submitted.offboardings[0]

    def start(self, claimed: Offboarding) -> None:
        """Start the run of a claimed offboarding."""
        self.hub.start("offboard_user", claimed.instance_id, {"id": claimed.id, "run": claimed.run})

    def tick(self) -> None:
        """Do what the timer does but for messages: start what is due, and look for access that is left."""
        due = self.app.store.due(clock.now())
        for claimed in watch.wake(self.app, due):
            self.start(claimed)
        access_checks.look_due(self.app, due)

    def wake(self) -> list[Offboarding]:
        """Do what the timer does, up to the start of the runs and the messages; return what is to be started."""
        due = self.app.store.due(clock.now())
        return watch.wake(self.app, due, self.hub.instances(one.instance_id for one in due if one.run))

    def run(self, order: int = 0) -> None:
        """Let everything happen that can, in an order that `order` seeds."""
        self.hub.run(random.Random(order).choice)  # noqa: S311 - an order that repeats

    def offboard(
        self, user: str, actions: dict[str, Any], tenant: str = FABRIKAM, *, order: int = 0, **more: object
    ) -> Result:
        """Offboard one person to the end; `order` seeds the order in which things happen."""
        before = self.simulator.requests()
        offboarding = self.submit(user, actions, tenant, **more)
        self.run(order)
        return self.result(offboarding.id, before[-1]["n"] if before else 0)

    def offboard_killed(self, at: str, user: str, actions: dict[str, Any], tenant: str = FABRIKAM) -> Result:
        """Offboard one person; the host dies between the last write of the step `at` and its record, and comes back."""
        before = self.simulator.requests()
        offboarding = self.offboard_until_killed(at, user, actions, tenant)
        self.hub.crash()
        self.run()
        return self.result(offboarding.id, before[-1]["n"] if before else 0)

    def offboard_until_killed(self, at: str, user: str, actions: dict[str, Any], tenant: str = FABRIKAM) -> Offboarding:
        """Offboard one person until the host dies between the last write of the step `at` and its record."""
        offboarding = self.submit(user, actions, tenant)
        self.details.dies_at = at
        while self.details.dies_at:
            work = self.next_work()
            self.hub.execute(work, record=work.name != at)
        return offboarding

    def next_work(self) -> Work:
        """Return what happens next, when its time has come."""
        while not (ready := self.hub.ready()):
            if not self.hub.advance():
                raise RuntimeError("Nothing is left that could happen.")
        return ready[0]

    def another_process(self) -> services.Services:
        """Return the app as another process has it: the same storage, and nothing of what this one remembers."""
        return replace(self.app, store=Store(self.jobs, self.details))

    def result(self, offboarding_id: str, since: int = 0) -> Result:
        """Return how an offboarding stands, and the requests after a number."""
        offboarding, details = Lookup(self.app).details(offboarding_id)
        return Result(offboarding, details.steps, self.simulator.requests(since))

    def user(self, user_id: str, tenant: str = FABRIKAM) -> dict[str, Any]:
        """Return an account as it is in the tenant now."""
        return self.simulator.state(tenant, part="users", id=user_id)

    def mailbox(self, user_id: str, tenant: str = FABRIKAM) -> dict[str, Any]:
        """Return a mailbox as it is in the tenant now."""
        return self.simulator.state(tenant, part="mailboxes", id=user_id)


class Laboratory:
    """Where one app after another is opened in process, against the same simulated Microsoft 365.

    The clients outlive each app: reading the certificate and opening connections takes longer than most tests. Their
    tokens do not, because they name what a tenant allows the app.
    """

    def __init__(self, simulator: Simulator, pfx: str) -> None:
        """Take what is simulated, and the app's certificate, which the simulation knows."""
        if not function_app.app:
            raise RuntimeError("function_app.py registers the actions.")
        self._simulator = simulator
        self._pfx = pfx
        self._microsoft365 = services.connect(self._settings())

    def close(self) -> None:
        """Close the connections."""
        self._microsoft365.close()

    @contextmanager
    def opened(self, **settings: str) -> Iterator[Lab]:
        """Return the app with fresh tenants and empty storage; its hub tells the time.

        Unless the settings say so, no run looks for access that is left: what it asks is not what an action costs.
        """
        self._simulator.reset()
        for tenant in _TENANTS:
            self._microsoft365.forget_tokens(tenant)
        jobs, details = MemoryTable(), MortalTable()
        app = services.Services(self._settings(**settings), Store(jobs, details), self._microsoft365)

        def activity(name: str) -> Any:  # noqa: ANN401 - whatever the hub calls
            work = blueprint.activities()[name]
            return lambda order: work(lab.app, Order.from_json(order), order)

        def start_next(order: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever the hub calls
            for claimed in watch.wake_next(lab.app, order["tenant"]):
                lab.start(claimed)

        functions = {name: activity(name) for name in blueprint.activities()} | {"start_next": start_next}
        hub = InProcessHub({"offboard_user": offboard_user}, functions)
        clock.set_source(hub.clock.now)
        lab = Lab(self._simulator, app, hub, jobs, details)
        try:
            yield lab
        finally:
            clock.set_source(clock.system_time)

    def _settings(self, **settings: str) -> Settings:
        return Settings.parse(
            {
                "ACCESS_CHECK_AFTER": "",
                "OFFBOARDING_STORAGE": "in memory",
                "PUBLIC_URL": "https://offboarding.example",
                "M365_TENANTS": f"{seed.FABRIKAM},{seed.CONTOSO},{seed.HYBRID}",
                "M365_CLIENT_ID": seed.CLIENT_ID,
                "M365_CERTIFICATE": self._pfx,
                "GRAPH_URL": self._simulator.graph,
                "EXCHANGE_URL": self._simulator.exchange,
                "LOGIN_URL": self._simulator.login,
                "SHAREPOINT_URL": self._simulator.sharepoint,
                **settings,
            }
        )
