"""Values of the portal's form, as its pickers and editors send them: shared by the actions' `from_portal`."""

from __future__ import annotations

from typing import Any, cast


def one_person(option: object) -> str:
    """Read one choice of a picker: an option object, or the text a hand-made caller sends; "" for none."""
    if isinstance(option, dict):
        option = lowered(cast("object", option)).get("value")
    return option.strip() if isinstance(option, str) else ""


def people(options: object) -> list[str]:
    """Read the choices of a picker, without blanks and doubles."""
    if not isinstance(options, list):
        options = [options]
    named = [one_person(option) for option in cast("list[object]", options)]
    return list({name.casefold(): name for name in named if name}.values())


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
