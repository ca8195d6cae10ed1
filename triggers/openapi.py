"""Our REST API described as OpenAPI 3.1, from the table of routes, their functions and the models of their bodies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import azure.durable_functions as df

from shared import services
from shared.access.routes import ROUTES
from shared.offboarding import identifiers
from shared.offboarding.delivery import DeliveryState
from shared.offboarding.outcome import Outcome, StepState
from shared.offboarding.records import Reason, State
from triggers.answers import MAX_COUNT, json_answer
from triggers.routing import DECLARED, route

if TYPE_CHECKING:
    from collections.abc import Mapping

    import azure.functions as func
    from pydantic import BaseModel

    from shared.access.caller import Caller

Schema = dict[str, Any]

blueprint = df.Blueprint()

_CHANNELS: Final = ("webhook", "email", "psa")


@route(blueprint, "GET openapi.json")
def describe_api(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Describe this API as OpenAPI 3.1."""
    del req, caller
    return json_answer(document(services.current().settings.public_url))


# Schemas. What answers hold is written here, next to the routes, and closed: a property more or less is a difference.

_TEXT: Final[Schema] = {"type": "string"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_SWITCH: Final[Schema] = {"type": "boolean"}
_ANY_OBJECT: Final[Schema] = {"type": "object"}
_MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
_SEARCH: Final[Schema] = {"type": "string", "maxLength": 100, "pattern": identifiers.ONE_LINE_FORM}
_LINK: Final[Schema] = {"type": "string", "format": "uri"}


def _one_of(values: type[State | Reason | Outcome | StepState | DeliveryState]) -> Schema:
    return {"type": "string", "enum": [value.value for value in values]}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(optional: Mapping[str, Schema] | None = None, /, **properties: Schema) -> Schema:
    """Describe an object with these properties and no other."""
    return {
        "type": "object",
        "properties": {**properties, **(optional or {})},
        "required": list(properties),
        "additionalProperties": False,
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_USER: Final = _object(id=_TEXT, upn=_TEXT, display_name=_TEXT)
_PLAN: Final = _list(_object(name=_TEXT, title=_TEXT, after=_list(_TEXT), requires=_list(_TEXT), lane=_or_null(_TEXT)))
_STEP: Final = _object(
    name=_TEXT,
    title=_TEXT,
    state=_one_of(StepState),
    outcome=_or_null(_one_of(Outcome)),
    attempts=_COUNT,
    started_at=_or_null(_MOMENT),
    ended_at=_or_null(_MOMENT),
    message=_TEXT,
    items=_list(_object(id=_TEXT, name=_TEXT, outcome=_one_of(Outcome), message=_TEXT)),
    blocked_by=_list(_TEXT),
    request_ids=_list(_TEXT),
)
_PERMISSION: Final = _object(api=_TEXT, name=_TEXT)
_ITEM: Final = {
    "id": _TEXT,
    "tenant": _object(id=_TEXT, domain=_TEXT),
    "user": _USER,
    "state": _one_of(State),
    "waiting": _SWITCH,
    "reason": _or_null(_one_of(Reason)),
    "scheduled_for": _or_null(_MOMENT),
    "started_at": _or_null(_MOMENT),
    "ended_at": _or_null(_MOMENT),
    "reference": _TEXT,
    "warnings": _list(_TEXT),
}

_ANSWERS: Final[Mapping[str, Schema]] = {
    "Problem": _object(
        type=_TEXT,
        title=_TEXT,
        status=_COUNT,
        code=_TEXT,
        detail=_TEXT,
        problems=_list(_object(field=_TEXT, message=_TEXT)),
        correlation_id=_TEXT,
    ),
    "Accepted": _object(
        offboardings=_list(_object(id=_TEXT, user=_USER, state=_one_of(State), statusQueryGetUri=_LINK)),
        warnings=_list(_TEXT),
    ),
    "Planned": _object(
        tenant=_object(id=_TEXT, domain=_TEXT),
        users=_list(_USER),
        steps=_PLAN,
        warnings=_list(_TEXT),
        refusals=_list(_TEXT),
    ),
    "Offboarding": _object(**_ITEM),
    "Audit": _object(
        id=_TEXT,
        tenant=_object(id=_TEXT, domain=_TEXT),
        user=_object(id=_TEXT, upn=_TEXT),
        entries=_list(
            _object(
                at=_MOMENT,
                by=_TEXT,
                what=_TEXT,
                run=_or_null(_COUNT),
                step=_TEXT,
                service=_TEXT,
                operation=_TEXT,
                target=_TEXT,
                status=_or_null(_COUNT),
                outcome=_TEXT,
                message=_TEXT,
                client_request_id=_TEXT,
                request_id=_TEXT,
            )
        ),
    ),
    "OffboardingPage": _object(items=_list(_ref("Offboarding")), next=_or_null(_TEXT)),
    "OffboardingDetails": _object(
        **_ITEM,
        message=_TEXT,
        run=_COUNT,
        requested_at=_MOMENT,
        requested_by=_TEXT,
        events=_list(_object(at=_MOMENT, by=_TEXT, what=_TEXT)),
        force=_SWITCH,
        plan=_PLAN,
        steps=_list(_STEP),
        notifications=_list(_ref("Delivery")),
        snapshot=_or_null(_object(values=_ANY_OBJECT, errors=_ANY_OBJECT)),
    ),
    "Status": _object(
        name=_TEXT,
        instanceId=_TEXT,
        runtimeStatus={"type": "string", "enum": ["Pending", "Running", "Completed", "Failed"]},
        input={"type": "null"},
        customStatus={"type": "object", "additionalProperties": _one_of(StepState)},
        output=_or_null(_object(state=_one_of(State), reason=_or_null(_one_of(Reason)))),
        createdTime=_MOMENT,
        lastUpdatedTime=_MOMENT,
    ),
    "BulkResults": _object(
        results=_list(_object({"problem": _object(code=_TEXT, message=_TEXT)}, id=_TEXT, status=_COUNT))
    ),
    "Delivery": _object(
        id=_TEXT,
        destination=_TEXT,
        channel=_TEXT,
        run=_COUNT,
        state=_one_of(DeliveryState),
        attempts=_COUNT,
        created_at=_MOMENT,
        next_attempt_at=_or_null(_MOMENT),
        ended_at=_or_null(_MOMENT),
        status=_or_null(_COUNT),
        message=_TEXT,
        reference=_TEXT,
    ),
    "Deliveries": _object(notifications=_list(_ref("Delivery"))),
    "Actions": _object(
        items=_list(
            _object(
                name=_TEXT,
                title=_TEXT,
                description=_TEXT,
                parameters=_or_null(_ANY_OBJECT),
                portal_key=_TEXT,
                after=_list(_TEXT),
                requires=_list(_TEXT),
                excludes=_list(_TEXT),
                lane=_or_null(_TEXT),
                destructive=_SWITCH,
                undo=_TEXT,
                permissions=_list(_PERMISSION),
                allowed=_SWITCH,
                problem=_TEXT,
            )
        )
    ),
    "Tenants": _object(
        items=_list(
            _object(
                id=_TEXT,
                name=_TEXT,
                domain=_TEXT,
                initial_domain=_TEXT,
                domains=_list(_TEXT),
                relationship=_or_null(_object(expires_at=_TEXT, extends=_SWITCH)),
                problem=_TEXT,
            )
        ),
        read_at=_MOMENT,
        age_seconds=_COUNT,
        warnings=_list(_TEXT),
    ),
    "TenantCheck": _object(
        tenant=_TEXT,
        checked_at=_MOMENT,
        ready=_SWITCH,
        audiences=_list(_object(audience=_TEXT, ok=_SWITCH, why=_TEXT, do=_TEXT)),
        actions=_list(_object(name=_TEXT, title=_TEXT, ready=_SWITCH, missing=_list(_PERMISSION), why=_TEXT, do=_TEXT)),
    ),
    "UserPage": _object(
        items=_list(
            _object(
                id=_TEXT,
                upn=_TEXT,
                display_name=_TEXT,
                mail=_TEXT,
                job_title=_TEXT,
                department=_TEXT,
                badges=_list(_TEXT),
            )
        ),
        next=_or_null(_TEXT),
        warnings=_list(_TEXT),
    ),
    "ResolvedDefaults": _object(
        source={"type": "string", "enum": ["tenant", "operator", "everybody", "none"]},
        actions={"type": "object", "additionalProperties": {"anyOf": [{"const": True}, _ANY_OBJECT]}},
        notify=_list(_TEXT),
        warnings=_list(_TEXT),
    ),
    "Destinations": _object(**{channel: _or_null(_list(_ANY_OBJECT)) for channel in _CHANNELS}),
    "Tried": _object(results=_list(_object(destination=_TEXT, channel=_TEXT, delivered=_SWITCH, message=_TEXT))),
    "Nothing": _object(),
    "Document": _ANY_OBJECT,
}


# Operations.


def _parameter(name: str, schema: Schema, description: str, place: str = "query") -> Schema:
    """Describe a parameter; one of the query without a value does not reach the function: it counts as not given."""
    if place == "query" and schema is not _TEXT:
        schema = {"anyOf": [schema, {"const": ""}]}
    return {"name": name, "in": place, "description": description, "required": place == "path", "schema": schema}


_IN_PATH: Final = {
    "id": _parameter("id", _TEXT, "The id of an offboarding.", "path"),
    "tenant": _parameter("tenant", _TEXT, "A tenant's id, or one of its domains.", "path"),
}
_LIMIT: Final = _parameter(
    "limit", {"type": "integer", "minimum": 1, "maximum": MAX_COUNT}, "How many to return at most."
)
_NEXT: Final = _parameter("next", _TEXT, "What an earlier page answered as `next`.")
_DESTINATION: Final = _parameter("destination", _TEXT, "The id of one destination; all that are enabled without it.")
_CHANNEL: Final = _parameter("channel", {"type": "string", "enum": list(_CHANNELS)}, "One channel instead of all.")
_IN_TENANT: Final = _parameter("tenant", _TEXT, "A tenant's id, or one of its domains.")
_LISTED: Final = (
    _LIMIT,
    _NEXT,
    _IN_TENANT,
    _parameter("state", _one_of(State), "Only those in this state."),
    _parameter("user", _TEXT, "A part of the name or address, or the object id."),
    _parameter("reference", _TEXT, "The reference that was given with the request."),
    _parameter("since", _MOMENT, "Only those requested at this moment or later."),
    _parameter("until", _MOMENT, "Only those requested before this moment."),
)
_IDEMPOTENCY: Final = _parameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[!-~]{1,200}$"},
    "Sent again with the same body, it leads to the same offboardings.",
    "header",
)


@dataclass(frozen=True)
class Operation:
    """What a route takes and gives beside what its path, its role and its function's docstring say.

    `answers` names a schema, or None for an answer without a body, by status; `problems` are the statuses of refusals
    beyond those that every operation has.
    """

    answers: Mapping[int, str | None]
    body: str = ""
    problems: tuple[int, ...] = ()
    parameters: tuple[Schema, ...] = field(default=())


_MICROSOFT: Final = (502, 503)
_AUDIT_FORMAT: Final = {"name": "format", "in": "query", "schema": {"enum": ["json", "csv"]}}
_SENT: Final = (400, 413, 422)
_CHANGED: Final = (404, 409)

OPERATIONS: Final[Mapping[str, Operation]] = {
    "GET health": Operation({200: "Nothing"}),
    "GET openapi.json": Operation({200: "Document"}),
    "POST offboardings": Operation(
        {202: "Accepted"}, "OffboardingRequest", (*_SENT, *_CHANGED, 429, *_MICROSOFT), (_IDEMPOTENCY,)
    ),
    "POST offboardings/plan": Operation({200: "Planned"}, "OffboardingRequest", (*_SENT, 404, *_MICROSOFT)),
    "GET offboardings": Operation({200: "OffboardingPage"}, "", (400, 404, *_MICROSOFT), _LISTED),
    "GET offboardings/{id}": Operation({200: "OffboardingDetails"}, "", (404,)),
    "GET offboardings/{id}/status": Operation({200: "Status", 202: "Status"}, "", (404,)),
    "GET offboardings/{id}/audit": Operation({200: "Audit"}, "", (400, 404), (_AUDIT_FORMAT,)),
    "PATCH offboardings/{id}": Operation({200: "Offboarding"}, "Schedule", (*_SENT, *_CHANGED)),
    "DELETE offboardings/{id}": Operation({204: None}, "", _CHANGED),
    "POST offboardings/{id}/run-now": Operation({202: "Offboarding"}, "", _CHANGED),
    "POST offboardings/{id}/retry": Operation({202: "Offboarding"}, "", _CHANGED),
    "POST offboardings/{id}/cancel": Operation({202: "Offboarding"}, "", _CHANGED),
    "POST offboardings/bulk": Operation({200: "BulkResults"}, "Bulk", _SENT),
    "GET actions": Operation({200: "Actions"}, "", (404, *_MICROSOFT), (_IN_TENANT,)),
    "GET tenants": Operation(
        {200: "Tenants"}, "", (400, *_MICROSOFT), (_parameter("refresh", _SWITCH, "Ask Microsoft again."),)
    ),
    "GET tenants/{tenant}/check": Operation({200: "TenantCheck"}, "", (404, *_MICROSOFT)),
    "GET tenants/{tenant}/users": Operation(
        {200: "UserPage"},
        "",
        (400, 404, *_MICROSOFT),
        (_LIMIT, _NEXT, _parameter("search", _SEARCH, "The beginning of a name or an address.")),
    ),
    "GET tenants/{tenant}/defaults": Operation({200: "ResolvedDefaults"}, "", (404, *_MICROSOFT)),
    "PUT tenants/{tenant}/defaults": Operation({200: "ResolvedDefaults"}, "Defaults", (*_SENT, *_CHANGED, *_MICROSOFT)),
    "GET defaults": Operation({200: "ResolvedDefaults"}),
    "PUT defaults": Operation({200: "ResolvedDefaults"}, "Defaults", (*_SENT, 409)),
    "POST offboardings/{id}/notifications/resend": Operation(
        {202: "Deliveries"}, "", _CHANGED, (_parameter("destinations", _TEXT, "Ids of destinations, by commas."),)
    ),
    "GET settings/notifications": Operation({200: "Destinations"}),
    "PUT settings/notifications": Operation({200: "Destinations"}, "NotificationSettings", (*_SENT, 409)),
    "POST settings/notifications/test": Operation({200: "Tried"}, "", (400, 404), (_DESTINATION, _CHANNEL)),
    "GET tenants/{tenant}/notifications": Operation({200: "Destinations"}, "", (404, *_MICROSOFT)),
    "PUT tenants/{tenant}/notifications": Operation(
        {200: "Destinations"}, "NotificationSettings", (*_SENT, *_CHANGED, *_MICROSOFT)
    ),
    "POST tenants/{tenant}/notifications/test": Operation(
        {200: "Tried"}, "", (400, 404, *_MICROSOFT), (_DESTINATION, _CHANNEL)
    ),
}
"""By route; those of the portal are described by the portal's own contract."""


def document(public_url: str) -> dict[str, Any]:
    """Return the description of the API that is reached under `public_url`."""
    bodies, components = _bodies()
    paths: dict[str, dict[str, Any]] = {}
    for name, operation in OPERATIONS.items():
        method, _, path = name.partition(" ")
        paths.setdefault(f"/{path}", {})[method.lower()] = _described(name, operation, bodies)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Microsoft 365 offboarding", "version": "1"},
        "servers": [{"url": f"{public_url}/api"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "x-functions-key"}},
        },
    }


