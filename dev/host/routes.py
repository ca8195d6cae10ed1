"""HTTP routes: templates as ASP.NET reads them, and which of several templates answers a path."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_CONSTRAINTS = {
    "int": r"[+-]?[0-9]{1,40}",
    "long": r"[+-]?[0-9]{1,40}",
    "bool": r"true|false",
    "alpha": r"[a-z]+",
    "guid": r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}",
}
_BITS = {"int": 32, "long": 64}
_PARAMETER = re.compile(r"\{(\*{0,2})([A-Za-z_]\w*)((?::[^{}?]+)*)(\??)\}")


@dataclass(frozen=True)
class Route:
    """A compiled template: lower ranks answer first."""

    function: str
    methods: frozenset[str]
    pattern: re.Pattern[str]
    rank: tuple[int, ...]
    numbers: dict[str, int]
    """Names of the parameters that are whole numbers, and their bits."""

    def match(self, path: str) -> dict[str, str] | None:
        """Return the values in a path, None where the path is not this route's."""
        found = self.pattern.fullmatch(path)
        if not found:
            return None
        values = {name: value for name, value in found.groupdict().items() if value}
        numbers = [(int(values[name]), bits) for name, bits in self.numbers.items() if name in values]
        return values if all(-(2 ** (bits - 1)) <= number < 2 ** (bits - 1) for number, bits in numbers) else None


def compile_route(function: str, template: str, methods: Iterable[str]) -> Route:
    """Read a template such as `users/{id:int}/{*rest}`; no methods means all, known or not."""
    pattern, rank = "", []
    segments = template.strip("/").split("/")
    for segment in segments:
        text, weight, optional = _segment(function, segment)
        pattern += f"(?:/{text})?" if optional else f"/{text}"
        rank.append(weight)
    # One slash more is the same path, but to a parameter that takes the rest: there it is a part of the value.
    pattern += "" if "{*" in segments[-1] else "/?"
    compiled = re.compile(pattern, re.IGNORECASE | re.DOTALL)
    numbers = {name: _BITS[kind] for kind, name in _kinds(template) if kind in _BITS}
    return Route(function, frozenset(method.upper() for method in methods), compiled, tuple(rank), numbers)


def _kinds(template: str) -> list[tuple[str, str]]:
    """Return the first constraint of each parameter that has one, and its name."""
    return [(match[3].strip(":"), match[2]) for match in _PARAMETER.finditer(template) if match[3]]


def _segment(function: str, segment: str) -> tuple[str, int, bool]:
    """Compile one segment; literals answer before constrained parameters, then free ones, then catch-alls."""
    parameters = list(_PARAMETER.finditer(segment))
    if "{" in _PARAMETER.sub("", segment):
        raise ValueError(f"function {function}: the route segment {segment!r} is not served by the development host")
    text, end, weight, optional = "", 0, 0, False
    for match in parameters:
        stars, name, constraints, mark = match.groups()
        text += re.escape(segment[end : match.start()])
        text += f"(?P<{name}>{_value(function, stars, constraints)})"
        end = match.end()
        weight = max(weight, 4 if stars else 1 if constraints else 2)
        optional = bool(mark or stars)
    return text + re.escape(segment[end:]), weight, optional


def _value(function: str, stars: str, constraints: str) -> str:
    names = [name for name in constraints.split(":") if name]
    unknown = [name for name in names if name not in _CONSTRAINTS]
    if unknown or len(names) > 1:
        raise ValueError(
            f"function {function}: the route constraint {constraints!r} is not served by the development host"
        )
    return ".*" if stars else _CONSTRAINTS[names[0]] if names else "[^/]+?"


def find_route(routes: Iterable[Route], method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Find the function of a path (`addresses.path_of`) and the values of its parameters."""
    if "//" in path:
        return None
    for route in sorted(routes, key=lambda route: route.rank):
        values = route.match(path)
        if values is not None and (not route.methods or method.upper() in route.methods):
            return route, values
    return None
