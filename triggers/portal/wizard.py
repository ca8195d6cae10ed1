"""The end points of the existing portal: its shapes, our services."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import azure.durable_functions as df
import azure.functions as func

from shared import clock, services
from shared.offboarding import catalogue, identifiers, plan, portal_form
from shared.offboarding import request as requests
from shared.offboarding.problems import Problem, RefusedError
from triggers import starting
from triggers.answers import json_answer, json_body, offboardings, operator_of

if TYPE_CHECKING:
    from shared.offboarding.records import Offboarding

blueprint = df.Blueprint()

Form = dict[str, Any]
"""The portal's form with its keys in lower case: the portal itself does not spell them alike everywhere."""

_MAX_MOMENT = 253402300799  # 9999-12-31, the last moment a datetime holds


@blueprint.route("ExecOffboardUser", methods=["POST"])
@blueprint.durable_client_input("client")
async def exec_offboard_user(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Accept the wizard's form: one result for each user."""
    try:
        submission, dropped = _submission(req)
        submitted = await asyncio.to_thread(offboardings().submit, submission, operator_of(req))
    except RefusedError as error:
        return _refusal(error)
    await starting.start(client, submitted.to_start)
    warnings = [*dropped, *submitted.warnings]
    results = [_result(offboarding, warnings) for offboarding in submitted.offboardings]
    return json_answer({"Results": results})


def _refusal(error: RefusedError) -> func.HttpResponse:
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
    return json_answer({"Results": [problem.message for problem in error.problems]}, error.status, headers)


def _submission(req: func.HttpRequest) -> tuple[requests.Submission, list[str]]:
    if len(req.get_body()) > requests.MAX_BODY_BYTES:
        text = f"The body is larger than {requests.MAX_BODY_BYTES} bytes."
        raise RefusedError(413, "body_too_large", [Problem("", text)])
    body = json_body(req)
    problems: list[Problem] = []
    form: Form = portal_form.lowered(body)
    if not form:
        problems.append(Problem("", "The form is empty."))
    tenant = portal_form.tenant(form.get("tenantfilter"))
    if not (identifiers.is_guid(tenant) or identifiers.is_domain(tenant)):
        problems.append(Problem("tenantFilter", "Choose a tenant."))
    users = _users(form, problems)
    scheduled_for = _scheduled_for(form, problems)
    actions, dropped = _actions(form, problems)
    if problems:
        raise RefusedError(400, "invalid_request", problems)
    submission = requests.Submission.model_construct(
        tenant=tenant.lower(),
        users=users,
        actions=actions,
        scheduled_for=scheduled_for,
        notify=_notify(form),
        reference=_reference(form),
        force=False,
    )
    return requests.checked(submission, services.current().settings.max_users_per_request), dropped


def _users(form: Form, problems: list[Problem]) -> list[str]:
    users = portal_form.people(form.get("user"))
    if not users:
        problems.append(Problem("user", "Choose at least one user."))
    for user in users:
        try:
            identifiers.check_person(user)
        except ValueError as error:
            problems.append(Problem("user", f"{error}."))
    return users


def _scheduled_for(form: Form, problems: list[Problem]) -> datetime | None:
    """Read Unix seconds; a date that was picked and then switched off again is ignored."""
    schedule = portal_form.lowered(form.get("scheduled"))
    if not catalogue.is_on(schedule.get("enabled")):
        return None
    date = schedule.get("date")
    if isinstance(date, str) and date.isascii() and date.isdecimal():
        date = int(date)
    if isinstance(date, bool) or not isinstance(date, int) or not 0 < date <= _MAX_MOMENT:
        problems.append(Problem("Scheduled.date", "The offboarding is scheduled, but no date was picked."))
        return None
    return datetime.fromtimestamp(date, UTC)


def _actions(form: Form, problems: list[Problem]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Read what is switched on; beside "Delete user" the wizard greys switches out but sends them all the same."""
    actions: dict[str, dict[str, Any]] = {}
    dropped: list[str] = []
    for action in catalogue.all_actions().values():
        params = action.from_portal(form)
        if params is None:
            continue
        try:
            actions[action.name] = requests.checked_params(action.name, params)
        except RefusedError as error:
            problems += [Problem(action.portal_key, f"{action.title}: {p.message}") for p in error.problems]
    for action in [catalogue.get(name) for name in actions]:
        if action.is_last:
            losers = [
                name for name in actions if name in action.excludes or action.name in catalogue.get(name).excludes
            ]
            for name in losers:
                del actions[name]
                dropped.append(f"{catalogue.title_of(name)} was left out, because {action.title} is selected.")
    return actions, dropped + _without_twice_named(actions)


def _without_twice_named(actions: dict[str, dict[str, Any]]) -> list[str]:
    """Drop from one list who is in another that has the better claim: the wizard lets people be in both."""
    dropped: list[str] = []
    for action in [catalogue.get(name) for name in actions]:
        if twice := plan.named_twice(action, actions):
            left = [name for name in actions[action.name]["to"] if name not in twice]
            dropped += [
                f"{name} was left out of {action.title}, because {catalogue.title_of(action.yields_people_to or '')} "
                "names the same person."
                for name in twice
            ]
            if left:
                actions[action.name] = {**actions[action.name], "to": left}
            else:
                del actions[action.name]
    return dropped


def _notify(form: Form) -> list[str]:
    chosen = portal_form.lowered(form.get("postexecution"))
    return [channel for channel in ("webhook", "email", "psa") if catalogue.is_on(chosen.get(channel))]


def _reference(form: Form) -> str:
    reference = form.get("reference")
    return "".join(c for c in reference if c.isprintable())[:200] if isinstance(reference, str) else ""


def _result(offboarding: Offboarding, warnings: list[str]) -> dict[str, Any]:
    upn = offboarding.request.person.upn
    when = (
        f"is planned for {clock.to_text(offboarding.scheduled_for)}"
        if offboarding.scheduled_for and not offboarding.started_at
        else "has begun"
    )
    password = (
        " The new password is shown to nobody and kept nowhere."
        if "reset_password" in offboarding.request.actions
        else ""
    )
    return {
        "resultText": " ".join([f"The offboarding of {upn} {when}.{password}", *warnings]),
        "state": "warning" if warnings else "success",
        "copyField": offboarding.id,
        "details": {"id": offboarding.id, "user": upn, "state": offboarding.state},
    }
