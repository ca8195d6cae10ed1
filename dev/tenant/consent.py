"""What a tenant consents to: what the app registration asks for, as `az ad app create` takes it.

`python3 dev docs` writes that file from what the actions declare, so a call that no action declares a permission for
is refused here first. Tests that need a permission absent take it away themselves.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

from dev.tenant.state import Consent
from shared.microsoft365.app_roles import APP_ROLES, EXCHANGE, GRAPH, RESOURCES, SHAREPOINT

_APP_REGISTRATION = Path(__file__).parents[2] / "infra" / "app-registration-whole.json"


def given() -> Consent:
    """Return the consent of a tenant that accepted everything, and gave the app the Exchange role it needs."""
    asked_for = _asked_for()
    return Consent(
        graph=list(asked_for[GRAPH]),
        exchange=list(asked_for[EXCHANGE]),
        sharepoint=list(asked_for[SHAREPOINT]),
        entra_roles=["Exchange Administrator"],
    )


@functools.cache
def _asked_for() -> dict[str, list[str]]:
    """Return the names of the permissions by API; the file has their ids, as Microsoft Entra wants them."""
    apis = {resource: api for api, resource in RESOURCES.items()}
    names = {app_role: name for name, app_role in APP_ROLES.items()}
    accesses = json.loads(_APP_REGISTRATION.read_text(encoding="utf-8"))
    return {
        apis[access["resourceAppId"]]: [names[role["id"]] for role in access["resourceAccess"]] for access in accesses
    }
