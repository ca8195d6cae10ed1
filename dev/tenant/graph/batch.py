"""JSON batching ("Combine multiple HTTP requests using JSON batching" on Learn)."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from dev.tenant import recorder
from dev.tenant.errors import GraphError, Refusal, graph_body
from dev.tenant.faulty import item_fault, resets
from dev.tenant.graph.router import Ask
from dev.tenant.messages import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.tenant.messages import Call

MOST = 20
_WITH_BODY = frozenset({"POST", "PATCH", "PUT"})


def serve(ask: Ask, call: Call, answer: Callable[[Ask, list[str], str], Reply]) -> Reply:
    """Answer a batch; the responses come back in an order of their own, as Graph warns that they may."""
    requests = _checked(ask.object_body())
    call.items = [recorder.item(each["method"], each["url"], each.get("body")) for each in requests]
    targets = [f"{each['method']} /{ask.version}{unquote(each['url'])}" for each in requests]
    resets(ask.simulation, call, [[target] for target in targets])
    responses: dict[str, dict[str, Any]] = {}
    for each, target, record in zip(requests, targets, call.items, strict=True):
        failed = [other for other in each.get("dependsOn") or [] if responses[other]["status"] >= 400]  # noqa: PLR2004 - HTTP
        if failed:
            reply = Reply(424, graph_body("FailedDependency", f"Dependency {failed[0]} failed."))
        else:
            reply = item_fault(ask.simulation, call, [target]) or _one(ask, each, target, answer, record)
        record["status"] = reply.status
        responses[each["id"]] = _response(each["id"], reply)
    shuffled = sorted(responses.values(), key=lambda response: zlib.crc32(f"{len(responses)}{response['id']}".encode()))
    return Reply(body={"responses": shuffled})


def _checked(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Check the batch as a whole: one malformed item is enough for Graph to run none of them."""
    requests = body.get("requests")
    if not isinstance(requests, list) or not requests:
        raise GraphError(400, "BadRequest", "Invalid batch payload format.", unknown=True)
    if len(requests) > MOST:
        raise GraphError(400, "BadRequest", f"Number of batch request steps exceeds the maximum value of {MOST}.")
    seen: set[str] = set()
    for each in requests:
        if not (isinstance(each, dict) and isinstance(each.get("id"), str) and each.get("method") and each.get("url")):
            raise GraphError(400, "BadRequest", "Request Id, method and url have to be specified.", unknown=True)
        if each["id"] in seen:
            raise GraphError(400, "BadRequest", f"Request Id '{each['id']}' has to be unique in a batch.", unknown=True)
        if unexpected := set(each) - {"id", "method", "url", "headers", "body", "dependsOn"}:
            raise GraphError(400, "BadRequest", f"Invalid batch payload format: '{unexpected.pop()}'.", unknown=True)
        if not set(each.get("dependsOn") or []) <= seen:
            raise GraphError(
                400, "BadRequest", "The dependsOn of a request must name requests before it.", unknown=True
            )
        content_type = any(name.lower() == "content-type" for name in each.get("headers") or {})
        if each["method"] in _WITH_BODY and not (content_type and "body" in each):
            raise GraphError(
                400, "BadRequest", f"Write request id : {each['id']} does not contain Content-Type header or body."
            )
        seen.add(each["id"])
    return requests


def _one(ask: Ask, each: dict[str, Any], target: str, answer: Callable[..., Reply], record: dict[str, Any]) -> Reply:
    parts = urlsplit(each["url"])
    item = Ask(
        ask.simulation,
        ask.tenant,
        each["method"],
        root=ask.root,
        version=ask.version,
        path="/" + parts.path.lstrip("/"),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers=each.get("headers") or {},
        body=each.get("body"),
    )
    try:
        return answer(item, [unquote(segment) for segment in parts.path.strip("/").split("/")], target)
    except Refusal as refusal:
        record["refused"] = refusal.unknown
        return refusal.reply()


def _response(request_id: str, reply: Reply) -> dict[str, Any]:
    response: dict[str, Any] = {"id": request_id, "status": reply.status, "headers": dict(reply.headers)}
    if reply.body is not None:
        response["headers"]["Content-Type"] = "application/json"
        response["body"] = reply.body
    return response
