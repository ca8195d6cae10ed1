"""What each channel is sent: everything that matters, never more than the service takes, and always the link."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.actions.outcome import Outcome
from shared.actions.reads.snapshot import Person
from shared.base.texts import cut
from shared.jobs.records import Item, Reason, State, Tenant
from shared.notifications.formats import discord, mail, portal_webhook, slack, standard_webhook, teams
from shared.notifications.message import Message, Notice, StepLine
from shared.notifications.psa import port

NOW = datetime(2030, 1, 7, 9, tzinfo=UTC)
LINK = "https://portal.example/offboardings/abc?x=1&y=2"

MESSAGE = Message(
    id="abc-1-teams",
    offboarding_id="abc",
    run=1,
    tenant=Tenant("11111111-1111-4111-8111-111111111111", "fabrikam.example"),
    person=Person("22222222-2222-4222-8222-222222222222", "ada@fabrikam.example", "Ada Example"),
    requested_by="operator@msp.example",
    reference="REF-7",
    ticket="",
    requested_at=NOW - timedelta(hours=1),
    scheduled_for=NOW - timedelta(minutes=5),
    started_at=NOW - timedelta(minutes=5),
    ended_at=NOW,
    state=State.failed,
    reason=Reason.steps_failed,
    explanation="Not every step succeeded.",
    steps=(
        StepLine("disable_sign_in", "Block sign-in", Outcome.done, "Sign-in is blocked."),
        StepLine(
            "remove_groups",
            "Remove from groups",
            Outcome.failed,
            "2 of 5 groups are left.",
            (
                Item("a", "Sales", Outcome.failed, "Refused."),
                Item("b", "All staff", Outcome.done, "The membership is gone."),
            ),
        ),
        StepLine("delete_user", "Delete user", Outcome.skipped, "Remove from groups did not succeed."),
    ),
    link=LINK,
)


def _long(text: str = "x", steps: int = 25) -> Message:
    lines = tuple(StepLine(f"step{n}", f"Step {n} {text * 60}", Outcome.failed, text * 5000) for n in range(steps))
    return replace(
        MESSAGE,
        steps=lines,
        reference=text * 200,
        explanation=text * 3000,
        person=replace(MESSAGE.person, display_name=text * 256),
    )


EXTREMES = [
    MESSAGE,
    _long(),
    _long("<"),
    _long("é"),
    _long("\N{GRINNING FACE}"),
    _long("*"),
    _long("x", 200),
    replace(
        MESSAGE, steps=(), notice=Notice.access_ends, explanation="30 Jun 2030, 16:00 UTC: Give access to the mailbox."
    ),
    replace(MESSAGE, steps=()),
]


@pytest.mark.parametrize("message", EXTREMES)
def test_teams_gets_a_card_of_at_most_28_kb_that_ends_in_the_link(message: Message) -> None:
    body = teams.body(message)

    assert len(standard_webhook.encoded(body)) <= 28 * 1024
    card = body["attachments"][0]["content"]
    assert card["version"] == "1.4"
    assert card["actions"][0]["url"] == LINK
    assert body["attachments"][0]["contentType"] == "application/vnd.microsoft.card.adaptive"


def test_teams_leaves_out_first_what_went_well() -> None:
    good = [StepLine(f"good{n}", f"Good {n}", Outcome.done, "") for n in range(300)]
    card = teams.body(replace(MESSAGE, steps=(*good, *MESSAGE.steps)))["attachments"][0]["content"]

    texts = [element.get("text", "") for element in card["body"]]
    assert any(text.startswith("Remove from groups: Failed") for text in texts)
    assert "more steps are shown at the link." in texts[-1]


@pytest.mark.parametrize("message", EXTREMES)
def test_slack_gets_blocks_within_its_limits(message: Message) -> None:
    body = slack.body(message)

    assert len(body["blocks"]) <= 50
    assert len(body["text"]) <= 40_000
    texts = [block["text"]["text"] for block in body["blocks"] if "text" in block]
    fields = [one["text"] for block in body["blocks"] for one in block.get("fields", [])]
    assert len(texts[0]) <= 150
    assert max(map(len, texts)) <= 3_000
    assert len(fields) <= 10
    assert all(len(text) <= 2_000 for text in fields)
    assert sum(map(len, [*texts, *fields])) <= 13_000
    assert LINK in texts[-1]


@pytest.mark.parametrize("message", EXTREMES)
def test_discord_gets_content_and_an_embed_within_its_limits(message: Message) -> None:
    body = discord.body(message)

    (embed,) = body["embeds"]
    assert len(body["content"]) <= 2_000
    assert body["content"].endswith(f"<{LINK}>")
    assert len(embed["title"]) <= 256
    assert len(embed["description"]) <= 4_096
    assert all(0 < len(one["value"]) <= 1_024 for one in embed["fields"])
    whole = embed["title"] + embed["description"] + "".join(f["name"] + f["value"] for f in embed["fields"])
    assert len(whole) <= 6_000
    assert body["allowed_mentions"] == {"parse": []}


@pytest.mark.parametrize("message", EXTREMES)
def test_tickets_get_at_most_8000_characters_with_link_and_mark(message: Message) -> None:
    draft = port.draft_of(message)

    assert len(draft.text) <= 8_000
    assert LINK in draft.text
    assert draft.text.endswith(f"Message {message.id}")
    assert draft.mark in draft.html


@pytest.mark.parametrize("message", EXTREMES)
def test_mail_ends_in_the_link(message: Message) -> None:
    assert mail.plain(message).endswith(LINK)
    assert 'href="https://portal.example/offboardings/abc?x=1&amp;y=2"' in mail.html(message)
    assert len(mail.resource(message, ["a@example.com"], is_plain=False)["subject"]) <= 255


def test_mail_can_be_read_on_a_telephone_and_loads_nothing() -> None:
    page = mail.html(MESSAGE)

    assert '<meta name="viewport" content="width=device-width,initial-scale=1">' in page
    assert "max-width:600px" in page
    assert "<img" not in page
    assert "src=" not in page
    assert page.index("Needs attention") < page.index("Block sign-in")


@given(st.text(min_size=1, max_size=60))
def test_no_name_becomes_markup(name: str) -> None:
    evil = replace(MESSAGE, person=replace(MESSAGE.person, display_name=f"<script>{name}<!channel>@everyone"))

    assert "<script>" not in mail.html(evil)
    assert "<script>" not in mail.fragment(evil)
    assert "<!channel>" not in json.dumps(slack.body(evil))
    assert discord.body(evil)["allowed_mentions"] == {"parse": []}


def test_no_name_becomes_a_link_in_teams() -> None:
    evil = replace(MESSAGE, person=replace(MESSAGE.person, display_name="[click](https://evil.example)"))
    facts = teams.body(evil)["attachments"][0]["content"]["body"][1]["facts"]

    assert facts[0]["value"].startswith("\\[click\\](https")


@pytest.mark.parametrize(
    "url",
    [
        "https://fabrikam.webhook.office.com/webhookb2/x/IncomingWebhook/y/z",
        "https://outlook.office.com/webhook/x/IncomingWebhook/y/z",
        "https://OUTLOOK.office365.com/webhook/x",
        "https://webhook.office.com/x",
    ],
)
def test_a_retired_connector_is_refused_with_what_to_do(url: str) -> None:
    assert "Workflows" in teams.problem_of(url)


def test_a_workflow_is_accepted() -> None:
    assert teams.problem_of("https://prod-01.westeurope.logic.azure.com/workflows/x?sig=y") == ""


def test_discord_is_asked_whether_it_saved_the_message() -> None:
    assert discord.address("https://discord.com/api/webhooks/1/t?thread_id=5&wait=false").endswith(
        "?thread_id=5&wait=true"
    )


def test_the_generic_body_tells_everything() -> None:
    body = standard_webhook.body(_long())

    assert body["type"] == "offboarding.ended"
    assert body["timestamp"] == "2030-01-07T09:00:00.000Z"
    data = body["data"]
    assert len(data["steps"][0]["message"]) == 5000
    assert (data["id"], data["state"], data["reason"], data["result"]) == ("abc", "Failed", "steps_failed", "failure")
    told = standard_webhook.body(MESSAGE)["data"]
    assert told["needs_attention"] == ["remove_groups", "delete_user"]
    assert told["scheduled_for"] == "2030-01-07T08:55:00.000Z"
    assert told["steps"][1]["items"] == [
        {"id": "a", "name": "Sales", "outcome": "failed", "message": "Refused."},
        {"id": "b", "name": "All staff", "outcome": "done", "message": "The membership is gone."},
    ]


def test_the_portals_forms_have_the_portals_names() -> None:
    plain, standardised = portal_webhook.plain(MESSAGE), portal_webhook.standardised(MESSAGE)

    assert set(plain) == {"tenantId", "Tenant", "TaskInfo", "Results", "AlertComment"}
    assert plain["Results"][0] == {"Results": "Failed. Not every step succeeded."}
    assert plain["Results"][1] == {"Results": "Block sign-in: Done. Sign-in is blocked."}
    names = {"schemaVersion", "source", "invoking", "title", "tenant", "generatedAt", "alertCount", "payload"}
    assert set(standardised) == names
    title = "User Offboarding - fabrikam.example - Offboarding: ada@fabrikam.example - Reference: REF-7"
    assert standardised["title"] == title
    task = {"id", "name", "command", "state", "reference", "scheduled", "executed", "partition"}
    assert set(standardised["payload"][0]["task"]) == task
    assert plain["Results"][2] == {"Results": "Remove from groups: Failed. 2 of 5 groups are left."}
    assert {"Results": "Remove from groups: Sales: Refused."} in plain["Results"]
    assert plain["TaskInfo"]["ScheduledTime"] == int((NOW - timedelta(minutes=5)).timestamp())
    assert standardised["payload"][0]["task"]["scheduled"] == "2030-01-07T08:55:00.000Z"


SECRETS = [f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2)]


def _verified(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Verify as the specification says, written without the code that signs."""
    key = base64.b64decode(secret[len("whsec_") :])
    signed = headers["webhook-id"].encode() + b"." + headers["webhook-timestamp"].encode() + b"." + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    found = [part.split(",", 1) for part in headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(value.encode(), wanted) for version, value in found)


