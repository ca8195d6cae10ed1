"""What each route takes and gives, beside what its path, its role and its function say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from shared.base import identifiers
from shared.jobs.delivery import CHANNELS
from shared.jobs.records import Kind, Reason, State
from triggers.answers import IDEMPOTENCY_KEY, MAX_COUNT
from triggers.openapi.schemas import MOMENT, SEARCH, SWITCH, TEXT, Schema, one_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def _parameter(name: str, schema: Schema, description: str, place: str = "query") -> Schema:
    """Describe a parameter; one of the query without a value does not reach the function: it counts as not given."""
    if place == "query" and schema is not TEXT:
        schema = {"anyOf": [schema, {"const": ""}]}
    return {"name": name, "in": place, "description": description, "required": place == "path", "schema": schema}


def _format(first: str, *others: str) -> Schema:
    description = f"The form of the answer: {first}, unless another one is asked for."
    return _parameter("format", {"type": "string", "enum": [first, *others]}, description)


IN_PATH: Final = {
    "id": _parameter("id", TEXT, "The id of an offboarding.", "path"),
    "tenant": _parameter("tenant", TEXT, "A tenant's id, or one of its domains.", "path"),
    "user": _parameter("user", identifiers.PERSON_FORM, "Object id, user principal name or address.", "path"),
    "action": _parameter("action", TEXT, "The name of an action.", "path"),
}
_LIMIT: Final = _parameter(
    "limit", {"type": "integer", "minimum": 1, "maximum": MAX_COUNT}, "How many to return at most."
)
_NEXT: Final = _parameter("next", TEXT, "What an earlier page answered as `next`.")
_SINCE: Final = _parameter("since", MOMENT, "Only those requested at this moment or later.")
_UNTIL: Final = _parameter("until", MOMENT, "Only those requested before this moment.")
_ZONE: Final = _parameter("zone", TEXT, "In which time zone (IANA) times are told, such as Europe/Berlin; UTC.")
_DESTINATION: Final = _parameter("destination", TEXT, "The id of one destination; all that are enabled without it.")
_CHANNEL: Final = _parameter("channel", {"type": "string", "enum": list(CHANNELS)}, "One channel instead of all.")
_IN_TENANT: Final = _parameter("tenant", TEXT, "A tenant's id, or one of its domains.")
_LISTED: Final = (
    _LIMIT,
    _NEXT,
    _IN_TENANT,
    _parameter("kind", one_of(Kind), "Only offboardings, or only restorations."),
    _parameter("state", one_of(State), "Only those in this state."),
    _parameter("reason", one_of(Reason), "Only those that failed for this reason."),
    _parameter("user", TEXT, "A part of the name or address, or the object id."),
    _parameter("reference", TEXT, "The reference that was given with the request."),
    _SINCE,
    _UNTIL,
)
_IDEMPOTENCY: Final = _parameter(
    "Idempotency-Key",
    {"type": "string", "pattern": f"^{IDEMPOTENCY_KEY}$"},
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
_SENT: Final = (400, 411, 413, 422)
_CHANGED: Final = (404, 409)

OPERATIONS: Final[Mapping[str, Operation]] = {
    "GET health": Operation({200: "Nothing"}, "", (503,)),
    "GET health/detail": Operation({200: "HealthDetail"}),
    "GET openapi.json": Operation({200: "Document"}),
    "GET docs": Operation({200: "Page"}, "", (404,)),
    "POST offboardings": Operation(
        {202: "Accepted"}, "OffboardingRequest", (*_SENT, *_CHANGED, 429, *_MICROSOFT), (_IDEMPOTENCY,)
    ),
    "POST offboardings/plan": Operation({200: "Planned"}, "OffboardingRequest", (*_SENT, 404, *_MICROSOFT)),
    "GET offboardings": Operation({200: "OffboardingPage"}, "", (400, 404, *_MICROSOFT), _LISTED),
    "GET offboardings/{id}": Operation({200: "OffboardingDetails"}, "", (404,)),
    "GET offboardings/{id}/status": Operation({200: "Status", 202: "Status"}, "", (404,)),
    "GET offboardings/{id}/audit": Operation({200: "Audit"}, "", (400, 404), (_format("json", "csv"),)),
    "GET offboardings/{id}/report": Operation({200: "Report"}, "", (400, 404), (_format("html", "json"), _ZONE)),
    "PATCH offboardings/{id}": Operation({200: "Offboarding"}, "Schedule", (*_SENT, *_CHANGED)),
    "DELETE offboardings/{id}": Operation({204: None}, "", _CHANGED),
    "POST offboardings/{id}/run-now": Operation({202: "Offboarding"}, "", _CHANGED),
    "POST offboardings/{id}/retry": Operation({202: "Offboarding"}, "", _CHANGED),
    "POST offboardings/{id}/cancel": Operation({202: "Offboarding"}, "", _CHANGED),
    "POST offboardings/{id}/restore/plan": Operation(
        {200: "PlannedRestoration"}, "Restore", (*_SENT, *_CHANGED, *_MICROSOFT)
    ),
    "POST offboardings/{id}/restore": Operation(
        {202: "AcceptedRestoration"}, "Restore", (*_SENT, *_CHANGED, 429, *_MICROSOFT)
    ),
    "POST offboardings/bulk": Operation({200: "BulkResults"}, "Bulk", _SENT),
    "GET access": Operation(
        {200: "AccessPage"},
        "",
        (400, 404, *_MICROSOFT),
        (_LIMIT, _NEXT, _IN_TENANT, _parameter("until_before", MOMENT, "Only what ends before this moment.")),
    ),
    "GET tenants/{tenant}/users/{user}/access": Operation({200: "AccessCheck"}, "", (404, *_MICROSOFT)),
    "PATCH offboardings/{id}/access/{action}": Operation({200: "MovedAccess"}, "Until", (*_SENT, *_CHANGED)),
    "GET actions": Operation({200: "Actions"}, "", (404, *_MICROSOFT), (_IN_TENANT,)),
    "GET tenants": Operation(
        {200: "Tenants"}, "", (400, *_MICROSOFT), (_parameter("refresh", SWITCH, "Ask Microsoft again."),)
    ),
    "GET tenants/{tenant}/check": Operation({200: "TenantCheck"}, "", (404, *_MICROSOFT)),
    "GET audit": Operation({200: "SettingChanges"}, "", (400, 404, *_MICROSOFT), (_LIMIT, _NEXT, _IN_TENANT)),
    "POST tick": Operation({200: "Tick"}),
    "GET tenants/{tenant}/users": Operation(
        {200: "UserPage"},
        "",
        (400, 404, *_MICROSOFT),
        (_LIMIT, _NEXT, _parameter("search", SEARCH, "The beginning of a name or an address.")),
    ),
    "GET tenants/{tenant}/report": Operation(
        {200: "TenantReport"}, "", (400, 404, *_MICROSOFT), (_SINCE, _UNTIL, _format("html", "csv", "json"), _ZONE)
    ),
    "GET tenants/{tenant}/defaults": Operation({200: "ResolvedDefaults"}, "", (404, *_MICROSOFT)),
    "PUT tenants/{tenant}/defaults": Operation({200: "ResolvedDefaults"}, "Defaults", (*_SENT, *_CHANGED, *_MICROSOFT)),
    "GET defaults": Operation({200: "ResolvedDefaults"}),
    "PUT defaults": Operation({200: "ResolvedDefaults"}, "Defaults", (*_SENT, 409)),
    "POST offboardings/{id}/notifications/resend": Operation(
        {202: "Deliveries"}, "", _CHANGED, (_parameter("destinations", TEXT, "Ids of destinations, by commas."),)
    ),
    "GET settings/notifications": Operation({200: "Destinations"}),
    "PUT settings/notifications": Operation({200: "Destinations"}, "NotificationSettings", (*_SENT, 409)),
    "POST settings/notifications/test": Operation({200: "TestResult"}, "", (400, 404), (_DESTINATION, _CHANNEL)),
    "GET tenants/{tenant}/notifications": Operation({200: "Destinations"}, "", (404, *_MICROSOFT)),
    "PUT tenants/{tenant}/notifications": Operation(
        {200: "Destinations"}, "NotificationSettings", (*_SENT, *_CHANGED, *_MICROSOFT)
    ),
    "POST tenants/{tenant}/notifications/test": Operation(
        {200: "TestResult"}, "", (400, 404, *_MICROSOFT), (_DESTINATION, _CHANNEL)
    ),
}
"""By route; those of the portal are described by the portal's own contract."""
