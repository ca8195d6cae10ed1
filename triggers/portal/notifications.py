"""The portal's page of notification settings: one webhook, one list of addresses, and whether the PSA system is told.

They are the partner's destinations with the id `portal`; what else our own API has set stays as it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from shared.actions import portal_form
from shared.app import services
from shared.base import strict_json
from shared.base.problems import refused
from shared.jobs.storage import setting_changes
from shared.jobs.storage.table import ConflictError
from shared.notifications import MARKER
from triggers.answers import json_answer
from triggers.portal import wire
from triggers.routing import route

if TYPE_CHECKING:
    from collections.abc import Iterator

    import azure.functions as func

    from shared.access.caller import Caller
    from shared.notifications.settings.preferences import Preferences
    from triggers.portal.wire import Form

_ID: Final = "portal"
_STORED: Final = "SentToKeyVault"
"""The portal's word for a secret that is stored; blank means the same."""

_EXTRAS_KEY: Final = "portal|notifications"
_EXTRAS: Final[dict[str, Any]] = {
    "onePerTenant": False,
    "includeTenantId": True,
    "logsToInclude": ["None"],
    "Severity": ["Alert"],
}
"""What the page has and this app has no use for: kept, so that it shows what was saved."""
_MAX_EXTRAS: Final = 100

_CHATS: Final = {
    "office.com": "teams",
    "logic.azure.com": "teams",
    "powerplatform.com": "teams",
    "flow.microsoft.com": "teams",
    "discord.com": "discord",
    "slack.com": "slack",
}
"""Whose addresses are in which form. Workflows, by which Teams takes messages, show an Adaptive Card and nothing else
(Learn: "Create incoming webhooks with Workflows for Microsoft Teams")."""
_AS_JSON: Final = re.compile(r"[?&]format=portal$")
"""Put behind an address: whatever is there wants the portal's JSON, such as a workflow of somebody's own."""
_AUTH_TYPES: Final = {"bearer": "Bearer", "basic": "Basic", "api_key": "ApiKey", "headers": "CustomHeaders"}
_SWITCHES: Final = {"sendemailnow": "email", "sendwebhooknow": "webhook", "sendpsanow": "psa"}


