"""The controls of the simulation, under `/_sim/` on the plain port.

- `POST reset {"seed"?}`: start again. App registration and signing key stay.
- `GET state?tenant=<id or domain>`: everything the tenant holds; `&part=users` one kind of it, `&id=<id>` one of these.
- `GET requests?since=<n>`: what arrived, in order.
- `GET secrets`: every password and token that arrived, for searching what was written elsewhere.
- `POST latency {"graph": ms, ...}`: how long each service takes to answer, with its own work; others answer at once.
- `POST faults {"seed", "rules"}`: replaces all faults; see `faults.py`.
- `POST app {"certificate"?, "secret"?, "token_seconds"?}`: registers a certificate (PEM), or changes secret or token
  lifetime.
- `POST arrange {"tenant", "op", ...}`: see `arrange.py`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web
from cryptography import x509

from dev.tenant import arrange, recorder, seed, state
from dev.tenant.faults import Faults, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dev.tenant.simulation import Simulation

_SERVICES = {"graph", "exchange", "sharepoint", "login"}


async def answer(simulation: Simulation, request: web.Request, name: str) -> web.Response:
    """Carry out one control."""
    if request.method == "GET" and name == "state":
        return _state(simulation, request.query)
    if request.method == "GET" and name == "requests":
        since = request.query.get("since", "0")
        return _requests(simulation, int(since) if since.isdecimal() else 0)
    if request.method == "GET" and name == "secrets":
        return web.json_response(sorted(simulation.recorder.secrets))
    if request.method != "POST" or name not in _WRITES:
        return web.json_response({"error": f"no such control: {request.method} {name}"}, status=404)
    try:
        body = json.loads(await request.read() or b"{}")
        result = _WRITES[name](simulation, body)
    except (ValueError, TypeError, KeyError) as error:
        return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
    simulation.dirty = True
    return web.json_response(result)


def _requests(simulation: Simulation, since: int) -> web.Response:
    return web.Response(text=recorder.copy(simulation.recorder.since(since)), content_type="application/json")


def _state(simulation: Simulation, query: Mapping[str, str]) -> web.Response:
    tenant = simulation.tenant(query.get("tenant", ""))
    if tenant is None:
        known = sorted(each.domain for each in simulation.tenants.values())
        return web.json_response({"error": "name a tenant", "known": known}, status=404)
    found: Any = state.dump(tenant)
    for level in ("part", "id"):
        if level in query:
            found = found.get(query[level]) if isinstance(found, dict) else None
    if found is None:
        return web.json_response({"error": "the tenant has no such part"}, status=404)
    return web.json_response(found)


def _reset(simulation: Simulation, body: dict[str, Any]) -> dict[str, Any]:
    wanted = body.get("seed")
    if wanted is not None and wanted not in seed.SEEDS:
        raise ValueError(f"no such seed: {wanted}")
    simulation.reset(wanted)
    return {"seed": simulation.seed}


def _latency(simulation: Simulation, body: dict[str, Any]) -> dict[str, Any]:
    if unknown := set(body) - _SERVICES:
        raise ValueError(f"no such service: {unknown.pop()}")
    simulation.latency = {service: float(value) for service, value in body.items()}
    return dict(simulation.latency)


def _faults(simulation: Simulation, body: dict[str, Any]) -> dict[str, Any]:
    rules = [Rule(**rule) for rule in body.get("rules", [])]
    if unknown := {rule.service for rule in rules} - _SERVICES - {None}:
        raise ValueError(f"no such service: {unknown.pop()}")
    simulation.faults = Faults(rules, body.get("seed", 0))
    return {"rules": len(rules)}


def _app(simulation: Simulation, body: dict[str, Any]) -> dict[str, Any]:
    if unknown := set(body) - {"certificate", "secret", "token_seconds"}:
        raise ValueError(f"no such setting: {unknown.pop()}")
    if "certificate" in body:
        x509.load_pem_x509_certificate(body["certificate"].encode())
        if body["certificate"] not in simulation.app.certificates:
            simulation.app.certificates.append(body["certificate"])
    simulation.app.secret = body.get("secret", simulation.app.secret)
    simulation.app.token_seconds = int(body.get("token_seconds", simulation.app.token_seconds))
    return {"client_id": seed.CLIENT_ID, "certificates": len(simulation.app.certificates)}


_WRITES: dict[str, Callable[[Simulation, dict[str, Any]], dict[str, Any]]] = {
    "reset": _reset,
    "latency": _latency,
    "faults": _faults,
    "app": _app,
    "arrange": arrange.arrange,
}
