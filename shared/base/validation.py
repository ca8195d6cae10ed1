"""What pydantic finds wrong with a body, in the words of this API: paths, and sentences that name no library."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

from shared.base.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_WORDS: Final = {
    "missing": "This field is missing.",
    "json_invalid": "The body is not valid JSON.",
    "list_type": "This must be a list.",
    "string_type": "This must be a text.",
    "bool_type": "This must be true or false.",
    "int_type": "This must be a whole number.",
    "dict_type": "This must be an object.",
    "model_type": "This must be an object.",
    "dataclass_type": "This must be an object.",
}
_UNKNOWN: Final = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
_TAGS: Final = frozenset({"union_tag_invalid", "union_tag_not_found"})
_NEAR: Final = 0.7
"""How alike a name must be to be suggested: one letter more, less or other of five."""


def problem_of(error: Mapping[str, Any], path: Sequence[str], known: Iterable[str] = ()) -> Problem:
    """Say what is wrong.

    Args:
        error: one of pydantic's.
        path: where it is, as the caller wrote it.
        known: names that may stand there, for a suggestion where one does not.
    """
    kind, context = error["type"], error.get("ctx", {})
    field = ".".join(path)
    if kind in _TAGS:
        # The field is the one by which kinds of objects are told apart, and it is in the object.
        name = str(context["discriminator"]).strip("'")
        tags = f"This must be one of {context['expected_tags']}." if "expected_tags" in context else _WORDS["missing"]
        return Problem(f"{field}.{name}".lstrip("."), tags)
    if kind in _UNKNOWN:
        return Problem(field, _unknown(path[-1] if path else "", known))
    return Problem(field, _WORDS.get(kind) or _counted(kind, context) or _said(str(error["msg"])))


def _unknown(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1, _NEAR)
    return f"This field is not known. Did you mean {near[0]}?" if near else "This field is not known."


def _counted(kind: str, context: Mapping[str, Any]) -> str | None:
    if kind == "too_short" and "min_length" in context:
        return f"At least {context['min_length']} must be given."
    if kind == "too_long" and "max_length" in context:
        return f"At most {context['max_length']} may be given."
    if kind == "string_pattern_mismatch":
        return f"This must match {context['pattern']}."
    return None


def _said(message: str) -> str:
    text = message.removeprefix("Value error, ").replace("Input should be", "This must be").rstrip(".")
    return f"{text}."
