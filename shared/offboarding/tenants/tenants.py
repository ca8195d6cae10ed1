"""The tenants this app may work in: those in the settings, and the customers of a partner (GDAP).

The list is kept as a document, so that every host has it and a picker costs one read; it says how old it is.
"""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from shared.access.scope import EVERYTHING, Scope
from shared.base import clock, identifiers
from shared.base.deadline import Deadline, DeadlineError
from shared.base.problems import RefusedError, refused
from shared.base.threads import Threads
from shared.jobs.storage.table import ConflictError
from shared.microsoft365.graph import graph_calls
from shared.microsoft365.http.errors import MicrosoftError
from shared.microsoft365.http.wire import as_object, as_rows, text_at
from shared.offboarding.tenants import people

if TYPE_CHECKING:
    from shared.app.services import Services
    from shared.jobs.storage.store import Document
    from shared.microsoft365.http.wire import Json, JsonObject

_DOCUMENT: Final = "tenants"
_FRESH_FOR: Final = timedelta(hours=1)
_NOT_SOONER_THAN: Final = timedelta(minutes=1)
"""Asking for a fresh list again and again does not ask Microsoft each time."""
_THREADS: Final = 8
_MICROSOFT_LED: Final = "MLT_"
"""Relationships of this name were made by Microsoft for a transition and end with it."""


@dataclass(frozen=True)
class ManagedTenant:
    """A tenant as people know it. Where it could not be asked, `problem` says why, and its id stands for its name.

    `expires_at` (ISO 8601) is when the last of a partner's relationships ends unless it `extends` by itself; "" where
    there is none.
    """

    id: str
    name: str
    domain: str
    initial_domain: str = ""
    domains: tuple[str, ...] = ()
    is_customer: bool = False
    expires_at: str = ""
    extends: bool = False
    problem: str = ""


@dataclass(frozen=True)
class TenantList:
    """The tenants by name, and when they were read; `problem` is why the customers may not be all there."""

    tenants: tuple[ManagedTenant, ...]
    read_at: datetime
    problem: str = ""


