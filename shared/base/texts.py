"""Texts for people: cut where they may be cut."""

from __future__ import annotations

import re
from typing import Final

ELLIPSIS: Final = "…"
_DIRECTION_MARKS: Final = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def without_direction_marks(text: str) -> str:
    """Take out the characters that make what follows read backwards, with which a name can look like another text.

    Unicode Technical Report 36, "Unicode Security Considerations": bidirectional text spoofing.
    """
    return _DIRECTION_MARKS.sub("", text)


def cut(text: str, most: int) -> str:
    """Return at most `most` characters: cut behind a word, with an ellipsis where something is missing."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    words, space, _ = kept.rpartition(" ")
    # A text without spaces, such as an address, is cut where it must be.
    if space and not text[most - 1].isspace() and len(words) >= most // 2:
        kept = words
    return kept.rstrip() + ELLIPSIS