def test_a_message_is_signed_with_both_active_secrets() -> None:
    body = standard_webhook.encoded(standard_webhook.body(MESSAGE))
    headers = standard_webhook.signature_headers(MESSAGE.id, NOW, body, SECRETS)

    assert headers["webhook-id"] == "abc-1-teams"
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert all(_verified(headers, body, secret) for secret in SECRETS)
    assert not _verified(headers, body + b" ", SECRETS[0])
    assert not _verified({**headers, "webhook-id": "other"}, body, SECRETS[0])
    assert not _verified(headers, body, f"whsec_{base64.b64encode(b'3' * 32).decode()}")


def test_the_signature_of_the_specifications_example() -> None:
    body = b'{"test": 2432232314}'
    moment = datetime.fromtimestamp(1614265330, UTC)
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    headers = standard_webhook.signature_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", moment, body, [secret])

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_short", "whsec_" + "A" * 20, "plain text", "whsec_" + "!" * 40]
)
def test_a_weak_signing_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes"):
        standard_webhook.key_of(secret)


@given(st.text(max_size=50), st.integers(1, 60))
def test_cutting_never_exceeds_and_shows_that_it_cut(text: str, most: int) -> None:
    result = cut(text, most)

    assert len(result) <= most
    assert result == text or result.endswith("…")


def test_a_text_is_cut_behind_a_word() -> None:
    assert cut("Grant the app the permission Mail.Send", 30) == "Grant the app the permission…"
    assert cut("https://portal.example/" + "x" * 40, 30).startswith("https://portal.example/xxx")


def test_the_same_end_makes_the_same_message() -> None:
    makers: list[Any] = [standard_webhook.body, teams.body, slack.body, discord.body, portal_webhook.standardised]
    for make in makers:
        assert make(MESSAGE) == make(replace(MESSAGE))
