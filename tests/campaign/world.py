"""A world in which anything may happen between any two requests of the app, and happens again from the same seed.

The app is real: its services, activities, orchestrator and clients, Durable's replay engine, and the simulated
Microsoft 365 behind HTTP. Hosts, storage, messages and time belong to the world. Every request to storage or Microsoft
is preceded by a `pause`, at which the host may be killed, or something else may happen first: another delivery of the
same activity, the timer of another host, an operator. So what was read may be stale by the time something is written.
"""

from __future__ import annotations

import json
import random
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import activities
from activities import blueprint
from activities.attempt import Order
from dev.host.durable.engine import InstanceExistsError
from dev.host.durable.inprocess import InProcessHub
from dev.host.durable.model import InstanceEndedError, UnknownInstanceError
from dev.memory_table import MemoryTable
from dev.tenant import seed as seeds
from orchestrators.offboard_user import offboard_user
from shared.actions import catalogue, plan
from shared.actions.outcome import SETTLED_WELL
from shared.app.services import Services
from shared.app.settings import Settings
from shared.base import clock
from shared.base.problems import RefusedError
from shared.jobs.records import State
from shared.jobs.storage import audit, keys, rows
from shared.jobs.storage.store import PARTITION, Store
from shared.jobs.storage.table import ConflictError, Delete, Replace
from shared.microsoft365.cloud import Endpoints, Microsoft365
from shared.microsoft365.http.transport import Transport
from shared.microsoft365.tokens import Credential
from shared.offboarding.lifecycle import access_checks, watch
from shared.offboarding.lifecycle.operations import Operations
from shared.offboarding.request import parsing
from shared.offboarding.request.submit import Submissions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dev.host.durable.inprocess import Work
    from dev.tenant.process import Simulator
    from shared.jobs.details import Details
    from shared.jobs.records import Offboarding
    from shared.jobs.storage.table import Operation, Page, Row
    from shared.microsoft365.http.messages import Access, Request, Response, SentRequest
    from shared.offboarding.lifecycle.operations import OperationResult

activities.import_all()

MINUTE = timedelta(minutes=1)
MOST_STEPS = 20_000


class Killed(BaseException):
    """The host ends here. Nothing in the app may catch it, as nothing catches kill -9."""


class WorkerDied(Killed):
    """The worker alone ends here, with everything that runs on it: the host lives, and fails what was under way."""


class UnansweredError(Exception):
    """The storage did not answer, and nobody knows whether it wrote."""


class Cloud:
    """The simulated Microsoft 365, and the app's clients on it: they outlive a world, because signing in takes time."""

    def __init__(self, simulator: Simulator, certificate: str) -> None:
        self.simulator = simulator
        self._certificate = certificate
        self.transport = _Transport()
        self.microsoft365 = self.connect(self.transport)

    def connect(self, transport: Transport) -> Microsoft365:
        where = self.simulator
        endpoints = Endpoints(where.graph, where.exchange, where.login, where.sharepoint)
        return Microsoft365(endpoints, Credential(seeds.CLIENT_ID, certificate=self._certificate), transport)

    def settings(self, **changed: str) -> Settings:
        where = self.simulator
        return Settings.parse(
            {
                "OFFBOARDING_STORAGE": "in memory",
                "ACCESS_CHECK_AFTER": "",
                "PUBLIC_URL": "https://offboarding.example",
                "MAX_PER_TENANT_AND_HOUR": "1000",
                "M365_TENANTS": f"{seeds.FABRIKAM},{seeds.CONTOSO},{seeds.HYBRID}",
                "M365_CLIENT_ID": seeds.CLIENT_ID,
                "M365_CERTIFICATE": self._certificate,
                "GRAPH_URL": where.graph,
                "EXCHANGE_URL": where.exchange,
                "LOGIN_URL": where.login,
                "SHAREPOINT_URL": where.sharepoint,
                **changed,
            }
        )

    def enter(self, world: World) -> None:
        """Let a world's moments pass between the requests of the clients."""
        self.transport.world = world

    def leave(self) -> None:
        self.transport.world = None

    def close(self) -> None:
        self.microsoft365.close()


