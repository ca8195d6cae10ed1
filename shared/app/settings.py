"""Every setting the app reads, in one place; docs and infrastructure are held against this file by tests."""

from __future__ import annotations

import base64
import json
import os
import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

from shared.access import policy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


_FERNET_KEY_BYTES = 32
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.\[\]:-]+", re.IGNORECASE)


class SettingsError(Exception):
    """The app's settings are incomplete or contradict each other; the message lists every problem."""


@dataclass(frozen=True)
class Setting:
    """One environment variable: its meaning for people and its value where it is not set."""

    name: str
    meaning: str
    default: str | None = None
    secret: bool = False


FUNCTION_KEY: Final = "function-key"
AUTH_MODES: Final = (FUNCTION_KEY, "app-service", "static-web-apps")

SETTINGS: tuple[Setting, ...] = (
    Setting("OFFBOARDING_STORAGE", "Connection string of the account for offboardings (development).", "", secret=True),
    Setting("OFFBOARDING_STORAGE__tableServiceUri", "Table endpoint of that account, reached with an identity.", ""),
    Setting("OFFBOARDING_STORAGE__clientId", "Client id of the user-assigned identity that reaches it.", ""),
    Setting("PUBLIC_URL", "Origin under which callers reach this app, for absolute links in answers."),
    Setting(
        "AUTH_MODE", "Who says who is calling: function-key, or the front app-service or static-web-apps.", FUNCTION_KEY
    ),
    Setting("FUNCTION_KEY_ROLE", "Role of a caller with a function key: reader, operator or admin.", "operator"),
    Setting(
        "ACCESS_ROLES",
        "Which app role, group or portal role stands for which of ours: theirs=reader|operator|admin, comma-separated.",
        "reader=reader,operator=operator,admin=admin,readonly=reader,editor=operator,superadmin=admin",
    ),
    Setting(
        "ACCESS_TENANTS",
        "Who may see which tenants, separated by semicolons: holder=all, holder=none or holder=id id. A holder is a "
        "person, a role, a group id, key, or * for everybody else.",
        "*=all",
    ),
    Setting("DELETE_USER_ALLOWED_TO", "Holders, comma-separated, who may have users deleted.", "admin,key"),
    Setting("BULK_ALLOWED_TO", "Holders, comma-separated, who may do more at once than BULK_LIMIT.", "admin,key"),
    Setting("BULK_LIMIT", "How many people or offboardings one request of anybody else may be about.", "20"),
    Setting("PROTECTED_USERS", "Comma-separated object ids or user principal names that are never offboarded.", ""),
    Setting("M365_TENANTS", "Comma-separated ids of the tenants this app may work in.", ""),
    Setting("M365_PARTNER_TENANT", "Id of a partner's tenant, whose GDAP customers this app may work in, too.", ""),
    Setting("M365_CLIENT_ID", "Client id of the multi-tenant app registration used in every tenant."),
    Setting("M365_CERTIFICATE", "Its certificate: a PFX in base64 (a Key Vault reference in Azure).", "", secret=True),
    Setting("M365_CERTIFICATE_PASSWORD", "Password of that PFX.", "", secret=True),
    Setting("M365_CLIENT_SECRET", "Its secret instead of a certificate; SharePoint refuses secrets.", "", secret=True),
    Setting("M365_MANAGED_IDENTITY_CLIENT_ID", "A managed identity federated with the app, instead of both.", ""),
    Setting("GRAPH_URL", "Origin of Microsoft Graph.", "https://graph.microsoft.com"),
    Setting("EXCHANGE_URL", "Origin of Exchange Online's admin API.", "https://outlook.office365.com"),
    Setting("LOGIN_URL", "Origin of the Microsoft Entra token endpoint.", "https://login.microsoftonline.com"),
    Setting("SHAREPOINT_URL", "Origin of SharePoint sites; {host} stands for the site's host name.", "https://{host}"),
    Setting("GIVE_UP_AFTER_MINUTES", "How long a step may wait for a throttled or slow service.", "30"),
    Setting("MAX_USERS_PER_REQUEST", "How many users one request may offboard.", "100"),
    Setting("MAX_RUNS_PER_TENANT", "How many offboardings of one tenant may run at the same time.", "3"),
    Setting("MAX_PER_TENANT_AND_HOUR", "How many people of one tenant may be submitted in an hour, by anybody.", "100"),
    Setting(
        "NOTIFICATION_KEY", "Fernet keys that encrypt what notifications need; the first is used.", "", secret=True
    ),
    Setting("NOTIFICATION_LINK", "Where a person reads about an offboarding; {id} stands for its id.", ""),
    Setting("MAIL_TENANT", "Id of the tenant whose mailbox sends notifications; one the app may work in.", ""),
    Setting("MAIL_SENDER", "Address of that mailbox; the app needs Mail.Send for it alone.", ""),
    Setting("ALLOW_LOOPBACK_WEBHOOKS", "true lets notifications go to this machine (development).", "false"),
    Setting("API_PAGE", "true shows the description of the API as a page, to readers: GET /api/docs.", "false"),
    Setting("RETENTION_DAYS", "After how many days ended offboardings and their audit records are removed.", "365"),
)
"""Read by the app's code. The schedules and `TASK_HUB` are read by the Functions host from the bindings."""

