"""The HTTP API of the task hub: for clients under /runtime/webhooks/durabletask, for the SDK on a loopback port."""

import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from dev.host.clock import from_text, to_text
from dev.host.durable import model
from dev.host.durable.engine import Engine
from dev.host.durable.store import Row
from dev.host.durable.views import history_view, status_view

_PAGE = 100
_TOKEN = "x-ms-continuation-token"  # noqa: S105 - a header's name
_STATUS_OF = {
    model.UnknownFunctionError: 400,
    model.InvalidIdError: 400,
    model.InstanceExistsError: 500,
    model.UnknownInstanceError: 404,
    model.InstanceEndedError: 410,
    model.WrongStateError: 500,
}
Handler = Callable[[web.Request], Awaitable[web.Response]]


class HubUrls:
    """The addresses under which a task hub is reached."""

    def __init__(self, hub_name: str, base: str, rpc_base: str, key: str) -> None:
        self._hub_name = hub_name
        self._base = base
        self._rpc_base = rpc_base
        self._key = key
        self._query = f"taskHub={hub_name}&connection=Storage&code={key}"

    def client_binding(self) -> str:
        """Write what the durableClient binding gives a function."""
        start = f"{self._base}/orchestrators/{{functionName}}[/{{instanceId}}]?code={self._key}"
        return json.dumps(
            {
                "taskHubName": self._hub_name,
                "connectionName": "Storage",
                "creationUrls": {"createNewInstancePostUri": start, "createAndWaitOnNewInstancePostUri": start},
                "managementUrls": {"id": "INSTANCEID", **self.management("INSTANCEID")},
                "baseUrl": self._base,
                "requiredQueryStringParameters": self._query,
                "rpcBaseUrl": self._rpc_base,
                "httpBaseUrl": self._rpc_base,
            }
        )

    def management(self, instance_id: str) -> dict[str, str]:
        """List the addresses that manage an instance."""
        instance = f"{self._base}/instances/{instance_id}"
        return {
            "statusQueryGetUri": f"{instance}?{self._query}",
            "sendEventPostUri": f"{instance}/raiseEvent/{{eventName}}?{self._query}",
            "terminatePostUri": f"{instance}/terminate?reason={{text}}&{self._query}",
            "rewindPostUri": f"{instance}/rewind?reason={{text}}&{self._query}",
            "purgeHistoryDeleteUri": f"{instance}?{self._query}",
            "restartPostUri": f"{instance}/restart?{self._query}",
            "suspendPostUri": f"{instance}/suspend?reason={{text}}&{self._query}",
            "resumePostUri": f"{instance}/resume?reason={{text}}&{self._query}",
        }


