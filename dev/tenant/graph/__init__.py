"""Microsoft Graph: the front that checks the token, and then one module per part of the API."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING
from urllib.parse import unquote

from dev.tenant.errors import GraphError
from dev.tenant.graph import (
    authentication,
    batch,
    directory,
    drive,
    groups,
    licenses,
    members,
    outlook,
    partner,
    teams,
    users,
)
from dev.tenant.graph.router import Ask, dispatch
from dev.tenant.login import GRAPH
from dev.tenant.tokens import InvalidTokenError

if TYPE_CHECKING:
    from dev.tenant.messages import Call, Reply
    from dev.tenant.simulation import Simulation

# Importing these declares their calls.
PARTS = (authentication, directory, drive, groups, licenses, members, outlook, partner, teams, users)


def serve(simulation: Simulation, call: Call) -> Reply:
    """Answer one request."""
    try:
        token = simulation.key.check(call.headers.get("Authorization"), {GRAPH})
    except InvalidTokenError as error:
        challenge = 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'
        raise GraphError(401, "InvalidAuthenticationToken", str(error), WWW_Authenticate=challenge) from error
    call.tenant = simulation.tenants[token.tenant]
    version, *segments = [unquote(segment) for segment in call.path.strip("/").split("/")]
    ask = Ask(
        simulation,
        call.tenant,
        call.method,
        root=f"{call.base}/{version}",
        version=version,
        path=call.path.removeprefix(f"/{version}"),
        query=call.query,
        headers=call.headers,
        body=call.body,
    )
    if call.raw and call.body is None:
        raise GraphError(
            400, "BadRequest", "Unable to read JSON request payload. Please ensure Content-Type header is set."
        )
    if segments == ["$batch"] and call.method == "POST":
        return batch.serve(ask, call, answer)
    return answer(ask, segments, call.target)


def answer(ask: Ask, segments: list[str], target: str) -> Reply:
    """Answer one call, alone or inside a batch, with the lag that reads may be made to have."""
    simulation, tenant = ask.simulation, ask.tenant
    if ask.method == "GET":
        ask.tenant = simulation.faults.stale("graph", [target], tenant)
        return dispatch(ask, segments)
    before = copy.deepcopy(tenant) if simulation.faults.lags("graph") else None
    reply = dispatch(ask, segments)
    if before is not None:
        simulation.faults.remember("graph", before)
    return reply
