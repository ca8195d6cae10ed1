"""The one gate for JSON from outside, and the one way to write it in answers.

Python reads more than JSON has (`NaN`, `Infinity`) and texts that cannot be written again (lone surrogates), and Table
Storage and receivers stumble over NUL. What was kept before this gate stood must not make an answer fail either.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, NoReturn, cast

_UNWRITABLE: Final = re.compile("[\ud800-\udfff]")
_REFUSED: Final = re.compile("[\\0\ud800-\udfff]")
_INSTEAD: Final = "\ufffd"


def loads(text: bytes | str) -> Any:  # noqa: ANN401 - whatever was sent
    """Parse JSON (RFC 8259) whose texts can be stored and written; raises ValueError."""
    try:
        content = json.loads(text, parse_constant=_not_json)
        _check(content)
    except RecursionError:
        raise ValueError("It is nested too deeply.") from None
    return content


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON.")


def _check(content: object) -> None:
    if isinstance(content, str):
        if _REFUSED.search(content):
            raise ValueError("A text holds half of a character, or NUL.")
    elif isinstance(content, float):
        if not math.isfinite(content):
            raise ValueError("A number is too large.")
    elif isinstance(content, dict):
        for name, value in cast("dict[str, Any]", content).items():
            _check(name)
            _check(value)
    elif isinstance(content, list):
        for value in cast("list[Any]", content):
            _check(value)


def dumps(content: object) -> str:
    """Write an answer, whatever was stored: what no JSON has becomes null, half a character its replacement."""
    try:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(content), ensure_ascii=False)
    return _UNWRITABLE.sub(_INSTEAD, text)


def _finite(content: object) -> object:
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, dict):
        return {name: _finite(value) for name, value in cast("dict[str, object]", content).items()}
    if isinstance(content, (list, tuple)):
        return [_finite(value) for value in cast("list[object]", content)]
    return content
