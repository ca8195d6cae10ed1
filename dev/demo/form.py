"""What the demonstration selects: everything there is, in the portal's own form, over as few leavers as can have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.actions.catalogue import Action

    Form = dict[str, Any]

MESSAGE = "<p>I have left the company. Please write to <b>Cy Brandt</b>.</p>"


def option(user: Mapping[str, Any]) -> Form:
    """Return a person as the portal's pickers send them: the object id, and in `rawData` the names."""
    names = {name: user[name] for name in ("id", "displayName", "userPrincipalName")}
    label = f"{user['displayName']} ({user['userPrincipalName']})"
    return {"label": label, "value": user["id"], "addedFields": {}, "rawData": names}


def split(actions: Iterable[Action]) -> list[list[Action]]:
    """Share the actions out so that none meets one that it excludes: the first leaver gets what has most to show."""
    shares: list[list[Action]] = []
    for action in sorted(actions, key=lambda each: (each.is_last, each.params is None)):
        share = next((each for each in shares if not any(_contradict(action, other) for other in each)), None)
        if share is None:
            shares.append([action])
        else:
            share.append(action)
    return shares


def fill(
    tenant: Mapping[str, Any],
    leaver: Mapping[str, Any],
    colleagues: tuple[Mapping[str, Any], Mapping[str, Any]],
    selected: Iterable[Action],
    known: Iterable[Action],
) -> Form:
    """Fill in the wizard's form: one tenant, one user, every switch on or off, pickers only where they are used."""
    names = {action.name for action in selected}
    domain, label = tenant["domain"], f"{tenant['displayName']} ({tenant['domain']})"
    form: Form = {
        "tenantFilter": {
            "value": domain,
            "label": label,
            "type": "Tenant",
            "addedFields": {"defaultDomainName": domain, "displayName": tenant["displayName"]},
        },
        "user": [{**option(leaver), "value": leaver["userPrincipalName"]}],
        "Scheduled": {"enabled": False},
        "postExecution": {"webhook": True, "email": True, "psa": True},
        "reference": "DEMO-1",
        "OOO": "",
        "KeepCopy": "forward_email" in names,
    }
    picked = _pickers(*colleagues)
    for action in known:
        if action.portal_key is None:
            continue
        if action.params is None:
            form[action.portal_key] = action.name in names
        elif action.name in names:
            form[action.portal_key] = picked[action.portal_key]
    return form


def _pickers(colleague: Mapping[str, Any], other: Mapping[str, Any]) -> Form:
    one, two = option(colleague), option(other)
    return {
        "OOO": MESSAGE,
        "forward": one,
        "AccessAutomap": [one],
        # One person in both lists would contradict itself.
        "AccessNoAutomap": [two],
        "AccessSendAs": [one],
        "AccessSendOnBehalf": [one, two],
        "OnedriveAccess": [one],
    }


def _contradict(one: Action, other: Action) -> bool:
    return one.name in other.excludes or other.name in one.excludes
