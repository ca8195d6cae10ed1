"""What operators set in the portal: the defaults of offboardings, and how the portal looks to them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, cast

from shared.access.policy import KEY, Role
from shared.actions import portal_form
from shared.app import services
from shared.base.problems import Problem, RefusedError, refused
from shared.jobs.storage import rows, setting_changes
from shared.jobs.storage.table import ConflictError
from shared.offboarding.request.defaults import Defaults, DefaultsStore
from triggers.answers import json_answer
from triggers.portal import forms, wire
from triggers.routing import route

if TYPE_CHECKING:
    import azure.functions as func

    from shared.access.caller import Caller
    from shared.jobs.storage.setting_changes import SettingChange

_LOOKS: Final = {"currentTheme": {"value": "light", "label": "light"}, "pinNav": True, "showDevtools": False}
_EVERYBODY: Final = "allusers"
_EVERYBODYS_LOOKS: Final = "portal|everybody"
_SOURCES: Final = {"operator": "user", "everybody": "allUsers", "none": "none"}
_NOT_LOOKS: Final = frozenset(
    {"offboardingdefaults", "offboardingdefaultssource", "userspecificsettings", "userbookmarks", "bookmarks"}
)
"""What the page sends back besides how it looks."""


@route("GET ListUserSettings", wire.text_refused)
def list_user_settings(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Tell an operator's settings, with the defaults that apply where a tenant has none.

    With `UserSpecificSettings` the page of preferences begins with "Current User", without them with "All Users": then
    an administrator who saves would change everybody's. So they are there for everybody who asks.
    """
    del req
    app = services.current()
    found = DefaultsStore(app, caller.name, caller.scope).for_tenant(None)
    looks = app.store.document(_looks_key(caller.scope.identity or caller.name)) or app.store.document(
        _EVERYBODYS_LOOKS
    )
    shown = {**_LOOKS, **(looks.content if looks else {})}
    bookmarks = app.store.document(_bookmarks_key(caller))
    return json_answer(
        {
            **shown,
            "UserSpecificSettings": shown,
            "UserBookmarks": bookmarks.content["bookmarks"] if bookmarks else [],
            "offboardingDefaultsSource": _SOURCES[found.source],
            "offboardingDefaults": {} if found.source == "none" else forms.form_of(found.defaults),
        }
    )


@route("POST ExecUserSettings", wire.text_refused)
def exec_user_settings(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Save an operator's own settings, or, as an administrator, everybody's."""
    form = wire.body(req)
    whose = wire.text_in(form, "user")
    settings = form.get("currentsettings")
    if not isinstance(settings, dict):
        raise refused(400, "invalid_request", "There are no settings in the body.", "currentSettings")
    is_everybody = whose.casefold() == _EVERYBODY
    if is_everybody and caller.role < Role.admin:
        raise refused(403, "forbidden", "Only an administrator sets what applies to everybody.", "user")
    if is_everybody:
        caller.scope.check_everywhere()
    # With a function key nobody knows which person of the portal is asking: they all share what is saved.
    if not is_everybody and caller.provider != KEY and whose.casefold() not in {"", caller.name.casefold()}:
        raise refused(403, "forbidden", "You may change your own settings only.", "user")
    app = services.current()
    given = cast("dict[str, Any]", settings)
    lowered = portal_form.lowered(given)
    if "offboardingdefaults" in lowered:
        store = DefaultsStore(app, caller.name, caller.scope)
        save = store.save_for_everybody if is_everybody else store.save_for_operator
        save(_defaults_in(lowered["offboardingdefaults"]))
    _save_looks(
        _EVERYBODYS_LOOKS if is_everybody else _looks_key(caller.scope.identity or caller.name), given, caller.name
    )
    return json_answer([{"Results": "The settings were saved."}])


def _save_looks(key: str, settings: dict[str, Any], operator: str) -> None:
    looks = {name: value for name, value in settings.items() if name.lower() not in _NOT_LOOKS}
    _refuse_endless(looks)
    known = services.current().store.document(key)
    whose = "everybody's look of the portal" if key == _EVERYBODYS_LOOKS else "own look of the portal"
    change = setting_changes.made(whose, operator, known.content if known else {}, looks)
    _put(key, looks, known.etag if known else None, change)


@route("POST ExecUserBookmarks", wire.text_refused)
def exec_user_bookmarks(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Save whoever asks their own bookmarks of the portal's pages."""
    settings = portal_form.part(wire.body(req), "currentSettings")
    given = settings.get("bookmarks")
    if given is not None and not isinstance(given, list):
        raise refused(400, "invalid_request", "The bookmarks are not a list.", "bookmarks")
    bookmarks = cast("list[object]", given or [])
    _refuse_endless(bookmarks)
    store = services.current().store
    known = store.document(_bookmarks_key(caller))
    _put(_bookmarks_key(caller), {"bookmarks": bookmarks}, known.etag if known else None, None)
    return json_answer({"Results": "The bookmarks were saved."})


def _bookmarks_key(caller: Caller) -> str:
    return f"{_looks_key(caller.scope.identity or caller.name)}|bookmarks"


def _refuse_endless(settings: object) -> None:
    if len(json.dumps(settings)) > rows.MAX_PROPERTY_CHARS:
        raise refused(400, "invalid_request", f"The settings have more than {rows.MAX_PROPERTY_CHARS} characters.")


def _put(key: str, content: dict[str, Any], etag: str | None, change: SettingChange | None) -> None:
    try:
        services.current().store.put_document(key, content, etag, change)
    except ConflictError:
        raise refused(409, "changed", "The settings were changed elsewhere just now; look at them again.") from None


def _looks_key(name: str) -> str:
    return f"portal|{hashlib.sha256(name.casefold().encode()).hexdigest()}"


@route("POST EditTenantOffboardingDefaults", wire.text_refused)
def edit_tenant_offboarding_defaults(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Save or, with nothing, clear the defaults of a tenant."""
    form = wire.body(req)
    tenant = wire.text_in(form, "customerid", "defaultdomainname") or wire.tenant_in(form)
    if not tenant:
        raise refused(400, "invalid_request", "The tenant is missing.", "customerId")
    defaults = _defaults_in(form.get("offboardingdefaults"))
    DefaultsStore(services.current(), caller.name, caller.scope).save_actions_for_tenant(tenant, defaults)
    text = "The tenant's defaults were saved." if defaults else "The tenant's defaults were cleared."
    return json_answer({"state": "success", "resultText": text})


def _defaults_in(value: object) -> Defaults | None:
    """Read a form of defaults; None where there is nothing in it."""
    form = portal_form.part({"offboardingdefaults": value or None}, "offboardingDefaults")
    if not form:
        return None
    problems: list[Problem] = []
    actions = forms.actions_in(form, problems)
    if problems:
        raise RefusedError(400, "invalid_request", problems)
    return Defaults(actions, tuple(forms.channels_in(form)))
