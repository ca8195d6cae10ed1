"""What the Functions host, the Python worker and what they load read from the environment; not the app's own code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.app.declared import Setting

if TYPE_CHECKING:
    from collections.abc import Mapping

HOST_SETTINGS: tuple[Setting, ...] = (
    Setting(
        "AzureWebJobsStorage", "Storage account of the Functions host and the Durable task hub.", None, secret=True
    ),
    Setting("AzureWebJobsStorage__accountName", "Name of that account, reached with an identity instead.", ""),
    Setting("AzureWebJobsStorage__credential", "managedidentity, where an identity reaches it.", ""),
    Setting("AzureWebJobsStorage__clientId", "Client id of the user-assigned identity that reaches it.", ""),
    Setting("FUNCTIONS_WORKER_RUNTIME", "The language of the app; Flex Consumption is told otherwise.", "python"),
    Setting(
        "WEBSITE_HOSTNAME",
        "Host name (and port) of the Functions host. Azure and Core Tools set it; anywhere else, set it yourself.",
        "",
    ),
    Setting("AzureWebJobsDisableHomepage", "true: `GET /` does not show Azure's own page.", "true"),
    Setting("TASK_HUB", "Name of the Durable task hub.", "Offboarding"),
    Setting("TICK_SCHEDULE", "When the timer looks for due work (NCRONTAB, UTC).", "0 * * * * *"),
    Setting("RETENTION_SCHEDULE", "When the timer removes what is older than the retention.", "0 30 3 * * *"),
    Setting(
        "PYTHON_THREADPOOL_THREAD_COUNT",
        "Threads for activities, orchestrator turns and requests together; twice the activities at the same time.",
        "32",
    ),
    Setting(
        "AzureFunctionsJobHost__extensions__durableTask__maxConcurrentActivityFunctions",
        "Activities at the same time on one instance; overrides host.json, whose numbers take no setting.",
        "16",
    ),
    Setting("APPLICATIONINSIGHTS_CONNECTION_STRING", "Where host and worker send telemetry; nowhere where empty.", ""),
    Setting("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "ClientId=<identity>;Authorization=AAD: who sends it.", ""),
    Setting("PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY", "true lets the worker send the app's own telemetry.", ""),
    Setting(
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
        "Libraries that are not traced by themselves: addresses of webhooks hold secrets.",
        "azure_sdk,django,fastapi,flask,httpx,httpx2,psycopg2,requests,urllib,urllib3",
    ),
    Setting(
        "OTEL_TRACES_SAMPLER",
        "Which traces are kept; without it each process keeps five a second of its own choice, and none is whole.",
        "always_on",
    ),
)


def host_problem(environment: Mapping[str, str]) -> str:
    """Return what keeps the Functions host from starting runs; empty where nothing does.

    Without its name the Durable extension refuses every function with a client ("Webhooks are not configured").
    """
    if environment.get("WEBSITE_HOSTNAME"):
        return ""
    return "WEBSITE_HOSTNAME is not set: no offboarding can start. Set it to the host name and port of this app."
