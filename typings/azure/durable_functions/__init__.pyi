"""The part of azure-functions-durable 1.7 that this app uses; the package ships no types."""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

import azure.functions as func

from .models.Task import TaskBase, TimerTask

F = TypeVar("F", bound=Callable[..., Any])

class DurableOrchestrationContext:
    @property
    def instance_id(self) -> str: ...
    @property
    def is_replaying(self) -> bool: ...
    @property
    def current_utc_datetime(self) -> datetime: ...
    def get_input(self) -> Any: ...
    def call_activity(self, name: str, input_: Any = None) -> TaskBase: ...
    def create_timer(self, fire_at: datetime) -> TimerTask: ...
    def wait_for_external_event(self, name: str) -> TaskBase: ...
    def task_any(self, activities: Sequence[TaskBase]) -> TaskBase: ...
    def set_custom_status(self, status: Any) -> None: ...

class DurableOrchestrationClient:
    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: Any = None
    ) -> str: ...
    async def raise_event(self, instance_id: str, event_name: str, event_data: Any = None) -> None: ...
    async def get_status_by(
        self,
        created_time_from: datetime | None = None,
        created_time_to: datetime | None = None,
        runtime_status: list[OrchestrationRuntimeStatus] | None = None,
        instance_id_prefix: str | None = None,
    ) -> list[DurableOrchestrationStatus]: ...
    async def purge_instance_history(self, instance_id: str) -> Any: ...
    async def purge_instance_history_by(
        self,
        created_time_from: datetime | None = None,
        created_time_to: datetime | None = None,
        runtime_status: list[OrchestrationRuntimeStatus] | None = None,
    ) -> Any: ...

class DurableOrchestrationStatus:
    @property
    def instance_id(self) -> str | None: ...
    @property
    def runtime_status(self) -> OrchestrationRuntimeStatus | None: ...

class OrchestrationRuntimeStatus(Enum):
    Running = "Running"
    Completed = "Completed"
    ContinuedAsNew = "ContinuedAsNew"
    Failed = "Failed"
    Canceled = "Canceled"
    Terminated = "Terminated"
    Pending = "Pending"
    Suspended = "Suspended"

class Blueprint(func.Blueprint):
    def __init__(self, http_auth_level: func.AuthLevel | str = ...) -> None: ...
    def orchestration_trigger(
        self, context_name: str, orchestration: str | None = None
    ) -> Callable[[F], F]: ...
    def activity_trigger(self, input_name: str, activity: str | None = None) -> Callable[[F], F]: ...
    def durable_client_input(
        self, client_name: str, task_hub: str | None = None, connection_name: str | None = None
    ) -> Callable[[F], F]: ...

class DFApp(Blueprint, func.FunctionApp): ...
