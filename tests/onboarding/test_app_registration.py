"""The app registration asks for what the actions declare, and for nothing else."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from uuid import UUID

import function_app
from dev import docs
from dev.processes import ROOT
from shared.actions import catalogue, permissions
from shared.microsoft365.app_roles import APP_ROLES, BESIDES, FOR_THE_CHECK, GRAPH, RESOURCES, TIER_ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

assert function_app.app

GUIDE = (ROOT / "docs" / "onboarding.md").read_text(encoding="utf-8")


def _asked_for(file: Path) -> dict[str, set[str]]:
    accesses = json.loads(file.read_text(encoding="utf-8"))
    for access in accesses:
        assert {role["type"] for role in access["resourceAccess"]} == {"Role"}, "application permissions only"
    return {access["resourceAppId"]: {role["id"] for role in access["resourceAccess"]} for access in accesses}


def _ids(names: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    ids: dict[str, set[str]] = {resource: set() for resource in RESOURCES.values()}
    for api, name in names:
        ids[RESOURCES[api]].add(APP_ROLES[name])
    return ids


def test_it_asks_for_the_permissions_of_the_manifest_and_no_other() -> None:
    needed = {one for action in catalogue.all_actions().values() for one in permissions.needed_by(action)}
    names = {(one.api, one.name) for one in needed}

    assert _asked_for(docs.APP_REGISTRATION) == _ids({(api, name) for api, name in names if name not in TIER_ZERO})
    assert _asked_for(docs.WHOLE_APP_REGISTRATION) == _ids(names | {(GRAPH, name) for name in FOR_THE_CHECK})


def test_nobody_is_asked_for_the_rights_of_an_administrator_unawares() -> None:
    """With one of these an app can make anybody a Global Administrator."""
    asked = set().union(*_asked_for(docs.APP_REGISTRATION).values())

    assert not asked & {APP_ROLES[name] for name in TIER_ZERO}
    page = docs.PERMISSIONS.read_text(encoding="utf-8")
    assert all(f"`{name}` **as powerful as a Global Administrator**" in page for name in TIER_ZERO)


def test_no_tenant_is_asked_for_what_only_the_partner_needs() -> None:
    asked = set().union(*_asked_for(docs.WHOLE_APP_REGISTRATION).values())

    only_partner = set(BESIDES) - {one.name for one in permissions.ALWAYS}
    assert not asked & {APP_ROLES[name] for name in only_partner}
    assert only_partner == {"CrossTenantInformation.ReadBasic.All", "DelegatedAdminRelationship.Read.All", "Mail.Send"}


def test_ids_are_ids_and_unique() -> None:
    assert len({UUID(one) for one in APP_ROLES.values()}) == len(APP_ROLES)


def test_the_guide_uses_the_file_and_ids_that_exist() -> None:
    assert f"@{docs.APP_REGISTRATION.relative_to(ROOT).as_posix()}" in GUIDE
    known = {*APP_ROLES.values(), *RESOURCES.values(), "29232cdf-9323-42fd-ade2-1d097af3e4de"}
    assert set(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", GUIDE)) <= known


def test_the_guide_grants_what_only_the_partner_needs_by_name() -> None:
    assert all(name in GUIDE for name in BESIDES)
