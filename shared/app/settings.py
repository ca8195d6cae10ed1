"""Every setting that the app reads, each declared once; docs and infrastructure are held against this file by tests."""

from __future__ import annotations

import base64
import json
import os
import re
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Final

from shared.access import policy
from shared.app.declared import Setting, count, declared_in, durations, is_true, one_of, origin, parsed, prices, setting
from shared.app.host_settings import HOST_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from shared.access.policy import Role

FUNCTION_KEY: Final = "function-key"
AUTH_MODES: Final = (FUNCTION_KEY, "app-service", "static-web-apps")

SECRET_PREFIX = "NOTIFICATION_SECRET_"  # noqa: S105 - a prefix of names
"""Only settings with such names can be referred to by notification settings: whoever may change those must not be able
to send the app's own credentials anywhere."""

ORIGIN_PREFIX = "NOTIFICATION_ORIGIN_"
"""NOTIFICATION_ORIGIN_X says to which origin NOTIFICATION_SECRET_X may be sent: whoever may change notification
settings must not be able to send a credential to a receiver of their own."""

_FERNET_KEY_BYTES = 32
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.\[\]:-]+", re.IGNORECASE)
_TASK_HUB: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{2,44}")
_REFERENCE: Final = "@Microsoft.KeyVault("


class SettingsError(Exception):
    """The app's settings are incomplete or contradict each other; the message lists every problem."""


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.casefold() for name in policy.words(text, ",")))


