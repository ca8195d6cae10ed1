"""The HTTP front: plain HTTP for the services and the controls, TLS for sign-in, because MSAL refuses anything else.

Everything runs on one event loop. Waiting happens here; a service handles its request in one go.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import ssl
import struct
import sys
import uuid
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from dev.tenant import belongings, control, exchange, graph, login, sharepoint
from dev.tenant.errors import Refusal
from dev.tenant.exchange.invoke import name_of, written_mailboxes
from dev.tenant.faulty import fault_reply
from dev.tenant.messages import Call, ConnectionDropped, Reply

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from dev.tenant.faults import Rule
    from dev.tenant.simulation import Simulation
    from dev.tenant.state import Tenant

SERVICES: dict[str, Callable[[Simulation, Call], Reply]] = {
    "graph": graph.serve,
    "exchange": exchange.serve,
    "sharepoint": sharepoint.serve,
}
_MOST_BYTES = 32 * 1024**2
_SAVE_SECONDS = 0.2
_HOST = "127.0.0.1"


class Server:
    """The simulation on two ports."""

    def __init__(self, simulation: Simulation, certificates: Path) -> None:
        belongings.all_belongings()  # declares the calls that they bring
        self.simulation = simulation
        self.certificates = certificates

    async def run(self, port: int, login_port: int) -> None:
        """Serve until told to stop."""
        stop = asyncio.Event()
        for each in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError):  # Windows has no such handlers; Ctrl+C still ends the loop
                asyncio.get_running_loop().add_signal_handler(each, stop.set)
        plain, plain_port = await self._listen(self._plain, port)
        secure, secure_port = await self._listen(self._login, login_port, self._tls())
        print("READY " + json.dumps(self._addresses(plain_port, secure_port)), flush=True)
        saving = asyncio.create_task(self._save())
        try:
            await stop.wait()
        finally:
            saving.cancel()
            await plain.cleanup()
            await secure.cleanup()
            self.simulation.save()

    def _addresses(self, port: int, login_port: int) -> dict[str, str]:
        origin = f"http://{_HOST}:{port}"
        return {
            "origin": origin,
            "graph": f"{origin}/graph",
            "exchange": f"{origin}/exchange",
            "sharepoint": f"{origin}/sharepoint/{{host}}",
            "login": f"https://{_HOST}:{login_port}",
            "ca": str(self.certificates / "ca.pem"),
        }

    async def _listen(
        self, handler: Callable[..., object], port: int, tls: ssl.SSLContext | None = None
    ) -> tuple[web.AppRunner, int]:
        app = web.Application(client_max_size=_MOST_BYTES)
        app.router.add_route("*", "/{tail:.*}", handler)  # type: ignore[arg-type] - aiohttp's own type is narrower
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, _HOST, port, ssl_context=tls).start()
        return runner, runner.addresses[0][1]

    def _tls(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificates / "server.pem")
        return context

    async def _save(self) -> None:
        while True:
            await asyncio.sleep(_SAVE_SECONDS)
            if self.simulation.dirty:
                self.simulation.save()

    async def _plain(self, request: web.Request) -> web.StreamResponse:
        service, _, rest = request.rel_url.raw_path.lstrip("/").partition("/")
        if service == "_sim":
            return await control.answer(self.simulation, request, rest)
        if service not in SERVICES:
            return web.json_response({"error": f"no such service: {service}"}, status=404)
        base = f"{request.scheme}://{request.host}/{service}"
        return await self._serve(request, service, base, f"/{rest}", SERVICES[service])

    async def _login(self, request: web.Request) -> web.StreamResponse:
        base = f"https://{request.host}"
        return await self._serve(request, "login", base, request.rel_url.raw_path, login.serve)

    async def _serve(
        self, request: web.Request, service: str, base: str, path: str, serve: Callable[[Simulation, Call], Reply]
    ) -> web.StreamResponse:
        """Record a request, answer after as long as was arranged, and record the answer."""
        call = await _read(request, service, base, path)
        entry = self.simulation.recorder.begin(call)
        tenant = self._tenant(call)
        call.tenant = tenant
        try:
            with self._writing(call, tenant, entry["n"]):
                rule = self.simulation.faults.strike(service, _targets(call), tenant)
                entry["fault"] = rule.kind if rule else None
                async with _lasting(self.simulation.latency.get(service, 0) / 1000):
                    reply = await self._answer(call, rule, serve)
        except ConnectionDropped:
            self.simulation.recorder.end(entry, call, None)
            return _drop(request)
        except Exception:
            self.simulation.recorder.end(entry, call, Reply(500))
            raise
        finally:
            self.simulation.dirty = True
        self.simulation.recorder.end(entry, call, reply)
        return _response(reply)

    async def _answer(self, call: Call, rule: Rule | None, serve: Callable[[Simulation, Call], Reply]) -> Reply:
        kind = rule.kind if rule else None
        if rule and kind in {"throttle", "status"}:
            return fault_reply(rule, call.service)
        if kind == "reset_before":
            raise ConnectionDropped
        if rule and kind == "slow":
            await asyncio.sleep(rule.seconds or 0)
        try:
            reply = serve(self.simulation, call)
        except Refusal as refusal:
            call.refused = call.refused or refusal.unknown
            reply = refusal.reply()
        if call.delay:
            await asyncio.sleep(call.delay)
        if call.drop or kind == "reset_after":
            raise ConnectionDropped
        return reply

    def _tenant(self, call: Call) -> Tenant | None:
        """Find whose request it is before it is served: faults may be meant for one tenant only."""
        if call.service == "login":
            return self.simulation.tenant(unquote(call.path.strip("/").split("/")[0]))
        return self.simulation.tenants.get(self.simulation.key.tenant(call.headers.get("Authorization")) or "")

    @contextlib.contextmanager
    def _writing(self, call: Call, tenant: Tenant | None, number: int) -> Iterator[None]:
        """Note when a request that changes a mailbox overlaps another: Exchange may lose either change."""
        if call.service != "exchange" or tenant is None:
            yield
            return
        written = written_mailboxes(tenant, call)
        writes: Counter[tuple[str, str]] = self.simulation.mailbox_writes
        for mailbox, cmdlet in written.items():
            if writes[tenant.id, mailbox]:
                tenant.concurrent_mailbox_writes.append({"mailbox": mailbox, "cmdlet": cmdlet, "n": number})
            writes[tenant.id, mailbox] += 1
        try:
            yield
        finally:
            for mailbox in written:
                writes[tenant.id, mailbox] -= 1


@contextlib.asynccontextmanager
async def _lasting(seconds: float) -> AsyncIterator[None]:
    """Take at least so long for something, however it ends: a change is made before its answer is there."""
    until = asyncio.get_running_loop().time() + seconds
    try:
        yield
    finally:
        await asyncio.sleep(max(until - asyncio.get_running_loop().time(), 0))


def _targets(call: Call) -> list[str]:
    name = name_of(call.body) if call.service == "exchange" else None
    return [name, call.target] if name else [call.target]


async def _read(request: web.Request, service: str, base: str, path: str) -> Call:
    raw = await request.read()
    body = None
    if raw and "json" in request.headers.get("Content-Type", ""):
        with contextlib.suppress(ValueError):
            body = json.loads(raw)
    query = dict(parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True))
    return Call(service, request.method, base, path, query, request.headers, body, raw)


def _response(reply: Reply) -> web.Response:
    headers = {"request-id": str(uuid.uuid4()), **reply.headers}
    if reply.body is None:
        return web.Response(status=reply.status, headers=headers)
    if isinstance(reply.body, bytes):
        kind = "application/octet-stream"
        return web.Response(status=reply.status, body=reply.body, headers=headers, content_type=kind)
    if isinstance(reply.body, str):
        kind = "application/json" if reply.body[:1] in {"{", "["} else "text/html"
        return web.Response(status=reply.status, text=reply.body, headers=headers, content_type=kind)
    return web.json_response(reply.body, status=reply.status, headers=headers)


def _drop(request: web.Request) -> web.Response:
    """Reset the connection; what is returned is never sent."""
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        if connection is not None and sys.platform != "win32":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response(status=500)
