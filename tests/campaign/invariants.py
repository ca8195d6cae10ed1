"""What must be so at the end of every world, however it went."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dev.demo.expectations import EXPECTATIONS, Case
from shared.actions import catalogue
from shared.actions.outcome import Outcome
from shared.jobs.records import ENDED, Reason, State
from shared.jobs.storage.store import PARTITION
from shared.offboarding.lifecycle import watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from world import World

    from shared.jobs.details import Details
    from shared.jobs.records import Offboarding

SPEAKS_FOR_ITSELF = {
    "disable_sign_in",
    "reset_password",
    "revoke_sessions",
    "hide_from_address_lists",
    "convert_to_shared",
}
"""What shows whether it was done at all: no other action, and nobody else, makes it so."""
_TOUCHED_FOR_LEAVERS = {"permissions", "send_as", "GrantSendOnBehalfTo", "calendar", "conversion"}


def violations(world: World, colleague: str, other: str) -> list[str]:
    """Return everything that is not as it must be."""
    return [
        *world.wrong,
        *_not_ended(world),
        *_begun_twice(world),
        *_untrue(world, colleague, other),
        *_changed_of_others(world),
        *_unaudited(world),
    ]


def _not_ended(world: World) -> Iterator[str]:
    for one in world.offboardings():
        if one.state not in ENDED:
            yield f"{one.id} is still {one.state}"
        elif (one.state is State.completed) != (one.reason is None) or one.ended_at is None:
            yield f"{one.id} ended as {one.state}, {one.reason}, at {one.ended_at}"
        if one.has_ended and (one.slot is not None or one.wake_at is not None):
            yield f"{one.id} has ended and holds a slot or a wake row"


def _begun_twice(world: World) -> Iterator[str]:
    for instance in {one for one in world.begun if world.begun.count(one) > 1}:
        yield f"{instance} was claimed by two"


def _untrue(world: World, colleague: str, other: str) -> Iterator[str]:
    after = world.state()
    everybody = after["users"] | after["deleted_users"]
    kept = {one.id: world.details_of(one.id) for one in world.offboardings()}
    for one in world.offboardings():
        details = kept[one.id]
        before, person = world.before[one.id], one.request.person.id
        # What the first run did not get to read, the next one did; so each fact is from before one of them.
        yield from set.intersection(*(set(_first_snapshot(one, details, state)) for state in before))
        yield from _misjudged(one, details)
        if person in everybody:
            now = Case(before[0], after, person, colleague, other)
            then = [Case(state, state, person, colleague, other) for state in before if person in state["users"]]
            others = [each for each in world.seen.values() if each.request.person.id == person and each.id != one.id]
            touched = {name for each in others for name in _touched(each, kept.get(each.id))}
            yield from _untold(one, details, now, then, touched)


def _touched(one: Offboarding, details: Details | None) -> set[str]:
    """Return what an offboarding may have done: everything where it was deleted."""
    steps = details.steps if details else {}
    return {name for name in one.request.actions if name not in steps or steps[name].outcome is not Outcome.skipped}


def _misjudged(one: Offboarding, details: Details) -> Iterator[str]:
    is_well = all(step.is_settled for step in details.steps.values())
    if one.state is State.completed and not is_well:
        yield f"{one.id} is completed with steps that are not"
    if one.reason is Reason.steps_failed and is_well:
        yield f"{one.id} failed for its steps, and none of them did"
    if one.has_ended and any(step.outcome is None for step in details.steps.values()):
        yield f"{one.id} has ended with steps that have not"


def _untold(one: Offboarding, details: Details, now: Case, then: list[Case], touched: set[str]) -> Iterator[str]:
    """Compare what is told of the steps with what is so, and was so."""
    for name in one.request.actions:
        if name == "remove_groups" and "remove_licenses" in one.request.actions:
            continue  # which has to remove those that give licenses
        words, holds = EXPECTATIONS[name]
        is_so, was_so = holds(now), [holds(case) for case in then]
        outcome = details.steps[name].outcome if name in details.steps else Outcome.skipped
        if outcome is Outcome.done:
            is_true = is_so and (catalogue.get(name).repeats or not all(was_so))
        elif outcome is Outcome.already_done:
            is_true = is_so and (name in touched or any(was_so))
        elif outcome is Outcome.skipped:
            is_true = name in touched or name not in SPEAKS_FOR_ITSELF or any(was_so) or not is_so
        else:
            continue
        if not is_true:
            so = "" if is_so else "not "
            yield f"{one.request.person.upn} ({one.id}, {one.reason}): {name} is {outcome}; it is {so}so that {words}"


def _first_snapshot(one: Offboarding, details: Details, before: dict[str, Any]) -> Iterator[str]:
    """Name the facts in the first snapshot that were otherwise in the tenant `before`."""
    values, person = details.first().values, one.request.person.id
    user, mailbox = values.get("user"), values.get("mailbox")
    for name in ("accountEnabled", "lastPasswordChangeDateTime", "signInSessionsValidFromDateTime"):
        if user and user[name] != before["users"].get(person, {}).get(name):
            yield f"{one.id}: {name} was not {user[name]}, as the first snapshot says"
    for name in ("RecipientTypeDetails", "HiddenFromAddressListsEnabled"):
        if mailbox and mailbox[name] != before["mailboxes"].get(person, {}).get(name):
            yield f"{one.id}: {name} was not {mailbox[name]}, as the first snapshot says"
    if values.get("groups") is not None:
        really = {key for key, group in before["groups"].items() if person in group["members"]}
        if {group["id"] for group in values["groups"]} != really:
            yield f"{one.id}: the groups were others than the first snapshot says"


def _unaudited(world: World) -> Iterator[str]:
    """Compare the audit records with all that was ever recorded, also of runs that later ones have taken over."""
    for one, recorded in world.recorded.items():
        found = world.audit_of(one)
        entries = found.entries if found else ()
        told = {(entry.run, entry.step, entry.client_request_id) for entry in entries if entry.what == "write"}
        told |= {(entry.run, entry.step, entry.outcome) for entry in entries if entry.what == "step"}
        if left_out := recorded - told:
            yield f"{one}: the audit record leaves out {sorted(left_out)}"


def left_after_retention(world: World) -> list[str]:
    """Let the retention pass, remove what is old, and return whatever is still there, audit records included."""
    world.hub.advance(timedelta(days=2 * world.app.settings.retention_days))
    watch.forget_old(world.app)
    return world.jobs.keys(PARTITION) + list(world.details.partitions())


def _changed_of_others(world: World) -> Iterator[str]:
    """Compare everybody and everything that is no leaver's; what named a leaver may be gone."""
    if not world.before:
        return
    leavers = {one.request.person.id for one in world.offboardings()} | world.leavers
    inherited = {key for key, group in world.at_first["groups"].items() if leavers.intersection(group["owners"])}
    before, after = (_without(state, leavers, inherited) for state in (world.at_first, world.state()))
    for kind, things in before.items():
        for key, thing in things.items():
            if after[kind].get(key) != thing:
                yield f"{kind} {key} was changed, and is nobody's who leaves"


