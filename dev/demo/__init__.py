"""`python3 dev demo`: one believable offboarding with everything selected, from the portal's request to the proof."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import requests

import function_app
from dev import receivers
from dev.demo import changes, comparison, form, inbox, leavers, show
from dev.demo.expectations import Case, unmet
from dev.processes import StackError
from dev.sinks import Sinks
from dev.stack import Options, Stack
from dev.start import Stopped, stopping
from shared.actions import catalogue

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from shared.actions.catalogue import Action

    Details = dict[str, Any]

_PATIENCE_SECONDS = 600
_LOOK_SECONDS = 0.3


class Leaving(NamedTuple):
    """One leaver of the demonstration: who, with which actions, and the id of the offboarding."""

    user: str
    actions: Sequence[Action]
    offboarding: str


def run_demo(given: argparse.Namespace) -> int:
    """Run the demonstration; 0 only if the app says so and the tenant agrees."""
    try:
        with stopping(), tempfile.TemporaryDirectory(prefix="offboarding-") as folder:
            print("Starting table storage, the simulated Microsoft 365 and the app", file=sys.stderr, flush=True)
            options = Options(host=given.host, settings=receivers.settings())
            with Sinks.start() as sinks, Stack(Path(folder), options) as stack:
                receivers.direct(stack, sinks)
                return _demonstrate(stack, sinks, given)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except Stopped:
        return 130


def _demonstrate(stack: Stack, sinks: Sinks, given: argparse.Namespace) -> int:
    latency = given.latency
    stack.simulator.latency(graph=latency, exchange=latency, sharepoint=latency, login=latency)
    also = [action for action in catalogue.all_actions().values() if not action.portal_key]
    _add_to_the_form(stack, also)
    shares = [[*share, *also] for share in form.split(_all_actions())]
    users = leavers.prepare(stack.simulator, [[action.name for action in share] for share in shares])
    before = stack.simulator.state(leavers.TENANT)
    leavings = [_submit(stack, before, user, share) for user, share in zip(users, shares, strict=True)]
    offboardings = _watch(stack, [leaving.offboarding for leaving in leavings])
    after = stack.simulator.state(leavers.TENANT)

    show.final(offboardings)
    differences = changes.describe(before, after)
    show.listed(f"What changed in {before['displayName']}:", differences)
    show.listed("Can they still get at anything?", [_access_left(each) for each in offboardings])
    arrived, missing = inbox.wait(stack, sinks, offboardings)
    show.listed("Who was told:", arrived)
    if given.html:
        show.listed("Their reports:", _write_reports(stack, leavings, given.html))
    back = _bring_back(stack, leavings)
    again = stack.simulator.state(leavers.TENANT)
    show.listed("What is different now that all of it was brought back:", changes.describe(before, again))
    left = comparison.left_over(before, again, users)
    if given.json:
        main, *others = offboardings
        result = {"offboarding": main, "others": others, "tenant_changes": differences, "restorations": back}
        given.json.write_text(json.dumps(result, indent=2), encoding="utf-8")
    problems = [f"not delivered: {one}" for one in missing]
    failed = [one for one in back if one["state"] != "Completed"]
    problems += [f"{one['user']['upn']}: the restoration ended as {one['state']}" for one in failed]
    problems += [f"not brought back: {place}" for place in left]
    inside = [one for one in offboardings if one["access_check"]["answer"] != "out"]
    problems += [f"{_access_left(one)} The person should be out." for one in inside]
    return _judge(before, after, leavings, offboardings, problems)


def _all_actions() -> list[Action]:
    """Return every action that the portal knows: they are in the catalogue because the app imports them."""
    if not catalogue.all_actions():
        raise StackError(f"{function_app.__file__} imports no action.")
    return [action for action in catalogue.all_actions().values() if action.portal_key]


def _add_to_the_form(stack: Stack, actions: Sequence[Action]) -> None:
    """Have the tenant's defaults add what the portal's form cannot show."""
    also = {action.name: {"to": leavers.COLLEAGUE} if action.params else True for action in actions}
    answer = stack.send("PUT", f"/api/tenants/{leavers.TENANT}/defaults", {"actions": {}, "also": also})
    if answer.status_code != requests.codes.ok:
        raise StackError(f"The app refused the tenant's defaults with {answer.status_code}: {answer.text}")


def _submit(stack: Stack, tenant: dict[str, Any], user: str, actions: Sequence[Action]) -> Leaving:
    colleagues = (tenant["users"][leavers.COLLEAGUE], tenant["users"][leavers.OTHER])
    body = form.fill(tenant, tenant["users"][user], colleagues, actions, _all_actions())
    answer = stack.post("/api/ExecOffboardUser", body)
    if answer.status_code != requests.codes.ok:
        broken = answer.status_code >= requests.codes.internal_server_error
        log = f"\nThe end of the host's log:\n{stack.children['host'].tail()}" if broken else ""
        raise StackError(f"The app refused the portal's request with {answer.status_code}: {answer.text}{log}")
    (result,) = answer.json()["Results"]
    show.say(result["resultText"])
    return Leaving(user, actions, result["details"]["id"])


def _bring_back(stack: Stack, leavings: Sequence[Leaving]) -> list[Details]:
    """Restore what the offboardings changed, and return how the restorations ended."""
    show.say("Bringing back what was changed")
    ids: list[str] = []
    for leaving in leavings:
        answer = stack.post(f"/api/offboardings/{leaving.offboarding}/restore", {})
        if answer.status_code != requests.codes.accepted:
            raise StackError(f"The app refused to restore with {answer.status_code}: {answer.text}")
        ids.append(answer.json()["id"])
    return _watch(stack, ids)


def _access_left(offboarding: Details) -> str:
    """Say what a look found, and where anything is open or not known."""
    found = offboarding["access_check"]
    areas = [area["area"] for area in found["areas"] if area["verdict"] in {"open", "unknown"}]
    named = f" ({', '.join(areas)})" if areas else ""
    return f"{offboarding['user']['upn']}: {found['message']}{named}"


def _watch(stack: Stack, ids: Sequence[str]) -> list[Details]:
    """Show offboardings or restorations until all have ended."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with show.choose() as shown:
        while True:
            offboardings = [stack.details(each) for each in ids]
            shown.update(offboardings)
            if all(each["state"] in {"Completed", "Failed"} for each in offboardings):
                return offboardings
            if time.monotonic() > deadline:
                raise StackError(f"The offboarding had not ended after {_PATIENCE_SECONDS} s.")
            time.sleep(_LOOK_SECONDS)