class ManagementApi:
    """Starts, queries and manages instances."""

    def __init__(self, engine: Engine, urls: HubUrls, changed: Callable[[], None]) -> None:
        self._engine = engine
        self._urls = urls
        self._changed = changed

    def routes(self, prefix: str, may_enter: Callable[[web.Request], bool]) -> list[web.RouteDef]:
        """List the endpoints under a prefix, for the callers who may enter."""

        def guarded(handler: Handler) -> Handler:
            async def guard(request: web.Request) -> web.Response:
                if not may_enter(request):
                    return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
                try:
                    return await handler(request)
                except model.ClientError as error:
                    return _refusal(_STATUS_OF[type(error)], error)
                except ValueError as error:
                    return _refusal(400, error)

            return guard

        one = f"{prefix}/instances/{{id}}"
        return [
            web.post(f"{prefix}/orchestrators/{{name}}", guarded(self._start)),
            web.post(f"{prefix}/orchestrators/{{name}}/{{id}}", guarded(self._start)),
            web.get(f"{prefix}/instances{{slash:/?}}", guarded(self._list)),
            web.delete(f"{prefix}/instances{{slash:/?}}", guarded(self._purge_many)),
            web.get(one, guarded(self._status)),
            web.delete(one, guarded(self._purge)),
            web.post(f"{one}/raiseEvent/{{event}}", guarded(self._raise_event)),
            web.post(f"{one}/terminate", guarded(self._terminate)),
            web.post(f"{one}/suspend", guarded(self._suspend)),
            web.post(f"{one}/resume", guarded(self._resume)),
            web.route("*", f"{prefix}/{{rest:.*}}", guarded(_not_served)),
        ]

    async def _start(self, request: web.Request) -> web.Response:
        body = await _json_text(request)
        name, instance_id = request.match_info["name"], request.match_info.get("id")
        instance_id = self._engine.start(name, instance_id, body, request.headers.get("traceparent"))
        self._changed()
        addresses = {"id": instance_id, **self._urls.management(instance_id)}
        headers = {"Location": addresses["statusQueryGetUri"], "Retry-After": "10"}
        return web.json_response(addresses, status=202, headers=headers)

    async def _status(self, request: web.Request) -> web.Response:
        row = self._engine.store.instance(request.match_info["id"])
        if not row:
            return web.Response(status=404)
        body = status_view(row, show_input=_flag(request, "showInput", default=True))
        if _flag(request, "showHistory"):
            outputs = _flag(request, "showHistoryOutput")
            body["historyEvents"] = history_view(self._engine.store.history(row["id"]), show_output=outputs)
        if row["status"] not in model.ENDED:
            return web.json_response(body, status=202, headers={"Location": str(request.url), "Retry-After": "5"})
        failed = row["status"] == "Failed" and _flag(request, "returnInternalServerErrorOnFailure")
        return web.json_response(body, status=500 if failed else 200)

    async def _list(self, request: web.Request) -> web.Response:
        top = int(request.query.get("top") or _PAGE)
        rows = self._matching(request, after=request.headers.get(_TOKEN, ""), limit=top + 1)
        headers = {_TOKEN: rows[top - 1]["id"]} if len(rows) > top else {}
        show_input = _flag(request, "showInput", default=True)
        return web.json_response([status_view(row, show_input=show_input) for row in rows[:top]], headers=headers)

    async def _purge(self, request: web.Request) -> web.Response:
        purged = self._engine.purge(request.match_info["id"])
        return web.json_response({"instancesDeleted": 1}) if purged else web.Response(status=404)

    async def _purge_many(self, request: web.Request) -> web.Response:
        if not request.query.get("createdTimeFrom"):
            raise ValueError("createdTimeFrom is required")
        ended = [row["id"] for row in self._matching(request) if row["status"] in model.ENDED]
        deleted = sum(self._engine.purge(instance_id) for instance_id in ended)
        return web.json_response({"instancesDeleted": deleted}, status=200 if deleted else 404)

    async def _raise_event(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            raise ValueError("Only application/json request content is supported")
        data = await _json_text(request) or "null"
        self._engine.raise_event(request.match_info["id"], request.match_info["event"], data)
        return self._accepted()

    async def _terminate(self, request: web.Request) -> web.Response:
        self._engine.terminate(request.match_info["id"], request.query.get("reason", ""))
        return self._accepted()

    async def _suspend(self, request: web.Request) -> web.Response:
        self._engine.suspend(request.match_info["id"])
        return self._accepted()

    async def _resume(self, request: web.Request) -> web.Response:
        self._engine.resume(request.match_info["id"])
        return self._accepted()

    def _accepted(self) -> web.Response:
        self._changed()
        return web.Response(status=202)

    def _matching(self, request: web.Request, *, after: str = "", limit: int = -1) -> list[Row]:
        """Select instances by the filters of a query, in order of their ids."""
        query = request.query
        statuses = [status for status in query.get("runtimeStatus", "").split(",") if status]
        return self._engine.store.rows(
            "SELECT * FROM instance WHERE id > ?1 AND substr(id, 1, length(?2)) = ?2 "
            "AND (?3 IS NULL OR created >= ?3) AND (?4 IS NULL OR created <= ?4) "
            "AND (?5 IS NULL OR status IN (SELECT value FROM json_each(?5))) ORDER BY id LIMIT ?6",
            after,
            query.get("instanceIdPrefix", ""),
            _moment(query.get("createdTimeFrom")),
            _moment(query.get("createdTimeTo")),
            json.dumps(statuses) if statuses else None,
            limit,
        )


async def _not_served(request: web.Request) -> web.Response:
    text = f"{request.method} {request.path} is not served by the development host."
    return web.json_response({"Message": text}, status=501)


async def _json_text(request: web.Request) -> str | None:
    """Read a body of JSON as it is: what the SDK encodes twice must arrive encoded twice."""
    text = await request.text()
    if text.strip():
        json.loads(text)
        return text
    return None


def _refusal(status: int, error: Exception) -> web.Response:
    body = {
        "Message": "Something went wrong while processing your request",
        "ExceptionMessage": str(error),
        "ExceptionType": type(error).__name__,
        "StackTrace": "",
    }
    return web.json_response(body, status=status)


def _moment(text: str | None) -> str | None:
    return to_text(from_text(text)) if text else None


def _flag(request: web.Request, name: str, *, default: bool = False) -> bool:
    text = request.query.get(name)
    return default if text is None else text.lower() == "true"
