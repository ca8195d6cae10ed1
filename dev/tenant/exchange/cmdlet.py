"""Which cmdlets exist, which parameters they take, and how a call is bound to them as PowerShell binds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dev.tenant.errors import ExchangeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.tenant.messages import Json
    from dev.tenant.simulation import Simulation
    from dev.tenant.state import Tenant

Rows = list[dict[str, Any]]

HASH_TABLE = "#Exchange.GenericHashTable"
_COMMON = {"ErrorAction": "text", "WarningAction": "text", "Verbose": "switch", "Debug": "switch"}
_BINDING = "System.Management.Automation.ParameterBindingException"
NOTHING_CHANGED = "The command completed successfully but no settings of '{}' have been modified."


@dataclass
class Run:
    """One call of a cmdlet."""

    simulation: Simulation
    tenant: Tenant
    name: str
    given: dict[str, Any]
    warnings: list[str] = field(default_factory=list)

    def __getitem__(self, parameter: str) -> Json:
        """Read a parameter; one that was not given is null."""
        return self.given.get(parameter)

    def __contains__(self, parameter: str) -> bool:
        """Whether a parameter was given, be it as null."""
        return parameter in self.given

    def warn(self, text: str) -> None:
        """Write a warning: the way in which Exchange says that nothing was left to do."""
        self.warnings.append(text)


@dataclass(frozen=True)
class Cmdlet:
    """A cmdlet that exists."""

    name: str
    handler: Callable[[Run], Rows | None]
    parameters: dict[str, str]
    required: tuple[str, ...]
    writes: str | None
    """The parameter that names the mailbox it changes."""


CMDLETS: dict[str, Cmdlet] = {}


def cmdlet(
    name: str, parameters: str, *, required: str = "", writes: str | None = None
) -> Callable[[Callable[[Run], Rows | None]], Callable[[Run], Rows | None]]:
    """Declare a cmdlet.

    Args:
        name: its name.
        parameters: the parameters served, as "Name:type", the type being text, switch, number, size, list or hash.
        required: those that must be given.
        writes: the parameter that names the mailbox it changes.
    """

    def declare(handler: Callable[[Run], Rows | None]) -> Callable[[Run], Rows | None]:
        known = dict(part.split(":") for part in parameters.split()) | _COMMON
        if not name.startswith("Get-"):
            known["Confirm"] = "switch"
        CMDLETS[name] = Cmdlet(name, handler, known, tuple(required.split()), writes)
        return handler

    return declare


def bind(name: str, given: dict[str, Any]) -> Cmdlet:
    """Find a cmdlet and check what it was given."""
    if name not in CMDLETS:
        raise ExchangeError(
            "System.Management.Automation.CommandNotFoundException",
            f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, or operable program. "
            "Check the spelling of the name, or if a path was included, verify that the path is correct and try again.",
            unknown=True,
        )
    found = CMDLETS[name]
    spelled = {parameter.lower(): parameter for parameter in found.parameters}
    for parameter in list(given):  # PowerShell takes the names of parameters in any case
        if parameter not in found.parameters and parameter.lower() in spelled:
            given[spelled[parameter.lower()]] = given.pop(parameter)
    for parameter, value in given.items():
        if parameter not in found.parameters:
            text = f"A parameter cannot be found that matches parameter name '{parameter}'."
            raise ExchangeError(_BINDING, text, unknown=True)
        kind = found.parameters[parameter]
        if not _fits(kind, value):
            text = (
                f"Cannot bind parameter '{parameter}'. Cannot convert value \"{value}\" to the type of the parameter."
            )
            raise ExchangeError(_BINDING, text, unknown=True)
    for parameter in found.required:
        if parameter not in given:
            text = f"Cannot process command because of one or more missing mandatory parameters: {parameter}."
            raise ExchangeError(_BINDING, text, unknown=True)
        # The Get- cmdlets that take a null for "all of them" do not declare the parameter as required.
        if given[parameter] in (None, ""):
            raise ExchangeError(_BINDING, f"Cannot bind argument to parameter '{parameter}' because it is null.")
    return found


def _fits(kind: str, value: Json) -> bool:
    match kind:
        case "switch":
            return isinstance(value, bool)
        case "number":
            return isinstance(value, int) and not isinstance(value, bool)
        case "size":
            return value == "Unlimited" or (isinstance(value, int) and value > 0)
        case "list":
            return isinstance(value, str) or (isinstance(value, list) and all(isinstance(part, str) for part in value))
        case "hash":
            return value is None or isinstance(value, str | list) or _is_hash_table(value)
        case _:
            return value is None or isinstance(value, str)


def _is_hash_table(value: Json) -> bool:
    return (
        isinstance(value, dict)
        and value.get("@odata.type") == HASH_TABLE
        and {"@odata.type", "add", "remove"} >= set(value)
    )


def as_list(value: Json) -> list[str]:
    """Read one value or many."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def changed(held: list[str], wanted: Json, resolve: Callable[[str], str]) -> list[str]:
    """Apply a multi-valued parameter: a list replaces, a hash table adds and removes."""
    if not isinstance(wanted, dict):
        return [resolve(each) for each in as_list(wanted)]
    gone = {resolve(each) for each in as_list(wanted.get("remove"))}
    added = [resolve(each) for each in as_list(wanted.get("add"))]
    return [each for each in held if each not in gone] + [each for each in added if each not in held]
