"""Remove sign-in methods."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed

if TYPE_CHECKING:
    from dev.lab import Lab, Result

METHODS = {"remove_mfa_methods": True}
FABRIKAM = "fabrikam.example"
PASSWORD = "passwordAuthenticationMethod"
EVERY_KIND = (
    "softwareOath",
    "windowsHelloForBusiness",
    "platformCredential",
    "temporaryAccessPass",
    "email",
    "external",
    "hardwareOath",
    "qrCodePin",
)


def left(lab: Lab, person: str) -> list[str]:
    return [method["@odata.type"] for method in lab.user(person)["methods"] if PASSWORD not in method["@odata.type"]]


def register(lab: Lab, person: str, *kinds: str, default: str = "") -> None:
    for kind in kinds:
        lab.simulator.arrange(FABRIKAM, "method", user=person, kind=kind, default=kind == default)


def batches(result: Result) -> list[list[dict[str, Any]]]:
    """Return the deletions, batch by batch."""
    return [sent["items"] for sent in result.requests if any(i["method"] == "DELETE" for i in sent["items"])]


def test_every_method_goes_the_default_one_in_a_second_pass(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, METHODS)

    assert left(lab, seed.ADA) == []
    assert result.outcome("remove_mfa_methods") == "done"
    statuses = [sorted(item["status"] for item in batch) for batch in batches(result)]
    assert statuses == [[204, 204, 400], [204, 204]]


def test_the_alternate_phone_goes_before_the_mobile_one(lab: Lab) -> None:
    first, second = batches(lab.offboard(seed.ADA, METHODS))

    assert any("b6332ec1" in item["url"] for item in first)
    assert any("3179e48a" in item["url"] for item in second)


def test_the_password_is_no_method_to_remove(lab: Lab) -> None:
    before = [m for m in lab.user(seed.ADA)["methods"] if PASSWORD in m["@odata.type"]]

    result = lab.offboard(seed.ADA, METHODS)

    assert [m for m in lab.user(seed.ADA)["methods"] if PASSWORD in m["@odata.type"]] == before
    assert len(result.items("remove_mfa_methods")) == 4


def test_each_kind_is_deleted_at_its_own_address_and_two_of_them_in_beta(lab: Lab) -> None:
    register(lab, seed.BO, *EVERY_KIND)

    result = lab.offboard(seed.BO, METHODS)

    assert left(lab, seed.BO) == []
    in_beta = [s for s in result.requests if s["url"].endswith("/beta/$batch")]
    assert [item["url"].split("/")[4] for item in in_beta[0]["items"]] == ["hardwareOathMethods", "qrCodePinMethod"]
    assert len(in_beta) == 3, "listed in the snapshot, deleted, proved to be gone"


def test_the_authenticator_alone_needs_no_second_pass(lab: Lab) -> None:
    lab.simulator.arrange(FABRIKAM, "user", user=seed.NO_MAILBOX, set={"methods": []})
    register(lab, seed.NO_MAILBOX, "microsoftAuthenticator", default="microsoftAuthenticator")

    assert len(batches(lab.offboard(seed.NO_MAILBOX, METHODS))) == 1


def test_a_default_method_that_other_services_are_asked_for_first_waits_its_turn(lab: Lab) -> None:
    register(lab, seed.ADA, "hardwareOath", default="hardwareOath")

    result = lab.offboard(seed.ADA, METHODS)

    assert left(lab, seed.ADA) == []
    assert set(result.items("remove_mfa_methods").values()) == {"done"}


def test_a_default_method_waits_for_the_others_that_are_throttled(lab: Lab) -> None:
    fault = {"service": "graph", "match": "DELETE .*fido2Methods", "kind": "throttle", "retry_after": 60, "count": 1}
    lab.simulator.faults([fault])

    result = lab.offboard(seed.ADA, METHODS)

    assert left(lab, seed.ADA) == []
    assert result.outcome("remove_mfa_methods") == "done"
    assert result.steps["remove_mfa_methods"].attempts == 2


def test_a_kind_that_is_not_known_is_reported_and_never_guessed(lab: Lab) -> None:
    register(lab, seed.BO, "carrierPigeon")

    result = lab.offboard(seed.BO, METHODS)

    assert [name for name in left(lab, seed.BO) if "Pigeon" in name]
    assert result.items("remove_mfa_methods")["carrierPigeon"] == "needs_attention"
    assert "Entra admin center" in result.message("remove_mfa_methods")
    assert not [write for write in result.writes() if "igeon" in write]


def test_what_keeps_a_default_method_is_told(lab: Lab) -> None:
    register(lab, seed.BO, "carrierPigeon")

    result = lab.offboard(seed.BO, METHODS)

    assert result.items("remove_mfa_methods")["Microsoft Authenticator (Phone)"] == "failed"
    assert "only after all others" in result.message("remove_mfa_methods")


def test_twenty_methods_go_in_one_batch(lab: Lab) -> None:
    keys = [
        {"@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": f"key{n}", "model": f"Key {n}"}
        for n in range(25)
    ]
    lab.simulator.arrange(FABRIKAM, "user", user=seed.BO, set={"methods": keys, "default_method": None})

    result = lab.offboard(seed.BO, METHODS)

    assert [len(batch) for batch in batches(result)] == [20, 5]
    assert result.count("graph") == 6, "the submission, the snapshot in two versions, two batches, the proof"


def test_without_a_method_nothing_is_written(lab: Lab) -> None:
    lab.simulator.arrange(FABRIKAM, "user", user=seed.BO, set={"methods": []})

    result = lab.offboard(seed.BO, METHODS)

    assert result.outcome("remove_mfa_methods") == "already_done"
    assert result.writes() == []


def test_a_second_offboarding_finds_them_gone(lab: Lab) -> None:
    lab.offboard(seed.ADA, METHODS)

    result = lab.offboard(seed.ADA, METHODS)

    assert result.outcome("remove_mfa_methods") == "already_done"
    assert result.writes() == []


def test_of_a_guest_the_methods_of_this_tenant_go(lab: Lab) -> None:
    register(lab, seed.GUEST, "microsoftAuthenticator", default="microsoftAuthenticator")

    assert lab.offboard(seed.GUEST, METHODS).outcome("remove_mfa_methods") == "done"
    assert left(lab, seed.GUEST) == []


def test_of_a_synced_person_they_go_too(lab: Lab) -> None:
    assert lab.offboard(seed.SYNCED, METHODS, tenant="hybrid.example").outcome("remove_mfa_methods") == "done"


def test_they_go_after_the_block_and_the_new_password(lab: Lab) -> None:
    for order in range(5):
        lab.simulator.reset()
        actions = {**METHODS, "disable_sign_in": True, "reset_password": True}
        writes = lab.offboard(seed.ADA, actions, order=order).writes()
        assert [write.split()[0] for write in writes[:2]] == ["PATCH", "PATCH"]
        assert {write.split()[0] for write in writes[2:]} == {"DELETE"}


def test_phone_numbers_and_addresses_are_kept_and_told_masked_only(lab: Lab) -> None:
    address = {
        "@odata.type": "#microsoft.graph.emailAuthenticationMethod",
        "id": "e",
        "emailAddress": "ada@home.example",
    }
    methods = [*lab.user(seed.ADA)["methods"], address]
    lab.simulator.arrange(FABRIKAM, "user", user=seed.ADA, set={"methods": methods})

    result = lab.offboard(seed.ADA, METHODS)

    kept = lab.app.store.details(result.offboarding.id).first().values["sign_in_methods"]
    assert "5550100" not in json.dumps(kept)
    assert "ada@home.example" not in json.dumps(kept)
    assert {"Phone (mobile ***00)", "E-mail address (a***@home.example)"} < set(result.items("remove_mfa_methods"))


@pytest.mark.parametrize("person", [seed.HELPDESK, seed.ADMIN])
def test_an_administrators_methods_take_a_role_of_the_app_and_the_message_names_it(lab: Lab, person: str) -> None:
    register(lab, person, "fido2")

    result = lab.offboard(person, METHODS)

    assert result.outcome("remove_mfa_methods") == "failed"
    assert "Privileged Authentication Administrator" in result.message("remove_mfa_methods")


def test_without_the_permission_only_this_fails_and_says_what_to_grant(lab: Lab) -> None:
    lab.simulator.arrange(FABRIKAM, "revoke_permission", permission="UserAuthenticationMethod.ReadWrite.All")

    result = lab.offboard(seed.ADA, {**METHODS, "disable_sign_in": True})

    assert result.outcome("remove_mfa_methods") == "failed"
    assert "Grant" in result.message("remove_mfa_methods")
    assert result.outcome("disable_sign_in") == "done"


def test_killed_before_its_record_it_tells_the_same_story(lab: Lab) -> None:
    result = lab.offboard_killed("remove_mfa_methods", seed.ADA, METHODS)

    assert set(result.items("remove_mfa_methods").values()) == {"done"}
    assert left(lab, seed.ADA) == []


HARDWARE_TOKEN = {"@odata.type": "#microsoft.graph.hardwareOathAuthenticationMethod", "id": "token-1", "model": "C200"}


def test_a_hardware_token_that_v1_does_not_list_is_deleted_too(lab: Lab) -> None:
    lab.simulator.arrange(FABRIKAM, "user", user=seed.BO, set={"methods": [HARDWARE_TOKEN], "default_method": None})

    result = lab.offboard(seed.BO, METHODS)

    assert left(lab, seed.BO) == []
    assert result.outcome("remove_mfa_methods") == "done"


def test_tokens_that_cannot_be_listed_are_named_instead_of_called_none(lab: Lab) -> None:
    lab.simulator.arrange(FABRIKAM, "user", user=seed.BO, set={"methods": [HARDWARE_TOKEN], "default_method": None})
    rule = {"service": "graph", "match": "hardwareOathMethods", "kind": "status", "status": 403}
    lab.simulator.faults([rule])

    result = lab.offboard(seed.BO, METHODS)

    assert result.outcome("remove_mfa_methods") == "needs_attention"
    assert "hardware tokens" in result.message("remove_mfa_methods").lower()
