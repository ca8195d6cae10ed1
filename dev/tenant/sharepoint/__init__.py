"""SharePoint: the sites' REST service and the admin host's client object model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import unquote

from dev.tenant.errors import PlainError, SharePointError
from dev.tenant.sharepoint import admin, site
from dev.tenant.tokens import InvalidTokenError

if TYPE_CHECKING:
    from dev.tenant.messages import Call, Reply
    from dev.tenant.simulation import Simulation


def serve(simulation: Simulation, call: Call) -> Reply:
    """Answer one request; the host is the first segment of the path.

    App-only tokens have to come from a certificate ("Granting access via Microsoft Entra ID App-Only" on Learn).
    """
    host, _, path = unquote(call.path).strip("/").partition("/")
    tenant = simulation.tenant_of_host(host)
    if tenant is None:
        call.refused = True
        raise PlainError(404)
    name, is_admin = tenant.sharepoint, host == f"{tenant.sharepoint}-admin.sharepoint.com"
    audiences = {f"https://{host}"} | ({f"https://{name}.sharepoint.com"} if not is_admin else set())
    try:
        token = simulation.key.check(call.headers.get("Authorization"), audiences)
    except InvalidTokenError as error:
        raise _unauthorised(str(error)) from error
    if token.tenant != tenant.id:
        raise _unauthorised("Invalid issuer or signature.")
    call.tenant = tenant
    if not token.by_certificate:
        raise _unauthorised("Unsupported app only token.")
    if "Sites.FullControl.All" not in tenant.app.sharepoint:
        raise SharePointError(403, "-2147024891, System.UnauthorizedAccessException", "Access denied.")
    return admin.serve(call, tenant, path) if is_admin else site.serve(call, tenant, f"https://{host}/{path}")


def _unauthorised(text: str) -> PlainError:
    challenge = f'Bearer realm="", error="invalid_token", error_description="{text}"'
    return PlainError(401, json.dumps({"error_description": text}), WWW_Authenticate=challenge)
