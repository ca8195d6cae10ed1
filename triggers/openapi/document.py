"""The description as a whole, from the table of routes, their functions and the models of their bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.access.routes import ROUTES
from triggers.openapi import words
from triggers.openapi.operations import IN_PATH, OPERATIONS
from triggers.openapi.schemas import ANSWERS, TEXT, or_null, ref
from triggers.routing import CORRELATION_ID, declared_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    from triggers.openapi.operations import Operation
    from triggers.openapi.schemas import Schema

_HEADERS: Final = {CORRELATION_ID: {"description": "The id of the request's trace and log lines.", "schema": TEXT}}


_ABOUT: Final = (
    "Offboards people from Microsoft 365. A request is planned or submitted for people of one tenant; every selected "
    "action becomes a step with an outcome. Refusals are problem documents (RFC 9457)."
)


_OTHER_FORMS: Final[Mapping[str, tuple[str, ...]]] = {
    "Audit": ("text/csv",),
    "Report": ("text/html",),
    "TenantReport": ("text/html", "text/csv"),
}
"""What an answer may be besides JSON."""


def document(public_url: str) -> dict[str, Any]:
    """Return the description of the API that is reached under `public_url`."""
    bodies, components = _bodies()
    paths: dict[str, dict[str, Any]] = {}
    for name, operation in OPERATIONS.items():
        method, _, path = name.partition(" ")
        paths.setdefault(f"/{path}", {})[method.lower()] = _described(name, operation, bodies)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Microsoft 365 offboarding", "version": "1", "description": _ABOUT},
        "tags": [{"name": name, "description": meaning} for name, meaning in words.TAGS.items()],
        "servers": [{"url": f"{public_url}/api"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "x-functions-key"}},
        },
    }


_HOW_TO_SEND: Final = "Send it with `Content-Length`: a chunked body does not arrive (411)."


def _described(name: str, operation: Operation, bodies: Mapping[str, Schema]) -> dict[str, Any]:
    function = declared_for(name).handle
    problems = operation.problems if ROUTES[name] is None else (403, *operation.problems)
    in_path = [IN_PATH[part] for part in IN_PATH if f"{{{part}}}" in name]
    described: dict[str, Any] = {
        "operationId": function.__name__,
        "tags": [words.tag_of(name.partition(" ")[2])],
        "summary": (function.__doc__ or "").partition("\n")[0],
        "description": _description(name, function.__doc__ or ""),
        "parameters": [*in_path, *operation.parameters],
        "responses": {str(status): _answer(schema) for status, schema in operation.answers.items()}
        | {str(status): _problem() for status in sorted({*problems, 400, 500})},
    }
    if ROUTES[name] is None:
        described["security"] = []
    else:
        described["responses"]["401"] = {"description": "Nobody is signed in, or the key is wrong."}
    if operation.body:
        content = {"application/json": {"schema": bodies[operation.body], "example": words.BODIES[operation.body]}}
        described["requestBody"] = {"required": True, "description": _HOW_TO_SEND, "content": content}
    return described


def _description(name: str, documentation: str) -> str:
    """Say at length what an operation does, and whom it is for."""
    role = ROUTES[name]
    who = "Open to everybody." if role is None else f"Needs the role {role.name}."
    return f"{' '.join(documentation.split())} {who}"


def _answer(schema: str | None) -> dict[str, Any]:
    if schema is None:
        return {"description": "No content.", "headers": _HEADERS}
    if schema == "Page":
        return {"description": schema, "headers": _HEADERS, "content": {"text/html": {"schema": TEXT}}}
    also = {kind: {"schema": TEXT} for kind in _OTHER_FORMS.get(schema, ())}
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
    explained = {name: words.explain(name, schema) for name, schema in {**ANSWERS, **given}.items()}
    return bodies, explained
