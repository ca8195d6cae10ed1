"""Telling people and systems how an offboarding ended."""

from typing import Final

MARKER: Final = "(stored)"
"""Shown in the place of a stored secret; written back, like a blank, it keeps what is stored."""
