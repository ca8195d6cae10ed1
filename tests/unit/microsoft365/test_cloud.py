"""How a tenant is found and its clients are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.microsoft365.cloud import Endpoints, Microsoft365
from shared.microsoft365.exchange import exchange_cmdlets
from shared.microsoft365.graph import graph_calls
from shared.microsoft365.http.errors import MicrosoftError
from shared.microsoft365.tokens import Credential

if TYPE_CHECKING:
    from conftest import Answer, Login, Server

    from shared.microsoft365.http.transport import Transport

TENANT = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def cloud(login: Login, server: Server, transport: Transport) -> Microsoft365:
    endpoints = Endpoints(server.origin, server.origin, login.origin, f"{server.origin}/{{host}}")
    return Microsoft365(endpoints, Credential("client", secret="canary"), transport)


def test_finds_a_tenant_by_its_domain_and_remembers_it(cloud: Microsoft365, login: Login) -> None:
    assert cloud.find_tenant_id(" Contoso.Example ") == TENANT
    assert cloud.find_tenant_id("contoso.example") == TENANT
    assert [seen.path for seen in login.seen] == ["/contoso.example/v2.0/.well-known/openid-configuration"]
    assert "Authorization" not in login.seen[0].headers


def test_a_domain_without_a_tenant_is_asked_for_again(cloud: Microsoft365, login: Login, answer: type[Answer]) -> None:
    found = login.respond
    text = "AADSTS90002: Tenant 'x' not found."
    login.respond = lambda _: answer(400, {"error": "invalid_tenant", "error_description": text})
    assert cloud.find_tenant_id("new.example") is None

    login.respond = found
    assert cloud.find_tenant_id("new.example") == TENANT


@pytest.mark.parametrize("domain", ["", " ", "a/b", "a?b", "../common", "ann@contoso.example", "a" * 300])
def test_what_is_no_domain_is_not_asked_for(cloud: Microsoft365, login: Login, domain: str) -> None:
    assert cloud.find_tenant_id(domain) is None
    assert login.seen == []


def test_a_service_in_trouble_is_not_an_unknown_domain(cloud: Microsoft365, login: Login, answer: type[Answer]) -> None:
    login.respond = lambda _: answer(503)

    with pytest.raises(MicrosoftError) as caught:
        cloud.find_tenant_id("contoso.example")
    assert caught.value.retryable == "transient"


@pytest.mark.parametrize("body", [{}, {"issuer": "https://login.example/{tenantid}/v2.0"}, []])
def test_an_answer_without_an_id_is_an_error(
    cloud: Microsoft365, login: Login, answer: type[Answer], body: object
) -> None:
    login.respond = lambda _: answer(200, body)

    with pytest.raises(MicrosoftError, match="does not contain"):
        cloud.find_tenant_id("contoso.example")


def test_the_clients_of_a_tenant_share_one_log(cloud: Microsoft365, server: Server, answer: type[Answer]) -> None:
    clients = cloud.tenant(TENANT.upper())
    server.respond = lambda _: answer(200, {"value": []})

    clients.graph.send(graph_calls.get_organization())
    clients.exchange.invoke(exchange_cmdlets.get_organization_config())
    clients.sharepoint.get_site_admins("https://contoso-my.sharepoint.com/personal/ann")

    assert [entry.service for entry in clients.log] == ["graph", "exchange", "sharepoint"]
    assert f"/adminapi/beta/{TENANT}/InvokeCommand" in server.seen[1].path
    assert len({seen.headers["Authorization"] for seen in server.seen}) == 3


@pytest.mark.parametrize("tenant", ["contoso.example", "", "common"])
def test_clients_are_made_for_a_tenants_id_only(cloud: Microsoft365, tenant: str) -> None:
    with pytest.raises(ValueError, match="UUID"):
        cloud.tenant(tenant)
