"""What the timer and a deletion ask Durable Functions, and what they make of its answers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from azure.durable_functions import OrchestrationRuntimeStatus as Status

from shared.jobs.records import Wake
from triggers import starting

if TYPE_CHECKING:
    import pytest

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass
class Instance:
    instance_id: str
    runtime_status: Status


@dataclass
class Client:
    """A hub that knows these instances; the SDK's client raises for any answer but a list."""

    instances: dict[str, Status]
    purged: list[str] = field(default_factory=list)

    async def get_status_by(self, *, instance_id_prefix: str, runtime_status: Any = None) -> list[Instance]:
        if instance_id_prefix.startswith("broken"):
            raise Exception("The operation failed with an unexpected status code 500")  # noqa: TRY002 - as the SDK
        found = sorted(self.instances.items())
        wanted = runtime_status or list(Status)
        return [Instance(*one) for one in found if one[0].startswith(instance_id_prefix) and one[1] in wanted]

    async def purge_instance_history(self, instance_id: str) -> None:
        self.purged.append(instance_id)


def wake(offboarding: str, run: int, destination: str = "") -> Wake:
    return Wake(offboarding, "tenant", is_planned=not run, due_at=NOW, destination=destination, run=run)


def asked(client: Client, *due: Wake) -> dict[str, str | None]:
    return asyncio.run(starting.instances(client, due))  # type: ignore[arg-type]


def test_each_run_in_flight_is_asked_about_by_its_whole_id() -> None:
    client = Client({"a-1": Status.Failed, "a-10": Status.Running, "b-2": Status.Pending})

    assert asked(client, wake("a", 1), wake("b", 2), wake("c", 1)) == {"a-1": "Failed", "b-2": "Pending", "c-1": None}


def test_what_is_planned_and_what_has_to_be_told_is_not_asked_about() -> None:
    client = Client({"a-1": Status.Running})

    assert asked(client, wake("a", 0), wake("b", 1, "mail")) == {}


def test_a_hub_that_does_not_answer_says_nothing_about_a_run(caplog: pytest.LogCaptureFixture) -> None:
    client = Client({"a-1": Status.Running})

    assert asked(client, wake("broken", 1), wake("a", 1)) == {"a-1": "Running"}
    assert "could not be asked about run broken-1" in caplog.text


def test_of_a_deleted_offboarding_only_runs_that_have_ended_are_purged() -> None:
    client = Client({"a-1": Status.Running, "a-2": Status.Completed, "a-3": Status.Failed, "ab-1": Status.Completed})

    asyncio.run(starting.forget(client, Deleted("a")))  # type: ignore[arg-type]

    assert client.purged == ["a-2", "a-3"]


@dataclass
class Deleted:
    id: str