def _seconds(minutes: str) -> int:
    return 60 * count(minutes)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of the app, parsed; the schedules and `TASK_HUB` are read by the Functions host."""

    storage_connection: str = setting(
        "OFFBOARDING_STORAGE", "Connection string of the account for offboardings (development).", "", secret=True
    )
    storage_uri: str = setting(
        "OFFBOARDING_STORAGE__tableServiceUri", "Table endpoint of that account, reached with an identity.", ""
    )
    storage_client_id: str = setting(
        "OFFBOARDING_STORAGE__clientId", "Client id of the user-assigned identity that reaches it.", ""
    )
    public_url: str = setting(
        "PUBLIC_URL", "Origin under which callers reach this app, for absolute links in answers.", parse=origin
    )
    auth_mode: str = setting(
        "AUTH_MODE",
        "Who says who is calling: function-key, or the front app-service or static-web-apps.",
        FUNCTION_KEY,
        parse=one_of(*AUTH_MODES),
    )
    function_key_role: str = setting(
        "FUNCTION_KEY_ROLE",
        "Role of a caller with a function key: reader, operator or admin.",
        "operator",
        parse=one_of(*policy.ROLE_NAMES),
    )
    access_roles: Mapping[str, Role] = setting(
        "ACCESS_ROLES",
        "Which app role, group or portal role stands for which of ours: theirs=reader|operator|admin, comma-separated.",
        "reader=reader,operator=operator,admin=admin,readonly=reader,editor=operator,superadmin=admin",
        parse=policy.roles,
    )
    access_tenants: Mapping[str, frozenset[str] | None] = setting(
        "ACCESS_TENANTS",
        "Who may see which tenants, separated by semicolons: holder=all, holder=none or holder=id id. A holder is a "
        "person, a role, a group id, key, or * for everybody else.",
        "*=all",
        parse=policy.tenants,
    )
    delete_user_allowed_to: frozenset[str] = setting(
        "DELETE_USER_ALLOWED_TO",
        "Holders, comma-separated, who may have users deleted.",
        "admin,key",
        parse=policy.holders,
    )
    bulk_allowed_to: frozenset[str] = setting(
        "BULK_ALLOWED_TO",
        "Holders, comma-separated, who may do more at once than BULK_LIMIT.",
        "admin,key",
        parse=policy.holders,
    )
    bulk_limit: int = setting(
        "BULK_LIMIT", "How many people or offboardings one request of anybody else may be about.", "20", parse=count
    )
    protected_users: frozenset[str] = setting(
        "PROTECTED_USERS",
        "Comma-separated object ids or user principal names that are never offboarded.",
        "",
        parse=policy.holders,
    )
    tenants: tuple[str, ...] = setting(
        "M365_TENANTS", "Comma-separated ids of the tenants this app may work in.", "", parse=_names
    )
    partner_tenant: str = setting(
        "M365_PARTNER_TENANT",
        "Id of a partner's tenant, whose GDAP customers this app may work in, too.",
        "",
        parse=str.casefold,
    )
    client_id: str = setting("M365_CLIENT_ID", "Client id of the multi-tenant app registration used in every tenant.")
    certificate: str = setting(
        "M365_CERTIFICATE", "Its certificate: a PFX in base64 (a Key Vault reference in Azure).", "", secret=True
    )
    certificate_password: str = setting("M365_CERTIFICATE_PASSWORD", "Password of that PFX.", "", secret=True)
    client_secret: str = setting(
        "M365_CLIENT_SECRET", "Its secret instead of a certificate; SharePoint refuses secrets.", "", secret=True
    )
    managed_identity_client_id: str = setting(
        "M365_MANAGED_IDENTITY_CLIENT_ID", "A managed identity federated with the app, instead of both.", ""
    )
    graph_url: str = setting("GRAPH_URL", "Origin of Microsoft Graph.", "https://graph.microsoft.com", parse=origin)
    exchange_url: str = setting(
        "EXCHANGE_URL", "Origin of Exchange Online's admin API.", "https://outlook.office365.com", parse=origin
    )
    login_url: str = setting(
        "LOGIN_URL", "Origin of the Microsoft Entra token endpoint.", "https://login.microsoftonline.com", parse=origin
    )
    sharepoint_url: str = setting(
        "SHAREPOINT_URL",
        "Origin of SharePoint sites; {host} stands for the site's host name.",
        "https://{host}",
        parse=origin,
    )
    give_up_after_seconds: int = setting(
        "GIVE_UP_AFTER_MINUTES", "How long a step may wait for a throttled or slow service.", "30", parse=_seconds
    )
    max_users_per_request: int = setting(
        "MAX_USERS_PER_REQUEST", "How many users one request may offboard.", "100", parse=count
    )
    max_runs_per_tenant: int = setting(
        "MAX_RUNS_PER_TENANT", "How many offboardings of one tenant may run at the same time.", "3", parse=count
    )
    max_per_tenant_and_hour: int = setting(
        "MAX_PER_TENANT_AND_HOUR",
        "How many people of one tenant may be submitted in an hour, by anybody.",
        "100",
        parse=count,
    )
    notification_key: str = setting(
        "NOTIFICATION_KEY", "Fernet keys that encrypt what notifications need; the first is used.", "", secret=True
    )
    notification_link: str = setting(
        "NOTIFICATION_LINK", "Where a person reads about an offboarding; {id} stands for its id.", ""
    )
    mail_tenant: str = setting(
        "MAIL_TENANT",
        "Id of the tenant whose mailbox sends notifications; one the app may work in.",
        "",
        parse=str.casefold,
    )
    mail_sender: str = setting("MAIL_SENDER", "Address of that mailbox; the app needs Mail.Send for it alone.", "")
    allow_loopback_webhooks: bool = setting(
        "ALLOW_LOOPBACK_WEBHOOKS",
        "true lets notifications go to this machine (development).",
        "false",
        parse=is_true,
    )
    api_page: bool = setting(
        "API_PAGE",
        "true shows the description of the API as a page, to readers: GET /api/docs.",
        "false",
        parse=is_true,
    )
    retention_days: int = setting(
        "RETENTION_DAYS",
        "After how many days ended offboardings and their audit records are removed.",
        "365",
        parse=count,
    )
    access_check_after: tuple[timedelta, ...] = setting(
        "ACCESS_CHECK_AFTER",
        "How long after an offboarding it is looked whether the person still has access; empty: never.",
        "0h,24h,7d",
        parse=durations,
    )
    licence_prices: Mapping[str, float] = setting(
        "LICENCE_PRICES",
        "What licenses are worth to a tenant's report, by part number, in any currency: SPE_E3=35.70,MCOEV=7.50.",
        "",
        parse=prices,
    )
    notification_secrets: Mapping[str, str] = field(repr=False)
    """The settings that notification settings may refer to, by their names."""
    notification_origins: Mapping[str, str]
    """To which origins those may be sent, by the names of these settings."""

    @classmethod
    def parse(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings from `environment`; raises `SettingsError` with all problems at once."""
        texts = {s.name: environment.get(s.name, s.default or "").strip() for s in SETTINGS}
        values, problems = parsed(cls, texts)
        problems += [f"{s.name} is not set. {s.meaning}" for s in SETTINGS if s.default is None and not texts[s.name]]
        needed = [s.name for s in SETTINGS if s.name != "NOTIFICATION_KEY"]
        problems += [unresolved(name) for name in needed if is_unresolved(texts[name])]
        problems += [*_contradictions(texts), *_task_hub_problems(environment), *_origin_problems(environment)]
        if _accepts_forged_principals(environment):
            problems.append(
                f"AUTH_MODE {texts['AUTH_MODE']} needs App Service authentication, which removes forged principals, "
                "and it is off. Switch it on in the function app, or link the Static Web App."
            )
        if problems:
            raise SettingsError("The app's settings are incomplete:\n- " + "\n- ".join(problems))
        return cls(
            **values,
            notification_secrets={n: value for n, value in environment.items() if n.startswith(SECRET_PREFIX)},
            notification_origins={
                name: value.strip() for name, value in environment.items() if name.startswith(ORIGIN_PREFIX)
            },
        )

    @cached_property
    def access(self) -> policy.Policy:
        """Who may do what, and where."""
        return policy.Policy(
            roles=self.access_roles,
            tenants=self.access_tenants,
            delete_users=self.delete_user_allowed_to,
            bulk=self.bulk_allowed_to,
            bulk_limit=self.bulk_limit,
        )

    @property
    def notification_keys(self) -> tuple[str, ...]:
        """The keys that encrypt what notifications need; none where anything is wrong with them."""
        return () if self.notification_key_problem else tuple(policy.words(self.notification_key, ","))

    @cached_property
    def notification_key_problem(self) -> str:
        """What is wrong with those keys.

        Like all that concerns notifications alone it does not stop the app: they never hold up an offboarding.
        """
        if is_unresolved(self.notification_key):
            return unresolved("NOTIFICATION_KEY")
        if all(map(_is_fernet_key, policy.words(self.notification_key, ","))):
            return ""
        return "NOTIFICATION_KEY holds a key that is not a Fernet key (32 bytes in URL-safe base64)."

    @property
    def mail_problem(self) -> str:
        """What keeps notifications from being sent by mail."""
        problems: list[str] = []
        if self.mail_tenant not in {"", *self.tenants, self.partner_tenant}:
            problems.append("MAIL_TENANT must be one of M365_TENANTS, or M365_PARTNER_TENANT.")
        if self.mail_sender and "@" not in self.mail_sender:
            problems.append("MAIL_SENDER must be the address of a mailbox.")
        return " ".join(problems)

    @property
    def why_no_mail(self) -> str:
        """Why nobody can be told by mail; empty: they can."""
        is_set = self.mail_tenant and self.mail_sender
        return self.mail_problem or ("" if is_set else "MAIL_TENANT and MAIL_SENDER are not set.")


