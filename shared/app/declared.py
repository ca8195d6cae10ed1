"""How a setting is declared: once, at the field that holds it, with its meaning, its default and how it is read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DECLARED: Final = "setting"


@dataclass(frozen=True)
class Setting:
    """One environment variable: its meaning for people and its value where it is not set."""

    name: str
    meaning: str
    default: str | None = None
    secret: bool = False
    parse: Callable[[str], Any] = str
    """Returns the value of a text; raises ValueError with what follows the setting's name in a sentence."""


def setting(
    name: str, meaning: str, default: str | None = None, *, secret: bool = False, parse: Callable[[str], Any] = str
) -> Any:  # noqa: ANN401 - as `dataclasses.field`: the annotation of the field says what it holds
    """Declare the field of a dataclass that holds a setting; without a default it must be set."""
    declared = Setting(name, meaning, default, secret, parse)
    return field(repr=not secret, metadata={_DECLARED: declared})


def declared_in(settings: type) -> dict[str, Setting]:
    """Return the settings that a dataclass declares, by the names of its fields, in order."""
    found = {each.name: each.metadata.get(_DECLARED) for each in fields(settings)}
    return {name: declared for name, declared in found.items() if declared}


def parsed(settings: type, texts: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Read the text of each setting.

    Args:
        settings: the dataclass that declares them.
        texts: the texts by the names of the settings.

    Returns:
        The values by the names of the fields, and what is wrong with those that are missing here.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, declared in declared_in(settings).items():
        try:
            values[name] = declared.parse(texts[declared.name])
        except ValueError as error:
            problems.append(f"{declared.name} {error}.")
    return values, problems


def count(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isdecimal() or not int(text):
        raise ValueError("must be a whole number above 0")
    return int(text)


def prices(text: str) -> dict[str, float]:
    """Read amounts by name: `A=1.50,B=2`; names in lower case."""
    found: dict[str, float] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, _, amount = part.partition("=")
        if not _AMOUNT.fullmatch(amount.strip()) or not name.strip():
            raise ValueError("must be names with amounts, such as SPE_E3=35.70,MCOEV=7.50")
        found[name.strip().casefold()] = float(amount)
    return found


_AMOUNT: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,4})?")


def durations(text: str) -> tuple[timedelta, ...]:
    """Read lengths of time in hours or days, such as 0h,24h,7d; each once, the shortest first."""
    found: set[timedelta] = set()
    for part in filter(None, (one.strip() for one in text.split(","))):
        match = _DURATION.fullmatch(part)
        if not match:
            raise ValueError("must be lengths of time in hours or days, such as 0h,24h,7d")
        number = int(match[1])
        found.add(timedelta(days=number) if match[2] == "d" else timedelta(hours=number))
    return tuple(sorted(found))


_DURATION: Final = re.compile(r"([0-9]{1,3})([hd])")


def is_true(text: str) -> bool:
    """Read a switch: on is `true`."""
    return text.casefold() == "true"


def origin(text: str) -> str:
    """Read an origin, to which paths are appended."""
    return text.rstrip("/")


def one_of(*choices: str) -> Callable[[str], str]:
    """Make what reads one of some words."""

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"{text!r} is not known; use one of {', '.join(choices)}")
        return text

    return read