class Tenants:
    """The tenants of one operator."""

    def __init__(
        self, services: Services, scope: Scope = EVERYTHING, patience: float = people.ANSWER_WITHIN_SECONDS
    ) -> None:
        self._patience = patience
        self._store = services.store
        self._microsoft365 = services.microsoft365
        self._scope = scope
        self._own = services.settings.tenants
        self._partner = services.settings.partner_tenant

    def all(self, *, refresh: bool = False) -> TenantList:
        """Return the operator's tenants; `refresh` asks Microsoft again instead of waiting until the list is old."""
        listed = self._current(refresh=refresh)
        return replace(listed, tenants=tuple(tenant for tenant in listed.tenants if self._scope.sees(tenant.id)))

    def resolve(self, reference: str) -> str:
        """Return the id of a tenant named by id or domain.

        Raises:
            RefusedError: 404 where it is not the operator's or not managed here, without telling which; 503 where
                nobody could be asked whose domain it is.
        """
        known = self._identified(reference)
        if not known or not self._manages(known):
            raise _not_managed(reference)
        return known

    def resolve_stored(self, reference: str) -> str:
        """Return the id like `resolve`, also of a tenant that is managed no more but has offboardings.

        Who may see it lists and cancels them as before; nothing is done in the tenant.
        """
        known = self._identified(reference)
        if not known or not (self._manages(known) or not self._store.is_empty(known)):
            raise _not_managed(reference)
        return known

    def still_manages(self, tenant_id: str) -> bool:
        """Return whether the app may work in a tenant, by a list that is not older than a minute.

        Where the partner's customers cannot be listed, it is not known: then the tenant's own sign-in decides.
        """
        if tenant_id in self._own or not self._partner:
            return tenant_id in self._own
        listed = self._current(refresh=True)
        return bool(listed.problem) or any(tenant.id == tenant_id for tenant in listed.tenants)

    def _identified(self, reference: str) -> str:
        """Return the id of a tenant of the operator's; "" where there is none."""
        known: str | None = reference
        if not identifiers.is_guid(reference):
            known = people.in_time(lambda: self._microsoft365.find_tenant_id(reference), self._patience)
        return known.casefold() if known and self._scope.sees(known.casefold()) else ""

    def _manages(self, tenant_id: str) -> bool:
        if tenant_id in self._own:
            return True
        return bool(self._partner) and any(tenant.id == tenant_id for tenant in self._current().tenants)

    def _current(self, *, refresh: bool = False) -> TenantList:
        document = self._store.document(_DOCUMENT)
        known = _from_document(document.content) if document and document.content["for"] == self._asked_for else None
        now = clock.now()
        if known and now - known.read_at < (_NOT_SOONER_THAN if refresh else _FRESH_FOR):
            return known
        try:
            return Deadline(self._patience).run(lambda: self._read_and_kept(known, now, document))
        except DeadlineError:
            tenants = known.tenants if known else tuple(ManagedTenant(one, one, one) for one in self._own)
            problem = (
                f"Microsoft 365 did not list the tenants within {self._patience:.0f} seconds; this may be outdated."
            )
            return TenantList(tenants, known.read_at if known else now, problem)

    def _read_and_kept(self, known: TenantList | None, now: datetime, document: Document | None) -> TenantList:
        """Read the list and keep it; whoever is too late for the caller does so for the next one."""
        listed = self._read(known, now)
        content = {
            "for": self._asked_for,
            "read_at": clock.to_text(now),
            "problem": listed.problem,
            "tenants": [asdict(tenant) for tenant in listed.tenants],
        }
        with contextlib.suppress(ConflictError):  # another host has just read the same
            self._store.put_document(_DOCUMENT, content, document.etag if document else None)
        return listed

    @property
    def _asked_for(self) -> list[str]:
        """The settings a kept list belongs to."""
        return [self._partner, *self._own]

    def _read(self, known: TenantList | None, now: datetime) -> TenantList:
        before = {tenant.id: tenant for tenant in known.tenants} if known else {}
        with Threads(_THREADS) as pool:
            own = list(pool.map(self._own_tenant, self._own, map(before.get, self._own)))
        problem = ""
        customers: list[ManagedTenant] = []
        if self._partner:
            try:
                customers = self._customers()
            except MicrosoftError as error:
                problem = f"The partner's customers could not be listed: {error.message}"
                customers = [tenant for tenant in before.values() if tenant.is_customer]
        listed = {tenant.id: tenant for tenant in (*customers, *own)}
        return TenantList(tuple(sorted(listed.values(), key=lambda t: (t.name.casefold(), t.id))), now, problem)

    def _own_tenant(self, tenant_id: str, before: ManagedTenant | None) -> ManagedTenant:
        try:
            answer = self._microsoft365.tenant(tenant_id).graph.send(graph_calls.get_organization())
        except (MicrosoftError, ValueError) as error:
            reason = error.message if isinstance(error, MicrosoftError) else "this is not the id of a tenant."
            return replace(before or ManagedTenant(tenant_id, tenant_id, tenant_id), problem=reason)
        rows = as_rows(as_object(answer).get("value"))
        if not rows:
            return ManagedTenant(tenant_id, tenant_id, tenant_id, problem="The tenant returned no organization record.")
        domains = as_rows(rows[0].get("verifiedDomains"))
        default = next((text_at(d, "name") for d in domains if d.get("isDefault")), "") or tenant_id
        initial = next((text_at(d, "name") for d in domains if d.get("isInitial")), "")
        names = tuple(text_at(d, "name") for d in domains)
        return ManagedTenant(tenant_id, text_at(rows[0], "displayName") or default, default, initial, names)

    def _customers(self) -> list[ManagedTenant]:
        """Read the partner's relationships, and the names of their tenants with the partner's one token."""
        graph = self._microsoft365.tenant(self._partner).graph
        rows = as_rows(as_object(graph.send(graph_calls.list_relationships())).get("value"))
        latest: dict[str, JsonObject] = {}
        for row in rows:
            tenant_id = text_at(row, "customer", "tenantId").casefold()
            is_ours = identifiers.is_guid(tenant_id) and not text_at(row, "displayName").startswith(_MICROSOFT_LED)
            if is_ours and text_at(row, "endDateTime") >= text_at(latest.get(tenant_id), "endDateTime"):
                latest[tenant_id] = row
        answers = graph.batch([graph_calls.find_tenant(tenant_id) for tenant_id in latest])
        return [_customer(*each) for each in zip(latest, latest.values(), answers, strict=True)]


def _not_managed(reference: str) -> RefusedError:
    text = f"There is no tenant {identifiers.shown(reference)} that this service manages."
    return refused(404, "tenant_not_found", text, "tenant")


def _customer(tenant_id: str, relationship: JsonObject, answer: Json | MicrosoftError) -> ManagedTenant:
    found = {} if isinstance(answer, MicrosoftError) else as_object(answer)
    domain = text_at(found, "defaultDomainName") or tenant_id
    return ManagedTenant(
        id=tenant_id,
        name=text_at(found, "displayName") or text_at(relationship, "customer", "displayName") or domain,
        domain=domain,
        domains=(domain,),
        is_customer=True,
        expires_at=text_at(relationship, "endDateTime"),
        extends=text_at(relationship, "autoExtendDuration") not in {"", "PT0S"},
        problem=answer.message if isinstance(answer, MicrosoftError) else "",
    )


def _from_document(content: dict[str, Any]) -> TenantList:
    rows: list[dict[str, Any]] = content["tenants"]
    for row in rows:
        row["domains"] = tuple(row["domains"])
    return TenantList(
        tuple(ManagedTenant(**row) for row in rows), clock.from_text(content["read_at"]), content["problem"]
    )
