"""Exchange Online: the front that checks the token and the tenant, and then one module per noun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant.errors import PlainError
from dev.tenant.exchange import calendars, groups, invoke, mailboxes, permissions, recipients, rules
from dev.tenant.login import EXCHANGE
from dev.tenant.tokens import InvalidTokenError

if TYPE_CHECKING:
    from dev.tenant.messages import Call, Reply
    from dev.tenant.simulation import Simulation

# Importing these declares their cmdlets.
NOUNS = (calendars, groups, mailboxes, permissions, recipients, rules)


def serve(simulation: Simulation, call: Call) -> Reply:
    """Answer one request."""
    try:
        token = simulation.key.check(call.headers.get("Authorization"), {EXCHANGE})
    except InvalidTokenError as error:
        raise PlainError(
            401, None, WWW_Authenticate=f'Bearer error="invalid_token", error_description="{error}"'
        ) from error
    match call.path.strip("/").split("/"):
        case ["adminapi", "beta" | "v1.0", guid, door] if door in {"InvokeCommand", "$batch"}:
            if guid.casefold() != token.tenant:
                raise PlainError(401, None, WWW_Authenticate='Bearer error="invalid_token"')
        case _:
            call.refused = True
            raise PlainError(404)
    tenant = call.tenant = simulation.tenants[token.tenant]
    if "Exchange.ManageAsApp" not in tenant.app.exchange:
        raise PlainError(401, None, WWW_Authenticate='Bearer error="invalid_token"')
    if call.method != "POST":
        call.refused = True
        raise PlainError(405, None, Allow="POST")
    if call.body is None:
        raise invoke.refuse("The request has no JSON body.")
    return invoke.batch(simulation, call, tenant) if door == "$batch" else invoke.single(simulation, call, tenant)
