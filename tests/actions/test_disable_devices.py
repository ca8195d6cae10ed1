"""Disable the computers and phones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed

if TYPE_CHECKING:
    from dev.lab import Lab

NAME = "disable_devices"
DEVICES = {NAME: True}
TENANT = "fabrikam.example"


@pytest.fixture(autouse=True)
def somebody_with_devices(lab: Lab) -> None:
    lab.simulator.arrange(TENANT, "belongings", user=seed.ADA, actions=[NAME])


def enabled(lab: Lab) -> list[str]:
    devices = lab.simulator.state(TENANT)["belongings"]["devices"].values()
    return [device["displayName"].partition(" ")[0] for device in devices if device["accountEnabled"]]


def test_what_the_person_owns_is_disabled_and_what_others_own_is_not(lab: Lab) -> None:
    assert enabled(lab) == ["LAPTOP", "PHONE", "DESK"]

    result = lab.offboard(seed.ADA, DEVICES)

    assert enabled(lab) == ["DESK"]
    found = {item.name: item.outcome for item in result.steps[NAME].items}
    assert found == {
        "LAPTOP of Ada Castell (Windows)": "done",
        "PHONE of Ada Castell (iOS)": "done",
        "DESK of Ada Castell (Windows)": "not_applicable",
    }
    assert len([write for write in result.writes() if write.startswith("PATCH /devices/")]) == 2


def test_a_hybrid_joined_computer_is_disabled_and_active_directory_named(lab: Lab) -> None:
    lab.simulator.arrange(TENANT, "row", of="devices", name="LAPTOP of Ada Castell", set={"trustType": "ServerAd"})

    result = lab.offboard(seed.ADA, DEVICES)

    (laptop,) = [item for item in result.steps[NAME].items if item.name.startswith("LAPTOP")]
    assert laptop.outcome == "done"
    assert "Disable it in Active Directory, too" in laptop.message


def test_a_disabled_one_is_not_asked_for(lab: Lab) -> None:
    lab.simulator.arrange(TENANT, "row", of="devices", name="PHONE of Ada Castell", set={"accountEnabled": False})

    result = lab.offboard(seed.ADA, DEVICES)

    assert len(result.writes()) == 1
    assert "already_done" in result.items(NAME).values()


def test_a_missing_permission_is_named(lab: Lab) -> None:
    lab.simulator.arrange(TENANT, "revoke_permission", permission="Device.ReadWrite.All")

    result = lab.offboard(seed.ADA, DEVICES)

    assert result.outcome(NAME) == "failed"
    assert "Grant the app Device.ReadWrite.All (Microsoft Graph)" in result.message(NAME)
    assert enabled(lab) == ["LAPTOP", "PHONE", "DESK"]


def test_a_device_that_was_deleted_meanwhile_is_not_waited_for(lab: Lab) -> None:
    refusal = {"error": {"code": "Request_ResourceNotFound", "message": "Resource does not exist."}}
    lab.simulator.faults(
        [{"service": "graph", "match": "^PATCH /v1.0/devices/", "kind": "status", "status": 404, "body": refusal}]
    )

    result = lab.offboard(seed.ADA, DEVICES)

    assert sorted(result.items(NAME).values()) == ["failed", "failed", "not_applicable"], "they are still there"
    assert "did not" in result.message(NAME) or "not seen" in result.message(NAME)


def test_the_block_comes_first(lab: Lab) -> None:
    writes = lab.offboard(seed.ADA, {**DEVICES, "disable_sign_in": True}).writes()

    assert writes[0] == f"PATCH /v1.0/users/{seed.ADA}"


def test_a_person_without_devices_is_left_alone(lab: Lab) -> None:
    result = lab.offboard(seed.BO, DEVICES)

    assert result.outcome(NAME) == "already_done"
    assert result.writes() == []


def test_killed_in_between_it_says_the_same(lab: Lab) -> None:
    result = lab.offboard_killed(NAME, seed.ADA, DEVICES)

    assert enabled(lab) == ["DESK"]
    assert sorted(result.items(NAME).values()) == ["done", "done", "not_applicable"]


def test_what_it_takes(lab: Lab) -> None:
    assert lab.offboard(seed.ADA, DEVICES).count("graph") == 4, "the submission, the snapshot, the change, the proof"
