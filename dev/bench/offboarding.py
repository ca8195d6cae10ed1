"""Offboarding somebody over the stack, and counting what that costs."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import requests

import function_app
from dev.demo.form import MESSAGE
from dev.host.durable.store import Store
from dev.processes import StackError, wait_until
from dev.stack import TENANTS, Options
from dev.tenant import seed
from shared.actions import catalogue, plan
from shared.app.host_settings import HOST_SETTINGS
from shared.offboarding.request.submit import MAX_STARTED_AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dev.stack import Stack

AT_ONCE = MAX_STARTED_AT_ONCE
# Only what is measured may use the storage: no tick of the timer in between, and nobody who waits for one.
OPTIONS = Options(
    settings={
        "TICK_SCHEDULE": "0 0 0 1 1 *",
        "RETENTION_SCHEDULE": "0 0 0 1 1 *",
        "ACCESS_CHECK_AFTER": "",  # no other tool looks, and what looking costs is measured by itself
        "MAX_RUNS_PER_TENANT": str(AT_ONCE),
        "MAX_PER_TENANT_AND_HOUR": "10000",
        "M365_TENANTS": ",".join((*TENANTS, seed.LARGE)),
    }
)
SCANNING = {"remove_mailbox_permissions": True, "remove_calendar_permissions": True}
"""The actions that scan the tenant, which serves everybody who leaves it within a day."""
HUB = next(setting.default for setting in HOST_SETTINGS if setting.name == "TASK_HUB")
_PATIENCE_SECONDS = 300
_POLL_SECONDS = 0.25
_QUIET_SECONDS = 0.1


class Meter:
    """Counts what is asked of Microsoft 365 and of storage from now on."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        made = stack.simulator.requests()
        self._made = made[-1]["n"] if made else 0
        self._stored = len(self._written_down())

    def microsoft(self) -> list[dict[str, Any]]:
        """Return the requests to Microsoft 365, those for tokens among them."""
        return self._stack.simulator.requests(self._made)

    def storage(self) -> list[str]:
        """Return the requests to storage."""
        return self._written_down()[self._stored :]

    def _written_down(self) -> list[str]:
        """Return all that storage has answered: it writes that down a moment after the answer."""
        while True:
            stored = self._stack.storage.requests()
            time.sleep(_QUIET_SECONDS)
            if len(self._stack.storage.requests()) == len(stored):
                return stored


def selection(some: Sequence[str], others: Sequence[str]) -> dict[str, Any]:
    """Select the actions with parameters and all that go together with them; deletion, which comes last, does not.

    Nobody may be given a mailbox both with and without automapping.
    """
    if not catalogue.all_actions():
        raise StackError(f"{function_app.__file__} imports no action.")
    chosen: dict[str, Any] = {
        "grant_mailbox_access_automap": {"to": some},
        "grant_mailbox_access": {"to": others},
        "grant_send_as": {"to": some},
        "grant_send_on_behalf": {"to": some},
        "grant_onedrive_access": {"to": some},
        "forward_email": {"to": some[0], "keep_copy": True},
        "set_out_of_office": {"internal": MESSAGE},
        "hand_over_ownership": {"to": some[0]},
    }
    for name, action in catalogue.all_actions().items():
        if not action.is_last and not plan.make({*chosen, name}).refusals:
            chosen.setdefault(name, True)
    return chosen


def newcomers(stack: Stack, tenant: str, count: int) -> list[str]:
    """Add people to a tenant who have what everybody has; return their ids."""
    aliases = (f"leaver{number}" for number in range(count))
    return [stack.simulator.arrange(tenant, "user", create={"alias": alias}) for alias in aliases]


def submit(stack: Stack, tenant: str, users: Sequence[str], actions: dict[str, Any], **more: str) -> list[str]:
    """Ask the app for offboardings; returns their ids."""
    answer = stack.post("/api/offboardings", {"tenant": tenant, "users": users, "actions": actions, **more})
    if answer.status_code != requests.codes.accepted:
        log = stack.children["host"].tail() if answer.status_code >= requests.codes.internal_server_error else ""
        raise StackError(f"The app refused the offboarding: {answer.text}\n{log}")
    return [each["id"] for each in answer.json()["offboardings"]]


def offboard(stack: Stack, tenant: str, user: str, actions: dict[str, Any]) -> str:
    """Offboard somebody, and return the id when it has ended."""
    (offboarding,) = submit(stack, tenant, [user], actions)
    wait(stack, offboarding)
    return offboarding


def wait(stack: Stack, offboarding: str) -> None:
    """Wait for the end without asking the app: its answers would cost storage requests that are counted.

    Seldom: the host, too, answers with a processor that is measured. When a run has ended stands in its record.
    """
    instance = f"{offboarding}-1"
    wait_until(lambda: stack.has_run_ended(instance), _PATIENCE_SECONDS, "the offboarding ended", _POLL_SECONDS)


def completed(stack: Stack, offboarding: str) -> dict[str, Any]:
    """Return everything about an offboarding that is no measurement unless it went well."""
    details = stack.details(offboarding)
    if details["state"] != "Completed":
        failed = [f"{step['name']}: {step['message']}" for step in details["steps"] if step["outcome"] == "failed"]
        raise StackError(f"An offboarding to be measured ended as {details['state']}. {' '.join(failed)}")
    return details


def executions(stack: Stack, offboarding: str) -> dict[str, int]:
    """Count what Azure bills for a run: activities, and the turns in which the orchestrator replays."""
    with contextlib.closing(Store(str(stack.folder / "host" / f"{HUB}.sqlite"))) as hub:
        kinds = Counter(event["EventType"] for event in hub.history(f"{offboarding}-1"))
    return {"activity_executions": kinds["TaskCompleted"], "orchestrator_executions": kinds["OrchestratorStarted"]}


def without_delays(stack: Stack, tenant: str) -> None:
    """Let Microsoft's services show every change at once: waiting for them is not our time, nor are polls our doing."""
    delays = {"conversion_reads": 0, "license_reads": 0, "number_reads": 0}
    stack.simulator.arrange(tenant, "tenant", set=delays)
