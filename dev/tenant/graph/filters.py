"""The part of OData's $filter served: comparisons, `in`, startswith, endswith, any, and/or/not."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dev.tenant.errors import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.tenant.messages import Json

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<word>[\w.@/:+-]+)|(?P<mark>[(),]))")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "gt": lambda left, right: left is not None and left > right,
    "ge": lambda left, right: left is not None and left >= right,
    "lt": lambda left, right: left is not None and left < right,
    "le": lambda left, right: left is not None and left <= right,
}


class FilterError(Exception):
    """The text is not a filter."""


@dataclass
class Filter:
    """A condition on rows."""

    holds: Callable[[dict[str, Any]], bool]
    advanced: bool = False
    """It uses an operator that only the advanced query service knows."""
    properties: set[str] = field(default_factory=set)

    @staticmethod
    def parse(text: str) -> Filter:
        """Read a condition, or refuse it as Graph does."""
        try:
            parser = _Parser(text)
            holds = parser.either()
            parser.end()
        except FilterError:
            raise bad_request(f"Invalid filter clause: {text}", unknown=True) from None
        return Filter(holds, parser.advanced, parser.properties)


def _value(row: dict[str, Any], path: str) -> Json:
    value: Any = row
    for name in path.split("/"):
        value = (
            next((value[key] for key in value if key.lower() == name.lower()), None)
            if isinstance(value, dict)
            else None
        )
    return value.casefold() if isinstance(value, str) else value


class _Parser:
    def __init__(self, text: str) -> None:
        self.advanced = False
        self.properties: set[str] = set()
        self._tokens: list[str] = []
        self._variable: str | None = None
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if not match:
                raise FilterError
            self._tokens.append(match.group().strip())
            position = match.end()

    def end(self) -> None:
        if self._tokens:
            raise FilterError

    def either(self) -> Callable[[dict[str, Any]], bool]:
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        return lambda row: any(part(row) for part in parts)

    def _both(self) -> Callable[[dict[str, Any]], bool]:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        return lambda row: all(part(row) for part in parts)

    def _one(self) -> Callable[[dict[str, Any]], bool]:
        if self._take("not"):
            self.advanced = True
            inner = self._one()
            return lambda row: not inner(row)
        if self._take("("):
            inner = self.either()
            self._expect(")")
            return inner
        word = self._next()
        if word in {"startswith", "endswith"}:
            return self._affix(word)
        if word.endswith("/any"):
            return self._any(word.removesuffix("/any"))
        return self._comparison(word)

    def _affix(self, function: str) -> Callable[[dict[str, Any]], bool]:
        self.advanced |= function == "endswith"
        self._expect("(")
        path = self._property(self._next())
        self._expect(",")
        affix = self._literal(self._next())
        self._expect(")")
        return lambda row: getattr(str(_value(row, path) or ""), function)(affix)

    def _any(self, path: str) -> Callable[[dict[str, Any]], bool]:
        self._property(path)
        self._expect("(")
        variable, _, rest = self._next().partition(":")
        if rest:
            self._tokens.insert(0, rest)
        outer, self._variable = self._variable, variable
        inner = self.either()
        self._variable = outer
        self._expect(")")
        return lambda row: any(inner({variable: item}) for item in _value(row, path) or [])

    def _comparison(self, word: str) -> Callable[[dict[str, Any]], bool]:
        path = self._property(word)
        operator = self._next()
        if operator == "in":
            self._expect("(")
            values = [self._literal(self._next())]
            while self._take(","):
                values.append(self._literal(self._next()))
            self._expect(")")
            return lambda row: _value(row, path) in values
        if operator not in _COMPARE:
            raise FilterError
        self.advanced |= operator == "ne"
        compare, wanted = _COMPARE[operator], self._literal(self._next())
        return lambda row: compare(_value(row, path), wanted)

    def _property(self, path: str) -> str:
        head = path.split("/", maxsplit=1)[0]
        if not re.fullmatch(r"[A-Za-z]\w*", head):
            raise FilterError
        if head != self._variable:
            self.properties.add(head)
        return path

    def _literal(self, token: str) -> Json:
        if token.startswith("'"):
            return token[1:-1].replace("''", "'").casefold()
        if token in {"true", "false", "null"}:
            return {"true": True, "false": False, "null": None}[token]
        if re.fullmatch(r"-?\d+", token):
            return int(token)
        # Dates and ids stand without quotes.
        if re.fullmatch(r"[0-9a-fA-F-]{36}|\d{4}-\d\d-\d\d.*", token):
            return token.casefold()
        raise FilterError

    def _next(self) -> str:
        if not self._tokens:
            raise FilterError
        return self._tokens.pop(0)

    def _take(self, token: str) -> bool:
        if self._tokens and self._tokens[0] == token:
            self._tokens.pop(0)
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise FilterError
