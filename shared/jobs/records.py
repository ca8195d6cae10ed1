"""What is kept of an offboarding and its steps, independent of where it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from shared.actions.outcome import SETTLED_WELL, Outcome, StepState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from shared.access.scope import Authority
    from shared.actions.reads.snapshot import Person
    from shared.jobs.delivery import Delivery


class State(StrEnum):
    """Where an offboarding is in its life."""

    planned = "Planned"
    running = "Running"
    completed = "Completed"
    failed = "Failed"


class Reason(StrEnum):
    """Why an offboarding is `Failed`."""

    steps_failed = "steps_failed"
    cancelled = "cancelled"
    abandoned = "abandoned"
    refused = "refused"


class Kind(StrEnum):
    """What is done about the person."""

    offboarding = "offboarding"
    restoration = "restoration"


ENDED = frozenset({State.completed, State.failed})

MAX_EVENTS = 50

TOLD_BEFORE = timedelta(days=7)
"""How long before access ends people are told."""

SERVICE = "service"
"""Who is named where nobody but the app itself decided."""


@dataclass(frozen=True)
class Tenant:
    """The customer's tenant an offboarding happens in; `domain` is what the operator knows it by."""

    id: str
    domain: str


@dataclass(frozen=True)
class Request:
    """What was asked for one person: it never changes after submit."""

    tenant: Tenant
    person: Person
    actions: Mapping[str, Mapping[str, Any]]
    force: bool = False
    notify: tuple[str, ...] = ()
    reference: str = ""
    requested_by: str = ""
    ticket: str = ""
    """The number of a ticket in the PSA system that is told the result, instead of a new one."""
    restores: str = ""
    """The id of the offboarding whose changes are brought back; empty: this is one itself."""
    overwrite: bool = False
    """Of a restoration: bring back also what somebody changed since."""
    named: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the people are called whom `actions` name, by the id or address that they are named by there."""
    known_as: tuple[str, ...] = ()
    """Everything the person was known by when it was submitted, in lower case: names, addresses, the object id."""

    @property
    def kind(self) -> Kind:
        """What is done about the person."""
        return Kind.restoration if self.restores else Kind.offboarding

    def given_to(self, action: str) -> list[str]:
        """Return what the people are called to whom an action gives something."""
        to = self.actions.get(action, {}).get("to", [])
        return [self.named.get(one, one) for one in ([to] if isinstance(to, str) else to)]


@dataclass(frozen=True)
class Event:
    """What was decided about an offboarding: submitted, scheduled, run_now, retried, cancelled, resent, access_moved.

    By the service itself: claimed, recovered, access_ended, access_not_ended, access_open_again, and ended_completed or
    ended_ with the reason of the failure. `origin` is from which network addresses it was asked for, as the request
    came; empty where nothing said it.
    """

    at: datetime
    by: str
    what: str
    origin: str = ""


@dataclass(frozen=True)
class Access:
    """What one action of an offboarding gave to others, and when that ends; None: it stays.

    `is_told` says that nobody has to be told of the end beforehand, or was. `moved` is how often somebody moved it: so
    the end that failed and the same end set once more are two.
    """

    action: str
    until: datetime | None
    is_told: bool = True
    moved: int = 0

    @classmethod
    def ending(cls, action: str, until: datetime | None, now: datetime, moved: int = 0) -> Access:
        """Return what ends at a moment, of which people are told before where there is time for that."""
        return cls(action, until, is_told=until is None or until - TOLD_BEFORE <= now, moved=moved)

    @property
    def wake_at(self) -> datetime | None:
        """Return when somebody has to look at it next: to tell people, then to end it."""
        return self.until if self.until is None or self.is_told else self.until - TOLD_BEFORE


@dataclass(frozen=True)
class DueCheck:
    """When it is looked again whether the person still has access, and how often that failed already."""

    at: datetime
    tries: int = 0


@dataclass(frozen=True)
class AccessChecks:
    """The checks of whether the person still has access: those to come, and the moment of the last one.

    `count` is how many there were; what the last one found is kept with the details.
    """

    due: tuple[DueCheck, ...] = ()
    checked_at: datetime | None = None
    count: int = 0

    def checked(self, at: datetime) -> AccessChecks:
        """Return them after the check that was due first."""
        return AccessChecks(self.due[1:], at, self.count + 1)

    def put_off(self, until: datetime) -> AccessChecks:
        """Return them with the first one tried again later."""
        first, *rest = self.due
        return replace(self, due=(DueCheck(until, first.tries + 1), *rest))


@dataclass(frozen=True)
class Offboarding:
    """One person leaving one tenant: the job. Moments are aware and in UTC.

    `scheduled_for` is when it was due to run; where somebody ran it sooner, `planned_for` is when it was planned
    for. `wake_at` is when somebody has to look at it next; None once it has ended. `slot` is its place among the
    tenant's runs in flight. `traceparent` is where its trace began, for all that is done for it to go on with (W3C:
    "Trace Context"). `authority` is by what right it was last decided that it shall run. `etag` is the version that
    was read and guards every change.
    """

    id: str
    request: Request
    state: State
    requested_at: datetime
    scheduled_for: datetime | None = None
    planned_for: datetime | None = None
    reason: Reason | None = None
    message: str = ""
    run: int = 0
    recoveries: int = 0
    claimed_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    wake_at: datetime | None = None
    slot: int | None = None
    cancelled_by: str = ""
    receipt: str = ""
    events: tuple[Event, ...] = ()
    warnings: tuple[str, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    access: tuple[Access, ...] = ()
    checks: AccessChecks = AccessChecks()
    traceparent: str = ""
    authority: Authority | None = None
    etag: str = ""

    @property
    def instance_id(self) -> str:
        """The Durable instance of the current run."""
        return instance_id(self.id, self.run)

    @property
    def has_ended(self) -> bool:
        """Return whether no run will begin by itself any more."""
        return self.state in ENDED

    def is_waiting(self, now: datetime) -> bool:
        """Return whether it is due, but its tenant has as many runs in flight as it may have."""
        return self.state is State.planned and self.wake_at is not None and self.wake_at <= now

    def noted(self, now: datetime, by: str, what: str, origin: str = "") -> Offboarding:
        """Return it with one more event; the oldest are dropped, the first stays."""
        events = (*self.events, Event(now, by, what, origin))
        return replace(self, events=events if len(events) <= MAX_EVENTS else (events[0], *events[-MAX_EVENTS + 1 :]))

    def planned(self, due: datetime) -> Offboarding:
        """Return it as waiting for its moment."""
        return replace(
            self,
            state=State.planned,
            reason=None,
            message="",
            recoveries=0,
            ended_at=None,
            wake_at=due,
            slot=None,
            cancelled_by="",
            checks=replace(self.checks, due=()),
            deliveries=tuple(delivery.superseded(due) for delivery in self.deliveries),
        )

    def moved(self, scheduled_for: datetime | None, due: datetime) -> Offboarding:
        """Return it as planned for another moment."""
        return replace(self, scheduled_for=scheduled_for, planned_for=None, wake_at=due)

    def due_by(self, now: datetime) -> Offboarding:
        """Return it as due no later than now; the moment it was planned for stays in the record."""
        if self.scheduled_for is None or self.scheduled_for <= now:
            return self
        return replace(self, scheduled_for=now, planned_for=self.scheduled_for)

    def cancelled(self, by: str) -> Offboarding:
        """Return it as cancelled by somebody; a run in flight ends by itself."""
        return replace(self, cancelled_by=by)

    def claimed(self, now: datetime, look_again_at: datetime, slot: int) -> Offboarding:
        """Return it as taken by whoever starts its next run."""
        taken = replace(
            self,
            state=State.running,
            run=self.run + 1,
            claimed_at=now,
            started_at=self.started_at or now,
            wake_at=look_again_at,
            slot=slot,
        )
        return taken.noted(now, SERVICE, "recovered" if self.state is State.running else "claimed")

    def ended(self, now: datetime, reason: Reason | None, message: str = "") -> Offboarding:
        """Return it as ended: `Completed` without a reason, else `Failed`."""
        state = State.failed if reason else State.completed
        over = replace(self, state=state, reason=reason, message=message, ended_at=now, wake_at=None, slot=None)
        return over.noted(now, SERVICE, f"ended_{reason or 'completed'}")


@dataclass(frozen=True)
class Item:
    """One thing a step did something about: a group, a license, a rule."""

    id: str
    name: str
    outcome: Outcome
    message: str


@dataclass(frozen=True)
class Change:
    """A value that a step changed: `what` is a read and its property, such as `mailbox.RecipientTypeDetails`."""

    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Write:
    """A request that changes something, as an attempt at a step sent it.

    `at` is when the attempt was recorded. `status` is None where no answer came, so that it is not known whether the
    write was carried out.
    """

    at: datetime
    service: str
    operation: str
    target: str
    status: int | None
    client_request_id: str
    request_id: str


@dataclass(frozen=True)
class Step:
    """The record of one selected action inside one offboarding.

    `accepted` and `problems` carry the work between attempts: item ids Microsoft accepted a change of, and what it said
    of those it refused (item id -> [outcome, message]). `written_at` is when it last accepted one, `ended_at` when that
    was proved or given up. `writes` are those of this run's attempts; None where an older version has audited them.
    """

    name: str
    run: int
    state: StepState = StepState.waiting
    outcome: Outcome | None = None
    message: str = ""
    attempts: int = 0
    started_at: datetime | None = None
    updated_at: datetime | None = None
    written_at: datetime | None = None
    next_attempt_at: datetime | None = None
    ended_at: datetime | None = None
    items: tuple[Item, ...] = ()
    changes: tuple[Change, ...] = ()
    blocked_by: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    problems: Mapping[str, tuple[Outcome, str]] = field(default_factory=dict[str, tuple[Outcome, str]])
    request_ids: tuple[str, ...] = ()
    writes: tuple[Write, ...] | None = ()
    etag: str = ""

    @property
    def has_ended(self) -> bool:
        """Return whether it has an outcome."""
        return self.state is StepState.ended

    @property
    def is_settled(self) -> bool:
        """Return whether later runs leave it alone."""
        return self.outcome in SETTLED_WELL

    @property
    def changed_items(self) -> dict[str, str]:
        """The items it changed something about, id -> name."""
        return {item.id: item.name for item in self.items if item.outcome is Outcome.done}

    @property
    def has_changed(self) -> bool:
        """Return whether it changed something in the tenant."""
        return self.outcome is Outcome.done or bool(self.changes or self.changed_items)


def reason_of(steps: Iterable[Step]) -> Reason | None:
    """Return why an offboarding with these steps has failed, or None where every one is settled well."""
    return None if all(step.is_settled for step in steps) else Reason.steps_failed


@dataclass(frozen=True)
class Wake:
    """An offboarding that has to be looked at; with a `destination`, a message about it that has to be delivered.

    `run` is the run in flight; 0 where none is, or where an older version stored it.
    """

    id: str
    tenant_id: str
    is_planned: bool
    due_at: datetime
    destination: str = ""
    run: int = 0
    access: str = ""
    """The action that gave what ends now."""
    is_check: bool = False
    """Whether it has to be looked whether the person still has access."""

    @property
    def is_run(self) -> bool:
        """Return whether a run has to be started or looked after."""
        return not self.destination and not self.access and not self.is_check

    def is_waiting_in(self, tenant_id: str) -> bool:
        """Return whether it is a due offboarding of the tenant that waits for room."""
        return self.is_planned and self.is_run and self.tenant_id == tenant_id

    @property
    def instance_id(self) -> str:
        """The Durable instance of the run in flight; empty where none is known."""
        return instance_id(self.id, self.run) if self.run else ""


def instance_id(offboarding_id: str, run: int) -> str:
    """Return the Durable instance of a run; no id is ever used twice."""
    return f"{offboarding_id}-{run}"
