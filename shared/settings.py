"""Every setting the app reads, in one place; docs and infrastructure are held against this file by tests."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class SettingsError(Exception):
    """The app's settings are incomplete or contradict each other; the message lists every problem."""


@dataclass(frozen=True)
class Setting:
    """One environment variable: its meaning for people and its value where it is not set."""

    name: str
    meaning: str
    default: str | None = None
    secret: bool = False


SETTINGS: tuple[Setting, ...] = (
    Setting("OFFBOARDING_STORAGE", "Connection string of the account for offboardings (development).", "", secret=True),
    Setting("OFFBOARDING_STORAGE__tableServiceUri", "Table end point of that account, reached with an identity.", ""),
    Setting("OFFBOARDING_STORAGE__clientId", "Client id of the user-assigned identity that reaches it.", ""),
    Setting("PUBLIC_URL", "Origin under which callers reach this app, for absolute links in answers."),
    Setting("AUTH_MODE", "Who is trusted to say who is calling: function-key.", "function-key"),
    Setting("FUNCTION_KEY_ROLE", "Role of a caller with a function key: reader, operator or admin.", "operator"),
    Setting("PROTECTED_USERS", "Comma-separated object ids or user principal names that are never offboarded.", ""),
    Setting("M365_TENANTS", "Comma-separated ids of the tenants this app may work in."),
    Setting("M365_CLIENT_ID", "Client id of the multi-tenant app registration used in every tenant."),
    Setting("M365_CERTIFICATE", "Its certificate: a PFX in base64 (a Key Vault reference in Azure).", "", secret=True),
    Setting("M365_CERTIFICATE_PASSWORD", "Password of that PFX.", "", secret=True),
    Setting("M365_CLIENT_SECRET", "Its secret instead of a certificate; SharePoint refuses secrets.", "", secret=True),
    Setting("M365_MANAGED_IDENTITY_CLIENT_ID", "A managed identity federated with the app, instead of both.", ""),
    Setting("GRAPH_URL", "Origin of Microsoft Graph.", "https://graph.microsoft.com"),
    Setting("EXCHANGE_URL", "Origin of Exchange Online's admin API.", "https://outlook.office365.com"),
    Setting("LOGIN_URL", "Origin of the Microsoft Entra token end point.", "https://login.microsoftonline.com"),
    Setting("SHAREPOINT_URL", "Origin of SharePoint sites; {host} stands for the site's host name.", "https://{host}"),
    Setting("GIVE_UP_AFTER_MINUTES", "How long a step may wait for a throttled or slow service.", "30"),
    Setting("MAX_USERS_PER_REQUEST", "How many users one request may offboard.", "100"),
    Setting("MAX_RUNS_PER_TENANT", "How many offboardings of one tenant may run at the same time.", "3"),
    Setting("RETENTION_DAYS", "After how many days ended offboardings and their audit records are removed.", "365"),
)
"""Read by the app's code. The schedules and `TASK_HUB` are read by the Functions host from the bindings."""

HOST_SETTINGS: tuple[Setting, ...] = (
    Setting(
        "AzureWebJobsStorage", "Storage account of the Functions host and the Durable task hub.", None, secret=True
    ),
    Setting("FUNCTIONS_WORKER_RUNTIME", "The language of the app.", "python"),
    Setting("TASK_HUB", "Name of the Durable task hub.", "Offboarding"),
    Setting("TICK_SCHEDULE", "When the timer looks for due work (NCRONTAB, UTC).", "0 * * * * *"),
    Setting("RETENTION_SCHEDULE", "When the timer removes what is older than the retention.", "0 30 3 * * *"),
    Setting("PYTHON_THREADPOOL_THREAD_COUNT", "Threads for activities; equals the activity concurrency.", "16"),
)
"""Read by the Functions host, from host.json and the bindings."""


