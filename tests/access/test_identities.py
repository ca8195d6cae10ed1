"""Two people of one name, at two identity providers, share nothing."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import requests

    Front = Any

NAME = "same@msp.example"
DEFAULTS = {"actions": {"disable_sign_in": True}, "notify": []}


def send(
    front: Front, provider: str, method: str, path: str, body: object = None, *, key: str = ""
) -> requests.Response:
    roles = ["anonymous", "authenticated", "editor"]
    said = {"identityProvider": provider, "userId": "1", "userDetails": NAME, "userRoles": roles}
    headers = {"x-ms-client-principal": base64.b64encode(json.dumps(said).encode()).decode(), "x-functions-key": ""}
    return front.stack.send(method, f"/api/{path}", body, headers | ({"Idempotency-Key": key} if key else {}))


def test_their_defaults_are_their_own(front: Front) -> None:
    assert send(front, "aad", "PUT", "defaults", DEFAULTS).status_code == 200

    assert send(front, "github", "GET", "defaults").json()["source"] != "operator"
    assert send(front, "aad", "GET", "defaults").json()["source"] == "operator"


def test_the_portal_looks_to_each_as_they_set_it(front: Front) -> None:
    settings = {"currentTheme": {"value": "dark", "label": "dark"}}
    send(front, "aad", "POST", "ExecUserSettings", {"user": NAME, "currentSettings": settings})

    assert send(front, "aad", "GET", "ListUserSettings").json()["currentTheme"]["value"] == "dark"
    assert send(front, "github", "GET", "ListUserSettings").json()["currentTheme"]["value"] == "light"


@pytest.mark.parametrize("key", ["once"])
def test_an_idempotency_key_is_its_owners(front: Front, key: str) -> None:
    body = {"tenant": "contoso.example", "users": ["lia@contoso.example"], "actions": {"disable_sign_in": True}}
    body["scheduled_for"] = "2099-01-01T00:00:00Z"
    first = send(front, "aad", "POST", "offboardings", body, key=key)
    assert first.status_code == 202, first.text

    assert send(front, "github", "POST", "offboardings", body, key=key).status_code == 409
    again = send(front, "aad", "POST", "offboardings", body, key=key)
    assert again.json()["offboardings"] == first.json()["offboardings"]
    (offboarding,) = first.json()["offboardings"]
    assert send(front, "aad", "DELETE", f"offboardings/{offboarding['id']}").status_code == 204
