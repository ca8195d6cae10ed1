"""From what was found out in a tenant to a report of what works there. Pure: nothing is asked here.

Ready means proved: what could not be found out is not ready either, and the report says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.actions import permissions
from shared.actions.catalogue import EXCHANGE_ADMIN, Permission, graph_permission
from shared.microsoft365.app_roles import EXCHANGE, GRAPH, SHAREPOINT
from shared.microsoft365.http.error_rules import NOT_CONSENTED
from shared.microsoft365.http.errors import Category
from shared.offboarding.onboarding.advice import LATER, NEEDS_CERTIFICATE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from shared.actions.catalogue import Action
    from shared.microsoft365.http.errors import MicrosoftError
    from shared.offboarding.onboarding.advice import Advice

_DOORS: Final[Mapping[str, tuple[Permission, ...]]] = {
    GRAPH: permissions.ALWAYS,
    EXCHANGE: (EXCHANGE_ADMIN,),
    # Where the tenant's SharePoint is, Graph tells.
    SHAREPOINT: (graph_permission("Files.Read.All"), Permission(SHAREPOINT, "Sites.FullControl.All")),
}
"""By API, the permissions without which nothing can be asked of it."""


@dataclass(frozen=True)
class Probe:
    """What one API answered.

    Attributes:
        permissions: what the token names; None where there is no token, or where it does not show them.
        error: why the app could not sign in, or why the API turned its call away.
    """

    permissions: frozenset[str] | None = None
    error: MicrosoftError | None = None


@dataclass(frozen=True)
class Facts:
    """What was found out in a tenant, by API; `is_secret` says that the app proves itself with a client secret."""

    tenant_id: str
    probes: Mapping[str, Probe]
    is_secret: bool = False

    @property
    def granted(self) -> permissions.Granted:
        """What is known to be granted."""
        return {api: probe.permissions for api, probe in self.probes.items() if probe.permissions is not None}

    @property
    def has_no_sharepoint(self) -> bool:
        """Whether the tenant has no SharePoint license: then there is no OneDrive, and nothing to be done there."""
        error = self.probes[SHAREPOINT].error
        return error is not None and error.category is Category.not_licensed


@dataclass(frozen=True)
class AudienceState:
    """Whether an API takes the app's tokens; `why` and `do` are empty where it does."""

    audience: str
    ok: bool
    why: str
    do: str


@dataclass(frozen=True)
class ActionState:
    """Whether an action can work in the tenant, what was not granted, and what to do."""

    name: str
    title: str
    ready: bool
    missing: tuple[Permission, ...]
    why: str
    do: str


@dataclass(frozen=True)
class Report:
    """What works in a tenant."""

    tenant_id: str
    checked_at: datetime
    audiences: tuple[AudienceState, ...]
    actions: tuple[ActionState, ...]

    @property
    def ready(self) -> bool:
        """Whether everything works."""
        return all(state.ok for state in self.audiences) and all(state.ready for state in self.actions)


def make(facts: Facts, actions: Iterable[Action], advice: Advice, checked_at: datetime) -> Report:
    """Judge what was found out."""
    audiences = {api: _audience(api, facts, advice) for api in _DOORS}
    states = tuple(_action(action, facts, audiences, advice) for action in actions)
    return Report(facts.tenant_id, checked_at, tuple(audiences.values()), states)


def _audience(api: str, facts: Facts, advice: Advice) -> AudienceState:
    why, do = _obstacle(api, facts, advice)
    return AudienceState(api, not why, why, do)


def _obstacle(api: str, facts: Facts, advice: Advice) -> tuple[str, str]:
    """Say what stands between the app and an API, and what to do; two empty texts where nothing does."""
    error = facts.probes[api].error
    if error is not None and error.code in NOT_CONSENTED:
        return advice.on(error)
    if api == SHAREPOINT and facts.is_secret:
        return "SharePoint refuses tokens that were obtained with a client secret.", NEEDS_CERTIFICATE
    for permission in _DOORS[api]:
        if permissions.lacks(permission, facts.granted):
            return permissions.not_granted(permission), advice.grant
    if error is None or (api == SHAREPOINT and facts.has_no_sharepoint):
        return "", ""
    return advice.on(error)


def _action(action: Action, facts: Facts, audiences: Mapping[str, AudienceState], advice: Advice) -> ActionState:
    missing = permissions.missing(action, facts.granted)
    apis = dict.fromkeys(one.api for one in permissions.needed_by(action))
    closed = [audiences[api] for api in apis if not audiences[api].ok]
    lacking = [permissions.not_granted(one) for one in missing if audiences[one.api].ok]
    unread = [
        f"Which permissions of {api} were granted could not be read."
        for api in apis
        if audiences[api].ok and api not in facts.granted and not (api == SHAREPOINT and facts.has_no_sharepoint)
    ]
    why = [*(state.why for state in closed), *lacking, *unread]
    do = [*(state.do for state in closed), *([advice.grant] if lacking else []), *([LATER] if unread else [])]
    return ActionState(action.name, action.title, not why, missing, _joined(why), _joined(do))


def _joined(sentences: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(sentences))