@dataclass(frozen=True)
class Settings:
    """The settings of the app, parsed."""

    storage_connection: str = field(repr=False)
    storage_uri: str
    storage_client_id: str
    public_url: str
    auth_mode: str
    function_key_role: str
    protected_users: frozenset[str]
    tenants: tuple[str, ...]
    client_id: str
    certificate: str = field(repr=False)
    certificate_password: str = field(repr=False)
    client_secret: str = field(repr=False)
    managed_identity_client_id: str
    graph_url: str
    exchange_url: str
    login_url: str
    sharepoint_url: str
    give_up_after_seconds: int
    max_users_per_request: int
    max_runs_per_tenant: int
    retention_days: int

    @classmethod
    def parse(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings from `environment`; raises `SettingsError` with all problems at once."""
        values = {s.name: environment.get(s.name, s.default or "").strip() for s in SETTINGS}
        problems = [f"{s.name} is not set. {s.meaning}" for s in SETTINGS if s.default is None and not values[s.name]]
        problems += _contradictions(values)
        if problems:
            raise SettingsError("The app's settings are incomplete:\n- " + "\n- ".join(problems))
        return cls(
            storage_connection=values["OFFBOARDING_STORAGE"],
            storage_uri=values["OFFBOARDING_STORAGE__tableServiceUri"],
            storage_client_id=values["OFFBOARDING_STORAGE__clientId"],
            public_url=values["PUBLIC_URL"].rstrip("/"),
            auth_mode=values["AUTH_MODE"],
            function_key_role=values["FUNCTION_KEY_ROLE"],
            protected_users=frozenset(name.casefold() for name in _words(values["PROTECTED_USERS"])),
            tenants=tuple(name.casefold() for name in _words(values["M365_TENANTS"])),
            client_id=values["M365_CLIENT_ID"],
            certificate=values["M365_CERTIFICATE"],
            certificate_password=values["M365_CERTIFICATE_PASSWORD"],
            client_secret=values["M365_CLIENT_SECRET"],
            managed_identity_client_id=values["M365_MANAGED_IDENTITY_CLIENT_ID"],
            graph_url=values["GRAPH_URL"].rstrip("/"),
            exchange_url=values["EXCHANGE_URL"].rstrip("/"),
            login_url=values["LOGIN_URL"].rstrip("/"),
            sharepoint_url=values["SHAREPOINT_URL"].rstrip("/"),
            give_up_after_seconds=60 * int(values["GIVE_UP_AFTER_MINUTES"]),
            max_users_per_request=int(values["MAX_USERS_PER_REQUEST"]),
            max_runs_per_tenant=int(values["MAX_RUNS_PER_TENANT"]),
            retention_days=int(values["RETENTION_DAYS"]),
        )


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _contradictions(values: Mapping[str, str]) -> list[str]:
    problems: list[str] = []
    if not values["OFFBOARDING_STORAGE"] and not values["OFFBOARDING_STORAGE__tableServiceUri"]:
        problems.append("One of OFFBOARDING_STORAGE and OFFBOARDING_STORAGE__tableServiceUri must be set.")
    credentials = ("M365_CERTIFICATE", "M365_CLIENT_SECRET", "M365_MANAGED_IDENTITY_CLIENT_ID")
    if sum(bool(values[name]) for name in credentials) != 1:
        problems.append(f"Exactly one of {', '.join(credentials)} must be set.")
    if values["AUTH_MODE"] != "function-key":
        problems.append(f"AUTH_MODE {values['AUTH_MODE']!r} is not known; use function-key.")
    if values["FUNCTION_KEY_ROLE"] not in {"reader", "operator", "admin"}:
        problems.append("FUNCTION_KEY_ROLE must be reader, operator or admin.")
    counts = ("GIVE_UP_AFTER_MINUTES", "MAX_USERS_PER_REQUEST", "MAX_RUNS_PER_TENANT", "RETENTION_DAYS")
    problems += [
        f"{n} must be a whole number above 0." for n in counts if not values[n].isdecimal() or not int(values[n])
    ]
    return problems


@cache
def current() -> Settings:
    """Return the settings of this process; read once, because the host restarts the app when they change."""
    return Settings.parse(os.environ)
