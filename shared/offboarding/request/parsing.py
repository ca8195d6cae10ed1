"""Bodies of our API, checked by models made from the catalogue: pydantic lives at this edge only."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    create_model,
)
from pydantic.dataclasses import dataclass as checked_dataclass
from pydantic_core import PydanticCustomError

from shared.actions import catalogue
from shared.base import identifiers, strict_json, validation
from shared.base.problems import Problem, RefusedError, refused, unfit
from shared.jobs.delivery import Channel
from shared.offboarding.request import schedule, submission
from shared.offboarding.request.submission import Submission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.offboarding.lifecycle.operations import Name

M = TypeVar("M", bound=BaseModel)

_STRICT: Final = ConfigDict(extra="forbid", strict=True, frozen=True)


def _tenant(text: str) -> str:
    if identifiers.is_guid(text) or identifiers.is_domain(text):
        return text.lower()
    raise ValueError(f"{identifiers.shown(text)} is neither a tenant id nor a domain")


def _one_line(text: str) -> str:
    if not identifiers.is_one_line(text):
        raise ValueError("must be one line of printable characters")
    return text


def _moment(given: object) -> object:
    """Read a moment as the API describes it: pydantic would take a count of seconds as well."""
    if not isinstance(given, str):
        return given
    if not _RFC_3339.fullmatch(given):
        raise PydanticCustomError("moment", "must be a moment with a time zone, such as 2026-11-30T17:00:00+01:00")
    try:
        moment = datetime.fromisoformat(given.upper())
        moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("the moment is outside of the calendar") from None
    return moment


def _off(switch: bool) -> bool:  # noqa: FBT001 - pydantic calls it
    if switch:
        raise ValueError("this action has parameters")
    return switch


_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})", re.IGNORECASE
)
_Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
_Off = Annotated[bool, AfterValidator(_off), WithJsonSchema({"const": False})]
"""Not `Literal[False]`: to that, 0 is False."""


_Line = Annotated[
    str,
    StringConstraints(max_length=200),
    AfterValidator(_one_line),
    WithJsonSchema({"type": "string", "maxLength": 200, "pattern": identifiers.ONE_LINE_FORM}),
]


class _Body(BaseModel):
    model_config = _STRICT

    tenant: Annotated[str, AfterValidator(_tenant), WithJsonSchema(identifiers.TENANT_FORM)]
    users: Annotated[
        list[Annotated[str, AfterValidator(identifiers.check_person), WithJsonSchema(identifiers.PERSON_FORM)]],
        Field(min_length=1),
    ]
    actions: dict[str, dict[str, Any]]
    scheduled_for: _Moment | None = None
    notify: list[Channel] = []
    reference: _Line = ""
    ticket: Annotated[str, StringConstraints(pattern=r"^([0-9A-Za-z][0-9A-Za-z.\-]{0,49})?$")] = ""
    force: bool = False


@cache
def _actions() -> type[BaseModel]:
    """Return the selection of actions: a typed field for each of the catalogue."""
    fields: dict[str, Any] = {}
    for action in catalogue.all_actions().values():
        if action.params is None:
            fields[action.name] = (bool | None, Field(default=None, description=action.description))
        else:
            params = checked_dataclass(action.params, config=_STRICT)
            fields[action.name] = (params | _Off | None, Field(default=None, description=action.description))
    return create_model("Actions", __config__=_STRICT, **fields)


@cache
def _model() -> type[BaseModel]:
    return create_model("OffboardingRequest", __base__=_Body, actions=(_actions(), ...))


@cache
def _defaults() -> type[BaseModel]:
    channels: Any = (list[Channel], [])
    days: Any = (int | None, Field(default=None, ge=1, le=schedule.MOST_DAYS))
    also: Any = (_actions() | None, None)
    return create_model(
        "Defaults",
        __config__=_STRICT,
        actions=(_actions(), ...),
        notify=channels,
        also=also,
        access_ends_after_days=days,
    )


def models() -> dict[str, type[BaseModel]]:
    """Return the models of the bodies, by the name under which the API is described."""
    return {
        "OffboardingRequest": _model(),
        "Defaults": _defaults(),
        "Schedule": _Schedule,
        "Until": _Until,
        "Restore": _Restore,
        "Bulk": _Bulk,
    }


def parse(body: bytes, max_users: int) -> Submission:
    """Read a request body; raises `RefusedError` (400, 413, 422) that names every problem."""
    parsed = _parsed(_model(), body)
    given = {name: getattr(parsed, name) for name in _Body.model_fields}
    given |= {
        "users": tuple(given["users"]),
        "notify": tuple(dict.fromkeys(given["notify"])),
        "actions": _selected(parsed),
    }
    return submission.checked(Submission(**given), max_users)


class _Schedule(BaseModel):
    model_config = _STRICT

    scheduled_for: _Moment | None


class _Restore(BaseModel):
    model_config = _STRICT

    steps: Annotated[list[Annotated[str, StringConstraints(pattern="^[a-z_]{1,64}$")]], Field(min_length=1)] | None = (
        None
    )
    scheduled_for: _Moment | None = None
    notify: list[Channel] = []
    reference: _Line = ""
    overwrite: bool = False


class _Bulk(BaseModel):
    model_config = _STRICT

    action: Literal["run-now", "retry", "cancel", "delete"]
    ids: Annotated[
        list[Annotated[str, StringConstraints(pattern="^[0-9a-z]{1,64}$")]], Field(min_length=1, max_length=100)
    ]


def parse_schedule(body: bytes) -> datetime | None:
    """Read {"scheduled_for": moment or null}; raises `RefusedError` (400, 413, 422)."""
    return _parsed(_Schedule, body).scheduled_for


class _Until(BaseModel):
    model_config = _STRICT

    until: _Moment | None


def parse_until(body: bytes) -> datetime | None:
    """Read {"until": moment or null}; raises `RefusedError` (400, 413, 422)."""
    return _parsed(_Until, body).until


def parse_restore(body: bytes) -> dict[str, Any]:
    """Read the fields of a restoration; raises `RefusedError` (400, 413, 422)."""
    parsed = _parsed(_Restore, body)
    steps = None if parsed.steps is None else tuple(dict.fromkeys(parsed.steps))
    return {**dict(parsed), "steps": steps, "notify": tuple(parsed.notify)}


def parse_bulk(body: bytes) -> tuple[Name, list[str]]:
    """Read {"action", "ids"}; raises `RefusedError` (400, 413, 422)."""
    bulk = _parsed(_Bulk, body)
    return bulk.action, list(dict.fromkeys(bulk.ids))


def parse_defaults(
    body: bytes,
) -> tuple[dict[str, dict[str, Any]], tuple[str, ...], int | None, dict[str, dict[str, Any]]]:
    """Read "actions", "notify", "access_ends_after_days" and "also"; raises `RefusedError` (400, 413, 422)."""
    parsed = _parsed(_defaults(), body)
    selected, also = _selected(parsed), _selected(parsed, "also")
    if moments := [name for name, params in selected.items() if "until" in params]:
        text = "A moment belongs to one offboarding; defaults hold none."
        raise RefusedError(422, "invalid_request", [Problem(f"actions.{name}.until", text) for name in moments])
    rest = parsed.model_dump()
    return selected, tuple(dict.fromkeys(rest["notify"])), rest["access_ends_after_days"], also


def parameters_schema(name: str) -> dict[str, Any] | None:
    """Return the JSON schema of the parameters of an action; None for one that is only switched on."""
    params = catalogue.get(name).params
    return TypeAdapter(checked_dataclass(params, config=_STRICT)).json_schema() if params else None


def _parsed(model: type[M], body: bytes) -> M:
    submission.refuse_too_large(body)
    try:
        strict_json.loads(body)
    except ValueError:
        raise refused(400, "invalid_request", "The body is not valid JSON.") from None
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _refusal_of(error, model) from None


def checked_params(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of one action with their defaults; raises `RefusedError` in the words of the API."""
    body = {"tenant": "example.com", "users": ["a@example.com"], "actions": {name: dict(params) or True}}
    try:
        return _selected(_model().model_validate_json(json.dumps(body)))[name]
    except ValidationError as error:
        raise _refusal_of(error, _model()) from None


