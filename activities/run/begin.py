"""The beginning of a run: take over the unsettled steps, or say why nothing is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from activities.attempt import SUPERSEDED, Answer, Order
from activities.basis import is_superseded, nodes_of
from shared.access.caller import may_still
from shared.actions import plan
from shared.jobs.records import State, Step
from shared.jobs.storage.snapshots import ORIGINAL
from shared.jobs.storage.table import ConflictError
from shared.offboarding.lifecycle import access_checks
from shared.offboarding.tenants.tenants import Tenants

if TYPE_CHECKING:
    from shared.app.services import Services
    from shared.jobs.details import Details
    from shared.jobs.records import Offboarding


def begin_run(services: Services, order: Order) -> Answer:
    """Take over the unsettled steps for this run and return its plan; safe against a run that is not current."""
    offboarding = services.store.get(order.id)
    if offboarding is None or offboarding.state is not State.running or offboarding.run != order.run:
        return SUPERSEDED
    details = services.store.details_to_remember(order.id)
    nodes = nodes_of(offboarding.request)
    taken = [
        Step(node.name, order.run, started_at=old.started_at if old else None, etag=old.etag if old else "")
        for node in nodes
        if node.is_step and not ((old := details.steps.get(node.name)) and (old.is_settled or old.run >= order.run))
    ]
    if is_superseded(details, order):
        return SUPERSEDED
    if stop := _stop_at_begin(services, offboarding, details, is_any_open=bool(taken)):
        return {"stop": stop}
    if taken:
        try:
            services.store.begin(offboarding, details, taken)
        except ConflictError:
            return begin_run(services, order)
    return {
        "nodes": [node.to_json() for node in plan.longest_path_first(nodes)],
        "settled": {name: step.outcome for name, step in details.steps.items() if step.is_settled},
        "patience_seconds": services.settings.give_up_after_seconds,
        "check": access_checks.is_due_at_end(services, offboarding),
    }


def _stop_at_begin(services: Services, job: Offboarding, details: Details, *, is_any_open: bool) -> str | None:
    """Return why a run ends before it reads anything, one of `_STOPPED`; None where it goes on."""
    if job.cancelled_by:
        return "cancelled"
    if not Tenants(services).still_manages(job.request.tenant.id):
        return "tenant_not_managed"
    if not details.steps and not _may_still(services, job):
        return "no_longer_allowed"
    if is_any_open and not _has_original(services, job, details):
        return "original_missing"
    return None


def _may_still(services: Services, job: Offboarding) -> bool:
    """Return whether the settings still let whoever wanted this run have it; what has begun is not left half done."""
    request = job.request
    return job.authority is None or may_still(services.settings, job.authority, request.tenant.id, request.actions)


def _has_original(services: Services, job: Offboarding, details: Details) -> bool:
    """Keep with a restoration what it brings back, unless it is; False where that is not known any more."""
    if not job.request.restores or details.snapshots.get(ORIGINAL):
        return True
    original = services.store.details(job.request.restores)
    if not original.steps:
        return False
    services.store.put_original(job.id, original.first(), original.steps.values())
    return True
