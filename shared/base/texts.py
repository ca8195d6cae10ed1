"""Texts for people: cut where they may be cut."""

from __future__ import annotations

from typing import Final

ELLIPSIS: Final = "…"


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
