from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
import msal
import pytest
import requests

from dev.tenant import seed
from dev.tenant.tokens import TOKEN_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.tenant.by_hand import Caller, Certificate
    from dev.tenant.process import Simulator

GRAPH = "https://graph.microsoft.com"


@pytest.fixture
def http(sim: Simulator) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = sim.ca
        yield session


def msal_app(
    sim: Simulator, http: requests.Session, credential: str | dict[str, str], tenant: str = seed.FABRIKAM
) -> msal.ConfidentialClientApplication:
    return msal.ConfidentialClientApplication(
        seed.CLIENT_ID,
        client_credential=credential,
        authority=f"{sim.login}/{tenant}",
        instance_discovery=False,
        http_client=http,
    )


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def test_msal_gets_a_token_with_the_secret(sim: Simulator, http: requests.Session) -> None:
    answer = msal_app(sim, http, seed.CLIENT_SECRET).acquire_token_for_client([f"{GRAPH}/.default"])
    claims = claims_of(answer["access_token"])
    assert claims["aud"] == GRAPH
    assert claims["tid"] == seed.FABRIKAM
    assert claims["appid"] == seed.CLIENT_ID
    assert claims["appidacr"] == "1"
    assert "User.Read.All" in claims["roles"]
    assert claims["exp"] - claims["iat"] == 3600


def test_msal_gets_a_token_with_a_certificate(sim: Simulator, http: requests.Session, certificate: Certificate) -> None:
    credential = {"private_key": certificate.private_pem, "public_certificate": certificate.pem}
    answer = msal_app(sim, http, credential, "fabrikam.example").acquire_token_for_client([f"{GRAPH}/.default"])
    assert claims_of(answer["access_token"])["appidacr"] == "2"


def test_every_token_begins_alike_so_that_leaks_can_be_searched_for(caller: Caller) -> None:
    for audience in (GRAPH, "https://outlook.office365.com"):
        assert caller.sign_in(audience).json()["access_token"].startswith(TOKEN_PREFIX)


def test_discovery_tells_the_tenant_id_of_a_domain(sim: Simulator, http: requests.Session) -> None:
    url = f"{sim.login}/hybrid.example/v2.0/.well-known/openid-configuration"
    document = http.get(url, verify=sim.ca).json()
    assert document["issuer"] == f"{sim.login}/{seed.HYBRID}/v2.0"
    assert document["token_endpoint"].startswith(sim.login)
    keys = http.get(document["jwks_uri"], verify=sim.ca).json()["keys"]
    assert keys[0]["kty"] == "RSA"


def test_unknown_tenant(sim: Simulator, http: requests.Session) -> None:
    url = f"{sim.login}/nobody.example/v2.0/.well-known/openid-configuration"
    response = http.get(url, verify=sim.ca)
    assert response.status_code == 400
    assert response.json()["error_codes"] == [90002]


@pytest.mark.parametrize(
    ("form", "status", "number"),
    [
        ({"client_secret": "wrong"}, 401, 7000215),
        ({"client_id": "11111111-1111-1111-1111-111111111111"}, 400, 700016),
        ({"scope": "https://other.example/.default"}, 400, 500011),
        ({"scope": "User.Read"}, 400, 1002012),
        ({"grant_type": "password"}, 400, 70003),
    ],
)
def test_refused_sign_ins(caller: Caller, form: dict[str, str], status: int, number: int) -> None:
    response = caller.sign_in(GRAPH, **form)
    assert response.status_code == status
    assert response.json()["error_codes"] == [number]
    assert response.json()["error_description"].startswith(f"AADSTS{number}: ")


def test_a_certificate_that_was_not_registered(caller: Caller, certificate: Certificate) -> None:
    stranger = type(certificate)()
    known, caller.certificate = caller.certificate, stranger
    response = caller.sign_in(GRAPH, by_certificate=True)
    caller.certificate = known
    assert response.status_code == 401
    assert response.json()["error_codes"] == [700027]


def test_an_assertion_for_another_end_point(caller: Caller, certificate: Certificate) -> None:
    assertion = certificate.assertion("https://login.microsoftonline.com/other/oauth2/v2.0/token")
    response = caller.sign_in(GRAPH, by_certificate=True, client_assertion=assertion)
    assert response.json()["error_codes"] == [700027]


def test_an_app_that_is_not_consented_to(caller: Caller, sim: Simulator) -> None:
    sim.arrange("fabrikam.example", "consent", present=False)
    response = caller.sign_in(GRAPH)
    assert response.json()["error_codes"] == [700016]


def test_a_token_for_one_service_is_refused_by_another(caller: Caller, sim: Simulator) -> None:
    headers = caller.bearer("https://outlook.office365.com")
    response = caller.session.get(f"{sim.graph}/v1.0/users", headers=headers)
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "InvalidAuthenticationToken"


def test_a_token_of_one_tenant_is_refused_in_another(caller: Caller, sim: Simulator) -> None:
    foreign = caller.in_tenant(seed.CONTOSO)
    assert foreign.get(f"/users/{seed.ADA}").status_code == 404
    url = f"{sim.exchange}/adminapi/beta/{seed.FABRIKAM}/InvokeCommand"
    assert foreign.invoke("Get-OrganizationConfig", url=url).status_code == 401
    site = "https://fabrikam-my.sharepoint.com/personal/ada_fabrikam_example"
    url = f"{sim.sharepoint.format(host='fabrikam-my.sharepoint.com')}/personal/ada_fabrikam_example/_api/web/siteusers"
    headers = foreign.bearer("https://contoso.sharepoint.com", by_certificate=True)
    assert caller.session.get(url, headers=headers).status_code == 401
    assert caller.sharepoint("GET", f"{site}/_api/web/siteusers").status_code == 200


def test_an_expired_and_a_forged_token(caller: Caller, sim: Simulator) -> None:
    sim.app(token_seconds=0)
    expired = caller.sign_in(GRAPH).json()["access_token"]
    sim.app(token_seconds=3600)
    for token in (expired, expired[:-10] + "AAAAAAAAAA", "nonsense"):
        headers = {"Authorization": f"Bearer {token}"}
        response = caller.session.get(f"{sim.graph}/v1.0/users", headers=headers)
        assert response.status_code == 401
        assert "WWW-Authenticate" in response.headers
