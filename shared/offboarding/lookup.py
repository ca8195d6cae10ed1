"""Looking up offboardings: one, a page of them, what is known of its run, and what was decided and written.

What lies outside of an operator's scope does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.access.scope import EVERYTHING, Scope
from shared.base import clock
from shared.base.problems import refused
from shared.jobs.storage import audit, keys
from shared.jobs.storage.table import LAST
from shared.offboarding.tenants.tenants import Tenants

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.app.services import Services
    from shared.jobs.details import Details
    from shared.jobs.records import Kind, Offboarding, Reason, State
    from shared.jobs.storage.setting_changes import SettingChange
    from shared.jobs.storage.table import Row

MAX_PAGE: Final = 200
MAX_PAGES_READ: Final = 4
"""How far a listing looks for what keys cannot answer, before it returns what it found."""


@dataclass(frozen=True)
class ListFilter:
    """Which offboardings a listing is for; `user` is a part of the name or address, or the whole object id."""

    tenant: str | None = None
    kind: Kind | None = None
    state: State | None = None
    reason: Reason | None = None
    user: str = ""
    reference: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_answered_by_keys(self) -> bool:
        """Return whether keys alone answer."""
        return not any((self.kind, self.state, self.reason, self.user, self.reference))

    def includes(self, offboarding: Offboarding) -> bool:
        """Return whether an offboarding is wanted."""
        person = offboarding.request.person
        text = self.user.casefold()
        return (
            self.state in {None, offboarding.state}
            and self.kind in {None, offboarding.request.kind}
            and self.reason in {None, offboarding.reason}
            and self.reference in {"", offboarding.request.reference}
            and (text in {"", person.id} or text in person.upn.casefold() or text in person.display_name.casefold())
        )


class Lookup:
    """The offboardings of the tenants an operator may see."""

    def __init__(self, services: Services, scope: Scope = EVERYTHING) -> None:
        self._store = services.store
        self._tenants = Tenants(services, scope)
        self._scope = scope

    def get(self, offboarding_id: str) -> Offboarding:
        """Return an offboarding; raises `RefusedError` 404."""
        offboarding = self._store.get(offboarding_id) if offboarding_id.isalnum() else None
        if offboarding is None or not self._scope.sees(offboarding.request.tenant.id):
            raise refused(404, "offboarding_not_found", "There is no such offboarding.")
        return offboarding

    def details(self, offboarding_id: str) -> tuple[Offboarding, Details]:
        """Return an offboarding and what is known of its run so far; raises `RefusedError` 404."""
        return self.get(offboarding_id), self._store.details(offboarding_id)

    def setting_changes(
        self, tenant: str | None, start: str | None, limit: int
    ) -> tuple[list[SettingChange], str | None]:
        """Return at most `limit` changes of settings, newest first, and where the following page begins.

        What counts beyond one tenant is seen by who sees all of them.

        Raises:
            RefusedError: 404 there is no such tenant.
        """
        wanted = self._tenants.resolve(tenant) if tenant is not None else None
        found: list[SettingChange] = []
        while True:
            page, following = self._store.setting_changes(start, limit)
            for change_id, change in page:
                is_seen = self._scope.sees(change.tenant) and wanted in {None, change.tenant}
                if is_seen and len(found) == limit:
                    return found, change_id
                if is_seen:
                    found.append(change)
            if following is None:
                return found, None
            start = following

    def places_in_queue(self, offboardings: Sequence[Offboarding]) -> dict[str, int]:
        """Return the places, from 1, of those that wait for room in their tenants; costs nothing where none does."""
        now = clock.now()
        if not any(offboarding.is_waiting(now) for offboarding in offboardings):
            return {}
        waiting: dict[str, list[str]] = {}
        for one in self._store.due(now):
            if one.is_waiting_in(one.tenant_id):
                waiting.setdefault(one.tenant_id, []).append(one.id)
        wanted = {offboarding.id for offboarding in offboardings}
        return {id_: place for queue in waiting.values() for place, id_ in enumerate(queue, 1) if id_ in wanted}

    def audit(self, offboarding_id: str) -> audit.Audit:
        """Return what was decided and written, also of an offboarding that was deleted; raises `RefusedError` 404."""
        known: audit.Audit | None = None
        if offboarding_id.isalnum():
            kept, offboarding = self._store.audited(offboarding_id), self._store.get(offboarding_id)
            known = audit.read(kept, offboarding, None if offboarding else self._store.deletion(offboarding_id))
        if known is None or not self._scope.sees(known.tenant_id):
            raise refused(404, "offboarding_not_found", "There is no such offboarding.")
        return known

    def page(self, only: ListFilter, start: str | None, limit: int) -> tuple[list[Offboarding], str | None]:
        """Return at most `limit` offboardings, newest first, and the id to go on from; raises `RefusedError` 404.

        What keys cannot answer is looked for in a few pages; then there may be fewer results, or none, and more to
        come.
        """
        tenant_id = self._tenants.resolve_stored(only.tenant) if only.tenant else None
        span = keys.Span.between(only.since, only.until)
        if only.is_answered_by_keys:
            return self._page(tenant_id, span, start, min(limit, MAX_PAGE))
        found: list[Offboarding] = []
        for _ in range(MAX_PAGES_READ):
            page, start = self._page(tenant_id, span, start, MAX_PAGE)
            for offboarding in page:
                if only.includes(offboarding):
                    if len(found) == limit:
                        return found, offboarding.id
                    found.append(offboarding)
            if start is None:
                break
        return found, start

    def open_access(
        self, tenant: str | None, until: datetime | None, start: str, limit: int
    ) -> tuple[list[Row], str | None]:
        """Return what was given to others, by tenant, what ends first before what stays, and where the rest begins.

        Raises:
            RefusedError: 404 there is no such tenant.
        """
        bound = clock.to_text(until) if until else ""
        if tenant:
            tenants = [self._tenants.resolve_stored(tenant)]
        elif self._scope.tenants is not None:
            tenants = sorted(self._scope.tenants)
        else:
            tenants = [""]
        found: list[Row] = []
        for place, tenant_id in enumerate(tenants, 1):
            if start and tenant_id and start >= keys.open_access_prefix(tenant_id) + LAST:
                continue
            rows, following = self._store.open_access(tenant_id, bound if tenant_id else "", start, limit - len(found))
            found += [row for row in rows if not bound or ("" < row["until"] < bound)]
            if following is None and len(found) >= limit and place < len(tenants):
                following = keys.open_access_prefix(tenants[place])
            if following:
                return found, following
        return found, None

    def tenant_id(self, tenant: str) -> str:
        """Return the id of a tenant of which offboardings are stored; raises `RefusedError` 404."""
        return self._tenants.resolve_stored(tenant)

    def newest(self, tenant: str, until: datetime) -> list[Offboarding]:
        """Return whole those submitted before `until`, of one tenant or ("") all; raises `RefusedError` 404.

        The newest 800 of all tenants are looked through: only the job rows know what was decided.
        """
        tenant_id = self._tenants.resolve_stored(tenant) if tenant else None
        found: list[Offboarding] = []
        start = None
        for _ in range(MAX_PAGES_READ):
            page, start = self._store.page(None, keys.Span.between(None, until), start, MAX_PAGE)
            found += [one for one in page if self._scope.sees(one.request.tenant.id)]
            if start is None:
                break
        return [one for one in found if tenant_id in {None, one.request.tenant.id}]

    def _page(
        self, tenant_id: str | None, span: keys.Span, start: str | None, limit: int
    ) -> tuple[list[Offboarding], str | None]:
        """Return a page of one tenant, or of all the operator's tenants together: ids sort alike in each."""
        if tenant_id or self._scope.tenants is None:
            return self._store.page(tenant_id, span, start, limit)
        pages = [self._store.page(one, span, start, limit) for one in self._scope.tenants]
        # Behind the first page that goes on, the other tenants' offboardings may not be the next ones.
        ends = [next_id for _, next_id in pages if next_id]
        end = min(ends, default=None)
        found = sorted((o for page, _ in pages for o in page if end is None or o.id < end), key=lambda o: o.id)
        return (found[:limit], found[limit].id) if len(found) > limit else (found, end)