def _write_reports(stack: Stack, leavings: Sequence[Leaving], folder: Path) -> list[str]:
    """Write the page of each offboarding, and that of their tenant; returns where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    addresses = {f"{leaving.offboarding}.html": f"offboardings/{leaving.offboarding}/report" for leaving in leavings}
    addresses["tenant.html"] = f"tenants/{leavers.TENANT}/report"
    written: list[str] = []
    for name, address in addresses.items():
        answer = stack.get(f"/api/{address}")
        answer.raise_for_status()
        (folder / name).write_text(answer.text, encoding="utf-8")
        written.append(str(folder / name))
    return written


def _judge(
    before: dict[str, Any],
    after: dict[str, Any],
    leavings: Sequence[Leaving],
    offboardings: Sequence[Details],
    problems: list[str],
) -> int:
    for leaving, offboarding in zip(leavings, offboardings, strict=True):
        who = offboarding["user"]["upn"]
        if offboarding["state"] != "Completed":
            problems.append(f"{who}: the offboarding ended as {offboarding['state']} ({offboarding['reason']})")
        case = Case(before, after, leaving.user, leavers.COLLEAGUE, leavers.OTHER)
        problems += [f"{who}: {problem}" for problem in unmet(case, [action.name for action in leaving.actions])]
    if problems:
        show.listed("Not as it should be:", problems)
        return 1
    print()
    show.say("Every offboarding is completed, and the tenant's own state agrees with every step.")
    show.say("All that can be brought back is as it was.")
    return 0
