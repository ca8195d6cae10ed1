"""Default actions of a tenant, of an operator, and of everybody.

They are whole: the tenant's defaults apply alone where there are any, else the operator's own, else everybody's. So no
two of them are mixed into something that contradicts itself, and the source of each switch is one word.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from shared.access.scope import EVERYTHING, Scope
from shared.actions import catalogue, plan
from shared.base.problems import Problem, RefusedError, refused
from shared.jobs.storage import rows, setting_changes
from shared.jobs.storage.table import ConflictError
from shared.offboarding.tenants.tenants import Tenants

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.app.services import Services
    from shared.jobs.storage.setting_changes import SettingChange
    from shared.jobs.storage.store import Document

EVERYBODY: Final = "defaults|everybody"


@dataclass(frozen=True)
class Additions:
    """What a tenant adds to what the portal's wizard sends, which has no fields for it.

    `also` are actions that are done besides, with their parameters; `access_ends_after_days` is when what is given to
    others ends; None: it stays.
    """

    access_ends_after_days: int | None = None
    also: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, "Mapping[str, Any]"])

    def to_json(self) -> dict[str, Any]:
        """Return the form that is stored."""
        return {"days": self.access_ends_after_days, "also": dict(self.also)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Additions:
        """Read the form that is stored."""
        return cls(content["days"], content.get("also", {}))


NOTHING_ADDED: Final = Additions()


@dataclass(frozen=True)
class Defaults:
    """One layer: actions with their parameters as in a request, and the channels that are told the result.

    `additions` are a tenant's alone.
    """

    actions: Mapping[str, Mapping[str, Any]]
    notify: tuple[str, ...] = ()
    additions: Additions = NOTHING_ADDED


@dataclass(frozen=True)
class Resolved:
    """The defaults that apply, and where they come from: tenant, operator, everybody or none."""

    source: str
    defaults: Defaults


class DefaultsStore:
    """The defaults as one operator sees them."""

    def __init__(self, services: Services, operator: str, scope: Scope = EVERYTHING) -> None:
        self._store = services.store
        self._tenants = Tenants(services, scope)
        self._scope = scope
        self._operator = operator

    def for_tenant(self, tenant: str | None) -> Resolved:
        """Return what applies to the operator in a tenant, or apart from tenants; raises `RefusedError` 404."""
        layers = {} if tenant is None else {"tenant": _tenant_key(self._tenants.resolve(tenant))}
        layers |= {"operator": _operator_key(self._scope.identity or self._operator), "everybody": EVERYBODY}
        for source, key in layers.items():
            if found := self._layer(key):
                return Resolved(source, found)
        return Resolved("none", Defaults({}))

    def of_tenant_id(self, tenant_id: str) -> Defaults | None:
        """Return the defaults of a tenant that the operator is known to see; None where it has none of its own."""
        return self._layer(_tenant_key(tenant_id))

    def save_for_tenant(self, tenant: str, defaults: Defaults | None) -> None:
        """Save or, with None, clear a tenant's defaults; raises `RefusedError` 403, 404, 409, 422."""
        additions = defaults.additions if defaults else NOTHING_ADDED
        _check_also(additions.also)
        self._scope.check_actions(additions.also)
        self.save_actions_for_tenant(tenant, defaults)
        self._save_additions(self._tenants.resolve(tenant), additions)

    def save_actions_for_tenant(self, tenant: str, defaults: Defaults | None) -> None:
        """Save or clear a tenant's defaults but for its additions: for whoever does not know of those."""
        tenant_id = self._tenants.resolve(tenant)
        self._save(_tenant_key(tenant_id), defaults, "default actions of the tenant", tenant_id)

    def additions_of(self, tenant: str) -> Additions:
        """Return what a tenant adds to what the wizard sends; raises `RefusedError` 404."""
        document = self._store.document(_additions_key(self._tenants.resolve(tenant)))
        return Additions.from_json(document.content) if document else NOTHING_ADDED

    def _save_additions(self, tenant_id: str, additions: Additions) -> None:
        known = self._store.document(_additions_key(tenant_id))
        before = (Additions.from_json(known.content) if known else NOTHING_ADDED).to_json()
        after = additions.to_json()
        if before == after:
            return
        change = setting_changes.made(
            "what the tenant adds to the wizard's choice", self._operator, before, after, tenant=tenant_id
        )
        self._put(_additions_key(tenant_id), after, known, change)

    def save_for_operator(self, defaults: Defaults | None) -> None:
        """Save or clear the operator's own defaults; raises `RefusedError` 409, 422."""
        self._save(_operator_key(self._scope.identity or self._operator), defaults, "own default actions")

    def save_for_everybody(self, defaults: Defaults | None) -> None:
        """Save or clear what applies to operators without defaults of their own; raises `RefusedError` 409, 422."""
        self._save(EVERYBODY, defaults, "everybody's default actions")

    def _layer(self, key: str) -> Defaults | None:
        document = self._store.document(key)
        content = document.content if document else {}
        return Defaults(content["actions"], tuple(content["notify"])) if "actions" in content else None

    def _save(self, key: str, defaults: Defaults | None, setting: str, tenant_id: str = "") -> None:
        content: dict[str, Any] = {}
        if defaults:
            content = {"actions": dict(defaults.actions), "notify": list(defaults.notify), "by": self._operator}
            _check(content)
            self._scope.check_actions(defaults.actions)
        known: Document | None = self._store.document(key)
        change = setting_changes.made(
            setting, self._operator, _told(known.content if known else {}), _told(content), tenant=tenant_id
        )
        self._put(key, content, known, change)

    def _put(self, key: str, content: dict[str, Any], known: Document | None, change: SettingChange) -> None:
        try:
            self._store.put_document(key, content, known.etag if known else None, change)
        except ConflictError:
            text = "Somebody else changed these defaults just now; look at them again."
            raise refused(409, "changed", text) from None


