"""Carrying out faults: on requests as a whole and on the items of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant.errors import graph_body
from dev.tenant.messages import ConnectionDropped, Reply

if TYPE_CHECKING:
    from dev.tenant.faults import Rule
    from dev.tenant.messages import Call
    from dev.tenant.simulation import Simulation

_CODES = {
    401: "InvalidAuthenticationToken",
    403: "Authorization_RequestDenied",
    404: "Request_ResourceNotFound",
    409: "Conflict",
    412: "PreconditionFailed",
    429: "TooManyRequests",
    500: "InternalServerError",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}
_GATEWAYS = frozenset({502, 504})


def fault_reply(rule: Rule, service: str) -> Reply:
    """Answer as a throttled or failing service does."""
    if rule.kind == "throttle":
        headers = {} if rule.retry_after is None else {"Retry-After": str(rule.retry_after)}
        return Reply(429, _body(service, 429), headers)
    headers = {} if rule.retry_after is None else {"Retry-After": str(rule.retry_after)}
    return Reply(rule.status, rule.body if rule.body is not None else _body(service, rule.status), headers)


def _body(service: str, status: int) -> object:
    if status in _GATEWAYS or (service == "exchange" and status >= 500):  # noqa: PLR2004 - HTTP
        return f"<html><head><title>{status}</title></head><body>The service is not available.</body></html>"
    return graph_body(_CODES.get(status, "UnknownError"), "The simulated service was told to fail.")


def resets(simulation: Simulation, call: Call, targets: list[list[str]]) -> None:
    """Let a reset that hits any item of a batch hit the whole connection, before or after the batch was done."""
    for each in targets:
        rule = simulation.faults.strike(
            call.service, each, call.tenant, kinds=frozenset({"reset_before", "reset_after"})
        )
        if rule is not None and rule.kind == "reset_before":
            raise ConnectionDropped
        call.drop = call.drop or rule is not None


def item_fault(simulation: Simulation, call: Call, targets: list[str]) -> Reply | None:
    """Let a fault hit one item of a batch: it fails alone, or slows down the whole."""
    rule = simulation.faults.strike(call.service, targets, call.tenant, kinds=frozenset({"throttle", "status", "slow"}))
    if rule is None:
        return None
    if rule.kind == "slow":
        call.delay = max(call.delay, rule.seconds or 0)
        return None
    return fault_reply(rule, call.service)
