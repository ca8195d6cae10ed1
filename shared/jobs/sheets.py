"""Tables for spreadsheets: CSV (RFC 4180) whose cells no program takes for formulas."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ENDS_A_CELL: Final = r";,|\"'\u2028\u2029\uff0c\uff1b\uff5c\x00-\x1f\x7f-\x9f"
_IS_NOT_SEEN: Final = r"\s\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
_BEGINS_FORMULA: Final = re.compile(
    rf"(?:^|[{_ENDS_A_CELL}])[{_IS_NOT_SEEN}]*(?=[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b])"
)
"""Where a spreadsheet could see a formula begin (OWASP: "CSV Injection"): at the beginning of a cell, and behind
whatever else a program cuts cells at, because many open the file with another separator than the comma. What is
not seen is skipped by some programs, and full-width forms are taken for the characters they stand for."""


def to_csv(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """Write a table, every cell quoted."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    """Write a cell; what would be a formula is put behind an apostrophe."""
    return _BEGINS_FORMULA.sub(r"\g<0>'", "" if value is None else str(value))
