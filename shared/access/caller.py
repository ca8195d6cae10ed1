"""Who is calling: the one answer that every route is authorised with."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from shared.access import principal
from shared.access.policy import KEY, Role
from shared.access.routes import ROUTES
from shared.access.scope import Authority, Scope
from shared.base import identifiers
from shared.base.problems import refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from shared.access.principal import Principal
    from shared.app.settings import Settings


@dataclass(frozen=True)
class Caller:
    """Somebody who calls: `name` stands in the records, `given_roles` are as the hosting front names them."""

    name: str
    role: Role
    scope: Scope
    id: str = ""
    provider: str = KEY
    given_roles: tuple[str, ...] = ()


_NOBODY: Final = Caller("", Role.nobody, Scope(tenants=frozenset()))

_READERS: Final[Mapping[str, Callable[[str | None], Principal]]] = {
    "app-service": principal.from_app_service,
    "static-web-apps": principal.from_static_web_apps,
}
"""By AUTH_MODE. A principal header is ignored in any other mode than its own: anybody could have written it."""


def authorised(route: str, settings: Settings, headers: Mapping[str, str]) -> Caller:
    """Return who is calling `route` (as in `ROUTES`).

    With `function-key` the host has asked for the key before this is reached.

    Raises:
        RefusedError: 401 nobody is signed in; 403 their role is too low.
    """
    needed = ROUTES[route]
    if needed is None:
        return _NOBODY
    caller = _caller(settings, headers)
    caller = replace(caller, scope=replace(caller.scope, origin=_origin(headers)))
    if caller.role < needed:
        own = f"your role is {caller.role.name}" if caller.role else "you have none"
        text = f"This requires the role {needed.name}; {own}."
        raise refused(403, "forbidden", text)
    return caller


_MAX_ORIGIN_CHARS: Final = 100
_IN_ADDRESSES: Final = re.compile(r"[0-9A-Fa-f.:, \[\]]+")


def _origin(headers: Mapping[str, str]) -> str:
    """Return the addresses a request came by: App Service adds the last one, whoever called may have made up the first.

    Learn: "Azure App Service: access client IP address" (X-Forwarded-For).
    """
    given = headers.get("x-forwarded-for", "")
    return given[-_MAX_ORIGIN_CHARS:].strip() if _IN_ADDRESSES.fullmatch(given) else ""


def _caller(settings: Settings, headers: Mapping[str, str]) -> Caller:
    read = _READERS.get(settings.auth_mode)
    if read is None:
        role = Role[settings.function_key_role]
        scope = replace(_scope_of_key(settings), authority=Authority((), (KEY,)))
        return Caller(KEY, role, scope, given_roles=(role.name,))
    signed_in = read(headers.get(principal.HEADER))
    given = frozenset(name.casefold() for name in signed_in.roles) - {KEY}
    role = settings.access.role_of(given)
    # A bare word could be a user name at one provider and a role in the settings: only addresses and ids are people.
    person = frozenset({signed_in.id.casefold(), *({signed_in.name.casefold()} if "@" in signed_in.name else ())})
    groups = given | {role.name}
    scope = settings.access.scope_of(person, groups)
    return Caller(
        _recorded(signed_in),
        role,
        replace(
            scope,
            identity=f"{signed_in.provider}|{signed_in.id}".casefold(),
            authority=settings.access.authority_of(person, given),
        ),
        signed_in.id,
        signed_in.provider,
        signed_in.roles,
    )


def _recorded(signed_in: Principal) -> str:
    """Return what somebody is called in the records: a bare word could be the app's own, such as `service` or `key`."""
    if "@" in signed_in.name or identifiers.is_guid(signed_in.name):
        return signed_in.name
    return f"{signed_in.name} ({signed_in.provider})"


def _scope_of_key(settings: Settings) -> Scope:
    return settings.access.scope_of(frozenset(), frozenset({KEY, settings.function_key_role}))


def may_still(settings: Settings, authority: Authority, tenant_id: str, actions: Iterable[str]) -> bool:
    """Return whether the settings, as they are now, let somebody have actions done in a tenant.

    What the front would say of the person today is not known: only the settings are asked again.
    """
    given = frozenset(authority.groups)
    if KEY in given:
        role, scope = Role[settings.function_key_role], _scope_of_key(settings)
    else:
        role = settings.access.role_of(given)
        scope = settings.access.scope_of(frozenset(authority.person), given | {role.name})
    return role >= Role.operator and scope.sees(tenant_id) and scope.forbidden.isdisjoint(actions)
