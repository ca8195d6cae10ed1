"""What the portal asks before it shows anything: who is signed in, and whether anything is out of date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import azure.functions as func

from shared.access.policy import Role
from shared.app import services
from triggers.answers import json_answer
from triggers.portal import wire
from triggers.routing import route

if TYPE_CHECKING:
    from shared.access.caller import Caller

_AREAS: Final = ("CIPP.Core", "CIPP.Scheduler", "Identity.User", "Exchange.Mailbox", "Tenant.Config")
_PORTAL_ROLES: Final = {Role.reader: "readonly", Role.operator: "editor", Role.admin: "admin"}
_MAX_VERSION_CHARS: Final = 20


@route("GET me", wire.text_refused)
def me(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Tell who is signed in and what the portal's menu and buttons may offer them."""
    del req
    known = services.current().settings.access.roles
    roles = [role for role in caller.given_roles if role.casefold() in known]
    if caller.role in _PORTAL_ROLES:
        roles.append(_PORTAL_ROLES[caller.role])
    principal = {
        "identityProvider": caller.provider,
        "userId": caller.id or caller.name,
        "userDetails": caller.name,
        "userRoles": list(dict.fromkeys(["anonymous", "authenticated", *roles])),
    }
    permissions = _permissions(caller.role)
    return json_answer(
        {
            "clientPrincipal": principal,
            "permissions": permissions,
            "initialSetupComplete": True,
            "samAppPresent": True,
        }
    )


def _permissions(role: Role) -> list[str]:
    areas = [*_AREAS, *(["CIPP.AppSettings"] if role >= Role.admin else [])]
    kinds = ["Read"] if role >= Role.reader else []
    kinds += ["ReadWrite"] if role >= Role.operator else []
    return [f"{area}.{kind}" for area in areas for kind in kinds]


@route("GET ListUserPhoto", wire.text_refused)
def list_user_photo(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Answer that there is no photo: the portal shows initials."""
    del req, caller
    return func.HttpResponse(status_code=404)


@route("GET GetVersion", wire.text_refused)
def get_version(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Answer that nothing is out of date."""
    del caller
    version = wire.query(req).get("localversion", "")[:_MAX_VERSION_CHARS]
    versions = dict.fromkeys(
        ("LocalCIPPVersion", "RemoteCIPPVersion", "LocalCIPPAPIVersion", "RemoteCIPPAPIVersion"), version
    )
    return json_answer({**versions, "OutOfDateCIPP": False, "OutOfDateCIPPAPI": False})
