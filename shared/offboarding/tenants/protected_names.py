"""The accounts that names in PROTECTED_USERS stand for.

A user principal name changes with a rename, and then protects nobody, without a word. So each name is looked up once a
day, the object id it stood for is remembered, and that account stays protected for as long as the name stands in the
settings; a name that no account has is an alarm.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

from shared.base import clock
from shared.jobs.storage import setting_changes
from shared.jobs.storage.table import ConflictError
from shared.microsoft365.graph import graph_calls
from shared.microsoft365.http.errors import Category, MicrosoftError
from shared.microsoft365.http.wire import Json, text_at
from shared.offboarding.tenants.tenants import Tenants

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shared.app.services import Services
    from shared.jobs.storage.store import Document

_log: Final = logging.getLogger(__name__)

_KEY: Final = "protected names"
_BY: Final = "service"


@dataclass(frozen=True)
class Known:
    """What is known of a name: the ids of the accounts it stood for, since when, and whether an account has it now."""

    ids: tuple[str, ...] = ()
    since: str = ""
    is_found: bool = False


def protected(services: Services) -> frozenset[str]:
    """Return whom the settings protect: ids and names as they stand there, and the ids of accounts that had a name."""
    names = _names(services)
    if not names:
        return services.settings.protected_users
    known = _read(services.store.document(_KEY))
    ids = (account for name in names for account in known.get(name, Known()).ids)
    return services.settings.protected_users | {account.casefold() for account in ids}


def problems(services: Services) -> list[str]:
    """Return what an administrator has to do about names that no account has; asks Microsoft nothing."""
    names = _names(services)
    known = _read(services.store.document(_KEY)) if names else {}
    return [_problem(name, known[name]) for name in sorted(names) if name in known and not known[name].is_found]


def look_up_new(services: Services) -> None:
    """Look up the names that stand in the settings for the first time."""
    names = _names(services)
    if names and names - set(_read(services.store.document(_KEY))):
        look_up(services)


def look_up(services: Services) -> None:
    """Look up every name, remember the accounts, and log the names that no account has; repeatable."""
    names = _names(services)
    document = services.store.document(_KEY)
    if not names and document is None:
        return
    before = _read(document)
    after = {name: before.get(name, Known()) for name in names}
    for tenant_id, ours in _by_tenant(services, names).items():
        after |= _looked_up(services, tenant_id, {name: after[name] for name in ours})
    if after != before:
        _keep(services, document, before, after)
    for text in problems(services):
        _log.error("%s", text)


def _looked_up(services: Services, tenant_id: str, names: Mapping[str, Known]) -> dict[str, Known]:
    """Ask a tenant for accounts by their names; where it does not answer, all stays as it was."""
    graph = services.microsoft365.tenant(tenant_id).graph
    try:
        answers = graph.batch([graph_calls.get_user(name) for name in names])
    except MicrosoftError as error:
        _log.warning("The protected names of tenant %s could not be looked up: %s", tenant_id, error)
        return {}
    return {name: _after(known, answer) for (name, known), answer in zip(names.items(), answers, strict=True)}


def _after(known: Known, answer: Json | MicrosoftError) -> Known:
    if isinstance(answer, MicrosoftError):
        return replace(known, is_found=False) if answer.category is Category.not_found else known
    account = text_at(answer, "id")
    ids = known.ids if account in known.ids else (*known.ids, account)
    return Known(ids, known.since or clock.to_text(clock.now()), is_found=True)


def _by_tenant(services: Services, names: Iterable[str]) -> dict[str, list[str]]:
    """Return the names by the tenant that has their domain; a name of another domain is in none."""
    owners = {
        domain.casefold(): tenant.id
        for tenant in Tenants(services).all().tenants
        for domain in (*tenant.domains, tenant.domain, tenant.initial_domain)
    }
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        if owner := owners.get(name.rpartition("@")[2]):
            found.setdefault(owner, []).append(name)
    return found


def _problem(name: str, known: Known) -> str:
    if not known.ids:
        return f"PROTECTED_USERS names {name}, which no account has: it protects nobody. Give the object id instead."
    return (
        f"PROTECTED_USERS names {name}, which no account has any more. The account that had it stays protected "
        f"({', '.join(known.ids)}): give its object id instead."
    )


def _names(services: Services) -> frozenset[str]:
    return frozenset(name for name in services.settings.protected_users if "@" in name)


def _read(document: Document | None) -> dict[str, Known]:
    names: Mapping[str, Any] = document.content if document else {}
    return {name: Known(tuple(cast("Sequence[str]", kept.pop("ids"))), **kept) for name, kept in names.items()}


def _keep(
    services: Services, document: Document | None, before: Mapping[str, Known], after: Mapping[str, Known]
) -> None:
    old, new = ({name: asdict(known) for name, known in kept.items()} for kept in (before, after))
    change = setting_changes.made("accounts that PROTECTED_USERS names", _BY, old, new)
    try:
        services.store.put_document(_KEY, new, document.etag if document else None, change)
    except ConflictError:
        _log.info("The protected names were looked up elsewhere at the same moment")