class _Transport(Transport):
    """The app's own transport; its short waits pass in virtual time."""

    world: World | None = None

    def __init__(self) -> None:
        super().__init__(sleep=self._wait)

    def send(self, request: Request, access: Access | None = None, log: list[SentRequest] | None = None) -> Response:
        if self.world is None or request.service == "login":  # tokens are kept from one world to the next
            return super().send(request, access, log)
        if threading.current_thread() is threading.main_thread():  # reads go side by side: nothing comes in between
            self.world.pause()
        self.world.about_to_send(request)
        return super().send(request, access, log)

    def _wait(self, seconds: float) -> None:
        if self.world:
            self.world.hub.clock.advance(timedelta(seconds=seconds))


class FaultyTable(MemoryTable):
    """Table Storage on a bad day: it may not answer, though it wrote or not, and may refuse what it has just written.

    The last happens where the SDK repeats a write that had timed out and another writer came in between.
    """

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self.apart = 0
        """How many of the requests were polls, or belong to the scans that a tenant's offboardings share."""

    def get(self, partition: str, key: str) -> Row | None:
        self.apart += partition.startswith("scan|") or self._world.is_polling
        self._world.pause()
        self._world.strike("storage_read", UnansweredError)
        return super().get(partition, key)

    def range(self, partition: str, low: str, high: str, limit: int | None = None) -> Page:
        self.apart += partition.startswith("scan|") or self._world.is_polling
        self._world.pause()
        self._world.strike("storage_read", UnansweredError)
        return super().range(partition, low, high, limit)

    def transact(self, partition: str, operations: Sequence[Operation]) -> list[str]:
        self.apart += partition.startswith("scan|") or self._world.is_polling
        self._world.pause()
        self._world.strike("storage_before", UnansweredError)
        etags = super().transact(partition, operations)
        self._world.written(self, partition, operations)
        self._world.strike("storage_after", UnansweredError)
        if any(_may_be_refused(operation) for operation in operations):
            self._world.strike("own_conflict", ConflictError)
        return etags

    def peek(self, partition: str, low: str = "", high: str = "~") -> list[Row]:
        """Read without being noticed."""
        rows = MemoryTable.range(self, partition, low, high).rows
        self.requests -= 1
        return rows


def _may_be_refused(operation: Operation) -> bool:
    """Return whether anybody could write in between so that a repetition of this is refused."""
    return bool(operation.etag) if isinstance(operation, Replace) else not operation.key.startswith(keys.AUDIT)


@dataclass
class Odds:
    """How likely each fault is, at each of its occasions; 0 for those that a seed leaves out."""

    kill: float = 0
    meanwhile: float = 0
    storage_read: float = 0
    storage_before: float = 0
    storage_after: float = 0
    own_conflict: float = 0
    lost_result: float = 0
    twice: float = 0
    start_lost: float = 0
    start_late: float = 0
    start_twice: float = 0
    history_lost: float = 0
    event_lost: float = 0
    worker_dies: float = 0

    @classmethod
    def drawn(cls, rng: random.Random) -> Odds:
        """Draw some kinds of faults, rare enough that most runs get somewhere."""
        most = {
            "kill": 0.03,
            "meanwhile": 0.2,
            "start_lost": 0.3,
            "start_late": 0.3,
            "start_twice": 0.2,
            "history_lost": 0.03,
            "lost_result": 0.15,
            "twice": 0.3,
            "event_lost": 0.5,
            "worker_dies": 0.03,
        }
        return cls(
            **{name: rng.uniform(0, most.get(name, 0.04)) for name in cls.__dataclass_fields__ if rng.random() < 0.5}
        )


_WORKERS: Final = 2
"""Processes that share the storage, and nothing of what each remembers."""


@dataclass
class Delivery:
    """One call of an activity; `is_settled` tells what the record of its step said as it began."""

    offboarding: str
    name: str
    attempt: int
    is_settled: bool