def _described(name: str, operation: Operation, bodies: Mapping[str, Schema]) -> dict[str, Any]:
    function = DECLARED[name]
    problems = () if ROUTES[name] is None else (403, *operation.problems)
    in_path = [_IN_PATH[part] for part in _IN_PATH if f"{{{part}}}" in name]
    described: dict[str, Any] = {
        "operationId": function.__name__,
        "summary": (function.__doc__ or "").partition("\n")[0],
        "parameters": [*in_path, *operation.parameters],
        "responses": {str(status): _answer(schema) for status, schema in operation.answers.items()}
        | {str(status): _problem() for status in sorted({*problems, 500})},
    }
    if ROUTES[name] is None:
        described["security"] = []
    else:
        described["responses"]["401"] = {"description": "Nobody is signed in, or the key is wrong."}
    if operation.body:
        content = {"application/json": {"schema": bodies[operation.body]}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _answer(schema: str | None) -> dict[str, Any]:
    if schema is None:
        return {"description": "It is so."}
    also = {"text/csv": {"schema": _TEXT}} if schema == "Audit" else {}
    return {"description": schema, "content": {"application/json": {"schema": _ref(schema)}, **also}}


def _problem() -> dict[str, Any]:
    return {
        "description": "Why the request was not carried out.",
        "content": {"application/problem+json": {"schema": _ref("Problem")}},
    }


def _bodies() -> tuple[dict[str, Schema], dict[str, Schema]]:
    """Return the schemas of bodies, made from the models that check them, and all that documents refer to."""
    from pydantic.json_schema import models_json_schema

    from shared.notifications.destinations import Destinations
    from shared.offboarding import request as requests

    models: dict[str, type[BaseModel]] = {**requests.models(), "NotificationSettings": Destinations}
    made, rest = models_json_schema(
        [(model, "validation") for model in models.values()], ref_template="#/components/schemas/Given.{model}"
    )
    bodies = {name: made[(model, "validation")] for name, model in models.items()}
    bodies["Defaults"] = _or_null(bodies["Defaults"])
    given = {f"Given.{name}": schema for name, schema in rest["$defs"].items()}
    return bodies, {**_ANSWERS, **given}
