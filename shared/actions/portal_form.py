"""Values of the portal's forms, as its switches, pickers and editors send them: shared by the actions' `from_portal`.

A value is understood as the portal's own backend would, or refused with the field's name: what somebody wished and
nobody could read must not end as a success. Every function here raises `RefusedError` 400.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from shared.base.problems import refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.base.problems import RefusedError

_ON: Final = frozenset({"true", "1", "on", "yes"})
_OFF: Final = frozenset({"", "false", "0", "off", "no"})


def is_on(form: Mapping[str, Any], name: str) -> bool:
    """Read a switch of a form (keys in lower case): a truth value, a number, or a text that stands for one."""
    value = form.get(name.lower())
    if isinstance(value, bool | int | float):
        return bool(value)
    text = "" if value is None else value.strip().lower() if isinstance(value, str) else None
    if text in _ON:
        return True
    if text not in _OFF:
        raise _unreadable(name, "must be on or off (true or false)")
    return False


def one_person(option: object, name: str) -> str:
    """Read one choice of a picker: an option, a list with one, or the text a hand-made caller sends; "" for none."""
    found = people(option, name)
    if len(found) > 1:
        raise _unreadable(name, "takes one choice, not several")
    return found[0] if found else ""


def people(options: object, name: str) -> list[str]:
    """Read the choices of a picker, without blanks and doubles."""
    listed = cast("list[object]", options) if isinstance(options, list) else [options]
    named = [_choice(option, name) for option in listed]
    return list({one.casefold(): one for one in named if one}.values())


def _choice(option: object, name: str) -> str:
    if isinstance(option, dict):
        given = lowered(cast("object", option))
        option = given.get("value") if any(given.values()) else ""
    elif option is None or option is False:
        return ""
    if not isinstance(option, str):
        raise _unreadable(name, "holds something that is no choice")
    return option.strip()


def text(value: object, name: str) -> str:
    """Read a text; "" for none, and a number as it is written."""
    if value is None or value is False:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise _unreadable(name, "must be a text")
    return value


def part(form: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Read an object inside a form, with its keys in lower case; an empty one where there is none."""
    value = form.get(name.lower())
    if value is not None and not isinstance(value, dict):
        raise _unreadable(name, "must be an object")
    return lowered(cast("object", value))


def _unreadable(name: str, what: str) -> RefusedError:
    return refused(400, "invalid_request", f"{name} {what}.", name)


def lowered(value: object) -> dict[str, Any]:
    """Read an object of the form with its keys in lower case; anything else is an empty one."""
    if not isinstance(value, dict):
        return {}
    return {str(key).lower(): item for key, item in cast("dict[Any, Any]", value).items()}


def tenant(value: object) -> str:
    """Read a tenant in the spellings of the portal's bodies: text, or an option object."""
    if isinstance(value, dict):
        value = lowered(cast("object", value)).get("value")
    return value.strip() if isinstance(value, str) else ""
