"""The record of decisions and writes: complete, kept beyond deletion, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed
from shared.access.scope import Scope
from shared.base import clock
from shared.base.problems import RefusedError
from shared.jobs.records import MAX_EVENTS, Step
from shared.jobs.storage import audit, rows
from shared.jobs.storage.table import Insert, Replace
from shared.microsoft365.http.messages import SentRequest
from shared.offboarding.lifecycle import watch
from shared.offboarding.lifecycle.operations import Operations
from shared.offboarding.lookup import Lookup
from shared.offboarding.request import parsing
from shared.offboarding.request.submit import Submissions

if TYPE_CHECKING:
    from conftest import Leaver

    from dev.lab import Lab
    from dev.stack import Stack

ACTIONS = {"disable_sign_in": True, "reset_password": True, "revoke_sessions": True, "remove_groups": True}
ADA = "ada@fabrikam.example"


def record(lab: Lab, offboarding_id: str) -> list[audit.Entry]:
    return list(Lookup(lab.app).audit(offboarding_id).entries)


def writes(lab: Lab, offboarding_id: str) -> list[audit.Entry]:
    return [entry for entry in record(lab, offboarding_id) if entry.what == "write"]


def decisions(lab: Lab, offboarding_id: str) -> list[tuple[str, str]]:
    return [(e.what, e.by) for e in record(lab, offboarding_id) if e.what not in {"write", "change", "item", "step"}]


def test_every_write_is_recorded_once_with_its_ids(lab: Lab) -> None:
    result = lab.offboard(ADA, {**ACTIONS, "convert_to_shared": True, "hide_from_address_lists": True})

    found = writes(lab, result.offboarding.id)
    names = sorted(e.operation if e.service == "exchange" else e.operation.split()[0] for e in found)
    sent = sorted(name if " " not in name else name.split()[0] for name in result.writes())
    assert names == sent
    assert all(entry.client_request_id and entry.step and entry.run == 1 and entry.by for entry in found)
    assert {entry.step for entry in found} >= {"disable_sign_in", "reset_password", "remove_groups"}
    assert all(entry.status for entry in found)


def test_what_was_before_and_after_follows_from_the_outcomes(lab: Lab) -> None:
    lab.simulator.arrange(seed.FABRIKAM, "user", user=ADA, set={"accountEnabled": False})
    result = lab.offboard(ADA, ACTIONS)

    ends = {e.step: e.outcome for e in record(lab, result.offboarding.id) if e.what == "step"}
    assert ends == {name: step.outcome for name, step in result.steps.items()}
    assert ends["disable_sign_in"] == "already_done"


def test_values_are_recorded_before_and_after(lab: Lab) -> None:
    lab.simulator.arrange(
        seed.FABRIKAM, "mailbox", mailbox=seed.ADA, set={"ForwardingSmtpAddress": "smtp:old@x.example"}
    )
    wanted = {"disable_sign_in": True, "convert_to_shared": True, "hide_from_address_lists": True}
    result = lab.offboard(ADA, {**wanted, "forward_email": {"to": "cy@fabrikam.example", "keep_copy": True}})

    found = [entry for entry in record(lab, result.offboarding.id) if entry.what == "change"]
    made = {entry.target: (entry.step, entry.before, entry.after) for entry in found}
    assert made["user.accountEnabled"] == ("disable_sign_in", "true", "false")
    assert made["mailbox.RecipientTypeDetails"] == ("convert_to_shared", "UserMailbox", "SharedMailbox")
    assert made["mailbox.HiddenFromAddressListsEnabled"] == ("hide_from_address_lists", "false", "true")
    step, before, after = made["mailbox.ForwardingSmtpAddress"]
    assert (step, before) == ("forward_email", "smtp:old@x.example")
    assert after != before
    assert len(found) == len(made), "a change is that of one step"


def test_what_was_so_before_is_no_change(lab: Lab) -> None:
    lab.simulator.arrange(seed.FABRIKAM, "user", user=ADA, set={"accountEnabled": False})
    result = lab.offboard(ADA, {"disable_sign_in": True})

    assert [entry for entry in record(lab, result.offboarding.id) if entry.what == "change"] == []


def test_a_step_costs_no_further_request_for_its_record(lab: Lab) -> None:
    lab.submit(ADA, {"disable_sign_in": True})
    keys: list[list[str]] = []
    stored = lab.details.transact

    def noted(partition: str, operations: list) -> list[str]:
        keys.append([operation.key.split("|")[0] for operation in operations])
        return stored(partition, operations)

    lab.details.transact = noted  # type: ignore[method-assign]
    lab.run()
    assert [one for one in keys if set(one) == {"audit"}] == []


def test_no_decision_falls_out_of_the_record(lab: Lab) -> None:
    offboarding = lab.submit(ADA, ACTIONS, scheduled_for=clock.to_text(clock.now() + timedelta(days=9)))
    Operations(lab.app, "first@msp.example").reschedule(offboarding.id, clock.now() + timedelta(days=8))
    for _ in range(MAX_EVENTS + 5):
        lab.hub.advance(timedelta(seconds=1))
        Operations(lab.app, "other@msp.example").reschedule(offboarding.id, clock.now() + timedelta(days=7))

    told = decisions(lab, offboarding.id)
    assert told[:2] == [("submitted", "operator"), ("scheduled", "first@msp.example")]
    Operations(lab.app, "other@msp.example").delete(offboarding.id)
    assert decisions(lab, offboarding.id)[:2] == told[:2]
    lab.hub.advance(timedelta(days=lab.app.settings.retention_days + 1))
    watch.forget_old(lab.app)
    assert lab.jobs.partitions() in ([], ["documents"])


def test_two_decisions_of_the_same_moment_are_both_told(lab: Lab) -> None:
    offboarding = lab.submit(ADA, ACTIONS, scheduled_for=clock.to_text(clock.now() + timedelta(days=9)))
    for operator in ("one@msp.example", "two@msp.example"):
        Operations(lab.app, operator).reschedule(offboarding.id, clock.now() + timedelta(days=8))

    assert sorted(by for what, by in decisions(lab, offboarding.id) if what == "scheduled") == [
        "one@msp.example",
        "two@msp.example",
    ]


def test_decisions_in_order_also_of_a_deleted_offboarding(lab: Lab) -> None:
    offboarding = lab.submit(ADA, ACTIONS, scheduled_for=clock.to_text(clock.now() + timedelta(days=1)))
    operations = Operations(lab.app, "op@msp.example")
    for moment in (clock.now() + timedelta(days=2), clock.now()):
        lab.hub.advance(timedelta(seconds=1))
        operations.reschedule(offboarding.id, moment)
    lab.hub.advance(timedelta(seconds=1))
    (claimed,) = watch.wake(lab.app)
    lab.start(claimed)
    lab.run()
    before = record(lab, offboarding.id)
    lab.hub.advance(timedelta(seconds=1))
    operations.delete(offboarding.id)

    assert decisions(lab, offboarding.id) == [
        ("submitted", "operator"),
        ("scheduled", "op@msp.example"),
        ("scheduled", "op@msp.example"),
        ("claimed", "service"),
        ("ended_completed", "service"),
        ("deleted", "op@msp.example"),
    ]
    assert record(lab, offboarding.id)[:-1] == before
    assert writes(lab, offboarding.id)

    lab.hub.advance(timedelta(days=lab.app.settings.retention_days + 1))
    watch.forget_old(lab.app)
    with pytest.raises(RefusedError):
        record(lab, offboarding.id)


def test_an_offboarding_that_never_ran_and_was_deleted(lab: Lab) -> None:
    offboarding = lab.submit(ADA, ACTIONS, scheduled_for=clock.to_text(clock.now() + timedelta(days=1)))
    lab.hub.advance(timedelta(seconds=1))
    Operations(lab.app, "op@msp.example").delete(offboarding.id)
    assert [what for what, _ in decisions(lab, offboarding.id)] == ["submitted", "deleted"]


def test_what_an_earlier_run_did_is_told_when_another_has_written_over_its_steps(lab: Lab) -> None:
    lab.simulator.arrange(seed.FABRIKAM, "revoke_permission", permission="User-PasswordProfile.ReadWrite.All")
    offboarding = lab.submit(ADA, ACTIONS)
    lab.run()
    before = record(lab, offboarding.id)
    lab.hub.advance(timedelta(seconds=1))
    retried = Operations(lab.app, "op@msp.example").retry(offboarding.id).to_start
    assert retried
    lab.start(retried)
    lab.run()

    after = record(lab, offboarding.id)
    assert [entry for entry in after if entry.run == 1] == [entry for entry in before if entry.run == 1]
    ends = {(entry.run, entry.step): entry.outcome for entry in after if entry.what == "step"}
    assert {run for run, step in ends if step == "reset_password"} == {1, 2}
    assert [entry.run for entry in after if entry.what == "write" and entry.step == "reset_password"] == [1, 2]


def test_an_attempt_with_very_many_writes_has_a_row_of_its_own() -> None:
    many = [sent(str(number)) for number in range(150)]
    step, alone = audit.noted(Step("remove_groups", 1), many, clock.now())
    assert (step.writes, len(alone)) == ((), 1)
    step, alone = audit.noted(step, many[:100], clock.now())
    assert (len(step.writes or ()), alone) == (100, [])
    step, alone = audit.noted(step, many[:1], clock.now())
    assert (len(step.writes or ()), len(alone)) == (100, 1)


def test_what_an_older_version_has_audited_is_told_as_it_was(lab: Lab) -> None:
    id_ = lab.offboard(ADA, {"disable_sign_in": True}).offboarding.id
    before = record(lab, id_)
    (step,) = lab.details.range(id_, "step|", "step|~").rows
    work = json.loads(rows.joined(step))
    content = {
        "writes": [one[1:] for one in work.pop("writes")],
        "outcome": step["outcome"],
        "message": step["message"],
    }
    audited = {"what": "attempt", "at": step["ended_at"], "step": step["name"], "run": 1, **rows.of_document(content)}
    step |= rows.of_document(work)
    lab.details.transact(id_, [Replace(step["key"], step), Insert("audit|2026-01-01|3|disable_sign_in|0000", audited)])

    def told(entries: list[audit.Entry]) -> list[tuple[str, str, str]]:
        return [(e.what, e.operation, e.outcome) for e in entries if e.what in {"write", "step"}]

    assert told(record(lab, id_)) == told(before)
    assert len(told(before)) == 2


def test_a_write_is_told_once_though_storage_kept_it_twice(lab: Lab) -> None:
    stored = lab.details.transact
    is_through: list[bool] = []

    def silent(partition: str, operations: list) -> list[str]:
        etags = stored(partition, operations)
        if not is_through and any(operation.row.get("state") == "verifying" for operation in operations):
            is_through.append(True)
            raise ConnectionError("The answer was lost.")
        return etags

    lab.details.transact = silent  # type: ignore[method-assign]
    result = lab.offboard(ADA, {"disable_sign_in": True})
    assert is_through
    assert [entry.operation.split()[0] for entry in writes(lab, result.offboarding.id)] == ["PATCH"]


def sent(client_request_id: str) -> SentRequest:
    return SentRequest("graph", "POST", "/groups", 204, client_request_id, is_write=True)


def test_attempts_of_the_same_moment_are_all_kept() -> None:
    now, step = clock.now().replace(microsecond=0), Step("remove_groups", 1)
    kept = [row for _ in range(2) for row in audit.of_lost(step, [sent("one")], now)]
    assert len({row.key for row in kept}) == 2
    assert all(isinstance(row, Insert) for row in kept)


def test_a_delete_that_was_refused_leaves_no_entry(lab: Lab) -> None:
    offboarding = lab.submit(ADA, ACTIONS, scheduled_for=clock.to_text(clock.now() + timedelta(days=1)))
    operations = Operations(lab.app, "op@msp.example")
    kept = lab.details.transact

    def kept_late(partition: str, changes: list) -> list[str]:
        lab.details.transact = kept  # type: ignore[method-assign]
        operations.cancel(offboarding.id)
        return kept(partition, changes)

    lab.details.transact = kept_late  # type: ignore[method-assign]
    with pytest.raises(RefusedError) as caught:
        operations.delete(offboarding.id)

    assert (caught.value.status, caught.value.code) == (409, "changed")
    assert [what for what, _ in decisions(lab, offboarding.id)] == ["submitted", "cancelled", "ended_cancelled"]
    operations.delete(offboarding.id)
    assert [what for what, _ in decisions(lab, offboarding.id)][-1] == "deleted"


def test_a_recovery_is_a_decision(lab: Lab) -> None:
    body = {"tenant": "fabrikam.example", "users": [ADA], "actions": {"disable_sign_in": True}}
    submission = parsing.parse(json.dumps(body).encode(), max_users=100)
    (offboarding,) = Submissions(lab.app).submit(submission, "operator").to_start  # and nobody starts it
    lab.hub.advance(timedelta(minutes=11))
    (claimed,) = watch.wake(lab.app)
    lab.start(claimed)
    lab.run()
    assert [what for what, _ in decisions(lab, offboarding.id)] == [
        "submitted",
        "claimed",
        "recovered",
        "ended_completed",
    ]


def test_writes_survive_a_host_that_dies_before_the_record(lab: Lab) -> None:
    result = lab.offboard_killed("disable_sign_in", ADA, {"disable_sign_in": True, "remove_groups": True})
    assert [e for e in writes(lab, result.offboarding.id) if e.step == "disable_sign_in"]


def test_another_tenants_record_does_not_exist(lab: Lab) -> None:
    result = lab.offboard(ADA, {"disable_sign_in": True})
    with pytest.raises(RefusedError) as caught:
        Lookup(lab.app, Scope(tenants=frozenset({seed.CONTOSO}))).audit(result.offboarding.id)
    assert caught.value.status == 404


_UNSEEN = " \t\r\n\0\u00ad\u200b\u202e\ufeff"


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\0=1", "\u200b=1", "\ufeff =1"),
        *("\uff1d1", "\uff0b1", "\uff0d1", "\uff20SUM(A1)", "\ufe66" + "1", "\ufe631"),
        *(
            f"x{cut}=cmd|' /C calc'!A0{cut}y"
            for cut in (";", "\t", ",", "|", '"', "'", "\n", "\u2028", "\uff1b", "\x1f")
        ),
        *("x; =1", "x;\u200b=1", "x;;=1", 'x";"=1'),
    ],
)
def test_no_cell_is_a_formula(text: str) -> None:
    entry = audit.Entry("2026-01-01T00:00:00.000Z", text, "item", target=text, message=text)
    found = audit.Audit("t", "d", text, "p", (entry,))
    table = audit.to_csv("id", found)

    line = table.split("\r\n", 1)[1]
    cells = [cell.lstrip(_UNSEEN) for cell in re.split(r"[;,|\"\u2028\u2029\uff0c\uff1b\uff5c\x00-\x1f]", line)]
    assert not [cell for cell in cells if unicodedata.normalize("NFKC", cell).startswith(("=", "+", "-", "@"))]
    row = next(csv.reader(io.StringIO(line, newline="")))
    assert sum(re.sub("'", "", cell) == re.sub("'", "", text) for cell in row) == 4
    assert line.startswith('"id","t","')


def test_the_record_over_http(stack: Stack, leaver: Leaver) -> None:
    body = {"tenant": "fabrikam.example", "users": [leaver.upn], "actions": {"disable_sign_in": True}}
    offboarding_id = stack.post("/api/offboardings", body).json()["offboardings"][0]["id"]
    stack.wait_for_end(offboarding_id)

    path = f"/api/offboardings/{offboarding_id}/audit"
    found = stack.get(path).json()
    assert found["user"] == {"id": leaver.id, "upn": leaver.upn}
    assert ["PATCH" in e["operation"] for e in found["entries"] if e["what"] == "write"] == [True]
    answer = stack.get(f"{path}?format=csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    table = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["what"] for row in table] == [e["what"] for e in found["entries"]]
    assert stack.get(f"{path}?format=xml").status_code == 400
    assert stack.get("/api/offboardings/unknown/audit").status_code == 404