def _told(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a record of changes tells of a layer."""
    return {name: value for name, value in content.items() if name != "by"}


def _check(content: Mapping[str, Any]) -> None:
    """Refuse actions that contradict each other, as a request with them would be refused."""
    problems = [Problem("actions", text) for text in plan.make(content["actions"]).refusals]
    if len(json.dumps(content, ensure_ascii=False)) > rows.MAX_PROPERTY_CHARS:
        problems.append(Problem("actions", f"The defaults have more than {rows.MAX_PROPERTY_CHARS} characters."))
    if problems:
        raise RefusedError(422, "contradiction", problems)


def _check_also(also: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse what the wizard has a field for: the person who fills it in decides about that."""
    problems = [
        Problem(f"also.{name}", f"The wizard has a switch of its own for {catalogue.title_of(name)}: use actions.")
        for name in also
        if catalogue.get(name).portal_key
    ]
    problems += [Problem("also", text) for text in plan.make(also).refusals]
    if problems:
        raise RefusedError(422, "invalid_request", problems)


def parse(body: bytes) -> Defaults | None:
    """Read {"actions", "notify", "also", "access_ends_after_days"}, or null.

    Raises `RefusedError` (400, 413, 422).
    """
    from shared.offboarding.request import parsing

    if body.strip() == b"null":
        return None
    actions, notify, days, also = parsing.parse_defaults(body)
    return Defaults(actions, notify, Additions(days, also))


def _tenant_key(tenant_id: str) -> str:
    return f"defaults|tenant|{tenant_id}"


def _additions_key(tenant_id: str) -> str:
    return f"defaults|days|{tenant_id}"


def _operator_key(operator: str) -> str:
    """Name the document of an operator; a name may hold what a key may not."""
    return f"defaults|operator|{hashlib.sha256(operator.casefold().encode()).hexdigest()}"
