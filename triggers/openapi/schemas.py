"""What answers hold, written next to the routes and closed: a property more or less is a difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.actions.outcome import Outcome, StepState
from shared.base import identifiers
from shared.jobs.delivery import CHANNELS, DeliveryState
from shared.jobs.records import Kind, Reason, State
from shared.offboarding.access_check.verdict import Answer, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

Schema = dict[str, Any]


TEXT: Final[Schema] = {"type": "string"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
SWITCH: Final[Schema] = {"type": "boolean"}
_ANY_OBJECT: Final[Schema] = {"type": "object"}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
SEARCH: Final[Schema] = {"type": "string", "maxLength": 100, "pattern": identifiers.ONE_LINE_FORM}
_LINK: Final[Schema] = {"type": "string", "format": "uri"}


def one_of(values: type[State | Kind | Reason | Outcome | StepState | DeliveryState | Answer | Verdict]) -> Schema:
    """Describe the values of an enumeration."""
    return {"type": "string", "enum": [value.value for value in values]}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def or_null(schema: Schema) -> Schema:
    """Describe what may be missing."""
    return {"anyOf": [schema, {"type": "null"}]}


def _object(optional: Mapping[str, Schema] | None = None, /, **properties: Schema) -> Schema:
    """Describe an object with these properties and no other."""
    return {
        "type": "object",
        "properties": {**properties, **(optional or {})},
        "required": list(properties),
        "additionalProperties": False,
    }


def ref(name: str) -> Schema:
    """Refer to a schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


_USER: Final = _object(id=TEXT, upn=TEXT, display_name=TEXT)
_PLAN: Final = _list(_object(name=TEXT, title=TEXT, after=_list(TEXT), requires=_list(TEXT), lane=or_null(TEXT)))
_ACCESS: Final = _object(action=TEXT, until=or_null(MOMENT))
_AREAS: Final = _list(
    _object(
        area=TEXT,
        action=TEXT,
        verdict=one_of(Verdict),
        note=TEXT,
        findings=_list(_object(id=TEXT, name=TEXT, verdict=one_of(Verdict), message=TEXT)),
        more=COUNT,
    )
)
_FOUND: Final = {"message": TEXT, "open": COUNT, "unknown": COUNT, "areas": _AREAS}
_REPORT: Final = _object(sha256=TEXT, made_at=MOMENT, version=TEXT, record=_ANY_OBJECT)
_STEP: Final = _object(
    name=TEXT,
    title=TEXT,
    state=one_of(StepState),
    outcome=or_null(one_of(Outcome)),
    attempts=COUNT,
    started_at=or_null(MOMENT),
    written_at=or_null(MOMENT),
    ended_at=or_null(MOMENT),
    message=TEXT,
    items=_list(_object(id=TEXT, name=TEXT, outcome=one_of(Outcome), message=TEXT)),
    changes=_list(_object(what=TEXT, before=TEXT, after=TEXT)),
    blocked_by=_list(TEXT),
    request_ids=_list(TEXT),
)
_PERMISSION: Final = _object(api=TEXT, name=TEXT)
_ITEM: Final = {
    "id": TEXT,
    "tenant": _object(id=TEXT, domain=TEXT),
    "user": _USER,
    "kind": one_of(Kind),
    "restores": or_null(TEXT),
    "state": one_of(State),
    "waiting": SWITCH,
    "place_in_queue": or_null(COUNT),
    "reason": or_null(one_of(Reason)),
    "scheduled_for": or_null(MOMENT),
    "started_at": or_null(MOMENT),
    "ended_at": or_null(MOMENT),
    "reference": TEXT,
    "warnings": _list(TEXT),
}

