"""The Offboarding Wizard's submit."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from shared.actions import catalogue, plan, portal_form
from shared.app import services
from shared.base import clock, identifiers
from shared.base.problems import Problem, RefusedError
from shared.jobs import runs
from shared.offboarding.request.defaults import DefaultsStore
from shared.offboarding.request.submission import Submission, checked
from shared.offboarding.request.submit import Submissions
from triggers.answers import json_answer
from triggers.portal import forms, wire
from triggers.routing import route_with_client

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import azure.durable_functions as df
    import azure.functions as func

    from shared.access.caller import Caller
    from shared.jobs.records import Offboarding
    from shared.offboarding.request.submit import Submitted
    from triggers.portal.wire import Form

T = TypeVar("T")

_MAX_DIGITS = 20
_MAX_MOMENT = 253402300799  # 9999-12-31, the last moment a datetime holds
_MAX_REFERENCE_CHARS = 200


@route_with_client("POST ExecOffboardUser", wire.texts_refused)
async def exec_offboard_user(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, caller: Caller
) -> func.HttpResponse:
    """Accept the wizard's form: one result for each user."""
    submission, dropped = _submission(wire.body(req))
    submission, told = await asyncio.to_thread(_with_additions, submission, caller)
    dropped += told
    service = Submissions(services.current(), caller.scope)
    submitted = await asyncio.to_thread(service.submit, submission, caller.name, looks_at_mail=True)
    await runs.start(client, submitted.to_start)
    return json_answer({"Results": _results(submitted, [*dropped, *submitted.general])})


def _submission(form: Form) -> tuple[Submission, list[str]]:
    problems: list[Problem] = []
    if not form:
        problems.append(Problem("", "The form is empty."))
    tenant = wire.tenant_in(form)
    if not (identifiers.is_guid(tenant) or identifiers.is_domain(tenant)):
        problems.append(Problem("tenantFilter", "Choose a tenant."))
    users = _read(_users, form, problems, [])
    scheduled_for = _read(_scheduled_for, form, problems, None)
    actions = forms.actions_in(form, problems)
    notify = _read(lambda form, _: forms.channels_in(form), form, problems, [])
    reference = _read(_reference, form, problems, "")
    if problems:
        raise RefusedError(400, "invalid_request", problems)
    dropped = [f"{name} is not known here and was left out." for name in forms.unknown_in(form)]
    dropped += [*_without_conflicting(actions), *_without_twice_named(actions)]
    submission = Submission(
        tenant=tenant.lower(),
        users=tuple(users),
        actions=actions,
        scheduled_for=scheduled_for,
        notify=tuple(notify),
        reference=reference,
        force=False,
    )
    return checked(submission, services.current().settings.max_users_per_request), dropped


def _with_additions(submission: Submission, caller: Caller) -> tuple[Submission, list[str]]:
    """Add what the tenant's defaults have for which the wizard has no field, and say so."""
    additions = DefaultsStore(services.current(), caller.name, caller.scope).additions_of(submission.tenant)
    submission, told = _with_more_actions(submission, additions.also, caller)
    days = additions.access_ends_after_days
    given = [name for name in submission.actions if catalogue.get(name).can_end]
    if days is None or not given:
        return submission, told
    begins = max(submission.scheduled_for or clock.now(), clock.now())
    until = begins + timedelta(days=days)
    actions = {
        name: {**params, "until": clock.to_text(until)} if name in given else params
        for name, params in submission.actions.items()
    }
    titles = ", ".join(catalogue.title_of(name) for name in given)
    ends = f"What is given to others ends on {clock.in_words(until)}, as the tenant's defaults say: {titles}."
    return replace(submission, actions=actions), [*told, ends]


def _with_more_actions(
    submission: Submission, also: Mapping[str, Mapping[str, Any]], caller: Caller
) -> tuple[Submission, list[str]]:
    """Add actions, but for those that the operator may not use, or that would give something to a leaver."""
    leaving = {user.casefold() for user in submission.users}
    known = {name: params for name, params in also.items() if name in catalogue.all_actions()}
    kept = {
        name: params
        for name, params in known.items()
        if name not in caller.scope.forbidden and str(params.get("to", "")).casefold() not in leaving
    }
    told = [
        f"{catalogue.title_of(name)}, which the tenant's defaults add, was left out: "
        + ("your role may not use it." if name in caller.scope.forbidden else f"{known[name]['to']} is leaving.")
        for name in known
        if name not in kept
    ]
    if kept:
        added = ", ".join(_with_heir(name, params) for name, params in kept.items())
        told.append(f"Also done, as the tenant's defaults say: {added}.")
    return replace(submission, actions={**submission.actions, **kept}), told


