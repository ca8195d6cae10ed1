"""HTTP routes: templates as ASP.NET reads them, and which of several templates answers a path."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

_CONSTRAINTS = {
    "int": r"-?\d+",
    "long": r"-?\d+",
    "bool": r"true|false",
    "alpha": r"[a-z]+",
    "guid": r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}",
}
_PARAMETER = re.compile(r"\{(\*{0,2})([A-Za-z_]\w*)((?::[^{}?]+)*)(\??)\}")


@dataclass(frozen=True)
class Route:
    """A compiled template: lower ranks answer first."""

    function: str
    methods: frozenset[str]
    pattern: re.Pattern[str]
    rank: tuple[int, ...]


def compile_route(function: str, template: str, methods: Iterable[str]) -> Route:
    """Read a template such as `users/{id:int}/{*rest}`; no methods means all."""
    pattern, rank = "", []
    for segment in template.strip("/").split("/"):
        text, weight, optional = _segment(function, segment)
        pattern += f"(?:/{text})?" if optional else f"/{text}"
        rank.append(weight)
    compiled = re.compile(pattern, re.IGNORECASE)
    return Route(function, frozenset(method.upper() for method in methods), compiled, tuple(rank))


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
    """Find the function of a raw (still percent-encoded) path and the values of its parameters."""
    for route in sorted(routes, key=lambda route: route.rank):
        match = route.pattern.fullmatch(path.rstrip("/"))
        if match and (not route.methods or method in route.methods):
            return route, {name: unquote(value) for name, value in match.groupdict().items() if value}
    return None