@dataclass
class World:
    """One seed's world. `tenant` is the domain that its people leave."""

    cloud: Cloud
    rng: random.Random
    tenant: str = "contoso.example"
    odds: Odds = field(default_factory=Odds)
    room: int = 3
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.jobs, self.details = FaultyTable(self), FaultyTable(self)
        settings = self.cloud.settings(MAX_RUNS_PER_TENANT=str(self.room), **self.settings)
        self.workers = [
            Services(settings, Store(self.jobs, self.details), self.cloud.microsoft365) for _ in range(_WORKERS)
        ]
        self.app = self.workers[0]
        self.next_worker = random.Random(self.room)
        functions = {name: self._activity(name) for name in blueprint.activities()} | {"start_next": self._start_next}
        self.hub = InProcessHub({"offboard_user": offboard_user}, functions)
        clock.set_source(self.hub.clock.now)
        self.moments = 0
        self.kill_at: int | None = None
        self.worker_dies_at: int | None = None
        self.killed = 0
        self.struck = 0
        self.depth = 0
        self.deeds: list[tuple[datetime, Callable[[], None]]] = []
        self.next_tick = self.now
        self.in_flight: list[Work] = []
        self.deliveries: list[Delivery] = []
        self.wrong: list[str] = []
        self.settled: set[tuple[str, str]] = set()
        self.recorded: dict[str, set[tuple[int | None, str, str]]] = {}
        """What each offboarding's rows have ever said of writes and ends: run, step, and request id or outcome."""
        self.begun: list[str] = []
        self.before: dict[str, list[dict[str, Any]]] = {}
        """The tenant at the submission of each offboarding, and at every claim until a step of it began."""
        self.under_way: set[str] = set()
        self.deleted: set[str] = set()
        self.seen: dict[str, Offboarding] = {}
        """Every offboarding there ever was, those that were deleted included."""
        self.leavers: set[str] = set()
        self.at_first = self.state()
        self.cloud.enter(self)

    @property
    def is_polling(self) -> bool:
        """Return whether an activity that was called before is at work."""
        return bool(self.deliveries) and self.deliveries[-1].attempt > 1

    @property
    def now(self) -> datetime:
        return self.hub.clock.now()

    # What may go wrong

    def pause(self) -> None:
        """Pass a moment between two requests of the app."""
        self.moments += 1
        if self.moments == self.kill_at or self.rng.random() < self.odds.kill:
            self.killed += 1
            raise Killed
        if self.moments == self.worker_dies_at or self._strikes(self.odds.worker_dies):
            self.let_worker_die()
        if self.depth < 2 and self.rng.random() < self.odds.meanwhile:
            self.depth += 1
            try:
                self._something_else()
            finally:
                self.depth -= 1

    def strike(self, fault: str, error: type[Exception]) -> None:
        if self.rng.random() < getattr(self.odds, fault):
            self.struck += 1
            raise error(fault)

    def let_worker_die(self) -> None:
        """Have the host fail everything that is under way on the worker."""
        self.killed += 1
        for work in self.in_flight:
            self.hub.fail(work)
        raise WorkerDied

    def _strikes(self, odds: float) -> bool:
        """Draw; nothing is drawn for what cannot happen, so that older seeds keep their course."""
        return bool(odds) and self.rng.random() < odds

    def calm_down(self) -> None:
        """Let nothing go wrong any more."""
        self.odds = Odds()
        self.cloud.simulator.faults([])

    def _something_else(self) -> None:
        """Let another host, another thread or an operator do something first; it may die of it alone."""
        choices: list[Callable[[], None]] = [self.tick]
        choices += [lambda work=work: self.execute(work) for work in [*self.hub.ready(), *self.in_flight]]
        choices += [lambda deed=deed: self._do(deed) for deed in self._due_deeds()]
        with self.survived():
            self.rng.choice(choices)()

    @contextmanager
    def survived(self) -> Iterator[None]:
        """Carry on where a host died, or the storage did not answer, as other hosts and later ticks do."""
        deliveries = len(self.deliveries)
        try:
            yield
        except (Killed, UnansweredError) as end:
            del self.deliveries[deliveries:]
            if isinstance(end, WorkerDied) and self.depth:
                raise  # what it came in between ran on the same worker

    # What the hosts do

    def tick(self) -> None:
        """Do what the timer does every minute."""
        due = self.app.store.due(self.now)
        instances = self.hub.instances(one.instance_id for one in due if one.run)
        self.pause()
        for claimed in watch.wake(self.app, due, instances):
            self.start(claimed)
        access_checks.look_due(self.app, due)

    def start(self, claimed: Offboarding) -> None:
        """Send the message that starts a run: it may be lost, late or sent twice."""
        self.begun.append(claimed.instance_id)
        if self.rng.random() < self.odds.start_lost:
            return
        if self.rng.random() < self.odds.start_late:
            late = self.now + timedelta(minutes=self.rng.choice([1, 12, 60]))
            self.deeds.append((late, lambda: self._start(claimed)))
            return
        self._start(claimed)
        if self.rng.random() < self.odds.start_twice:
            self._start(claimed)

    def _start(self, claimed: Offboarding) -> None:
        try:
            self.hub.start("offboard_user", claimed.instance_id, {"id": claimed.id, "run": claimed.run})
        except InstanceExistsError:
            return

    def follow_up(self, done: OperationResult) -> None:
        if done.to_start:
            self.start(done.to_start)
        if done.to_wake and self.rng.random() >= self.odds.event_lost:
            try:
                self.hub.raise_event(done.to_wake.instance_id, "cancel")
            except (UnknownInstanceError, InstanceEndedError):
                return

    def execute(self, work: Work) -> None:
        """Let the hub do something; results may be lost, deliveries come twice, whole histories vanish."""
        if self.rng.random() < self.odds.history_lost:
            self.hub.engine.store.forget(work.instance_id)
            return
        self.in_flight.append(work)
        try:
            if work.kind == "turn" and self._strikes(self.odds.worker_dies):
                self.let_worker_die()
            self.hub.execute(
                work,
                record=self.rng.random() >= self.odds.lost_result,
                deliveries=2 if self.rng.random() < self.odds.twice else 1,
            )
        except (LookupError, UnknownInstanceError):
            return  # done and recorded, or forgotten, by somebody else in the meantime
        finally:
            self.in_flight.remove(work)

    def _activity(self, name: str) -> Callable[[dict[str, Any]], Any]:
        work = blueprint.activities()[name]

        def run(order: dict[str, Any]) -> Any:
            delivery = Delivery(order["id"], name, order.get("attempt", 1), (order["id"], name) in self.settled)
            self.deliveries.append(delivery)
            try:
                return work(self.next_worker.choice(self.workers), Order.from_json(order), order)
            except UnansweredError:
                raise
            except Exception as error:
                self.wrong.append(f"{name} broke: {type(error).__name__}: {error}")
                raise
            finally:
                if delivery in self.deliveries:
                    self.deliveries.remove(delivery)

        return run

    def _start_next(self, order: dict[str, Any]) -> None:
        """Do what the activity with a Durable client does: claim, and then send the messages."""
        claimed = watch.wake_next(self.app, order["tenant"])
        self.pause()
        for one in claimed:
            self.start(one)

    # What people do

    def submit(self, users: list[str], actions: dict[str, Any], key: str | None = None, **more: Any) -> list[str]:
        """Submit through the parser of the API and start what is due; returns the ids."""
        body = {"tenant": self.tenant, "users": users, "actions": actions, **more}
        submission = parsing.parse(request_bytes(body), max_users=100)
        submitted = Submissions(self.app).submit(submission, "operator", key)
        for claimed in submitted.to_start:
            self.start(claimed)
        return [offboarding.id for offboarding in submitted.offboardings]

    def perform(self, operation: str, offboarding: str) -> None:
        self.follow_up(Operations(self.app, "op").perform(operation, offboarding))  # type: ignore[arg-type]

    def at(self, moment: timedelta, deed: Callable[[], None]) -> None:
        """Have somebody do something so long after the present moment."""
        self.deeds.append((self.now + moment, deed))

    # How time passes

    def run(self, until: datetime | None = None) -> None:
        """Let everything happen that can, in a seeded order, until all has ended or a moment has come."""
        for _ in range(MOST_STEPS):
            if until and self.now >= until:
                return
            ready = [*self.hub.ready(), *self._due_deeds()]
            if self.now >= self.next_tick:
                ready.append(None)
            if ready:
                self._happen(self.rng.choice(ready))
            elif not self._pass_time(until):
                return
        raise AssertionError("The world has not come to rest.")

    def _happen(self, one: Any) -> None:
        with self.survived():
            if one is None:
                self.next_tick = self.now.replace(second=0, microsecond=0) + MINUTE
                self.tick()
            elif isinstance(one, tuple):
                self._do(one)
            else:
                self.execute(one)

    def _do(self, deed: tuple[datetime, Callable[[], None]]) -> None:
        self.deeds.remove(deed)
        with suppress(RefusedError):
            deed[1]()

    def _due_deeds(self) -> list[tuple[datetime, Callable[[], None]]]:
        return [deed for deed in self.deeds if deed[0] <= self.now]

    def _pass_time(self, until: datetime | None) -> bool:
        """Move time to the next thing that can happen; False where nothing is left to happen."""
        if not self.deeds and all(one.has_ended for one in self.offboardings()) and not self.hub.engine.next_due():
            return False
        moments = [self.next_tick, *(moment for moment, _ in self.deeds)]
        due = self.hub.engine.next_due()
        if due:
            moments.append(datetime.fromisoformat(due))
        if until:
            moments.append(until)
        self.hub.advance(max(min(moments) - self.now, timedelta()))
        return True

    # What is seen of it

    def offboardings(self) -> list[Offboarding]:
        return [rows.to_offboarding(row) for row in self.jobs.peek(PARTITION, keys.JOB, keys.JOB + "~")]

    def details_of(self, offboarding: str) -> Details:
        with self.undisturbed():
            return self.app.store.details(offboarding)

    def audit_of(self, offboarding: str) -> audit.Audit | None:
        with self.undisturbed():
            store = self.app.store
            return audit.read(store.audited(offboarding), store.get(offboarding), store.deletion(offboarding))

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        before = self.odds, self.kill_at, self.worker_dies_at
        self.odds, self.kill_at, self.worker_dies_at = Odds(), None, None
        yield
        self.odds, self.kill_at, self.worker_dies_at = before

    def state(self) -> dict[str, Any]:
        return self.cloud.simulator.state(self.tenant)

    def about_to_send(self, request: Request) -> None:
        delivery = self.deliveries[-1] if self.deliveries else None
        if delivery and delivery.is_settled and request.is_write:
            self.wrong.append(f"{delivery.name} was settled and wrote again: {request.method} {request.url}")

    def written(self, table: FaultyTable, partition: str, operations: Sequence[Operation]) -> None:
        """Look at every write: no row may ever be left behind or be missing, not even for a moment."""
        if table is self.details:
            for operation in operations:
                if not isinstance(operation, Delete):
                    self._noted(partition, operation.row)
            return
        for operation in operations:
            kind, _, name = operation.key.partition("|")
            if kind == "job" and isinstance(operation, Delete):
                self.deleted.add(name)
            elif kind == "job" and name not in self.under_way:
                self.before.setdefault(name, []).append(self.state())
        found = self.offboardings()
        self.seen |= {one.id: one for one in found}
        derived = {key for one in found for key in rows.of(one)}
        stays = ("key|", "deleted|", "decided|")
        kept = {k for k in table.keys(PARTITION) if not k.startswith(stays) and not k.endswith("|!cap")}
        if kept != derived:
            self.wrong.append(f"rows left behind {sorted(kept - derived)}, rows missing {sorted(derived - kept)}")
        running = sum(one.state is State.running for one in found)
        if running > self.room:
            self.wrong.append(f"{running} runs in flight where {self.room} have room")

    def _noted(self, offboarding: str, row: Row) -> None:
        if row.get("outcome") in SETTLED_WELL:
            self.settled.add((offboarding, row["name"]))
        if row.get("attempts"):
            self.under_way.add(offboarding)
        if "attempts" in row:
            self._recorded(offboarding, row["run"], row["name"], rows.joined(row), row["outcome"])
        elif row.get("what") == "attempt":
            self._recorded(offboarding, row["run"], row["step"], rows.joined(row), "")

    def _recorded(self, offboarding: str, run: int, step: str, work: str, outcome: str) -> None:
        """Remember that storage has writes or the end of a step: from now on the audit record tells of them."""
        known = self.recorded.setdefault(offboarding, set())
        known.update((run, step, client_request_id) for *_, client_request_id, _ in json.loads(work)["writes"])
        known |= {(run, step, outcome)} if outcome else set()


def parameters(colleague: str, other: str) -> dict[str, Any]:
    """Return what the actions with parameters are asked to do, so that `dev.demo.expectations` can tell if it is so."""
    return {
        "forward_email": {"to": colleague, "keep_copy": True},
        "set_out_of_office": {"internal": "I have left the company.", "external": "I have left the company."},
        "grant_mailbox_access": {"to": [other]},
        "grant_mailbox_access_automap": {"to": [colleague]},
        "grant_onedrive_access": {"to": [colleague]},
        "grant_send_as": {"to": [colleague]},
        "grant_send_on_behalf": {"to": [colleague, other]},
        "hand_over_ownership": {"to": colleague},
    }


def everything(colleague: str, other: str) -> dict[str, Any]:
    """Return all actions but the deletion, as far as they do not exclude each other."""
    asked = parameters(colleague, other)
    chosen: dict[str, Any] = {}
    for name in [*asked, *catalogue.all_actions()]:
        if name != "delete_user" and not plan.make({**chosen, name: {}}).refusals:
            chosen[name] = asked.get(name, True)
    return chosen


def request_bytes(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()
