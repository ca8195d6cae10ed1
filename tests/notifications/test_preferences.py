"""The settings: what is accepted, what is kept, and that no secret is ever shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.fernet import Fernet

from dev.tenant import seed
from shared.app.settings import SettingsError
from shared.base.problems import RefusedError
from shared.notifications import MARKER
from shared.notifications.settings import destinations
from shared.notifications.settings.preferences import Preferences
from shared.notifications.settings.vault import Secret, Vault, VaultError

CANARY = "canary-secret"


def hook(office: Any, **more: Any) -> dict[str, Any]:
    return office.standard(auth={"kind": "bearer", "token": CANARY}, **more)


def refused(office: Any, **channels: Any) -> str:
    with pytest.raises(RefusedError) as error:
        office.settings(**channels)
    assert error.value.status in {400, 422}
    assert CANARY not in str(error.value)
    return " ".join(f"{one.field}: {one.message}" for one in error.value.problems)


def test_nothing_is_set_at_first(office: Any) -> None:
    assert Preferences(office.app).get() == {"webhook": None, "email": None, "psa": None}


def test_no_secret_is_shown_or_stored_in_clear(office: Any) -> None:
    put = office.settings(webhook=[hook(office)], psa=[office.halo(client_secret=CANARY)])
    got = Preferences(office.app).get()

    assert put == got
    shown = json.dumps(got)
    stored = json.dumps(office.app.store.document("notifications").content)
    for secret in (CANARY, "/standard/hook", office.sinks.keys["signing"]):
        assert secret not in shown
        assert secret not in stored
    assert "sealed" not in shown
    assert got["webhook"][0]["url"] == MARKER
    assert got["psa"][0]["client_secret"] == MARKER
    assert CANARY not in repr(office.app.settings)


@pytest.mark.parametrize("blank", [MARKER, ""])
def test_the_marker_and_a_blank_keep_what_is_stored(office: Any, blank: str) -> None:
    office.settings(webhook=[hook(office)])
    before = office.app.store.document("notifications").content

    office.settings(
        webhook=[office.standard(url=blank, signing=[blank], auth={"kind": "bearer", "token": blank}, send="all")]
    )

    assert office.app.store.document("notifications").content == before
    assert office.only(office.end()).state == "delivered"


def test_what_is_shown_can_be_written_back(office: Any) -> None:
    office.settings(webhook=[hook(office)], email=[{"id": "noc", "to": ["noc@msp.example"]}], psa=[office.halo()])
    before = office.app.store.document("notifications").content

    office.settings(**Preferences(office.app).get())

    assert office.app.store.document("notifications").content == before


def test_a_blank_secret_of_a_new_destination_is_missing(office: Any) -> None:
    assert "standard.auth.token: This secret is missing." in refused(
        office, webhook=[office.standard(auth={"kind": "bearer", "token": ""})]
    )


def test_a_stored_secret_does_not_follow_to_another_address(office: Any) -> None:
    office.settings(webhook=[hook(office)], psa=[office.halo()])

    elsewhere = office.standard(url="https://other.example/", auth={"kind": "bearer", "token": MARKER})
    assert "give the secret again" in refused(office, webhook=[elsewhere])
    psa = office.halo(url="https://other.example", client_secret=MARKER)
    assert "give the secret again" in refused(office, psa=[psa])


@pytest.mark.parametrize("change", ["/another", "?for=me", "/"])
def test_a_stored_secret_does_not_follow_to_another_receiver_of_the_same_origin(office: Any, change: str) -> None:
    office.settings(webhook=[hook(office)], psa=[office.halo()])

    elsewhere = office.standard(auth={"kind": "bearer", "token": MARKER}, signing=[MARKER])
    elsewhere["url"] += change
    told = refused(office, webhook=[elsewhere])
    assert "auth.token: Its address has changed" in told
    assert "signing.0: Its address has changed" in told
    psa = office.halo(client_secret=MARKER)
    assert "give the secret again" in refused(office, psa=[psa | {"url": psa["url"] + change}])
    assert "give the secret again" in refused(office, psa=[psa | {"hosted_tenant": "other"}])


def test_another_kind_of_destination_takes_no_secret_over(office: Any) -> None:
    office.settings(psa=[office.halo()])
    other = {"id": "halo", "system": "autotask", "username": "a", "secret": "", "integration_code": "x", "queue": 1}

    assert "halo.secret: This secret is missing." in refused(office, psa=[other])


def test_a_secret_can_be_the_name_of_a_setting(office: Any) -> None:
    office.app.settings.notification_secrets["NOTIFICATION_SECRET_URL"] = office.standard()["url"]

    shown = office.settings(webhook=[office.standard(url={"setting": "NOTIFICATION_SECRET_URL"})])

    assert shown["webhook"][0]["url"] == {"setting": "NOTIFICATION_SECRET_URL"}
    assert office.only(office.end()).state == "delivered"


@pytest.mark.parametrize(
    "name", ["M365_CLIENT_SECRET", "AzureWebJobsStorage", "NOTIFICATION_KEY", "notification_secret_x"]
)
def test_the_apps_own_settings_cannot_be_sent_anywhere(office: Any, name: str) -> None:
    told = refused(office, webhook=[office.standard(auth={"kind": "bearer", "token": {"setting": name}})])

    assert "setting: " in told, "by its name, before anybody looks what it holds"


def test_a_setting_that_is_missing_or_unresolved_is_named(office: Any) -> None:
    secrets = office.app.settings.notification_secrets
    secrets["NOTIFICATION_SECRET_VAULT"] = "@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/x)"
    for name in ("NOTIFICATION_SECRET_NONE", "NOTIFICATION_SECRET_VAULT"):
        assert name in refused(office, webhook=[office.standard(url={"setting": name})])


def test_nobody_can_bring_a_sealed_secret(office: Any) -> None:
    office.settings(webhook=[hook(office)])
    sealed = office.app.store.document("notifications").content["webhook"][0]["auth"]["token"]["sealed"]

    for brought in ({"sealed": sealed}, {"setting": "NOTIFICATION_SECRET_ONE", "sealed": sealed}):
        assert "named as stored" in refused(
            office, webhook=[office.standard(auth={"kind": "bearer", "token": brought})]
        )


def test_a_secret_is_a_text_or_a_name_and_not_both(office: Any) -> None:
    for given in ({"given": CANARY}, {"setting": "NOTIFICATION_SECRET_ONE", "given": CANARY}, {"setting": "", "x": ""}):
        with pytest.raises(RefusedError) as error:
            office.settings(webhook=[office.standard(auth={"kind": "bearer", "token": given})])
        assert error.value.status == 400


def test_a_setting_goes_to_the_origin_beside_it_and_nowhere_else(office: Any) -> None:
    ours, origins = office.sinks.origin, office.app.settings.notification_origins
    auth = {"kind": "api_key", "header": "X-Key", "value": {"setting": "NOTIFICATION_SECRET_ONE"}}

    assert "set NOTIFICATION_ORIGIN_ONE" in refused(office, webhook=[office.standard(auth=auth)])
    origins["NOTIFICATION_ORIGIN_ONE"] = "https://receiver.example"
    assert "may be sent to https://receiver.example only" in refused(office, webhook=[office.standard(auth=auth)])
    signed = office.standard(signing=[{"setting": "NOTIFICATION_SECRET_ONE"}])
    assert "may be sent to" in refused(office, webhook=[signed])
    psa = office.halo(client_secret={"setting": "NOTIFICATION_SECRET_ONE"})
    assert "may be sent to" in refused(office, psa=[psa])
    assert office.sinks.arrived() == []

    origins["NOTIFICATION_ORIGIN_ONE"] = ours
    office.settings(webhook=[office.standard(auth=auth)])
    assert "may be sent to" in refused(office, webhook=[office.standard(url="https://x.example/", auth=auth)])
    assert office.only(office.end()).state == "delivered"
    origins["NOTIFICATION_ORIGIN_ONE"] = "https://receiver.example"
    assert office.only(office.end(2)).state == "dead"
    assert "may be sent to https://receiver.example only" in office.only(office.end(3)).message
    assert len(office.sinks.arrived()) == 1


def test_a_setting_for_an_address_that_is_kept_is_held_to_it(office: Any) -> None:
    office.app.settings.notification_origins["NOTIFICATION_ORIGIN_ONE"] = "https://receiver.example"
    office.settings(webhook=[office.standard()])
    auth = {"kind": "bearer", "token": {"setting": "NOTIFICATION_SECRET_ONE"}}

    assert "may be sent to" in refused(office, webhook=[office.standard(url=MARKER, signing=[MARKER], auth=auth)])


def test_a_tenants_own_destinations_name_no_settings(office: Any) -> None:
    office.app.settings.notification_origins["NOTIFICATION_ORIGIN_ONE"] = office.sinks.origin
    office.app.settings.notification_secrets["NOTIFICATION_SECRET_URL"] = office.standard()["url"]
    auth = {"kind": "api_key", "header": "X-Stolen", "value": {"setting": "NOTIFICATION_SECRET_ONE"}}

    for hook in (office.standard(auth=auth), office.standard(url={"setting": "NOTIFICATION_SECRET_URL"})):
        with pytest.raises(RefusedError, match="Only the partner's own destinations"):
            office.settings(seed.CONTOSO, webhook=[hook])
    assert Preferences(office.app, seed.CONTOSO).test() == []


def test_who_does_not_see_the_partners_destinations_tries_their_own(office: Any) -> None:
    office.settings(webhook=[office.standard(id="partners")])
    office.settings(seed.CONTOSO, email=[{"id": "own", "to": ["noc@contoso.example"]}])

    limited = Preferences(office.app, seed.CONTOSO, sees_partner=False)
    assert [one.destination for one in limited.test()] == ["own"]
    with pytest.raises(RefusedError, match="no such destination"):
        limited.test("partners")
    assert office.sinks.arrived() == []


@pytest.mark.parametrize("origin", ["https://x.example/path", "x.example", "https://a@x.example", "https://x.example/"])
def test_an_origin_beside_a_secret_is_one(settings_of: Any, origin: str) -> None:
    with pytest.raises(SettingsError, match="NOTIFICATION_ORIGIN_ONE must be an origin"):
        settings_of(NOTIFICATION_ORIGIN_ONE=origin, M365_CLIENT_SECRET="x")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "http://receiver.example/"}, "https://"),
        ({"url": "https://user:canary-secret@receiver.example/"}, "user name or password"),
        ({"url": "https://10.0.0.1\\@x/"}, "characters"),
        ({"signing": []}, "signing secret"),
        ({"signing": ["whsec_short"]}, "24 to 64 bytes"),
        ({"signing": ["a", "b", "c"]}, "At most 2"),
        ({"format": "carrier-pigeon"}, "format"),
        ({"surprise": 1}, "surprise"),
        ({"id": "Not An Id"}, "id"),
        ({"format": "teams", "url": "https://x.webhook.office.com/canary-secret"}, "Workflows"),
        ({"auth": {"kind": "api_key", "header": "Host", "value": "x"}}, "set by this service"),
        ({"auth": {"kind": "api_key", "header": "webhook-id", "value": "x"}}, "set by this service"),
        ({"auth": {"kind": "api_key", "header": "bad header", "value": "x"}}, "header"),
        ({"auth": {"kind": "headers", "headers": {}}}, "At least 1"),
    ],
)
def test_what_is_wrong_with_a_web_hook_is_said(office: Any, change: dict[str, Any], said: str) -> None:
    assert said in refused(office, webhook=[office.standard(**change)])


@pytest.mark.parametrize(
    "address", ["nobody", "a@b", "a b@example.com", "a@example.com,b@example.com", "a;b@example.com"]
)
def test_what_is_no_mail_address_is_refused(office: Any, address: str) -> None:
    assert "not a mail address" in refused(office, email=[{"id": "noc", "to": [address]}])


def test_a_client_mapping_is_by_tenant_id(office: Any) -> None:
    assert "not the id of a tenant" in refused(office, psa=[office.halo(clients={"fabrikam.example": "15"})])


def test_ids_are_unique(office: Any) -> None:
    assert "Two destinations" in refused(office, webhook=[office.standard(), office.standard()])


def test_an_id_may_be_used_in_each_channel(office: Any) -> None:
    both = {"webhook": [hook(office, id="portal")], "email": [{"id": "portal", "to": ["noc@msp.example"]}]}
    office.settings(**both)
    office.settings(**Preferences(office.app).get())

    assert [one.channel for one in Preferences(office.app).test("portal", "webhook")] == ["webhook"]
    assert office.only(office.end()).state == "delivered"


def test_a_change_in_between_is_a_conflict(office: Any) -> None:
    office.settings(webhook=[office.standard()])
    store = office.app.store
    old = store.document("notifications")
    office.settings(webhook=[])

    class Late:
        def document(self, key: str) -> Any:
            return old if key == "notifications" else None

        def put_document(self, *arguments: Any) -> None:
            store.put_document(*arguments)

    preferences = Preferences(office.app)
    preferences._store = Late()  # type: ignore[assignment]
    with pytest.raises(RefusedError) as error:
        preferences.put(destinations.parse_json({"webhook": []}), "op@msp.example")

    assert error.value.status == 409


def test_a_tenant_keeps_its_own_secrets(office: Any) -> None:
    office.settings(webhook=[hook(office)])

    with pytest.raises(RefusedError, match="missing"):
        office.settings(seed.FABRIKAM, webhook=[office.standard(auth={"kind": "bearer", "token": MARKER})])


def test_without_a_key_only_names_of_settings_can_be_stored() -> None:
    vault = Vault((), {"NOTIFICATION_SECRET_ONE": CANARY}, {})

    with pytest.raises(VaultError, match="NOTIFICATION_KEY"):
        vault.sealed(Secret(given=CANARY))
    assert vault.address(Secret(setting="NOTIFICATION_SECRET_ONE")) == CANARY


def test_keys_can_be_replaced() -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    sealed = Vault([old], {}, {}).sealed(Secret(given=CANARY))

    assert Vault([new, old], {}, {}).opened(sealed, "https://receiver.example") == CANARY
    with pytest.raises(VaultError, match="NOTIFICATION_KEY"):
        Vault([new], {}, {}).opened(sealed, "https://receiver.example")
    assert CANARY not in repr(sealed)
    assert CANARY not in repr(Secret(given=CANARY))


@pytest.mark.parametrize("key", [CANARY, "@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/x)"])
def test_a_key_that_is_none_stops_secrets_and_nothing_else(settings_of: Any, key: str) -> None:
    settings = settings_of(NOTIFICATION_KEY=key, M365_CLIENT_SECRET="x")

    with pytest.raises(VaultError, match="NOTIFICATION_KEY") as error:
        Vault(settings.notification_keys, {}, {}, settings.notification_key_problem).sealed(Secret(given="text"))
    assert CANARY not in str(error.value)
    assert ("Key Vault reference" in str(error.value)) == key.startswith("@")


def test_a_mailbox_that_cannot_be_used_stops_mail_and_nothing_else(settings_of: Any) -> None:
    settings = settings_of(MAIL_TENANT="not-ours", MAIL_SENDER="nobody", M365_CLIENT_SECRET="x")

    assert "MAIL_TENANT must be one of" in settings.mail_problem
    assert "MAIL_SENDER must be the address" in settings.mail_problem


def test_a_reference_that_is_not_resolved_is_named(settings_of: Any) -> None:
    with pytest.raises(SettingsError, match="Key Vault reference in M365_CLIENT_SECRET is not resolved"):
        settings_of(M365_CLIENT_SECRET="@Microsoft.KeyVault(VaultName=v;SecretName=s)")


@pytest.mark.parametrize("name", ["ab", "1Offboarding", "Off-boarding", "x" * 46, "Offbörding"])
def test_a_task_hub_that_the_host_would_refuse_is_told(settings_of: Any, name: str) -> None:
    with pytest.raises(SettingsError, match="TASK_HUB must have 3 to 45 letters and digits"):
        settings_of(TASK_HUB=name, M365_CLIENT_SECRET="x")


def test_no_secret_appears_in_what_became_of_a_message(office: Any, caplog: pytest.LogCaptureFixture) -> None:
    office.settings(webhook=[hook(office)], psa=[office.halo(client_secret=CANARY)])
    office.sinks.faults({"match": "/standard", "kind": "status", "status": 500})

    ended = office.end(1, notify=("webhook", "psa"))
    office.tick()

    told = json.dumps([one.shown(ended.id) for one in office.get(ended.id).deliveries])
    assert {one.state for one in office.get(ended.id).deliveries} == {"pending", "dead"}
    for secret in (CANARY, "/standard/hook", office.sinks.keys["signing"]):
        assert secret not in told
        assert secret not in caplog.text


def test_a_body_that_is_too_large_or_not_json_is_refused() -> None:
    with pytest.raises(RefusedError) as large:
        destinations.parse(b" " * (64 * 1024 + 1))
    with pytest.raises(RefusedError) as garbage:
        destinations.parse(b"{")

    assert (large.value.status, garbage.value.status) == (413, 400)


@pytest.mark.parametrize("value", ["yes", 1, "true"])
def test_values_are_not_converted(value: object) -> None:
    content = {"email": [{"id": "a", "to": ["ann@msp.example"], "enabled": value}]}

    with pytest.raises(RefusedError, match="true or false"):
        destinations.parse(json.dumps(content).encode())
