"""Telephone numbers of Teams."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from dev.tenant.errors import GraphError, bad_request
from dev.tenant.graph import odata
from dev.tenant.graph.router import Ask, route
from dev.tenant.messages import Reply, now

if TYPE_CHECKING:
    from dev.tenant.state import Number, Tenant

_ROOT = "/admin/teams/telephoneNumberManagement"
_READ = ("TeamsTelephoneNumber.Read.All", "TeamsTelephoneNumber.ReadWrite.All")
_WRITE = ("TeamsTelephoneNumber.ReadWrite.All",)


def _served(tenant: Tenant) -> None:
    if not tenant.teams_phone:
        raise GraphError(400, "BadRequest", "Skype for Business or Teams Phone is not provisioned for this tenant.")


@route("GET", f"{_ROOT}/numberAssignments", permissions=_READ, options="$filter $top $skip $select")
def number_assignments(ask: Ask) -> dict[str, Any]:
    """List the numbers; looking brings an unassignment under way nearer to its end."""
    _served(ask.tenant)
    for number in ask.tenant.numbers.values():
        _progress(number)
    rows = odata.narrow(ask, [_resource(number) for number in ask.tenant.numbers.values()], "numberAssignment")
    start, size = int(ask.query.get("$skip", "0")), int(ask.query.get("$top", "500"))
    body: dict[str, Any] = {
        "@odata.context": f"{ask.root}/$metadata#admin/teams/telephoneNumberManagement/numberAssignments"
    }
    if start + size < len(rows):
        body["@odata.nextLink"] = odata.link(ask, {**ask.query, "$skip": str(start + size)})
    body["value"] = [odata.select(ask, row, "numberAssignment") for row in rows[start : start + size]]
    return body


def _resource(number: Number) -> dict[str, Any]:
    names = ("id", "telephoneNumber", "numberType", "assignmentStatus", "assignmentTargetId", "assignmentCategory")
    shown = {name: getattr(number, name) for name in names}
    return {
        **shown,
        "activationState": "activated",
        "capabilities": ["userAssignment"],
        "isoCountryCode": "US",
        "portInStatus": None,
    }


@route("POST", f"{_ROOT}/numberAssignments/unassignNumber", permissions=_WRITE)
def unassign(ask: Ask) -> Reply:
    """Begin to take a number away; the operation tells how it ended."""
    _served(ask.tenant)
    body = ask.object_body()
    if unknown := set(body) - {"telephoneNumber", "numberType"}:
        raise bad_request(f"Invalid property '{unknown.pop()}'.", unknown=True)
    number = next(
        (each for each in ask.tenant.numbers.values() if each.telephoneNumber == body.get("telephoneNumber")), None
    )
    if number is None or number.numberType != body.get("numberType"):
        raise GraphError(404, "NotFound", f"Telephone number {body.get('telephoneNumber')} was not found.")
    if number.refused:
        raise bad_request("Unable to unassign the number: it is managed by the on-premises directory.")
    operation_id = str(uuid.uuid4())
    ask.tenant.operations[operation_id] = {
        "id": operation_id,
        "createdDateTime": now(),
        "status": "notStarted",
        "numbers": [{"resourceLocation": f"{_ROOT}/numberAssignments('{number.id}')", "status": "notStarted"}],
        "number": number.id,
    }
    if number.assignmentStatus != "unassigned":
        number.leaving = ask.tenant.number_reads
    return Reply(202, None, {"Location": f"{ask.root}{_ROOT}/operations('{operation_id}')"})


@route("POST", f"{_ROOT}/numberAssignments/assignNumber", permissions=_WRITE)
def assign(ask: Ask) -> Reply:
    """Give a number that nobody has to a user ("numberAssignment: assignNumber" on Learn)."""
    _served(ask.tenant)
    body = ask.object_body()
    if unknown := set(body) - {"telephoneNumber", "numberType", "assignmentTargetId", "assignmentCategory"}:
        raise bad_request(f"Invalid property '{unknown.pop()}'.", unknown=True)
    wanted = body.get("telephoneNumber")
    number = next((each for each in ask.tenant.numbers.values() if each.telephoneNumber == wanted), None)
    if number is None:
        raise GraphError(404, "NotFound", f"Telephone number {wanted} was not found.")
    if number.assignmentStatus != "unassigned":
        raise bad_request(f"Telephone number {wanted} is already assigned.")
    user = ask.user(str(body.get("assignmentTargetId")))
    number.assignmentStatus, number.assignmentTargetId = "userAssigned", user.id
    number.assignmentCategory = body.get("assignmentCategory", "primary")
    operation_id = str(uuid.uuid4())
    ask.tenant.operations[operation_id] = {
        "id": operation_id,
        "createdDateTime": now(),
        "status": "succeeded",
        "numbers": [{"resourceLocation": f"{_ROOT}/numberAssignments('{number.id}')", "status": "succeeded"}],
        "number": number.id,
    }
    return Reply(202, None, {"Location": f"{ask.root}{_ROOT}/operations('{operation_id}')"})


@route("GET", f"{_ROOT}/operations('{{operation}}')", permissions=_READ)
@route("GET", f"{_ROOT}/operations/{{operation}}", permissions=_READ)
def operation(ask: Ask, operation: str) -> dict[str, Any]:
    """Tell how an operation stands; looking brings it nearer to its end."""
    found = ask.tenant.operations.get(operation)
    if found is None:
        raise GraphError(404, "NotFound", f"Operation {operation} was not found.")
    number = ask.tenant.numbers[found["number"]]
    if number.locked:
        found["status"] = "failed"
    elif found["status"] != "succeeded":
        _progress(number)
        found["status"] = "running" if number.leaving is not None else "succeeded"
    found["numbers"][0]["status"] = found["status"]
    return {name: value for name, value in found.items() if name != "number"}


def _progress(number: Number) -> None:
    if number.leaving is None or number.locked:
        return
    if number.leaving > 0:
        number.leaving -= 1
        return
    number.assignmentStatus, number.assignmentTargetId, number.assignmentCategory = "unassigned", None, None
    number.leaving = None