def _selected(parsed: BaseModel, field: str = "actions") -> dict[str, dict[str, Any]]:
    chosen: dict[str, Any] = parsed.model_dump(mode="json")[field] or {}
    return {name: {} if params is True else _without_end(params) for name, params in chosen.items() if params}


def _without_end(params: dict[str, Any]) -> dict[str, Any]:
    """Leave out `until` where there is none: most of what is given stays."""
    return {name: value for name, value in params.items() if (name, value) != ("until", None)}


def _refusal_of(error: ValidationError, model: type[BaseModel]) -> RefusedError:
    """Turn pydantic's errors into ours: paths, and words that name no library."""
    problems: dict[str, Problem] = {}
    kinds: list[str] = []
    for one in error.errors(include_url=False, include_input=False):
        path = [str(part) for part in one["loc"]]
        if any(part.startswith(("function-after[_off", "bool", "nullable")) for part in path):
            continue
        kinds.append(one["type"])
        path = [part for part in path if part != "Params"]
        problems.setdefault(".".join(path) + one["type"], _worded(one, path, model))
    told = list(problems.values()) or [Problem("", "The body does not have the form that is described in the API.")]
    return RefusedError(unfit(kinds), "invalid_request", told)


def _worded(error: Mapping[str, Any], path: list[str], model: type[BaseModel]) -> Problem:
    match path:
        case ["actions", name] if error["type"] in {"dataclass_type", "is_instance_of"}:
            return Problem(f"actions.{name}", f"This action has parameters: give {_example_of(name)}.")
        case ["actions", _]:
            known = list(catalogue.all_actions())
        case ["actions", name, *_]:
            known = list((parameters_schema(name) or {}).get("properties", {}))
        case _:
            known = list(model.model_fields)
    return validation.problem_of(error, path, known)


def _example_of(name: str) -> str:
    """Show what has to be said to an action, such as {"to": …}."""
    schema = parameters_schema(name) or {}
    needed = schema.get("required") or list(schema.get("properties", {}))[:1]
    return "{" + ", ".join(f'"{each}": …' for each in needed) + "}"
