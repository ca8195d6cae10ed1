"""The Bicep files as data: parsed, their names found, and simple expressions worked out.

The compiler is no library. What it would refuse first (a name that is not declared, a parameter that is not given) is
found here by reading names out of the text, because the parser tells 'literals' and names alike as strings.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pycep import BicepParser

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
FILES = sorted(path.relative_to(INFRA).as_posix() for path in INFRA.rglob("*.bicep"))

KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        "targetScope param var resource module output existing if for in true false null string int bool object array",
    )
)
FUNCTIONS = frozenset(
    re.findall(
        r"\w+",
        "allowed description minLength maxLength minValue maxValue secure, "  # decorators
        "empty environment filter guid map replace split startsWith string subscription subscriptionResourceId tenant "
        "toLower toObject trim union uniqueString",
    )
)
_TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|'''.*?'''|'|[A-Za-z_]\w*|\s+|=>|.", re.DOTALL)
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)(?:=(.*))?\}")
_DECLARED = re.compile(r"^(?:param|var|resource|module|output) (\w+)|\bfor (\w+) in\b|\b(\w+) =>", re.MULTILINE)


@dataclass(frozen=True)
class Resource:
    """A resource that a file declares, or refers to (`existing`)."""

    symbol: str
    type: str
    api_version: str
    existing: bool
    config: dict[str, Any]
    condition: Any

    @property
    def properties(self) -> dict[str, Any]:
        return self.config["properties"]


@dataclass(frozen=True)
class Module:
    """A use of another file."""

    symbol: str
    file: str
    params: dict[str, Any]


@dataclass(frozen=True)
class Template:
    """One file."""

    text: str
    parameters: dict[str, Any]
    variables: dict[str, Any]
    resources: list[Resource]
    modules: list[Module]
    outputs: dict[str, Any]

    def resource(self, symbol: str) -> Resource:
        return next(resource for resource in self.resources if resource.symbol == symbol)

    def of_type(self, kind: str) -> list[Resource]:
        return [r for r in self.resources if r.type.casefold() == kind.casefold() and not r.existing]

    def default(self, parameter: str) -> Any:
        return self.parameters[parameter]["default"]


@cache
def template(file: str) -> Template:
    text = (INFRA / file).read_text(encoding="utf-8")
    tree: Any = BicepParser().parse(text=text)
    return Template(
        text,
        tree.get("parameters", {}),
        {name: variable["value"] for name, variable in tree.get("variables", {}).items()},
        [_resource(symbol, declared) for symbol, declared in tree.get("resources", {}).items()],
        [
            Module(symbol, declared["detail"]["path"], _body(declared["config"])[0].get("params", {}))
            for symbol, declared in tree.get("modules", {}).items()
        ],
        tree.get("outputs", {}),
    )


def variables() -> dict[str, tuple[str, str | None]]:
    """By parameter of main.bicep: the azd variable that gives it, and the value where that is not set."""
    given = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    matches = {name: _VARIABLE.fullmatch(entry["value"]) for name, entry in given.items()}
    return {name: (match[1], match[2]) for name, match in matches.items() if match}


def everything_of_type(kind: str) -> list[Resource]:
    return [resource for file in FILES for resource in template(file).of_type(kind)]


def _resource(symbol: str, declared: dict[str, Any]) -> Resource:
    config, condition = _body(declared["config"])
    return Resource(symbol, declared["type"], declared["api_version"], declared["existing"], config, condition)


def _body(config: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """Return what stands in the braces of a declaration, without `if` and `for`, and the condition."""
    return (config["config"], config.get("condition")) if "config" in config else (config, None)


def names(text: str) -> list[tuple[str, str, str]]:
    """Return every name outside of literals, with what stands before it and right behind it; `${names}` count."""
    found: list[tuple[str, str, str]] = []
    _read(text, 0, found, closing="")
    return found


def _read(text: str, at: int, found: list[tuple[str, str, str]], closing: str) -> int:
    before, depth = "", 0
    while match := _TOKEN.match(text, at):
        token, at = match.group(), match.end()
        if token == closing and not depth:
            return at
        depth += {"{": 1, "}": -1}.get(token, 0)
        if token == "'":
            at = _read_literal(text, at, found)
        elif re.match(r"[A-Za-z_]", token):
            found.append((token, before, text[at : at + 1]))
        if not token.isspace():
            before = token
    return at


def _read_literal(text: str, at: int, found: list[tuple[str, str, str]]) -> int:
    while text[at] != "'":
        if text.startswith("${", at):
            at = _read(text, at + 2, found, closing="}")
        else:
            at += 2 if text[at] == "\\" else 1
    return at + 1


def declared(text: str) -> set[str]:
    return {name for found in _DECLARED.findall(text) for name in found if name}


def used(text: str) -> list[str]:
    """Return the names that stand for something: no properties (`.name`), keys (`name:`) or declarations."""
    return [
        name
        for name, before, behind in names(text)
        if before != "."
        and (behind != ":" or before == "in")
        and before not in {"param", "var", "resource", "module", "output", "for"}
    ]


class Values:
    """Works out what the deployment of one file would set, for given parameters.

    What only Azure knows stays as it is written: `identity.outputs.clientId`.
    """

    def __init__(self, file: str, **parameters: Any) -> None:
        self._template = template(file)
        defaults = {name: declared["default"] for name, declared in self._template.parameters.items()}
        self._parameters = {name: value for name, value in defaults.items() if value is not None} | parameters

    def of(self, tree: Any) -> Any:
        match tree:
            case str():
                return self._text(tree)
            case list():
                return [self.of(item) for item in tree]
            case {"function": {"type": kind, **rest}}:
                return self._function(kind, [self.of(argument) for argument in rest.get("parameters", {}).values()])
            case {"operator": {"type": kind, "operands": operands}}:
                return self._operator(kind, operands)
            case dict():
                return {key: self.of(value) for key, value in tree.items()}
            case _:
                return tree

    def _text(self, text: str) -> Any:
        if text in self._parameters:
            return self._parameters[text]
        if text in self._template.variables:
            return self.of(self._template.variables[text])
        return re.sub(r"\$\{(\w+)\}", lambda match: str(self._text(match.group(1))), text)

    def _function(self, kind: str, arguments: list[Any]) -> Any:
        match kind, arguments:
            case "string", [value]:
                return str(value)
            case "empty", [value]:
                return not value
            case "union", [*objects]:
                return {key: value for one in objects if isinstance(one, dict) for key, value in one.items()}
            case _:
                return f"{kind}({', '.join(map(str, arguments))})"

    def _operator(self, kind: str, operands: dict[str, Any]) -> Any:
        match kind, operands:
            case (("equals" | "not_equals"), {"operand_2": {"operator": {"type": "conditional", "operands": choice}}}):
                # The parser reads `a == b ? c : d` as `a == (b ? c : d)`.
                condition = {"operator": {"type": kind, "operands": {**operands, "operand_2": choice["condition"]}}}
                return self._operator("conditional", {**choice, "condition": condition})
            case "conditional", _:
                return self.of(operands["true_value"] if self.of(operands["condition"]) else operands["false_value"])
            case (("equals" | "not_equals"), _):
                return (self.of(operands["operand_1"]) == self.of(operands["operand_2"])) is (kind == "equals")
            case "multiply", _:
                return self.of(operands["operand_1"]) * self.of(operands["operand_2"])
            case "not", _:
                return not self.of(operands["bool_value"])
            case "property_accessor", _:
                return path(operands)
            case _:
                raise NotImplementedError(kind)


def path(operands: dict[str, Any]) -> str:
    """Return a chain of properties as it is written."""
    parts = (operands["operand_1"], operands["operand_2"])
    return ".".join(_part(part) for part in parts)


def _part(part: Any) -> str:
    match part:
        case {"operator": {"operands": operands}}:
            return path(operands)
        case {"function": {"type": kind}}:
            return f"{kind}()"
        case _:
            return str(part)
