"""The description as a whole, from the table of routes, their functions and the models of their bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.access.routes import ROUTES
from triggers.openapi.operations import IN_PATH, OPERATIONS
from triggers.openapi.schemas import ANSWERS, TEXT, or_null, ref
from triggers.routing import CORRELATION_ID, DECLARED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    from triggers.openapi.operations import Operation
    from triggers.openapi.schemas import Schema

_HEADERS: Final = {CORRELATION_ID: {"description": "The id of the request's trace and log lines.", "schema": TEXT}}


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
    in_path = [IN_PATH[part] for part in IN_PATH if f"{{{part}}}" in name]
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
        return {"description": "It is so.", "headers": _HEADERS}
    also = {"text/csv": {"schema": TEXT}} if schema == "Audit" else {}
    return {
        "description": schema,
        "headers": _HEADERS,
        "content": {"application/json": {"schema": ref(schema)}, **also},
    }


def _problem() -> dict[str, Any]:
    return {
        "description": "Why the request was not carried out.",
        "headers": _HEADERS,
        "content": {"application/problem+json": {"schema": ref("Problem")}},
    }


def _bodies() -> tuple[dict[str, Schema], dict[str, Schema]]:
    """Return the schemas of bodies, made from the models that check them, and all that documents refer to."""
    from pydantic.json_schema import models_json_schema

    from shared.notifications.settings.destinations import Destinations
    from shared.offboarding.request import parsing

    models: dict[str, type[BaseModel]] = {**parsing.models(), "NotificationSettings": Destinations}
    made, rest = models_json_schema(
        [(model, "validation") for model in models.values()], ref_template="#/components/schemas/Given.{model}"
    )
    bodies = {name: made[(model, "validation")] for name, model in models.items()}
    bodies["Defaults"] = or_null(bodies["Defaults"])
    given = {f"Given.{name}": schema for name, schema in rest["$defs"].items()}
    return bodies, {**ANSWERS, **given}
