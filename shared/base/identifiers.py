"""What may stand where a person or a tenant is named."""

from __future__ import annotations

import re
from typing import Final

MAX_CHARS: Final = 320

_GUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_DOMAIN: Final = re.compile(r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"[^\s@\"<>()\[\]\\,;:]{1,64}@[^\s@]+")
"""The part before the @ has at most 64 characters (RFC 5321; Learn: "Prepare to provision users through directory
synchronization")."""

ONE_LINE_FORM: Final = r"^[^\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]*$"
"""No control, bidirectional or invisible characters, and no other ends of lines (Unicode: "UTR #36, Bidirectional Text
Spoofing"): in a list of people or in a log, they would show something else than is there."""

_ONE_LINE: Final = re.compile(ONE_LINE_FORM.removesuffix("$") + r"\Z")

# The same for whoever describes what is accepted: JSON Schema knows no flags and no look-ahead.
_GUID_FORM: Final = "[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"
_DOMAIN_FORM: Final = r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}"
TENANT_FORM: Final = {"type": "string", "maxLength": 253, "pattern": f"^({_GUID_FORM}|{_DOMAIN_FORM})$"}
PERSON_FORM: Final = {
    "type": "string",
    "maxLength": MAX_CHARS,
    "pattern": f"^({_GUID_FORM}|[!#-'*+.-9=?A-Z^-~-]{{1,64}}@{_DOMAIN_FORM})$",
}
"""An address of ASCII characters; others are accepted as far as they can be seen, which no pattern can say."""


def is_guid(text: str) -> bool:
    """Return whether `text` is an object or tenant id."""
    return bool(_GUID.fullmatch(text))


def is_domain(text: str) -> bool:
    """Return whether `text` is a domain name."""
    return bool(_DOMAIN.fullmatch(text))


def check_person(text: str) -> str:
    """Return `text` if it is an object id or has the form of an address; raises ValueError in words."""
    if is_guid(text) or (len(text) <= MAX_CHARS and text.isprintable() and _has_address_form(text)):
        return text
    raise ValueError(f"{shown(text)} is neither an object id nor an address such as ada@example.com")


def _has_address_form(text: str) -> bool:
    return bool(_ADDRESS.fullmatch(text)) and is_domain(text.rpartition("@")[2])


def is_one_line(text: str) -> bool:
    """Return whether `text` is what it looks like."""
    return bool(_ONE_LINE.match(text))


def shown(text: str) -> str:
    """Return `text` as a message can show it: control and bidirectional characters escaped, cut to a line."""
    cut = text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004 - what fits a line
    return ascii(cut) if not cut.isprintable() else f"'{cut}'"
