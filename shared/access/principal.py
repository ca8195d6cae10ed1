"""What the hosting front says about who is signed in.

Both fronts send the header `x-ms-client-principal`, base64 of JSON, and take away what a client sends under that name:

- App Service: `{"auth_typ", "claims": [{"typ", "val"}], "name_typ", "role_typ"}` (Learn: "Work with user identities in
  Azure App Service authentication").
- Static Web Apps: `{"identityProvider", "userId", "userDetails", "userRoles"}` (Learn: "Accessing user information in
  Azure Static Web Apps").
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final, cast

from shared.base import identifiers, strict_json
from shared.base.problems import RefusedError, refused

HEADER: Final = "x-ms-client-principal"
_MAX_HEADER_CHARS: Final = 64 * 1024
_MAX_NAME_CHARS: Final = 320

_NAMES: Final = (
    "preferred_username",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "upn",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "appid",
    "azp",
)
"""Claims that name a person (or an app) unmistakably, the best first: a display name would not."""

_IDS: Final = ("http://schemas.microsoft.com/identity/claims/objectidentifier", "oid")
_GROUPS: Final = "groups"
_ROLES: Final = ("roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role", _GROUPS)


@dataclass(frozen=True)
class Principal:
    """Somebody who is signed in; `roles` are as the front names them: app roles, groups, or a portal's own."""

    provider: str
    id: str
    name: str
    roles: tuple[str, ...]


def from_app_service(header: str | None) -> Principal:
    """Read App Service's header; raises `RefusedError` 401."""
    raw = _decoded(header)
    provider, entries = raw.get("auth_typ"), raw.get("claims")
    if not isinstance(entries, list):
        raise _not_signed_in()
    claims: dict[str, list[str]] = {}
    for entry in cast("list[Any]", entries):
        match entry:
            case {"typ": str(kind), "val": str(value)}:
                claims.setdefault(kind, []).append(value)
            case _:
                raise _not_signed_in()
    role_type = raw.get("role_typ")
    kinds = dict.fromkeys((*_ROLES, role_type)) if isinstance(role_type, str) else _ROLES
    given = [(kind, value) for kind in kinds for value in claims.get(str(kind), [])]
    # A group can be called what its owner likes, such as one of our roles; only its id is nobody's invention.
    roles = [value for kind, value in given if kind != _GROUPS or identifiers.is_guid(value)]
    return _principal(provider, _first(claims, _IDS), _first(claims, _NAMES), roles)


def from_static_web_apps(header: str | None) -> Principal:
    """Read Static Web Apps' header; raises `RefusedError` 401."""
    raw = _decoded(header)
    roles = raw.get("userRoles")
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in cast("list[Any]", roles)):
        raise _not_signed_in()
    return _principal(raw.get("identityProvider"), raw.get("userId"), raw.get("userDetails"), cast("list[str]", roles))


def _decoded(header: str | None) -> dict[str, Any]:
    if not header or len(header) > _MAX_HEADER_CHARS:
        raise _not_signed_in()
    try:
        raw = strict_json.loads(base64.b64decode(header, validate=True))
    except (binascii.Error, ValueError):
        raise _not_signed_in() from None
    if not isinstance(raw, dict):
        raise _not_signed_in()
    return cast("dict[str, Any]", raw)


def _first(claims: dict[str, list[str]], kinds: tuple[str, ...]) -> str | None:
    return next((claims[kind][0] for kind in kinds if claims.get(kind)), None)


def _principal(provider: object, identity: object, name: object, roles: list[str]) -> Principal:
    if not _is_name(provider) or not _is_name(identity) or not _is_name(name):
        raise _not_signed_in()
    return Principal(str(provider), str(identity), str(name), tuple(dict.fromkeys(roles)))


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= _MAX_NAME_CHARS and value.isprintable()


def _not_signed_in() -> RefusedError:
    return refused(401, "not_signed_in", "Sign in first: the request carries no valid identity.")
