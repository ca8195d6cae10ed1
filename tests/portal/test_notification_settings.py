"""The portal's page of notification settings. Each test leaves the settings empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.sinks import Sinks
from dev.tenant import seed

if TYPE_CHECKING:
    from collections.abc import Iterator

    Front = Any

_SHOWN = {
    "email": "",
    "webhook": "",
    "onePerTenant": False,
    "sendtoIntegration": False,
    "includeTenantId": True,
    "UseStandardizedSchema": False,
    "logsToInclude": ["None"],
    "Severity": ["Alert"],
    "webhookAuthType": "None",
    "webhookAuthToken": "",
    "webhookAuthUsername": "",
    "webhookAuthPassword": "",
    "webhookAuthHeaderName": "",
    "webhookAuthHeaderValue": "",
    "webhookAuthHeaders": "",
}
_NONE = {"label": "None", "value": "None"}


_STORED = "SentToKeyVault"


@pytest.fixture(scope="module")
def sinks() -> Iterator[Sinks]:
    running = Sinks.start()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _empty(front: Front) -> Iterator[None]:
    yield
    assert _save(front, webhookAuthType=_NONE).status_code == 200


def _save(front: Front, **settings: Any) -> Any:
    extras = {"logsToInclude": [_NONE], "Severity": [{"label": "Alert", "value": "Alert"}], "includeTenantId": True}
    return front.post("ExecNotificationConfig", {**extras, **settings}, role="admin")


def _shown(front: Front) -> dict[str, Any]:
    return front.get("ListNotificationConfig", role="admin").json()


def test_nothing_is_set(front: Front) -> None:
    assert _shown(front) == _SHOWN


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"sendtoIntegration": True}, '"Send to integration" stays off: no PSA system is set up.'),
        ({"UseStandardizedSchema": True}, '"Use standardized schema" stays off'),
        ({"email": "noc@msp.example"}, "Nobody will be told by e-mail yet: MAIL_TENANT and MAIL_SENDER are not set."),
    ],
)
def test_what_is_off_after_a_reload_is_told(front: Front, settings: dict[str, Any], told: str) -> None:
    """The page shows its switches as they were set until it is loaded again."""
    results = _save(front, **settings).json()["Results"]

    assert results["state"] == "warning"
    assert results["resultText"].startswith("The notification settings were saved. ")
    assert told in results["resultText"]
    assert _save(front).json() == {"Results": "The notification settings were saved."}


def test_addresses_are_a_list(front: Front) -> None:
    assert _save(front, email="noc@msp.example; desk@msp.example,", onePerTenant=True).status_code == 200
    assert _shown(front) == {**_SHOWN, "email": "noc@msp.example,desk@msp.example", "onePerTenant": True}
    assert front.get("settings/notifications", role="admin").json()["email"][0]["to"][0] == "noc@msp.example"


def test_what_is_wrong_is_told(front: Front) -> None:
    answer = _save(front, email="not an address")

    assert answer.status_code == 422
    assert "not a mail address" in answer.json()["Results"]


def test_a_test_message_needs_a_destination(front: Front) -> None:
    assert front.post("ExecAddAlert", {"text": "Test", "sendEmailNow": True}, role="admin").status_code == 400


def test_a_web_hook_is_told_as_stored_and_kept_by_that_word(front: Front, sinks: Sinks) -> None:
    token = {"webhookAuthType": {"label": "Bearer Token", "value": "Bearer"}, "webhookAuthToken": "canary-token"}
    assert _save(front, webhook=f"{sinks.origin}/portal/x", **token).status_code == 200
    shown = {**_SHOWN, "webhook": _STORED, "webhookAuthType": "Bearer", "webhookAuthToken": _STORED}
    assert _shown(front) == shown

    assert _save(front, **{**shown, "webhookAuthType": token["webhookAuthType"]}).status_code == 200
    assert _shown(front) == shown
    tried = front.post("ExecAddAlert", {"text": "Test", "sendWebhookNow": True}, role="admin").json()["Results"]
    assert [one["state"] for one in tried] == ["success"]
    assert [one["service"] for one in sinks.arrived()] == ["portal"]
    kept = front.get("settings/notifications", role="admin").text
    assert "canary-token" not in kept


@pytest.mark.parametrize(("switch", "channel"), [("sendWebhookNow", "webhook"), ("sendPsaNow", "psa")])
def test_a_test_goes_to_the_chosen_kind_alone_also_where_two_have_one_name(
    front: Front, sinks: Sinks, switch: str, channel: str
) -> None:
    signing = {"signing": [sinks.keys["signing"]]}
    hook = {"id": "same", "format": "standard", "url": f"{sinks.origin}/standard/hook", **signing}
    keys = {"client_id": sinks.keys["halo_id"], "client_secret": sinks.keys["halo_secret"]}
    psa = {"id": "same", "system": "halopsa", "url": f"{sinks.origin}/halo", "clients": {seed.FABRIKAM: "15"}, **keys}
    saved = front.send("PUT", "settings/notifications", {"webhook": [hook], "psa": [psa]}, role="admin")
    assert saved.status_code == 200, saved.text
    before = len(sinks.arrived())

    tried = front.post("ExecAddAlert", {"text": "Test", switch: True, "sendEmailNow": False}, role="admin")

    front.send("PUT", "settings/notifications", {}, role="admin")
    (result,) = tried.json()["Results"]
    assert result == {"resultText": f"{channel}: It was taken.", "state": "success"}
    assert len(sinks.arrived()) - before == (1 if channel == "webhook" else 0), "a test opens no ticket"


def test_the_standardised_form_is_a_switch(front: Front, sinks: Sinks) -> None:
    url = f"{sinks.origin}/portal/x"
    assert _save(front, webhook=url, webhookAuthType=_NONE, UseStandardizedSchema=True).status_code == 200
    assert _shown(front)["UseStandardizedSchema"] is True
    assert _save(front, webhook=_STORED, webhookAuthType=_NONE, UseStandardizedSchema=False).status_code == 200
    assert _shown(front)["UseStandardizedSchema"] is False


@pytest.mark.parametrize(
    ("url", "shape"),
    [
        ("https://prod-12.westeurope.logic.azure.com:443/workflows/abc/triggers/manual/paths/invoke?sig=x", "teams"),
        ("https://e1.12.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/a", "teams"),
        ("https://prod-12.westeurope.logic.azure.com/workflows/abc/invoke?sig=x&format=portal", "portal"),
        ("https://logic.azure.com.example.com/workflows/abc", "portal"),
        ("https://discord.com/api/webhooks/1/x", "discord"),
    ],
)
def test_the_form_follows_from_the_address(front: Front, url: str, shape: str) -> None:
    assert _save(front, webhook=url, webhookAuthType=_NONE).status_code == 200
    (hook,) = front.get("settings/notifications", role="admin").json()["webhook"]
    assert hook["format"] == shape


def test_headers_are_an_object_or_the_text_of_one(front: Front, sinks: Sinks) -> None:
    kind = {"label": "Custom Headers", "value": "CustomHeaders"}
    hook = {"webhook": f"{sinks.origin}/portal/x", "webhookAuthType": kind}

    assert _save(front, **hook, webhookAuthHeaders='{"X-One": "canary"}').status_code == 200
    assert _shown(front)["webhookAuthHeaders"] == _STORED
    assert _save(front, **hook | {"webhook": _STORED}, webhookAuthHeaders=_STORED).status_code == 200
    assert _save(front, **hook, webhookAuthHeaders="not an object").status_code == 400
    assert _save(front, **hook, webhookAuthHeaders={"X-One": ["list"]}).status_code == 400


def test_destinations_of_our_own_api_stay(front: Front) -> None:
    email = [{"id": "ours", "to": ["a@msp.example"]}]
    assert front.send("PUT", "settings/notifications", {"email": email}, role="admin").status_code == 200
    assert _save(front, email="b@msp.example").status_code == 200

    kept = front.get("settings/notifications", role="admin").json()["email"]
    assert {one["id"] for one in kept} == {"ours", "portal"}
    assert front.send("PUT", "settings/notifications", {}, role="admin").status_code == 200
