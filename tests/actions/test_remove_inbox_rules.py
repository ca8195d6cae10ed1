"""Remove inbox rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from shared.actions.mailboxes.mailbox_rows import check_owner
from shared.actions.reads.mailbox import MAILBOX
from shared.actions.reads.snapshot import UnreadError

if TYPE_CHECKING:
    from dev.lab import Lab

RULES = {"remove_inbox_rules": True}
KEPT = ["Junk E-Mail Rule", "Microsoft.Exchange.OOF.AllExternalSenders.Global"]
HYBRID = "hybrid.example"


def names(lab: Lab, person: str, tenant: str = "fabrikam.example") -> list[str]:
    return [rule["Name"] for rule in lab.mailbox(person, tenant)["rules"]]


def write_rules(lab: Lab, person: str, count: int) -> None:
    rules = [{"RuleIdentity": 1000 + n, "Name": f"Sort {n}", "Enabled": True, "hidden": False} for n in range(count)]
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=person, set={"rules": rules})


def cmdlet_failure(text: str) -> dict[str, Any]:
    detail = {"code": "Context", "target": "", "message": f"Ex1|Microsoft.Exchange.Data.StorageException|{text}"}
    return {"error": {"code": "BadRequest", "message": "Error executing request.", "details": [detail]}}


def test_every_rule_goes_also_the_hidden_one(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, RULES)

    assert names(lab, seed.ADA) == KEPT
    assert result.outcome("remove_inbox_rules") == "done"
    assert result.items("remove_inbox_rules")["Forward to private address"] == "done"
    assert len(result.items("remove_inbox_rules")) == 5


def test_the_rules_that_exchange_keeps_for_itself_are_neither_touched_nor_told(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, RULES)

    assert not set(KEPT) & set(result.items("remove_inbox_rules"))


def test_ten_rules_go_in_one_batch(lab: Lab) -> None:
    write_rules(lab, seed.ADA, 23)

    result = lab.offboard(seed.ADA, RULES)

    batches = [s["items"] for s in result.requests if any(i.get("cmdlet") == "Remove-InboxRule" for i in s["items"])]
    assert [len(items) for items in batches] == [10, 10, 3]
    assert result.count("exchange") == 5, "the snapshot, three batches, the proof"


def test_without_a_rule_nothing_is_written(lab: Lab) -> None:
    write_rules(lab, seed.ADA, 0)

    result = lab.offboard(seed.ADA, RULES)

    assert result.outcome("remove_inbox_rules") == "already_done"
    assert result.writes() == []


def test_a_second_offboarding_finds_them_gone(lab: Lab) -> None:
    lab.offboard(seed.ADA, RULES)

    result = lab.offboard(seed.ADA, RULES)

    assert result.outcome("remove_inbox_rules") == "already_done"
    assert result.writes() == []


def test_a_rule_that_is_refused_in_a_batch_is_tried_once_alone(lab: Lab) -> None:
    rule = {"service": "exchange", "match": "^Remove-InboxRule$", "kind": "status", "status": 400, "count": 2}
    lab.simulator.faults([{**rule, "body": cmdlet_failure("The rules table was changed by another process.")}])

    result = lab.offboard(seed.ADA, RULES)

    assert names(lab, seed.ADA) == KEPT
    assert result.outcome("remove_inbox_rules") == "done"
    alone = [s for s in result.requests if s.get("cmdlet") == "Remove-InboxRule"]
    assert len(alone) == 2


def test_one_rule_that_cannot_go_does_not_stop_the_others(lab: Lab) -> None:
    rule = {"service": "exchange", "match": "^Remove-InboxRule$", "kind": "status", "status": 400, "count": 6}
    lab.simulator.faults([{**rule, "body": cmdlet_failure("The rule is damaged.")}])

    result = lab.offboard(seed.ADA, RULES)

    outcomes = list(result.items("remove_inbox_rules").values())
    assert (outcomes.count("failed"), outcomes.count("done")) == (1, 4)
    assert "The rule is damaged." in result.message("remove_inbox_rules")
    assert result.offboarding.reason == "steps_failed"


def test_a_rule_that_went_meanwhile_counts_as_removed(lab: Lab) -> None:
    rule = {"service": "exchange", "match": "Remove-InboxRule", "kind": "reset_after", "count": 1}
    lab.simulator.faults([rule])

    result = lab.offboard(seed.ADA, RULES)

    assert names(lab, seed.ADA) == KEPT
    assert result.outcome("remove_inbox_rules") == "done"


@pytest.mark.parametrize("person", [seed.GUEST, seed.NO_MAILBOX])
def test_without_a_mailbox_it_does_not_apply(lab: Lab, person: str) -> None:
    result = lab.offboard(person, RULES)

    assert result.outcome("remove_inbox_rules") == "not_applicable"
    assert result.writes() == []


def test_the_rules_of_a_synced_person_go_too(lab: Lab) -> None:
    result = lab.offboard(seed.SYNCED, RULES, tenant=HYBRID)

    assert names(lab, seed.SYNCED, HYBRID) == KEPT
    assert result.outcome("remove_inbox_rules") == "done"


def test_nobody_elses_rules_are_touched(lab: Lab) -> None:
    before = lab.mailbox(seed.BO)["rules"]

    lab.offboard(seed.ADA, RULES)

    assert lab.mailbox(seed.BO)["rules"] == before


@pytest.mark.parametrize(
    ("distinguished_name", "identity", "is_own"),
    [
        ("CN=ada,OU=x,DC=y", "ada\\15", True),
        ("CN=ada,OU=x,DC=y", "EUR.PROD/Hosted Organizations/fabrikam/Ada\\15", True),
        ("CN=ada,OU=x,DC=y", "ada/ExchangeActiveSyncDevices/Outlook§1", True),
        ("CN=Castell\\, Ada,OU=x", "Castell, Ada\\15", True),
        ("CN=ada,OU=x,DC=y", "bo\\15", False),
        ("CN=ada,OU=x,DC=y", "adam\\15", False),
        ("CN=ada,OU=x,DC=y", "ada", False),
        ("", "ada\\15", False),
    ],
)
def test_a_row_is_the_mailboxs_own_or_nothing_is_removed(
    distinguished_name: str, identity: str, *, is_own: bool
) -> None:
    mailbox = MAILBOX.parse({"DistinguishedName": distinguished_name})
    assert mailbox
    if is_own:
        check_owner([identity], mailbox)
    else:
        with pytest.raises(UnreadError):
            check_owner([identity], mailbox)


def test_they_go_after_the_block_and_before_the_automatic_reply(lab: Lab) -> None:
    actions = {**RULES, "disable_sign_in": True, "set_out_of_office": {"internal": "Gone"}}
    for order in range(5):
        lab.simulator.reset()
        writes = lab.offboard(seed.ADA, actions, order=order).writes()
        assert writes[0].startswith("PATCH ")
        assert writes[-1] == "Set-MailboxAutoReplyConfiguration"
    assert lab.simulator.state("fabrikam.example")["concurrent_mailbox_writes"] == []


def test_without_the_exchange_role_it_fails_and_says_what_to_give(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "revoke_entra_role", role="Exchange Administrator")

    result = lab.offboard(seed.ADA, {**RULES, "disable_sign_in": True})

    assert result.outcome("remove_inbox_rules") == "failed"
    assert "Exchange Administrator" in result.message("remove_inbox_rules")
    assert result.outcome("disable_sign_in") == "done"


def test_killed_before_its_record_it_tells_the_same_story(lab: Lab) -> None:
    result = lab.offboard_killed("remove_inbox_rules", seed.ADA, RULES)

    assert set(result.items("remove_inbox_rules").values()) == {"done"}
    assert names(lab, seed.ADA) == KEPT


def test_what_the_rules_did_is_kept_before_they_go(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, RULES)

    kept = lab.app.store.details(result.offboarding.id).first().values["inbox_rules"]
    assert {"Forward to private address", *KEPT} < {rule["Name"] for rule in kept}


def test_rules_named_by_the_alias_are_the_mailboxs_own(lab: Lab) -> None:
    """The documentation names a rule's owner by alias; the name in the directory was seen as well."""
    lab.simulator.arrange("fabrikam.example", "tenant", set={"rules_by_alias": True})
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=seed.ADA, set={"Alias": "ada.castell"})

    assert lab.offboard(seed.ADA, {"remove_inbox_rules": True}).outcome("remove_inbox_rules") == "done"
