"""Teams workflows, Slack and Discord: what they accept, and their limits."""

from __future__ import annotations

from typing import Any

from dev.sinks.desk import Call, Desk, Refusal, Reply

_TEAMS_BYTES = 28 * 1024
_SLACK_BLOCKS = 50
_SLACK_CHARS = 13_000
_CARD = "application/vnd.microsoft.card.adaptive"


def teams(desk: Desk, call: Call) -> Reply:
    """Start a workflow: 202, whatever becomes of it."""
    if "sig" not in call.query:
        raise Refusal(401, {"error": {"code": "DirectApiAuthorizationRequired"}})
    if len(call.body) > _TEAMS_BYTES:
        raise Refusal(413, "Request entity too large")
    body = call.form()
    attachments = body.get("attachments")
    if body.get("type") != "message" or not attachments or attachments[0].get("contentType") != _CARD:
        raise Refusal(400, {"error": {"code": "TriggerInputSchemaMismatch"}})
    card = attachments[0]["content"]
    if card.get("type") != "AdaptiveCard" or card.get("version") not in {"1.2", "1.3", "1.4"}:
        raise Refusal(400, {"error": {"code": "UnsupportedCard"}})
    for element in card["body"]:
        _check_element(element)
    for action in card.get("actions", []):
        if action["type"] != "Action.OpenUrl" or not action["url"].startswith("http"):
            raise Refusal(400, {"error": {"code": "InvalidAction"}})
    desk.arrive("teams", card["body"][0]["text"], body)
    return Reply(202)


def _check_element(element: dict[str, Any]) -> None:
    known = {"TextBlock": {"text"}, "FactSet": {"facts"}}
    needed = known.get(element.get("type", ""))
    if needed is None or not needed <= set(element):
        raise Refusal(400, {"error": {"code": "InvalidElement"}})
    if not all(isinstance(fact.get("title"), str) and isinstance(fact.get("value"), str) for fact in _facts(element)):
        raise Refusal(400, {"error": {"code": "InvalidFact"}})


def _facts(element: dict[str, Any]) -> list[dict[str, Any]]:
    return element.get("facts", [])


def slack(desk: Desk, call: Call) -> Reply:
    """Post into a channel."""
    if not call.path.startswith("/services/T"):
        raise Refusal(404, "no_service")
    body = call.form()
    if not body.get("text"):
        raise Refusal(400, "no_text")
    blocks = body.get("blocks", [])
    texts = [text for block in blocks for text in _slack_texts(block)]
    if len(blocks) > _SLACK_BLOCKS or any(not text or len(text) > most for text, most in texts):
        raise Refusal(400, "invalid_blocks")
    if sum(len(text) for text, _ in texts) > _SLACK_CHARS:
        raise Refusal(400, "msg_blocks_too_long")
    desk.arrive("slack", body["text"], body)
    return Reply(200, "ok")


def _slack_texts(block: dict[str, Any]) -> list[tuple[str, int]]:
    """Return every text of a block with its limit."""
    if block["type"] == "header":
        if block["text"]["type"] != "plain_text":
            raise Refusal(400, "invalid_blocks")
        return [(block["text"]["text"], 150)]
    if block["type"] != "section" or len(block.get("fields", [])) > 10:  # noqa: PLR2004 - Slack's limit
        raise Refusal(400, "invalid_blocks")
    fields = [(one["text"], 2_000) for one in block.get("fields", [])]
    return [*fields, *([(block["text"]["text"], 3_000)] if "text" in block else [])]


def discord(desk: Desk, call: Call) -> Reply:
    """Post into a channel; without `wait` an unusable message is dropped and answered as a success."""
    waits = call.query.get("wait") == "true"
    problem = _discord_problem(call.form())
    if problem and waits:
        raise Refusal(400, {"message": "Invalid Form Body", "code": 50035, "errors": {problem: {}}})
    if not problem:
        body = call.form()
        desk.arrive("discord", body.get("content", ""), body)
    return Reply(200, {"id": str(len(desk.arrivals))}) if waits else Reply(204)


def _discord_problem(body: dict[str, Any]) -> str:
    embeds = body.get("embeds", [])
    if not body.get("content") and not embeds:
        return "_misc"
    if len(body.get("content", "")) > 2_000:  # noqa: PLR2004
        return "content"
    limits = {"title": 256, "description": 4_096}
    for embed in embeds:
        fields = embed.get("fields", [])
        too_long = any(len(embed.get(name, "")) > most for name, most in limits.items()) or len(fields) > 25  # noqa: PLR2004
        bad = any(not 0 < len(f["value"]) <= 1_024 or not 0 < len(f["name"]) <= 256 for f in fields)  # noqa: PLR2004
        text = [embed.get("title", ""), embed.get("description", ""), *(f["name"] + f["value"] for f in fields)]
        if too_long or bad or len("".join(text)) > 6_000:  # noqa: PLR2004
            return "embeds"
    return ""
