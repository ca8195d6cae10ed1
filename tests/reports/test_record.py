"""What a report says, most important first, and that it can be proved."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from dev.tenant import seed
from shared.offboarding.reports import record
from shared.offboarding.restoring import Restorations, Wish

if TYPE_CHECKING:
    from dev.lab import Lab


from reporting import HALF, record_of


def test_it_says_what_happened_and_what_is_left(half_failed: dict[str, Any]) -> None:
    assert half_failed["result"] == "failed"
    assert half_failed["user"]["upn"] == "ada@fabrikam.example"
    assert half_failed["message"] == "Did not succeed: Convert to a shared mailbox. Skipped: Remove licenses."
    assert [left["title"] for left in half_failed["left_to_do"]] == ["Convert to a shared mailbox", "Remove licenses"]
    skipped = half_failed["left_to_do"][1]
    assert skipped["message"] == 'Not begun: "Convert to a shared mailbox" did not succeed.'


def test_each_step_says_what_it_changed(half_failed: dict[str, Any]) -> None:
    steps = {step["name"]: step for step in half_failed["steps"]}

    assert {"what": "user.accountEnabled", "before": "true", "after": "false"} in steps["disable_sign_in"]["changes"]
    assert "Project 0" in [item["name"] for item in steps["remove_groups"]["items"]]
    assert steps["remove_licenses"]["blocked_by"] == ["Convert to a shared mailbox"]
    assert steps["disable_sign_in"]["written_at"]


def test_it_says_who_decided_and_what_was_written(half_failed: dict[str, Any]) -> None:
    assert [one["what"] for one in half_failed["decisions"]] == ["submitted", "claimed", "ended_steps_failed"]
    assert half_failed["decisions"][0]["by"] == "operator"
    assert all(one["request_id"] or one["client_request_id"] for one in half_failed["writes"])
    assert "Block sign-in" in [one["step"] for one in half_failed["writes"]]
    assert "Microsoft Graph: User.EnableDisableAccount.All" in [p["permission"] for p in half_failed["permissions"]]
    (message,) = half_failed["messages"]
    assert message["state"] == "dead"


def test_the_hash_is_of_the_record_as_anybody_can_write_it(half_failed: dict[str, Any]) -> None:
    arrived = json.loads(json.dumps(half_failed))
    text = json.dumps(arrived, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    assert record.digest(half_failed) == hashlib.sha256(text.encode()).hexdigest()
    assert record.digest({**arrived, "reference": "other"}) != record.digest(half_failed)


def test_what_is_planned_and_what_went_well_has_nothing_left_to_do(lab: Lab) -> None:
    planned = lab.submit(seed.CY, HALF, scheduled_for="2030-02-01T00:00:00Z")
    done = lab.offboard(seed.ADA, {"disable_sign_in": True})

    told = record_of(lab, planned.id)
    assert (told["result"], told["left_to_do"], told["writes"]) == ("planned", [], [])
    assert {step["state"] for step in told["steps"]} == {"waiting"}
    told = record_of(lab, done.offboarding.id)
    assert (told["result"], told["left_to_do"]) == ("completed", [])


def test_what_needs_attention_is_left_to_do_by_name(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, {"remove_groups": True})
    told = record_of(lab, result.offboarding.id)

    assert told["result"] == "attention"
    assert [item["name"] for item in told["left_to_do"][0]["items"]] == ["License E3"]


def test_a_restoration_has_a_report_too(lab: Lab) -> None:
    first = lab.offboard(seed.ADA, {"disable_sign_in": True, "hide_from_address_lists": True})
    back = Restorations(lab.app, "operator").submit(first.offboarding.id, Wish())
    lab.start(back)
    lab.run()
    told = record_of(lab, back.id)

    assert (told["kind"], told["restores"], told["result"]) == ("restoration", first.offboarding.id, "completed")
    assert {step["name"] for step in told["steps"]} == {"hide_from_address_lists", "disable_sign_in"}