SECRET_PREFIX = "NOTIFICATION_SECRET_"  # noqa: S105 - a prefix of names
"""Only settings with such names can be referred to by notification settings: whoever may change those must not be able
to send the app's own credentials anywhere."""

ORIGIN_PREFIX = "NOTIFICATION_ORIGIN_"
"""NOTIFICATION_ORIGIN_X says to which origin NOTIFICATION_SECRET_X may be sent: whoever may change notification
settings must not be able to send a credential to a receiver of their own."""

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
"""Read by the Functions host, the Python worker and what they load; not by the app's code."""


@dataclass(frozen=True)
class Settings:
    """The settings of the app, parsed."""

    storage_connection: str = field(repr=False)
    storage_uri: str
    storage_client_id: str
    public_url: str
    auth_mode: str
    function_key_role: str
    access: policy.Policy
    protected_users: frozenset[str]
    tenants: tuple[str, ...]
    partner_tenant: str
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
    max_per_tenant_and_hour: int
    retention_days: int
    notification_keys: tuple[str, ...] = field(repr=False)
    notification_key_problem: str
    notification_secrets: Mapping[str, str] = field(repr=False)
    notification_origins: Mapping[str, str]
    notification_link: str
    mail_tenant: str
    mail_sender: str
    mail_problem: str
    allow_loopback_webhooks: bool
    api_page: bool

    @classmethod
    def parse(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings from `environment`; raises `SettingsError` with all problems at once."""
        values = {s.name: environment.get(s.name, s.default or "").strip() for s in SETTINGS}
        problems = [f"{s.name} is not set. {s.meaning}" for s in SETTINGS if s.default is None and not values[s.name]]
        needed = [s.name for s in SETTINGS if s.name != "NOTIFICATION_KEY"]
        problems += [unresolved(name) for name in needed if is_unresolved(values[name])]
        problems += [*_contradictions(values), *_task_hub_problems(environment), *_origin_problems(environment)]
        if _accepts_forged_principals(environment):
            problems.append(
                f"AUTH_MODE {values['AUTH_MODE']} needs App Service authentication, which removes forged principals, "
                "and it is off. Switch it on in the function app, or link the Static Web App."
            )
        if problems:
            raise SettingsError("The app's settings are incomplete:\n- " + "\n- ".join(problems))
        key_problems, mail_problems = _key_problems(values), _mail_problems(values)
        return cls(
            storage_connection=values["OFFBOARDING_STORAGE"],
            storage_uri=values["OFFBOARDING_STORAGE__tableServiceUri"],
            storage_client_id=values["OFFBOARDING_STORAGE__clientId"],
            public_url=values["PUBLIC_URL"].rstrip("/"),
            auth_mode=values["AUTH_MODE"],
            function_key_role=values["FUNCTION_KEY_ROLE"],
            access=_policy(values),
            protected_users=policy.holders(values["PROTECTED_USERS"]),
            tenants=tuple(dict.fromkeys(name.casefold() for name in _words(values["M365_TENANTS"]))),
            partner_tenant=values["M365_PARTNER_TENANT"].casefold(),
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
            max_per_tenant_and_hour=int(values["MAX_PER_TENANT_AND_HOUR"]),
            retention_days=int(values["RETENTION_DAYS"]),
            notification_keys=() if key_problems else tuple(_words(values["NOTIFICATION_KEY"])),
            notification_key_problem=" ".join(key_problems),
            notification_secrets={n: value for n, value in environment.items() if n.startswith(SECRET_PREFIX)},
            notification_origins={
                name: value.strip() for name, value in environment.items() if name.startswith(ORIGIN_PREFIX)
            },
            notification_link=values["NOTIFICATION_LINK"],
            mail_tenant=values["MAIL_TENANT"].casefold(),
            mail_sender=values["MAIL_SENDER"],
            mail_problem=" ".join(mail_problems),
            allow_loopback_webhooks=values["ALLOW_LOOPBACK_WEBHOOKS"].casefold() == "true",
            api_page=values["API_PAGE"].casefold() == "true",
        )


def _words(text: str) -> list[str]:
    return policy.words(text, ",")


def _policy(values: Mapping[str, str]) -> policy.Policy:
    return policy.Policy(
        roles=policy.roles(values["ACCESS_ROLES"]),
        tenants=policy.tenants(values["ACCESS_TENANTS"]),
        delete_users=policy.holders(values["DELETE_USER_ALLOWED_TO"]),
        bulk=policy.holders(values["BULK_ALLOWED_TO"]),
        bulk_limit=int(values["BULK_LIMIT"]),
    )


def requires_function_key(environment: Mapping[str, str]) -> bool:
    """Return whether the host is to ask for a function key: unless one of the fronts says who is calling.

    Asked while the app is indexed, when no other setting need be there; a mode that is not known means a key.
    """
    return environment.get("AUTH_MODE", FUNCTION_KEY).strip() not in AUTH_MODES[1:]


def host_problem(environment: Mapping[str, str]) -> str:
    """Return what keeps the Functions host from starting runs; empty where nothing does.

    Without its name the Durable extension refuses every function with a client ("Webhooks are not configured").
    """
    if environment.get("WEBSITE_HOSTNAME"):
        return ""
    return "WEBSITE_HOSTNAME is not set: no offboarding can start. Set it to the host name and port of this app."


def secret_values(environment: Mapping[str, str]) -> list[str]:
    """Return the values that must stand nowhere, for the log to take them out; no setting need be there."""
    names = {setting.name for setting in (*SETTINGS, *HOST_SETTINGS) if setting.secret}
    values = [value for name, value in environment.items() if name in names or name.startswith(SECRET_PREFIX)]
    return [*values, *_words(environment.get("NOTIFICATION_KEY", ""))]


def _origin_problems(environment: Mapping[str, str]) -> list[str]:
    return [
        f"{name} must be an origin such as https://example.halopsa.com, without a path."
        for name, value in environment.items()
        if name.startswith(ORIGIN_PREFIX) and not _ORIGIN.fullmatch(value.strip()) and not is_unresolved(value)
    ]


def _accepts_forged_principals(environment: Mapping[str, str]) -> bool:
    """Return whether a principal could be anybody's invention: on Azure, with App Service authentication switched off.

    App Service sets these variables; no settings of the deployment are among them.
    """
    is_azure = bool(environment.get("WEBSITE_SITE_NAME"))
    return is_azure and not _authenticates(environment) and not requires_function_key(environment)


def _authenticates(environment: Mapping[str, str]) -> bool:
    """Return whether the platform says that App Service authentication is on, by either of its signs.

    Microsoft.Identity.Web decides by WEBSITE_AUTH_ENABLED. The other holds the configuration itself (authsettingsV2),
    in case Flex Consumption sets that alone.
    """
    if environment.get("WEBSITE_AUTH_ENABLED", "").casefold() == "true":
        return True
    try:
        match json.loads(environment.get("WEBSITE_AUTH_V2_CONFIG_JSON", "")):
            case {"platform": {"enabled": True}}:
                return True
            case _:
                return False
    except ValueError:
        return False


def _contradictions(values: Mapping[str, str]) -> list[str]:
    problems: list[str] = []
    if not values["OFFBOARDING_STORAGE"] and not values["OFFBOARDING_STORAGE__tableServiceUri"]:
        problems.append("One of OFFBOARDING_STORAGE and OFFBOARDING_STORAGE__tableServiceUri must be set.")
    credentials = ("M365_CERTIFICATE", "M365_CLIENT_SECRET", "M365_MANAGED_IDENTITY_CLIENT_ID")
    if sum(bool(values[name]) for name in credentials) != 1:
        problems.append(f"Exactly one of {', '.join(credentials)} must be set.")
    if not values["M365_TENANTS"] and not values["M365_PARTNER_TENANT"]:
        problems.append("One of M365_TENANTS and M365_PARTNER_TENANT must be set.")
    problems += _access_problems(values)
    counts = (
        "GIVE_UP_AFTER_MINUTES",
        "MAX_USERS_PER_REQUEST",
        "MAX_RUNS_PER_TENANT",
        "MAX_PER_TENANT_AND_HOUR",
        "RETENTION_DAYS",
        "BULK_LIMIT",
    )
    problems += [
        f"{n} must be a whole number above 0." for n in counts if not values[n].isdecimal() or not int(values[n])
    ]
    return problems


def _key_problems(values: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the keys of notifications.

    Like all that concerns notifications alone it does not stop the app: they never hold up an offboarding.
    """
    name = "NOTIFICATION_KEY"
    if is_unresolved(values[name]):
        return [unresolved(name)]
    if all(map(_is_fernet_key, _words(values[name]))):
        return []
    return ["NOTIFICATION_KEY holds a key that is not a Fernet key (32 bytes in URL-safe base64)."]


def _mail_problems(values: Mapping[str, str]) -> list[str]:
    problems: list[str] = []
    tenants = {name.casefold() for name in _words(values["M365_TENANTS"])} | {values["M365_PARTNER_TENANT"].casefold()}
    if values["MAIL_TENANT"].casefold() not in {"", *tenants}:
        problems.append("MAIL_TENANT must be one of M365_TENANTS, or M365_PARTNER_TENANT.")
    if values["MAIL_SENDER"] and "@" not in values["MAIL_SENDER"]:
        problems.append("MAIL_SENDER must be the address of a mailbox.")
    return problems


def is_unresolved(value: str) -> bool:
    """Return whether a value is a Key Vault reference that the platform could not replace by the secret.

    Learn: "Use Key Vault references": then "the reference string is used instead".
    """
    return value.startswith(_REFERENCE)


def unresolved(name: str) -> str:
    """Say so of the setting of that name."""
    return (
        f"The Key Vault reference in {name} is not resolved: check that the secret exists and that the app's identity "
        "may read it, then refresh the references or restart the app."
    )


_REFERENCE: Final = "@Microsoft.KeyVault("


def _task_hub_problems(environment: Mapping[str, str]) -> list[str]:
    """Check the name of the task hub before the host fails on it (Learn: "Task hubs in Durable Functions")."""
    name = environment.get("TASK_HUB", "").strip()
    if not name or _TASK_HUB.fullmatch(name):
        return []
    return ["TASK_HUB must have 3 to 45 letters and digits (no others) and begin with a letter."]


_TASK_HUB: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{2,44}")


def _access_problems(values: Mapping[str, str]) -> list[str]:
    problems: list[str] = []
    if values["AUTH_MODE"] not in AUTH_MODES:
        problems.append(f"AUTH_MODE {values['AUTH_MODE']!r} is not known; use {', '.join(AUTH_MODES)}.")
    if values["FUNCTION_KEY_ROLE"] not in policy.ROLE_NAMES:
        problems.append("FUNCTION_KEY_ROLE must be reader, operator or admin.")
    parsers: dict[str, Callable[[str], object]] = {"ACCESS_ROLES": policy.roles, "ACCESS_TENANTS": policy.tenants}
    for name, parse in parsers.items():
        try:
            parse(values[name])
        except ValueError as error:
            problems.append(f"{name}: {error}.")
    return problems


def _is_fernet_key(text: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(text)) == _FERNET_KEY_BYTES
    except ValueError:
        return False


@cache
def current() -> Settings:
    """Return the settings of this process; read once, because the host restarts the app when they change."""
    return Settings.parse(os.environ)
