"""Notifications as a person with an HTTP client meets them, through the host and its timer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet

from dev.processes import wait_until
from dev.stack import Options, Stack
from dev.tenant import seed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.sinks import Sinks

SETTINGS = {
    "NOTIFICATION_KEY": Fernet.generate_key().decode(),
    "ALLOW_LOOPBACK_WEBHOOKS": "true",
    "FUNCTION_KEY_ROLE": "admin",
    "ACCESS_TENANTS": "*=all",
    "MAIL_TENANT": seed.FABRIKAM,
    "MAIL_SENDER": "bo@fabrikam.example",
}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack"), Options(settings=SETTINGS)) as stack:
        yield stack


@pytest.fixture(autouse=True)
def _fresh(sinks: Sinks) -> None:
    sinks.reset(check_time=False)


def settings_of(sinks: Sinks) -> dict[str, Any]:
    signing = [sinks.keys["signing"]]
    return {"webhook": [{"id": "hook", "format": "standard", "url": f"{sinks.origin}/standard/x", "signing": signing}]}


def leave(cloud: Stack, alias: str, **more: Any) -> dict[str, Any]:
    cloud.simulator.arrange(seed.FABRIKAM, "user", create={"alias": alias, "name": alias.title()})
    body = {
        "tenant": "fabrikam.example",
        "users": [f"{alias}@fabrikam.example"],
        "actions": {"disable_sign_in": True},
        "notify": ["webhook"],
        **more,
    }
    answer = cloud.post("/api/offboardings", body)
    assert answer.status_code == 202, answer.text
    return cloud.wait_for_end(answer.json()["offboardings"][0]["id"])


def deliveries(cloud: Stack, details: dict[str, Any]) -> dict[str, str]:
    return {one["destination"]: one["state"] for one in cloud.details(details["id"])["notifications"]}


def test_settings_are_put_read_and_tried(cloud: Stack, sinks: Sinks) -> None:
    put = cloud.send("PUT", "/api/settings/notifications", settings_of(sinks))
    assert put.status_code == 200, put.text
    assert put.json()["webhook"][0]["url"] == "(stored)"
    assert cloud.get("/api/settings/notifications").json() == put.json()

    tried = cloud.post("/api/settings/notifications/test?destination=hook").json()

    assert tried == {
        "results": [{"destination": "hook", "channel": "webhook", "delivered": True, "message": "It was taken."}]
    }
    assert cloud.post("/api/settings/notifications/test?destination=none").status_code == 404


def test_problems_are_listed(cloud: Stack) -> None:
    wrong = {
        "webhook": [{"id": "hook", "format": "slack", "url": "http://10.0.0.1/"}],
        "email": [{"id": "x", "to": []}],
    }

    answer = cloud.send("PUT", "/api/settings/notifications", wrong)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid_request"


def test_a_tenant_has_settings_of_its_own(cloud: Stack) -> None:
    path = "/api/tenants/contoso.example/notifications"
    own = {"email": [{"id": "own", "to": ["own@msp.example"]}]}

    assert cloud.send("PUT", path, own).status_code == 200
    assert cloud.get(path).json()["email"][0]["to"] == ["own@msp.example"]
    assert cloud.get(path).json()["webhook"] is None
    assert cloud.get("/api/tenants/elsewhere.example/notifications").status_code == 404


def test_the_end_is_told_and_shown_in_the_details(cloud: Stack, sinks: Sinks) -> None:
    cloud.send("PUT", "/api/settings/notifications", settings_of(sinks))

    details = leave(cloud, "told")
    wait_until(lambda: deliveries(cloud, details) == {"hook": "delivered"}, 30, "the message was delivered")

    (shown,) = cloud.details(details["id"])["notifications"]
    assert (shown["id"], shown["attempts"], shown["status"]) == (f"{details['id']}-1-webhook-hook", 1, 204)
    (arrived,) = sinks.arrived()
    assert arrived["body"]["data"]["link"].endswith(f"/api/offboardings/{details['id']}/report")


def test_the_timer_delivers_later_and_a_person_can_send_again(cloud: Stack, sinks: Sinks) -> None:
    cloud.send("PUT", "/api/settings/notifications", settings_of(sinks))
    sinks.faults({"match": "/standard", "kind": "status", "status": 503, "count": 1})
    details = leave(cloud, "later")
    wait_until(lambda: len(sinks.requests()) == 1, 30, "the run tried")
    wait_until(
        lambda: cloud.details(details["id"])["notifications"][0]["attempts"] == 1, 30, "the attempt was recorded"
    )
    assert deliveries(cloud, details) == {"hook": "pending"}

    cloud.advance(180)
    wait_until(lambda: deliveries(cloud, details) == {"hook": "delivered"}, 30, "the timer delivered")

    resend = f"/api/offboardings/{details['id']}/notifications/resend"
    assert cloud.post(resend).status_code == 409
    again = cloud.post(f"{resend}?destinations=hook")
    assert again.status_code == 202
    assert again.json()["notifications"][0]["state"] == "pending"
    cloud.advance(60)
    wait_until(lambda: len(sinks.arrived()) == 2, 30, "it was sent again")
    assert {one["id"] for one in sinks.arrived()} == {f"{details['id']}-1-webhook-hook"}


def test_a_request_may_name_a_ticket(cloud: Stack) -> None:
    body = {"tenant": "fabrikam.example", "users": ["x@fabrikam.example"], "actions": {"disable_sign_in": True}}

    assert cloud.post("/api/offboardings/plan", {**body, "ticket": "../1"}).status_code == 400
    assert cloud.post("/api/offboardings/plan", {**body, "ticket": "T20261123.0001"}).status_code == 404  # no such user


def test_an_unknown_channel_is_refused(cloud: Stack) -> None:
    assert cloud.post("/api/settings/notifications/test?channel=pigeon").status_code == 400
