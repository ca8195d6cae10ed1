"""Asks a tenant what the app may do there: a token for each API, and one call that shows that the API takes it.

Refusals are what is looked for, so they become part of the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.access.scope import EVERYTHING, Scope
from shared.actions import catalogue
from shared.actions.catalogue import EXCHANGE_ADMIN
from shared.base import clock
from shared.base.threads import Threads
from shared.microsoft365.app_roles import EXCHANGE, GRAPH, SHAREPOINT
from shared.microsoft365.exchange import exchange_cmdlets
from shared.microsoft365.graph import graph_calls
from shared.microsoft365.http.error_rules import NOT_CONSENTED
from shared.microsoft365.http.errors import MicrosoftError
from shared.microsoft365.http.wire import text_at
from shared.microsoft365.sharepoint import Site, parse_root
from shared.offboarding.onboarding import report
from shared.offboarding.onboarding.advice import Advice
from shared.offboarding.onboarding.report import Facts, Probe
from shared.offboarding.tenants.tenants import Tenants

if TYPE_CHECKING:
    from shared.app.services import Services
    from shared.microsoft365.cloud import Microsoft365
    from shared.offboarding.onboarding.report import Report

PATIENCE_SECONDS: Final = 20.0
"""How long one call may take: with the sign-ins before them, all that follow each other stay below the 230 seconds that
Azure's load balancer waits for an answer (Learn: "Azure Functions hosting options")."""


def check(services: Services, tenant: str, scope: Scope = EVERYTHING) -> Report:
    """Report what works in a tenant, named by id or domain.

    Raises:
        RefusedError: the tenant is not one of the operator's, or it cannot be found out whose domain it is.
    """
    tenant_id = Tenants(services, scope).resolve(tenant)
    settings = services.settings
    facts = gather(services.microsoft365, tenant_id, is_secret=bool(settings.client_secret))
    advice = Advice(settings.client_id, settings.login_url, tenant_id)
    return report.make(facts, catalogue.all_actions().values(), advice, clock.now())


def gather(microsoft365: Microsoft365, tenant_id: str, *, is_secret: bool) -> Facts:
    """Ask the APIs side by side, with fresh tokens: those in memory do not show what was granted since."""
    microsoft365.forget_tokens(tenant_id)
    with Threads(1) as beside:
        exchange = beside.submit(_exchange, microsoft365, tenant_id)
        graph, root = _graph(microsoft365, tenant_id)
        if isinstance(root, MicrosoftError):
            sharepoint = Probe(error=root)
        else:
            sharepoint = Probe() if is_secret else _sharepoint(microsoft365, tenant_id, root)
        return Facts(tenant_id, {GRAPH: graph, EXCHANGE: exchange.result(), SHAREPOINT: sharepoint}, is_secret)


def _sign_in(microsoft365: Microsoft365, tenant_id: str, audience: str) -> Probe:
    try:
        return Probe(microsoft365.sign_in(tenant_id, audience))
    except MicrosoftError as error:
        return Probe(frozenset() if error.code in NOT_CONSENTED else None, error)


def _graph(microsoft365: Microsoft365, tenant_id: str) -> tuple[Probe, Site | MicrosoftError]:
    """Return what Graph answered, and where the tenant's SharePoint is."""
    probe = _sign_in(microsoft365, tenant_id, microsoft365.audiences[GRAPH])
    if probe.error:
        return probe, probe.error
    calls = [graph_calls.get_organization(), graph_calls.get_root_library()]
    try:
        organization, library = microsoft365.tenant(tenant_id, within=PATIENCE_SECONDS).graph.batch(calls)
    except MicrosoftError as error:
        return Probe(probe.permissions, error), error
    refusal = organization if isinstance(organization, MicrosoftError) else None
    return Probe(probe.permissions, refusal), _root(library)


def _root(library: object) -> Site | MicrosoftError:
    if isinstance(library, MicrosoftError):
        return library
    try:
        return parse_root(text_at(library, "webUrl"))
    except MicrosoftError as error:
        return error


def _exchange(microsoft365: Microsoft365, tenant_id: str) -> Probe:
    """Ask for something that every Exchange role of an administrator may read, and that no app without a role may."""
    probe = _sign_in(microsoft365, tenant_id, microsoft365.audiences[EXCHANGE])
    if probe.error or (probe.permissions is not None and EXCHANGE_ADMIN.name not in probe.permissions):
        return probe
    try:
        microsoft365.tenant(tenant_id, within=PATIENCE_SECONDS).exchange.invoke(
            exchange_cmdlets.get_organization_config()
        )
    except MicrosoftError as error:
        return Probe(probe.permissions, error)
    return probe


def _sharepoint(microsoft365: Microsoft365, tenant_id: str, root: Site) -> Probe:
    probe = _sign_in(microsoft365, tenant_id, root.audience)
    if probe.error or (probe.permissions is not None and "Sites.FullControl.All" not in probe.permissions):
        return probe
    try:
        microsoft365.tenant(tenant_id, within=PATIENCE_SECONDS).sharepoint.check(root)
    except MicrosoftError as error:
        return Probe(probe.permissions, error)
    return probe
