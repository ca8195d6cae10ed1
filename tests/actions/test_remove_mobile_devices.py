"""Remove mobile devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed

if TYPE_CHECKING:
    from dev.lab import Lab

DEVICES = {"remove_mobile_devices": True}
HYBRID = "hybrid.example"


def give_devices(lab: Lab, count: int, *, guid: bool = True) -> None:
    devices = [
        {
            "Guid": f"00000000-0000-4000-8000-{n:012}" if guid else None,
            "DeviceId": f"DEVICE{n}",
            "FriendlyName": f"Phone {n}",
            "DeviceType": "Outlook",
            "DeviceModel": "Outlook for iOS and Android",
        }
        for n in range(count)
    ]
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=seed.ADA, set={"devices": devices})


def test_the_partnerships_end_and_nothing_is_said_to_be_wiped(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, DEVICES)

    assert lab.mailbox(seed.ADA)["devices"] == []
    assert result.items("remove_mobile_devices") == {
        "Outlook for iOS 0": "done",
        "Outlook for iOS 1": "done",
    }
    assert "not wiped" in result.steps["remove_mobile_devices"].items[0].message


def test_ten_devices_go_in_one_batch(lab: Lab) -> None:
    give_devices(lab, 12)

    result = lab.offboard(seed.ADA, DEVICES)

    batches = [s["items"] for s in result.requests if any(i.get("cmdlet") == "Remove-MobileDevice" for i in s["items"])]
    assert [len(items) for items in batches] == [10, 2]
    assert result.count("exchange") == 4, "the snapshot, two batches, the proof"


def test_a_device_without_a_guid_goes_by_its_identity(lab: Lab) -> None:
    give_devices(lab, 1, guid=False)

    result = lab.offboard(seed.ADA, DEVICES)

    assert lab.mailbox(seed.ADA)["devices"] == []
    assert result.outcome("remove_mobile_devices") == "done"


def test_without_a_device_nothing_is_written(lab: Lab) -> None:
    give_devices(lab, 0)

    result = lab.offboard(seed.ADA, DEVICES)

    assert result.outcome("remove_mobile_devices") == "already_done"
    assert result.writes() == []


def test_a_second_offboarding_finds_them_gone(lab: Lab) -> None:
    lab.offboard(seed.ADA, DEVICES)

    result = lab.offboard(seed.ADA, DEVICES)

    assert result.outcome("remove_mobile_devices") == "already_done"
    assert result.writes() == []


@pytest.mark.parametrize("person", [seed.GUEST, seed.NO_MAILBOX])
def test_without_a_mailbox_it_does_not_apply(lab: Lab, person: str) -> None:
    result = lab.offboard(person, DEVICES)

    assert result.outcome("remove_mobile_devices") == "not_applicable"
    assert result.writes() == []


def test_the_devices_of_a_synced_person_go_too(lab: Lab) -> None:
    lab.offboard(seed.SYNCED, DEVICES, tenant=HYBRID)

    assert lab.mailbox(seed.SYNCED, HYBRID)["devices"] == []


def test_nobody_elses_devices_are_touched(lab: Lab) -> None:
    lab.offboard(seed.ADA, DEVICES)

    assert len(lab.mailbox(seed.BO)["devices"]) == 1


def test_a_device_that_went_meanwhile_counts_as_removed(lab: Lab) -> None:
    lab.simulator.faults([{"service": "exchange", "match": "Remove-MobileDevice", "kind": "reset_after", "count": 1}])

    result = lab.offboard(seed.ADA, DEVICES)

    assert set(result.items("remove_mobile_devices").values()) == {"done"}


def test_they_go_after_the_sessions_are_revoked(lab: Lab) -> None:
    for order in range(5):
        lab.simulator.reset()
        writes = lab.offboard(seed.ADA, {**DEVICES, "revoke_sessions": True}, order=order).writes()
        assert writes[0].endswith("revokeSignInSessions")
        assert writes[1:] == ["Remove-MobileDevice"] * 2


def test_throttled_devices_are_asked_for_again_and_the_others_are_not(lab: Lab) -> None:
    fault = {"service": "exchange", "match": "^Remove-MobileDevice$", "kind": "throttle", "retry_after": 60, "count": 1}
    lab.simulator.faults([fault])

    result = lab.offboard(seed.ADA, DEVICES)

    assert result.outcome("remove_mobile_devices") == "done"
    assert result.writes() == ["Remove-MobileDevice"] * 3


def test_without_the_exchange_role_it_fails_and_says_what_to_give(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "revoke_entra_role", role="Exchange Administrator")

    result = lab.offboard(seed.ADA, {**DEVICES, "disable_sign_in": True})

    assert result.outcome("remove_mobile_devices") == "failed"
    assert "Exchange Administrator" in result.message("remove_mobile_devices")
    assert result.outcome("disable_sign_in") == "done"


def test_killed_before_its_record_it_tells_the_same_story(lab: Lab) -> None:
    result = lab.offboard_killed("remove_mobile_devices", seed.ADA, DEVICES)

    assert set(result.items("remove_mobile_devices").values()) == {"done"}
    assert lab.mailbox(seed.ADA)["devices"] == []
