from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed
from dev.tenant.belongings.sign_in_methods import PHONE_IDS

if TYPE_CHECKING:
    import requests

    from dev.tenant.by_hand import Caller
    from dev.tenant.process import Simulator

ADA = f"/users/{seed.ADA}/authentication"


def methods(caller: Caller) -> dict[str, str]:
    rows = caller.get(f"{ADA}/methods").json()["value"]
    return {
        row["@odata.type"].removeprefix("#microsoft.graph.").removesuffix("AuthenticationMethod"): row["id"]
        for row in rows
    }


def error(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_the_methods_of_a_leaver(caller: Caller) -> None:
    rows = caller.get(f"{ADA}/methods").json()["value"]
    assert len(rows) == 5
    assert set(methods(caller)) == {"password", "microsoftAuthenticator", "phone", "fido2"}


def test_query_options_are_refused(caller: Caller) -> None:
    assert caller.get(f"{ADA}/methods?$top=5").status_code == 400


def test_the_default_method_goes_last(caller: Caller) -> None:
    found = methods(caller)
    default = f"{ADA}/microsoftAuthenticatorMethods/{found['microsoftAuthenticator']}"
    response = caller.graph("DELETE", default)
    assert error(response) == (400, "badRequest")
    assert "default authentication method" in response.json()["error"]["message"]
    assert caller.graph("DELETE", f"{ADA}/fido2Methods/{found['fido2']}").status_code == 204
    assert caller.graph("DELETE", f"{ADA}/phoneMethods/{PHONE_IDS['alternateMobile']}").status_code == 204
    assert caller.graph("DELETE", f"{ADA}/phoneMethods/{PHONE_IDS['mobile']}").status_code == 204
    assert caller.graph("DELETE", default).status_code == 204
    assert set(methods(caller)) == {"password"}
    assert error(caller.graph("DELETE", default)) == (404, "resourceNotFound")


def test_the_alternate_mobile_goes_before_the_mobile(caller: Caller) -> None:
    assert caller.graph("DELETE", f"{ADA}/phoneMethods/{PHONE_IDS['mobile']}").status_code == 400


def test_types_that_only_beta_knows(caller: Caller, sim: Simulator) -> None:
    method = sim.arrange("fabrikam.example", "method", user=seed.ADA, kind="hardwareOath")
    path = f"{ADA}/hardwareOathMethods/{method}"
    assert caller.graph("DELETE", path).status_code == 404
    assert caller.graph("DELETE", path, version="beta").status_code == 204
    sim.arrange("fabrikam.example", "method", user=seed.ADA, kind="qrCodePin")
    assert caller.graph("DELETE", f"{ADA}/qrCodePinMethod").status_code == 404
    assert caller.graph("DELETE", f"{ADA}/qrCodePinMethod", version="beta").status_code == 204


@pytest.mark.parametrize(
    ("kind", "segment"),
    [
        ("softwareOath", "softwareOathMethods"),
        ("windowsHelloForBusiness", "windowsHelloForBusinessMethods"),
        ("platformCredential", "platformCredentialMethods"),
        ("temporaryAccessPass", "temporaryAccessPassMethods"),
        ("email", "emailMethods"),
        ("external", "externalAuthenticationMethods"),
    ],
)
def test_each_type_has_a_path_of_its_own(caller: Caller, sim: Simulator, kind: str, segment: str) -> None:
    method = sim.arrange("fabrikam.example", "method", user=seed.ADA, kind=kind)
    assert caller.graph("DELETE", f"{ADA}/{segment}/{method}").status_code == 204


def test_paths_made_of_type_names_do_not_exist(caller: Caller, sim: Simulator) -> None:
    assert caller.graph("DELETE", f"{ADA}/externalMethods/1").status_code == 404
    assert caller.graph("DELETE", f"{ADA}/methods/1").status_code == 404
    assert all(entry["refused"] for entry in sim.requests() if entry["service"] == "graph")


def test_the_default_can_be_read_in_beta(caller: Caller) -> None:
    body = caller.get(f"{ADA}/signInPreferences", version="beta").json()
    assert body["userPreferredMethodForSecondaryAuthentication"] == "push"


def test_no_application_may_reset_a_password_over_writeback(caller: Caller) -> None:
    path = f"{ADA}/methods/28c10230-6103-485e-b985-444c60001490/resetPassword"
    assert error(caller.graph("POST", path, {"newPassword": "Correct-Horse-7"})) == (403, "Authorization_RequestDenied")


def test_methods_of_administrators(caller: Caller) -> None:
    path = f"/users/{seed.HELPDESK}/authentication/fido2Methods/1"
    assert error(caller.graph("DELETE", path)) == (403, "Authorization_RequestDenied")