def _without(state: dict[str, Any], leavers: set[str], inherited: set[str]) -> dict[str, dict[str, Any]]:
    """Leave out what is a leaver's; groups that one owned may have another owner, who is a member then."""
    users = {key: user for key, user in state["users"].items() if key not in leavers}
    groups = {
        key: {**group, "members": sorted(set(group["members"]) - leavers)}
        if key not in inherited
        else {**group, "members": [], "owners": []}
        for key, group in state["groups"].items()
    }
    mailboxes = {
        key: {
            **{name: value for name, value in mailbox.items() if name not in _TOUCHED_FOR_LEAVERS},
            "permissions": [entry for entry in mailbox["permissions"] if entry["User"] not in leavers],
            "send_as": [who for who in mailbox["send_as"] if who not in leavers],
            "GrantSendOnBehalfTo": [who for who in mailbox["GrantSendOnBehalfTo"] if who not in leavers],
            "calendar": [entry for entry in mailbox["calendar"] if entry["user"] not in leavers],
        }
        for key, mailbox in state["mailboxes"].items()
        if key not in leavers
    }
    sites = {key: site for key, site in state["sites"].items() if site["owner"] not in leavers}
    numbers = {key: n for key, n in state["numbers"].items() if n["assignmentTargetId"]}
    numbers = {key: n for key, n in numbers.items() if n["assignmentTargetId"] not in leavers}
    return {"users": users, "groups": groups, "mailboxes": mailboxes, "sites": sites, "numbers": numbers}