@route("GET ListNotificationConfig", wire.text_refused)
def list_notification_config(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Tell the settings; what is stored as a secret is told by the portal's word for it."""
    del req
    shown = _preferences(caller).get()
    email, hook = _ours(shown, "email"), _ours(shown, "webhook")
    document = services.current().store.document(_EXTRAS_KEY)
    return json_answer(
        {
            **_EXTRAS,
            **(document.content if document else {}),
            "email": ",".join(email.get("to", [])),
            "webhook": _STORED if hook else "",
            "sendtoIntegration": any(one["enabled"] for one in _listed(shown, "psa")),
            "UseStandardizedSchema": hook.get("format") == "portal_standardised",
            **_auth_shown(hook.get("auth") or {}),
        }
    )


def _auth_shown(auth: dict[str, Any]) -> dict[str, str]:
    def stored(name: str) -> str:
        return _STORED if auth.get(name) else ""

    return {
        "webhookAuthType": _AUTH_TYPES.get(auth.get("kind", ""), "None"),
        "webhookAuthToken": stored("token"),
        "webhookAuthUsername": auth.get("username", ""),
        "webhookAuthPassword": stored("password"),
        "webhookAuthHeaderName": auth.get("header", ""),
        "webhookAuthHeaderValue": stored("value"),
        "webhookAuthHeaders": stored("headers"),
    }


@route("POST ExecNotificationConfig", wire.text_refused)
def exec_notification_config(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Save the settings."""
    from shared.notifications.settings import destinations

    form = wire.body(req)
    if not form:
        raise refused(400, "invalid_request", "There are no settings in the body.")
    preferences = _preferences(caller)
    shown = preferences.get()
    content = {
        "webhook": _replaced(shown, "webhook", _hook_in(form, _ours(shown, "webhook"))),
        "email": _replaced(shown, "email", _email_in(form)),
        "psa": shown["psa"],
    }
    if "sendtointegration" in form and shown["psa"]:
        is_told = portal_form.is_on(form, "sendtoIntegration")
        content["psa"] = [one | {"enabled": is_told} for one in _listed(shown, "psa")]
    saved = preferences.put(destinations.parse_json(content), caller.name)
    _save_extras(form, caller.name)
    missing = list(_missing(form, saved))
    text = " ".join(["The notification settings were saved.", *missing])
    return json_answer({"Results": {"resultText": text, "state": "warning"} if missing else text})


def _missing(form: Form, saved: dict[str, Any]) -> Iterator[str]:
    """Say which switches of the page are off again after a reload, and what keeps anybody from being told."""
    if portal_form.is_on(form, "sendtoIntegration") and not saved["psa"]:
        yield (
            '"Send to integration" stays off: no PSA system is set up. An administrator sets one up with '
            "PUT /api/settings/notifications."
        )
    if portal_form.is_on(form, "UseStandardizedSchema") and not _ours(saved, "webhook"):
        yield '"Use standardized schema" stays off: it is the form of the webhook, and no webhook is set.'
    if _ours(saved, "email") and (why := services.current().settings.why_no_mail):
        yield f"Nobody will be told by e-mail yet: {why}"


def _preferences(caller: Caller) -> Preferences:
    caller.scope.check_everywhere()
    from shared.notifications.settings.preferences import Preferences

    return Preferences(services.current())


def _listed(shown: dict[str, Any], channel: str) -> list[dict[str, Any]]:
    return shown[channel] or []


def _ours(shown: dict[str, Any], channel: str) -> dict[str, Any]:
    return next((one for one in _listed(shown, channel) if one["id"] == _ID), dict[str, Any]())


def _replaced(shown: dict[str, Any], channel: str, new: dict[str, Any] | None) -> list[dict[str, Any]] | None:
    others = [one for one in _listed(shown, channel) if one["id"] != _ID]
    return [*others, *([new] if new else [])] or None


def _email_in(form: Form) -> dict[str, Any] | None:
    to = [address.strip() for address in wire.text_in(form, "email").replace(";", ",").split(",")]
    to = [address for address in to if address]
    return {"id": _ID, "to": to} if to else None


def _hook_in(form: Form, before: dict[str, Any]) -> dict[str, Any] | None:
    url = wire.text_in(form, "webhook")
    if not url:
        return None
    kept = url == _STORED
    if portal_form.is_on(form, "UseStandardizedSchema"):
        shape = "portal_standardised"
    elif kept and before.get("format") != "portal_standardised":
        shape = before.get("format", "portal")
    else:
        shape = _shape_for(url)
    # Where the address is kept as the name of a setting, that name is what keeps it.
    address = before.get("url", MARKER) if kept else _AS_JSON.sub("", url)
    return {"id": _ID, "format": shape, "url": address, "auth": _auth_in(form, before.get("auth") or {})}


def _shape_for(url: str) -> str:
    if _AS_JSON.search(url):
        return "portal"
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    return next((shape for domain, shape in _CHATS.items() if host == domain or host.endswith(f".{domain}")), "portal")


def _auth_in(form: Form, before: dict[str, Any]) -> dict[str, Any] | None:
    kind = wire.text_in(form, "webhookauthtype").casefold()
    if kind == "bearer":
        return {"kind": "bearer", "token": _secret_in(form, "webhookauthtoken", before.get("token"))}
    if kind == "basic":
        password = _secret_in(form, "webhookauthpassword", before.get("password"))
        return {"kind": "basic", "username": wire.text_in(form, "webhookauthusername"), "password": password}
    if kind == "apikey":
        value = _secret_in(form, "webhookauthheadervalue", before.get("value"))
        return {"kind": "api_key", "header": wire.text_in(form, "webhookauthheadername"), "value": value}
    if kind == "customheaders":
        return {"kind": "headers", "headers": _headers_in(form, before.get("headers") or {})}
    return None


def _secret_in(form: Form, name: str, before: object) -> object:
    given = wire.text_in(form, name)
    return given if given not in {"", _STORED} else before or MARKER


def _headers_in(form: Form, before: dict[str, Any]) -> dict[str, Any]:
    """Read the headers: an object, or the text of one."""
    given = form.get("webhookauthheaders")
    if isinstance(given, str):
        if given.strip() in {"", _STORED}:
            return before
        try:
            given = strict_json.loads(given)
        except ValueError:
            given = None
    if not isinstance(given, dict):
        raise refused(400, "invalid_request", "The headers are not a JSON object.", "webhookAuthHeaders")
    headers = cast("dict[str, Any]", given)
    return {name: before.get(name, MARKER) if _keeps(value) else value for name, value in headers.items()}


def _keeps(value: object) -> bool:
    return isinstance(value, str) and value in {"", _STORED}


def _save_extras(form: Form, operator: str) -> None:
    given = {name: form[name.lower()] for name in _EXTRAS if name.lower() in form}
    kept: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(_EXTRAS[name], bool):
            kept[name] = portal_form.is_on(form, name)
        else:
            kept[name] = portal_form.people(value, name)[:_MAX_EXTRAS] or _EXTRAS[name]
    store = services.current().store
    document = store.document(_EXTRAS_KEY)
    before = document.content if document else {}
    change = setting_changes.made("notifications, as the portal shows them", operator, before, kept)
    try:
        store.put_document(_EXTRAS_KEY, kept, document.etag if document else None, change)
    except ConflictError:
        raise refused(409, "changed", "The settings were changed elsewhere just now; look at them again.") from None


@route("POST ExecAddAlert", wire.text_refused)
def exec_add_alert(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Send a test message to the chosen kinds of destinations."""
    form = wire.body(req)
    preferences = _preferences(caller)
    channels = [channel for switch, channel in _SWITCHES.items() if portal_form.is_on(form, switch)]
    tried = [result for channel in channels for result in preferences.test(channel=channel)]
    if not tried:
        raise refused(400, "invalid_request", "There is no such destination to send a test message to.")
    results = [
        {"resultText": f"{each.channel}: {each.message}", "state": "success" if each.delivered else "error"}
        for each in tried
    ]
    return json_answer({"Results": results})
