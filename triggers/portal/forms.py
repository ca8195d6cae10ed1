"""The portal's form of an offboarding, read into actions and written from them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from shared.actions import catalogue, portal_form
from shared.base.problems import Problem, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.actions.catalogue import Action
    from shared.offboarding.request.defaults import Defaults
    from triggers.portal.wire import Form

_CHANNELS: Final = {"webhook": "Webhook", "email": "Email", "psa": "PSA"}
_OTHERS: Final = frozenset({"tenantfilter", "user", "scheduled", "postexecution", "reference", "keepcopy"})
_UNTOUCHED: Final[Mapping[str, Any]] = {"set_out_of_office": "", "forward_email": None}
"""What the form holds for actions with parameters that are off; the others are pickers of several people."""


def actions_in(form: Form, problems: list[Problem]) -> dict[str, dict[str, Any]]:
    """Return what is switched on, with its parameters; what is wrong with those is added to `problems`."""
    from shared.offboarding.request import parsing

    actions: dict[str, dict[str, Any]] = {}
    for action in catalogue.all_actions().values():
        try:
            params = action.from_portal(form)
            if params is not None:
                actions[action.name] = parsing.checked_params(action.name, params)
        except RefusedError as error:
            problems += [
                Problem(action.portal_key or action.name, f"{action.title}: {p.message}") for p in error.problems
            ]
    return actions


def channels_in(form: Form) -> list[str]:
    """Return who is told the result."""
    chosen = portal_form.part(form, "postExecution")
    return [channel for channel in _CHANNELS if portal_form.is_on(chosen, channel)]


def unknown_in(form: Form) -> list[str]:
    """Return the fields that are switched on or filled in, and that nothing here reads: a newer portal's, perhaps."""
    keys = (action.portal_key for action in catalogue.all_actions().values())
    known = {key.lower() for key in keys if key} | _OTHERS
    return [name for name, value in form.items() if name not in known and not _is_hidden(name) and _is_wish(value)]


def _is_hidden(name: str) -> bool:
    return name.startswith("hidden_")


def _is_wish(value: object) -> bool:
    """Return whether a value asks for something: a switch that is on, or choices."""
    return value is True or (isinstance(value, str) and value.strip().lower() == "true") or _has_choices(value)


def _has_choices(value: object) -> bool:
    return isinstance(value, list) and bool(cast("list[object]", value))


def form_of(defaults: Defaults) -> dict[str, Any]:
    """Write defaults as a whole form.

    What is off is written, too: the wizard lays a tenant's defaults over the operator's, and a switch they do not
    mention would stay on.
    """
    form = options_of(defaults.actions)
    for action in catalogue.all_actions().values():
        if action.portal_key:
            form.setdefault(action.portal_key, _off(action))
    form.setdefault("KeepCopy", False)
    form["postExecution"] = {channel: channel in defaults.notify for channel in _CHANNELS}
    return form


def _off(action: Action) -> object:
    return False if action.params is None else _UNTOUCHED.get(action.name, [])


def options_of(
    actions: Mapping[str, Mapping[str, Any]], named: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """Write selected actions under the portal's names; what the portal does not know keeps its own.

    `named` says what people are called, by the id or address in the parameters: the portal shows labels.
    """
    options: dict[str, Any] = {}
    for name, params in actions.items():
        action = catalogue.all_actions().get(name)
        options[(action and action.portal_key) or name] = _value_of(params, named)
        if "keep_copy" in params:
            options["KeepCopy"] = params["keep_copy"]
    return options


def _value_of(params: Mapping[str, Any], named: Mapping[str, str]) -> object:
    to = params.get("to")
    if isinstance(to, str):
        return _option(to, named)
    if to is not None:
        return [_option(one, named) for one in to]
    return params.get("internal", True)


def _option(person: str, named: Mapping[str, str]) -> dict[str, str]:
    return {"label": named.get(person, person), "value": person}


def channels_text(notify: tuple[str, ...]) -> str:
    """Write channels as the portal's `PostExecution`, which must be a text."""
    return ",".join(text for channel, text in _CHANNELS.items() if channel in notify)
