"""The files that follow from the code: `python3 dev docs` writes them, a test holds them true."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

import function_app
from dev.processes import ROOT
from shared.actions import catalogue, permissions
from shared.actions.catalogue import Permission
from shared.microsoft365.app_roles import APP_ROLES, BESIDES, FOR_THE_CHECK, GRAPH, RESOURCES, TIER_ZERO

if TYPE_CHECKING:
    from pathlib import Path

    from shared.actions.catalogue import Action

PERMISSIONS: Final = ROOT / "docs" / "permissions.md"
APP_REGISTRATION: Final = ROOT / "infra" / "app-registration.json"
WHOLE_APP_REGISTRATION: Final = ROOT / "infra" / "app-registration-whole.json"
README: Final = ROOT / "README.md"

_INTRODUCTION = """# Permissions

Application permissions of the app registration, with the actions that need them; leave out what you never select. This
page follows from the declarations of the actions: `python3 dev docs` writes it, and the ids in two files:
infra/app-registration.json without, infra/app-registration-whole.json with what is optional and what is marked **as
powerful as a Global Administrator**. With one of those an app can give itself, or anybody, every right in the tenant:
grant them where you use the actions that need them, and nowhere else. [onboarding.md](onboarding.md) tells how
permissions are granted, and how to see whether they are.

The service principal also needs an Exchange role in each tenant (the directory role Exchange Administrator, or a
role group of its own) beside `Exchange.ManageAsApp`; SharePoint accepts only tokens that were obtained with a
certificate; and people who hold administrator roles can be blocked, reset or deleted only if the service principal
holds Privileged Authentication Administrator (Learn: "Permissions and privileges for sensitive actions").
"""


def manifest() -> dict[Permission, list[str]]:
    """Return every permission that the actions declare, with the names of those actions."""
    needed: dict[Permission, list[str]] = defaultdict(list)
    for action in catalogue.all_actions().values():
        for permission in action.permissions:
            needed[permission].append(action.name)
    return needed


def app_registration(*, is_whole: bool) -> str:
    """Return what `az ad app create --required-resource-accesses` takes: what every tenant is asked to consent to.

    What only the partner's tenant and the one that sends mail need is not asked of all. Only the whole has what is as
    powerful as a Global Administrator, and what is optional.
    """
    optional = [Permission(GRAPH, name) for name in FOR_THE_CHECK]
    asked = {*manifest(), *permissions.ALWAYS, *optional}
    if not is_whole:
        asked = {permission for permission in asked if permission.name not in {*TIER_ZERO, *FOR_THE_CHECK}}
    names = {api: sorted(permission.name for permission in asked if permission.api == api) for api in RESOURCES}
    accesses = [
        {"resourceAppId": resource, "resourceAccess": [{"id": APP_ROLES[name], "type": "Role"} for name in names[api]]}
        for api, resource in RESOURCES.items()
    ]
    return json.dumps(accesses, indent=2) + "\n"


def permissions_page() -> str:
    """Return the permission manifest as a page."""
    needed = manifest()
    parts = [_INTRODUCTION]
    for api, resource in RESOURCES.items():
        rows = [
            f"| `{permission.name}`{_caution(permission)} | `{APP_ROLES[permission.name]}` | "
            f"{', '.join(f'`{n}`' for n in sorted(names))} |"
            for permission, names in sorted(needed.items(), key=lambda item: item[0].name)
            if permission.api == api
        ]
        head = f"## {api} (`{resource}`)\n\n| permission | app role id | for |\n|---|---|---|"
        parts.append("\n".join([head, *rows]) + "\n")
    optional = [f"| `{name}` | `{APP_ROLES[name]}` | {what} |" for name, what in sorted(FOR_THE_CHECK.items())]
    head = "## For the access check, optional (Microsoft Graph)\n\n| permission | app role id | for |\n|---|---|---|"
    parts.append("\n".join([head, *optional]) + "\n")
    besides = [f"| `{name}` | `{APP_ROLES[name]}` | {what} |" for name, what in sorted(BESIDES.items())]
    head = "## Beyond the actions (Microsoft Graph)\n\n| permission | app role id | for |\n|---|---|---|"
    parts.append("\n".join([head, *besides]) + "\n")
    return "\n".join(parts)


def _caution(permission: Permission) -> str:
    return " **as powerful as a Global Administrator**" if permission.name in TIER_ZERO else ""


def action_table() -> str:
    """Return the table of all actions for the README."""
    rows = [
        f"| `{action.name}` | {action.title} | {action.description} | {_portal(action)} |"
        for action in sorted(catalogue.all_actions().values(), key=lambda action: action.name)
    ]
    return "\n".join(["| action | title | what it does | portal |", "|---|---|---|---|", *rows])


def _portal(action: Action) -> str:
    return f"`{action.portal_key}`" if action.portal_key else "not in the portal"


def readme() -> str:
    """Return the README with its table of actions as it should be."""
    text = README.read_text(encoding="utf-8")
    table = f"<!-- actions -->\n{action_table()}\n<!-- /actions -->"
    return re.sub(r"<!-- actions -->.*?<!-- /actions -->", lambda _: table, text, flags=re.DOTALL)


def pages() -> dict[Path, str]:
    """Return every file that follows from the code."""
    if not function_app.app:
        raise RuntimeError("The catalogue knows its actions through the app.")
    return {
        PERMISSIONS: permissions_page(),
        APP_REGISTRATION: app_registration(is_whole=False),
        WHOLE_APP_REGISTRATION: app_registration(is_whole=True),
        README: readme(),
    }


def write() -> dict[Path, bool]:
    """Write them all, and return which of them were different before."""
    changed = {path: not path.exists() or path.read_text(encoding="utf-8") != text for path, text in pages().items()}
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
    return changed


if __name__ == "__main__":
    write()
