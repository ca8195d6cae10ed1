"""Bringing back what an offboarding changed: what would come back, and storing the restoration that does it.

A restoration is a job like an offboarding, with the same record, claims, runs and messages; its steps are those of the
offboarding that changed something, and it keeps with it what was there first and how it was left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from shared.access.scope import EVERYTHING, Scope
from shared.actions import catalogue, plan, restoration
from shared.actions.catalogue import View
from shared.actions.reads.perform import perform
from shared.actions.reads.snapshot import Snapshot
from shared.base import clock
from shared.base.problems import Problem, RefusedError, refused
from shared.jobs import judgement
from shared.jobs.records import Kind, Offboarding, Request, State
from shared.jobs.storage import keys, snapshots
from shared.offboarding.lookup import Lookup
from shared.offboarding.request import schedule
from shared.offboarding.request.submit import Submissions
from shared.offboarding.tenants import people, protection
from shared.offboarding.tenants.tenants import Tenants

if TYPE_CHECKING:
    from datetime import datetime

    from shared.actions.outcome import Finding
    from shared.actions.plan import Plan
    from shared.app.services import Services
    from shared.jobs.details import Details
    from shared.microsoft365.cloud import TenantClients

_AFTER_THE_ACCOUNT: Final = "Known once the account is back."


@dataclass(frozen=True)
class Wish:
    """What is asked for: the steps to bring back, None for all that changed something, and how to go about it."""

    steps: tuple[str, ...] | None = None
    scheduled_for: datetime | None = None
    notify: tuple[str, ...] = ()
    reference: str = ""
    overwrite: bool = False


@dataclass(frozen=True)
class Restorable:
    """A step that can be asked for, and what a look at the tenant says of it: findings without an outcome come back."""

    name: str
    findings: tuple[Finding, ...]
    message: str


@dataclass(frozen=True)
class Planned:
    """What a restoration would do, in the order in which it would."""

    original: Offboarding
    plan: Plan
    steps: tuple[Restorable, ...]


class Restorations:
    """Restorations in the tenants an operator may see: what lies outside of their scope does not exist."""

    def __init__(self, services: Services, operator: str, scope: Scope = EVERYTHING) -> None:
        self._services = services
        self._lookup = Lookup(services, scope)
        self._submissions = Submissions(services, scope)
        self._tenants = Tenants(services, scope)
        self._operator = operator
        self._scope = scope

    def plan(self, offboarding_id: str, wish: Wish) -> Planned:
        """Look at the tenant once and say what would come back; writes nothing. Raises `RefusedError` like `submit`."""
        original, details = self._lookup.details(offboarding_id)
        names = _chosen(original, details, wish)
        self._refuse_forbidden(original, names)
        made = plan.make_back(names)
        clients = self._services.microsoft365.tenant(original.request.tenant.id, within=people.ANSWER_WITHIN_SECONDS)
        found = _look(original, details, names, wish, clients)
        return Planned(original, made, tuple(found[node.name] for node in made.steps))

    def submit(self, offboarding_id: str, wish: Wish, identity: tuple[datetime, str] | None = None) -> Offboarding:
        """Store a restoration, claimed for its first run if it is due and the tenant has room.

        With an `identity`, a moment and 32 or more hexadecimal digits, a repetition returns what the first one stored.

        Raises:
            RefusedError: 403 more than the operator may do, or their own account; 404 no such offboarding; 409 it has
                not ended, is a restoration itself, changed nothing, or the person has a job under way; 422 a step that
                changed nothing; 429 more than a tenant may have in an hour. Nothing was stored.
        """
        now = clock.now()
        schedule.refuse_past(wish.scheduled_for, now)
        new_id = keys.new_id(*identity) if identity else keys.new_id(now)
        if identity and (known := self._services.store.get(new_id)):
            return known
        original, details = self._lookup.details(offboarding_id)
        names = _chosen(original, details, wish)
        self._refuse_forbidden(original, names)
        request = Request(
            tenant=original.request.tenant,
            person=original.request.person,
            actions={name: original.request.actions[name] for name in names},
            notify=wish.notify,
            reference=wish.reference,
            requested_by=self._operator,
            restores=original.id,
            overwrite=wish.overwrite,
            known_as=original.request.known_as,
        )
        new = Offboarding(
            id=new_id,
            request=request,
            state=State.planned,
            requested_at=now,
            scheduled_for=wish.scheduled_for,
            warnings=schedule.remarks_on(wish.scheduled_for, now),
            wake_at=max(wish.scheduled_for or now, now),
            authority=self._scope.authority,
        )
        return self._submissions.store(
            [new.noted(now, self._operator, "submitted", self._scope.origin)], frozenset(), None
        )[0]

    def _refuse_forbidden(self, original: Offboarding, names: tuple[str, ...]) -> None:
        self._tenants.resolve(original.request.tenant.id)
        self._scope.check_actions(names)
        protection.refuse_own(original.request, self._scope.own_names, self._operator)


def _chosen(original: Offboarding, details: Details, wish: Wish) -> tuple[str, ...]:
    """Return the steps to bring back, in the order in which they were asked for then; raises `RefusedError`."""
    if original.request.kind is Kind.restoration:
        raise refused(409, "is_restoration", "This is a restoration; only an offboarding can be restored.")
    if not original.has_ended:
        text = f"The offboarding is {original.state}. Wait for its end, or cancel it."
        raise refused(409, "not_ended", text)
    changed = [name for name in original.request.actions if name in details.steps and details.steps[name].has_changed]
    if not changed:
        raise refused(409, "nothing_to_restore", "The offboarding changed nothing.")
    wanted = set(changed if wish.steps is None else wish.steps)
    problems = [
        Problem("steps", f"{name}: {'changed nothing' if name in details.steps else 'is no step of this offboarding'}.")
        for name in sorted(wanted - set(changed))
    ]
    if problems:
        raise RefusedError(422, "invalid_request", problems)
    return tuple(name for name in changed if name in wanted and name in catalogue.all_actions())


def _look(
    original: Offboarding, details: Details, names: tuple[str, ...], wish: Wish, clients: TenantClients
) -> dict[str, Restorable]:
    """Ask what the run would ask, in one batch to each service, and judge each step by it."""
    request = original.request
    kept = snapshots.of_original(details.first(), details.steps.values())
    gate = tuple(name for name in names if restoration.of(name).is_first)
    views = {
        name: View(
            person=request.person,
            first=Snapshot({}, {}),
            now=Snapshot({}, {}),
            params=request.actions[name],
            selected=request.actions,
            force=False,
            original=snapshots.to_original(kept, name, overwrite=wish.overwrite),
        )
        for name in names
    }
    asked = {
        read.name: read
        for name in gate or names
        for read in (
            *restoration.of(name).reads_for(request.actions[name]),
            *restoration.of(name).reads_later(views[name]),
        )
    }
    seen, _ = perform(asked.values(), request.person, clients, details.first())
    found: dict[str, Restorable] = {}
    for name in names:
        if gate and name not in gate:
            found[name] = Restorable(name, (), _AFTER_THE_ACCOUNT)
            continue
        findings = judgement.findings_of(restoration.of(name), replace(views[name], first=seen, now=seen))
        found[name] = Restorable(name, tuple(findings), _in_words(findings))
    return found


def _in_words(findings: list[Finding]) -> str:
    coming = [finding for finding in findings if finding.is_open]
    rest = [finding for finding in findings if not finding.is_open]
    texts = [f"{len(coming)} to bring back."] if coming else []
    return " ".join([*texts, judgement.summary(rest)] if rest else texts)