SETTINGS: tuple[Setting, ...] = tuple(declared_in(Settings).values())


@cache
def current() -> Settings:
    """Return the settings of this process; read once, because the host restarts the app when they change."""
    return Settings.parse(os.environ)


def requires_function_key(environment: Mapping[str, str]) -> bool:
    """Return whether the host is to ask for a function key: unless one of the fronts says who is calling.

    Asked while the app is indexed, when no other setting need be there; a mode that is not known means a key.
    """
    return environment.get("AUTH_MODE", FUNCTION_KEY).strip() not in AUTH_MODES[1:]


def secret_values(environment: Mapping[str, str]) -> list[str]:
    """Return the values that must stand nowhere, for the log to take them out; no setting need be there."""
    names = {setting.name for setting in (*SETTINGS, *HOST_SETTINGS) if setting.secret}
    values = [value for name, value in environment.items() if name in names or name.startswith(SECRET_PREFIX)]
    return [*values, *policy.words(environment.get("NOTIFICATION_KEY", ""), ",")]


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


def _contradictions(texts: Mapping[str, str]) -> list[str]:
    problems: list[str] = []
    if not texts["OFFBOARDING_STORAGE"] and not texts["OFFBOARDING_STORAGE__tableServiceUri"]:
        problems.append("One of OFFBOARDING_STORAGE and OFFBOARDING_STORAGE__tableServiceUri must be set.")
    credentials = ("M365_CERTIFICATE", "M365_CLIENT_SECRET", "M365_MANAGED_IDENTITY_CLIENT_ID")
    if sum(bool(texts[name]) for name in credentials) != 1:
        problems.append(f"Exactly one of {', '.join(credentials)} must be set.")
    if not texts["M365_TENANTS"] and not texts["M365_PARTNER_TENANT"]:
        problems.append("One of M365_TENANTS and M365_PARTNER_TENANT must be set.")
    return problems


def _task_hub_problems(environment: Mapping[str, str]) -> list[str]:
    """Check the name of the task hub before the host fails on it (Learn: "Task hubs in Durable Functions")."""
    name = environment.get("TASK_HUB", "").strip()
    if not name or _TASK_HUB.fullmatch(name):
        return []
    return ["TASK_HUB must have 3 to 45 letters and digits (no others) and begin with a letter."]


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


def _is_fernet_key(text: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(text)) == _FERNET_KEY_BYTES
    except ValueError:
        return False