ANSWERS: Final[Mapping[str, Schema]] = {
    "Problem": _object(
        type=TEXT,
        title=TEXT,
        status=COUNT,
        code=TEXT,
        detail=TEXT,
        problems=_list(_object(field=TEXT, message=TEXT)),
        correlation_id=TEXT,
    ),
    "Accepted": _object(
        offboardings=_list(_object(id=TEXT, user=_USER, state=one_of(State), statusQueryGetUri=_LINK)),
        warnings=_list(TEXT),
    ),
    "Planned": _object(
        tenant=_object(id=TEXT, domain=TEXT),
        users=_list(_USER),
        found=_list(TEXT),
        steps=_PLAN,
        warnings=_list(TEXT),
        refusals=_list(TEXT),
    ),
    "AcceptedRestoration": _object(id=TEXT, user=_USER, state=one_of(State), statusQueryGetUri=_LINK),
    "PlannedRestoration": _object(
        restores=TEXT,
        tenant=_object(id=TEXT, domain=TEXT),
        user=_USER,
        steps=_list(
            _object(
                name=TEXT,
                title=TEXT,
                message=TEXT,
                items=_list(_object(id=TEXT, name=TEXT, outcome=or_null(one_of(Outcome)), message=TEXT)),
            )
        ),
    ),
    "Offboarding": _object(**_ITEM),
    "AccessPage": _object(
        items=_list(
            _object(
                offboarding=TEXT,
                tenant=_object(id=TEXT, domain=TEXT),
                user=_USER,
                action=TEXT,
                title=TEXT,
                to=_list(TEXT),
                until=or_null(MOMENT),
            )
        ),
        next=or_null(TEXT),
    ),
    "AccessCheck": _object(
        tenant=_object(id=TEXT, domain=TEXT), user=_USER, answer=one_of(Answer), checked_at=MOMENT, **_FOUND
    ),
    "MovedAccess": _object(items=_list(_ACCESS)),
    "Report": _REPORT,
    "TenantReport": _REPORT,
    "SettingChanges": _object(
        items=_list(
            _object(
                at=MOMENT,
                by=TEXT,
                setting=TEXT,
                tenant=or_null(TEXT),
                changes=_list(_object(what=TEXT, before=TEXT, after=TEXT)),
            )
        ),
        next=or_null(TEXT),
    ),
    "Audit": _object(
        id=TEXT,
        tenant=_object(id=TEXT, domain=TEXT),
        user=_object(id=TEXT, upn=TEXT),
        entries=_list(
            _object(
                at=MOMENT,
                by=TEXT,
                what=TEXT,
                run=or_null(COUNT),
                step=TEXT,
                service=TEXT,
                operation=TEXT,
                target=TEXT,
                before=TEXT,
                after=TEXT,
                status=or_null(COUNT),
                outcome=TEXT,
                message=TEXT,
                client_request_id=TEXT,
                request_id=TEXT,
                origin=TEXT,
            )
        ),
    ),
    "OffboardingPage": _object(items=_list(ref("Offboarding")), next=or_null(TEXT)),
    "OffboardingDetails": _object(
        **_ITEM,
        message=TEXT,
        run=COUNT,
        requested_at=MOMENT,
        requested_by=TEXT,
        planned_for=or_null(MOMENT),
        events=_list(_object(at=MOMENT, by=TEXT, what=TEXT, origin=TEXT)),
        force=SWITCH,
        plan=_PLAN,
        steps=_list(_STEP),
        notifications=_list(ref("Delivery")),
        access=_list(_ACCESS),
        access_check=or_null(
            _object(answer=or_null(one_of(Answer)), checked_at=or_null(MOMENT), next_at=or_null(MOMENT), **_FOUND)
        ),
        snapshot=or_null(_object(values=_ANY_OBJECT, errors=_ANY_OBJECT)),
    ),
    "Status": _object(
        name=TEXT,
        instanceId=TEXT,
        runtimeStatus={"type": "string", "enum": ["Pending", "Running", "Completed", "Failed"]},
        input={"type": "null"},
        customStatus={"type": "object", "additionalProperties": one_of(StepState)},
        output=or_null(_object(state=one_of(State), reason=or_null(one_of(Reason)))),
        createdTime=MOMENT,
        lastUpdatedTime=MOMENT,
    ),
    "BulkResults": _object(
        results=_list(_object({"problem": _object(code=TEXT, message=TEXT)}, id=TEXT, status=COUNT))
    ),
    "Delivery": _object(
        id=TEXT,
        destination=TEXT,
        channel=TEXT,
        run=COUNT,
        state=one_of(DeliveryState),
        attempts=COUNT,
        created_at=MOMENT,
        next_attempt_at=or_null(MOMENT),
        ended_at=or_null(MOMENT),
        status=or_null(COUNT),
        message=TEXT,
        reference=TEXT,
        about=TEXT,
    ),
    "Deliveries": _object(notifications=_list(ref("Delivery"))),
    "Actions": _object(
        items=_list(
            _object(
                name=TEXT,
                title=TEXT,
                description=TEXT,
                parameters=or_null(_ANY_OBJECT),
                portal_key=or_null(TEXT),
                after=_list(TEXT),
                requires=_list(TEXT),
                excludes=_list(TEXT),
                lane=or_null(TEXT),
                destructive=SWITCH,
                undo=TEXT,
                permissions=_list(_PERMISSION),
                allowed=SWITCH,
                problem=TEXT,
            )
        )
    ),
    "Tenants": _object(
        items=_list(
            _object(
                id=TEXT,
                name=TEXT,
                domain=TEXT,
                initial_domain=TEXT,
                domains=_list(TEXT),
                relationship=or_null(_object(expires_at=TEXT, extends=SWITCH)),
                problem=TEXT,
            )
        ),
        read_at=MOMENT,
        age_seconds=COUNT,
        warnings=_list(TEXT),
    ),
    "Tick": _object(due=COUNT, started=COUNT),
    "TenantCheck": _object(
        tenant=TEXT,
        checked_at=MOMENT,
        ready=SWITCH,
        warnings=_list(TEXT),
        audiences=_list(_object(audience=TEXT, ok=SWITCH, why=TEXT, do=TEXT)),
        actions=_list(_object(name=TEXT, title=TEXT, ready=SWITCH, missing=_list(_PERMISSION), why=TEXT, do=TEXT)),
    ),
    "UserPage": _object(
        items=_list(
            _object(
                id=TEXT,
                upn=TEXT,
                display_name=TEXT,
                mail=TEXT,
                job_title=TEXT,
                department=TEXT,
                badges=_list(TEXT),
            )
        ),
        next=or_null(TEXT),
        warnings=_list(TEXT),
    ),
    "ResolvedDefaults": _object(
        source={"type": "string", "enum": ["tenant", "operator", "everybody", "none"]},
        actions={"type": "object", "additionalProperties": {"anyOf": [{"const": True}, _ANY_OBJECT]}},
        notify=_list(TEXT),
        also={"type": "object", "additionalProperties": {"anyOf": [{"const": True}, _ANY_OBJECT]}},
        access_ends_after_days=or_null(COUNT),
        warnings=_list(TEXT),
    ),
    "Destinations": _object(**{channel: or_null(_list(_ANY_OBJECT)) for channel in CHANNELS}),
    "TestResult": _object(results=_list(_object(destination=TEXT, channel=TEXT, delivered=SWITCH, message=TEXT))),
    "Nothing": _object(),
    "HealthDetail": _object(warnings=_list(TEXT)),
    "Document": _ANY_OBJECT,
}
