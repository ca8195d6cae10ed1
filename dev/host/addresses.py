"""Addresses as Kestrel and the Functions host read them: what is decoded, what stays as it was sent."""

import re
from collections.abc import Iterator

_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_LONGEST_CHARACTER = 4


def decoded(text: str, *, keep_slashes: bool) -> str:
    """Decode what is UTF-8; other escapes stay, and in a path so do slashes: `a%2Fb` is one segment."""
    return _ESCAPES.sub(lambda match: "".join(_characters(match.group(), keep_slashes=keep_slashes)), text)


def _characters(run: str, *, keep_slashes: bool) -> Iterator[str]:
    escapes = [run[start : start + 3] for start in range(0, len(run), 3)]
    raw = bytes.fromhex(run.replace("%", ""))
    at = 0
    while at < len(raw):
        character, length = _character(raw[at : at + _LONGEST_CHARACTER])
        stays = character is None or (character == "/" and keep_slashes)
        yield escapes[at] if stays or character is None else character
        at += length


def _character(raw: bytes) -> tuple[str | None, int]:
    for length in range(1, len(raw) + 1):
        try:
            return raw[:length].decode(), length
        except UnicodeDecodeError:
            continue
    return None, 1


def path_of(target: str) -> str:
    """Return the path of a request target: decoded, then without `.` and `..`."""
    path = decoded(target.partition("?")[0], keep_slashes=True)
    kept: list[str] = []
    parts = path.split("/")
    for number, part in enumerate(parts):
        if part == "..":
            kept = kept[:-1] if len(kept) > 1 else kept
        elif part != ".":
            kept.append(part)
        if part in {".", ".."} and number == len(parts) - 1:
            kept.append("")
    return "/".join(kept) or "/"


def query_of(target: str) -> dict[str, str]:
    """Return the query: names are one in any case, under the first spelling; repeated ones are joined by commas."""
    spelled: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for pair in target.partition("?")[2].split("&"):
        name, _, value = (decoded(part.replace("+", " "), keep_slashes=False) for part in pair.partition("="))
        if name:
            first = spelled.setdefault(name.lower(), name)
            values.setdefault(first, []).append(value)
    return {name: ",".join(each) for name, each in values.items()}
