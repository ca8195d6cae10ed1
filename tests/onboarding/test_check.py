"""The check of a tenant against the simulated Microsoft 365: what is missing there, and what it says of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from dev import certificate
from dev.tenant import seed
from dev.tenant.tokens import TOKEN_PREFIX
from shared.access.scope import Scope
from shared.actions import catalogue
from shared.base.problems import RefusedError
from shared.microsoft365.app_roles import EXCHANGE, GRAPH, SHAREPOINT
from shared.offboarding.onboarding import check

if TYPE_CHECKING:
    from pathlib import Path

    Site = Any

ONEDRIVE = {"grant_onedrive_access", "disable_onedrive_sharing"}
EXCHANGE_ACTIONS = {
    name for name, action in catalogue.all_actions().items() if any(p.api == EXCHANGE for p in action.permissions)
}
CONSENT = f"/{seed.FABRIKAM}/adminconsent?client_id={seed.CLIENT_ID}"


def test_all_is_ready(site: Site) -> None:
    checked = site.check()

    assert checked.report.ready
    assert [(state.audience, state.ok, state.why, state.do) for state in checked.report.audiences] == [
        (api, True, "", "") for api in (GRAPH, EXCHANGE, SHAREPOINT)
    ]
    assert {state.name for state in checked.report.actions} == set(catalogue.all_actions())
    assert not [state for state in checked.report.actions if state.missing or state.why or state.do]


def test_it_costs_three_tokens_and_three_requests(site: Site) -> None:
    app = site.app()

    for _ in range(2):
        checked = site.check(app)
        assert checked.tokens == 3
        assert checked.asked == ["exchange", "graph", "sharepoint"]


def test_a_tenant_that_never_consented(site: Site) -> None:
    site.simulator.arrange(seed.FABRIKAM, "consent", present=False)
    checked = site.check()

    assert not checked.report.ready
    assert checked.not_ready == set(catalogue.all_actions())
    for state in checked.report.audiences:
        assert not state.ok
        assert "Nobody has consented" in state.why
        assert site.simulator.login + CONSENT in state.do
    assert [p.name for p in checked.action("reset_password").missing] == [
        "Directory.Read.All",
        "User-PasswordProfile.ReadWrite.All",
    ]
    assert CONSENT in checked.action("reset_password").do
    assert checked.asked == []


def test_consent_is_seen_at_once(site: Site) -> None:
    app = site.app()
    site.simulator.arrange(seed.FABRIKAM, "consent", present=False)
    assert not site.check(app).report.ready
    site.simulator.arrange(seed.FABRIKAM, "consent", present=True)

    assert site.check(app).report.ready


def test_a_permission_that_was_not_granted_names_the_action_and_no_other(site: Site) -> None:
    site.revoke("UserAuthenticationMethod.ReadWrite.All")
    checked = site.check()

    assert checked.not_ready == {"remove_mfa_methods"}
    assert all(state.ok for state in checked.report.audiences)
    state = checked.action("remove_mfa_methods")
    assert [(p.api, p.name) for p in state.missing] == [(GRAPH, "UserAuthenticationMethod.ReadWrite.All")]
    assert "not granted UserAuthenticationMethod.ReadWrite.All" in state.why
    assert CONSENT in state.do


def test_what_was_granted_since_is_seen_though_tokens_are_in_memory(site: Site) -> None:
    app = site.app()
    site.revoke("UserAuthenticationMethod.ReadWrite.All")
    assert site.check(app).not_ready == {"remove_mfa_methods"}
    site.grant("UserAuthenticationMethod.ReadWrite.All")

    assert site.check(app).report.ready


def test_a_broader_permission_is_enough(site: Site) -> None:
    site.revoke("User.EnableDisableAccount.All")
    assert site.check().report.ready
    site.revoke("User.ReadWrite.All")

    checked = site.check()

    assert checked.not_ready == {"clear_immutable_id", "disable_sign_in"}


def test_without_the_permission_for_every_offboarding_nothing_is_ready(site: Site) -> None:
    site.revoke("Directory.Read.All")
    checked = site.check()

    assert checked.not_ready == set(catalogue.all_actions())
    assert "Directory.Read.All" in checked.audience(GRAPH).why


def test_the_exchange_role_is_missing(site: Site) -> None:
    site.revoke_exchange_role()
    checked = site.check()

    assert checked.not_ready == EXCHANGE_ACTIONS
    state = checked.audience(EXCHANGE)
    assert "no Exchange role" in state.why
    assert "New-MgRoleManagementDirectoryRoleAssignment" in state.do
    assert seed.CLIENT_ID in state.do
    assert checked.action("set_out_of_office").do == state.do
    assert checked.action("set_out_of_office").missing == ()


def test_the_exchange_permission_is_missing(site: Site) -> None:
    site.revoke("Exchange.ManageAsApp", "exchange")
    checked = site.check()

    assert checked.not_ready == EXCHANGE_ACTIONS
    assert [p.name for p in checked.action("set_out_of_office").missing] == ["Exchange.ManageAsApp"]
    assert "Exchange.ManageAsApp" in checked.audience(EXCHANGE).why
    assert checked.asked == ["graph", "sharepoint"], "what cannot succeed is not asked"


def test_the_sharepoint_permission_is_missing(site: Site) -> None:
    site.revoke("Sites.FullControl.All", "sharepoint")
    checked = site.check()

    assert checked.not_ready == ONEDRIVE
    assert "Sites.FullControl.All" in checked.audience(SHAREPOINT).why
    assert checked.asked == ["exchange", "graph"]


def test_where_sharepoint_is_cannot_be_read(site: Site) -> None:
    site.revoke("Files.Read.All")
    checked = site.check()

    assert checked.not_ready == ONEDRIVE
    assert "Files.Read.All" in checked.audience(SHAREPOINT).why


def test_a_secret_instead_of_a_certificate(site: Site) -> None:
    checked = site.check(site.app(M365_CLIENT_SECRET=seed.CLIENT_SECRET))

    assert checked.not_ready == ONEDRIVE
    assert "client secret" in checked.audience(SHAREPOINT).why
    assert "M365_CERTIFICATE" in checked.audience(SHAREPOINT).do
    assert checked.audience(GRAPH).ok
    assert checked.audience(EXCHANGE).ok
    assert checked.asked == ["exchange", "graph"], "that SharePoint refuses it needs no call"


def test_sharepoint_does_not_take_the_token(site: Site) -> None:
    body = {"error_description": "Unsupported app only token."}
    site.simulator.faults([{"service": "sharepoint", "kind": "status", "status": 401, "body": body}])
    checked = site.check()

    assert checked.not_ready == ONEDRIVE
    assert "Unsupported app only token" in checked.audience(SHAREPOINT).why
    assert "certificate" in checked.audience(SHAREPOINT).do


def test_a_tenant_without_sharepoint_has_nothing_to_do_there(site: Site) -> None:
    body = {"error": {"code": "BadRequest", "message": "Tenant does not have a SPO license."}}
    site.simulator.faults([{"service": "graph", "match": "sites/root", "kind": "status", "status": 400, "body": body}])

    assert site.check().report.ready


def test_a_certificate_that_the_app_registration_does_not_have(site: Site, tmp_path: Path) -> None:
    checked = site.check(site.app(M365_CERTIFICATE=certificate.keep(tmp_path).pfx))

    assert checked.not_ready == set(catalogue.all_actions())
    for state in checked.report.audiences:
        assert "AADSTS700027" in state.why
        assert "another certificate" in state.do
    assert not [state for state in checked.report.actions if state.missing], "what was granted is not known"


def test_a_certificate_that_is_none(site: Site) -> None:
    checked = site.check(site.app(M365_CERTIFICATE="bm90IGEgUEZY"))

    assert "not a PFX" in checked.audience(GRAPH).why
    assert "settings" in checked.audience(GRAPH).do


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (7000229, CONSENT),
        (65001, CONSENT),
        (500011, CONSENT),
        (53003, "Conditional Access policy for workload identities"),
        (7000112, "Enterprise applications"),
        (1000502, "certificate has expired"),
        (700024, "clock"),
        (123456, "cannot sign in to this tenant"),
    ],
)
def test_why_a_sign_in_is_refused(site: Site, number: int, advice: str) -> None:
    site.refuse_sign_in(number)
    checked = site.check()

    for state in checked.report.audiences:
        assert not state.ok
        assert f"AADSTS{number}" in state.why
        assert advice in state.do


def test_a_tenant_that_microsoft_does_not_know(site: Site) -> None:
    checked = site.check(tenant=site.nowhere)

    assert not checked.report.ready
    assert "AADSTS90002" in checked.audience(GRAPH).why
    assert "check the tenant's domain or id" in checked.audience(GRAPH).do


@pytest.mark.parametrize(
    ("service", "api", "spoiled"),
    [
        ("exchange", EXCHANGE, EXCHANGE_ACTIONS),
        ("sharepoint", SHAREPOINT, ONEDRIVE),
        ("graph", GRAPH, set(catalogue.all_actions())),
    ],
)
def test_a_service_in_trouble_is_not_ready_and_spoils_nothing_else(
    site: Site, service: str, api: str, spoiled: set[str]
) -> None:
    site.simulator.faults([{"service": service, "kind": "status", "status": 500}])
    checked = site.check()

    assert checked.not_ready == spoiled
    assert "answered 500" in checked.audience(api).why
    assert "Ask again" in checked.audience(api).do


def test_the_sign_in_is_in_trouble(site: Site) -> None:
    site.simulator.faults([{"service": "login", "kind": "status", "status": 500}])

    assert not any(state.ok for state in site.check().report.audiences)


def test_no_token_and_no_secret_is_told(site: Site) -> None:
    site.revoke_exchange_role()
    told = json.dumps(asdict(site.check().report), default=str)

    assert TOKEN_PREFIX not in told
    assert not [secret for secret in site.simulator.secrets() if secret in told]


def test_another_operators_tenant_does_not_exist(site: Site) -> None:
    with pytest.raises(RefusedError) as caught:
        check.check(site.app(), seed.FABRIKAM, Scope(tenants=frozenset({seed.CONTOSO})))

    assert caught.value.status == 404
    assert site.simulator.requests() == []