def _with_heir(name: str, params: Mapping[str, Any]) -> str:
    """Name an action, and whom it gives something: whoever set the defaults chose that person."""
    to = params.get("to")
    return f"{catalogue.title_of(name)} (to {to})" if to else catalogue.title_of(name)


def _read(read: Callable[[Form, list[Problem]], T], form: Form, problems: list[Problem], otherwise: T) -> T:
    """Read a part of the form; what cannot be read is added to `problems`, so that all is told at once."""
    try:
        return read(form, problems)
    except RefusedError as error:
        problems += error.problems
        return otherwise


def _users(form: Form, problems: list[Problem]) -> list[str]:
    users = portal_form.people(form.get("user"), "user")
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
    schedule = portal_form.part(form, "Scheduled")
    try:
        enabled = portal_form.is_on(schedule, "enabled")
    except RefusedError:
        problems.append(Problem("Scheduled.enabled", "Scheduled.enabled must be on or off (true or false)."))
        return None
    if not enabled:
        return None
    date = schedule.get("date")
    if isinstance(date, str) and date.isascii() and date.isdecimal():
        date = int(date[:_MAX_DIGITS])  # Python refuses to read very long numbers
    if isinstance(date, float) and date.is_integer():
        date = int(date)
    if isinstance(date, bool) or not isinstance(date, int) or not 0 < date <= _MAX_MOMENT:
        problems.append(Problem("Scheduled.date", "The offboarding is scheduled, but no date was picked."))
        return None
    return datetime.fromtimestamp(date, UTC)


def _without_conflicting(actions: dict[str, dict[str, Any]]) -> list[str]:
    """Drop what "Delete user" makes pointless: the wizard greys those switches out but sends them all the same."""
    dropped: list[str] = []
    for action in [catalogue.get(name) for name in actions]:
        if not action.is_last:
            continue
        losers = [name for name in actions if name in action.excludes or action.name in catalogue.get(name).excludes]
        for name in losers:
            del actions[name]
            dropped.append(f"{catalogue.title_of(name)} was left out, because {action.title} is selected.")
    return dropped


def _without_twice_named(actions: dict[str, dict[str, Any]]) -> list[str]:
    """Drop from one list who is in another that has the better claim: the wizard lets people be in both."""
    dropped: list[str] = []
    for action in [catalogue.get(name) for name in actions]:
        if twice := plan.named_twice(action, actions):
            left = [name for name in actions[action.name]["to"] if name not in twice]
            dropped += [
                f"{name} was left out of {action.title}, because {catalogue.title_of(action.defers_to or '')} "
                "names the same person."
                for name in twice
            ]
            if left:
                actions[action.name] = {**actions[action.name], "to": left}
            else:
                del actions[action.name]
    return dropped


def _reference(form: Form, problems: list[Problem]) -> str:
    """Read the reference as one line."""
    given = portal_form.text(form.get("reference"), "reference")
    reference = " ".join("".join(c if c.isprintable() else " " for c in given).split())
    if len(reference) > _MAX_REFERENCE_CHARS:
        problems.append(Problem("reference", f"The reference may have {_MAX_REFERENCE_CHARS} characters at most."))
    return reference


def _results(submitted: Submitted, general: list[str]) -> list[dict[str, Any]]:
    """Return a line for each person; of several, what holds for all of them stands once, in a line of its own."""
    one_line = len(submitted.offboardings) == 1
    results = [_result(each, submitted, general if one_line else []) for each in submitted.offboardings]
    if general and not one_line:
        text = " ".join(["For all of them:", *general])
        results.append({"resultText": text, "state": "warning", "copyField": text, "details": {"warnings": general}})
    return results


def _result(offboarding: Offboarding, submitted: Submitted, general: list[str]) -> dict[str, Any]:
    """Say what becomes of one person, and all that the wizard's screens could not show."""
    person = offboarding.request.person
    warnings = [*submitted.remarks.get(person.id, ()), *general]
    texts = [f"The offboarding of {person.upn} {_when(offboarding)}."]
    if "reset_password" in offboarding.request.actions:
        texts.append("The new password is shown to nobody and kept nowhere.")
    return {
        "resultText": " ".join([*texts, *warnings]),
        "state": "warning" if warnings else "success",
        "copyField": offboarding.id,
        "details": {"id": offboarding.id, "user": person.upn, "state": offboarding.state, "warnings": warnings},
    }


def _when(offboarding: Offboarding) -> str:
    if offboarding.started_at:
        return "has begun"
    if offboarding.scheduled_for and offboarding.scheduled_for > clock.now():
        return f"is planned for {clock.in_words(offboarding.scheduled_for)}"
    most = services.current().settings.max_runs_per_tenant
    return f"is queued: at most {most} offboardings of a tenant run at a time"
