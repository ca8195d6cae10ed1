"""What is different in a tenant, in words for people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dev.demo import comparison
from dev.tenant.skus import SKUS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    State = Mapping[str, Any]
    Words = Callable[[Any, Any], str | None]

_SHOWN = 160
_KINDS = {"users": "", "mailboxes": " (mailbox)", "sites": " (OneDrive)", "numbers": "", "directory_roles": " (role)"}


def _hidden(*_: object) -> None:
    """Say nothing: another field says it already, or it is how the simulation keeps its books."""


_WORDS: dict[str, Words] = {
    "accountEnabled": lambda _, new: "sign-in is allowed" if new else "sign-in is blocked",
    "password_resets": lambda *_: "has a new password",
    "lastPasswordChangeDateTime": _hidden,
    "session_revocations": lambda *_: "all sessions are revoked",
    "signInSessionsValidFromDateTime": _hidden,
    "onPremisesImmutableId": lambda _, new: "immutable id is set" if new else "immutable id is cleared",
    "licenseAssignmentStates": lambda old, new: _lists("licenses", _licenses(old), _licenses(new)),
    "methods": lambda old, new: _lists("sign-in methods", _methods(old), _methods(new)),
    "default_method": _hidden,
    "leaving_groups": _hidden,
    "RecipientTypeDetails": lambda old, new: f"is now a {_spaced(new)} (was a {_spaced(old)})",
    "conversion": _hidden,
    "mailbox_lost": lambda *_: "WILL BE DELETED, because the license went before it was shared",
    "HiddenFromAddressListsEnabled": lambda _, new: f"is {'hidden from' if new else 'shown in'} the address lists",
    "DeliverToMailboxAndForward": lambda _, new: f"keeps {'a' if new else 'no'} copy of forwarded mail",
    "auto_reply": lambda _, new: f"automatic replies are {new['AutoReplyState'].lower()}: {_reply(new)}",
    "meetings": lambda _, new: "cancelled: " + ", ".join(each["subject"] for each in new if each["cancelled"]),
    "SharingCapability": lambda _, new: "sharing with people outside is " + ("on" if new else "off"),
    "user_ids": _hidden,
    "assignmentStatus": _hidden,
    "assignmentCategory": _hidden,
    "leaving": _hidden,
}
_LABELS = {
    "permissions": "people with full access",
    "send_as": "people who may send as this person",
    "GrantSendOnBehalfTo": "people who may send on behalf of this person",
    "rules": "inbox rules",
    "devices": "mobile devices",
    "calendar": "people who see the calendar",
    "admins": "administrators",
    "assignmentTargetId": "assigned to",
}
_NAMED_BY = ("Name", "FriendlyName", "User", "name", "user")


def describe(before: State, after: State) -> list[str]:
    """Return a line for each thing that is different."""
    lines = [line for kind in _KINDS for line in _differences(before, after, kind)]
    return [*_memberships(before, after), *lines]


def _differences(before: State, after: State, kind: str) -> Iterator[str]:
    for key, old in before[kind].items():
        name = _name(before, old, key) + _KINDS[kind]
        if key not in after[kind]:
            yield f"{name}: is deleted"
            continue
        new = after[kind][key]
        for field in (field for field in old if any(comparison.differences(old[field], new[field]))):
            words = _WORDS.get(field) or _plain(before, field)
            if said := words(old[field], new[field]):
                yield f"{name}: {said}"
    for key in after[kind].keys() - before[kind].keys():
        yield f"{_name(after, after[kind][key], key)}{_KINDS[kind]}: is new"


def _memberships(before: State, after: State) -> Iterator[str]:
    left: dict[str, list[str]] = {}
    for key, group in before["groups"].items():
        now = after["groups"].get(key, {"members": []})["members"]
        for member in set(group["members"]) - set(now):
            left.setdefault(member, []).append(group["displayName"])
    for member, groups in left.items():
        yield f"{_person(before, member)}: left {len(groups)} groups ({', '.join(sorted(groups))})"


def _plain(tenant: State, field: str) -> Words:
    """Return how to tell of a field that has no words of its own."""
    label = _LABELS.get(field, _spaced(field))

    def say(old: object, new: object) -> str:
        if isinstance(old, list) and isinstance(new, list):
            return _lists(label, [_label(tenant, each) for each in old], [_label(tenant, each) for each in new])
        return f"{label}: {_label(tenant, new)} (was {_label(tenant, old)})"

    return say


def _lists(what: str, old: Sequence[str], new: Sequence[str]) -> str:
    gone, come = [each for each in old if each not in new], [each for each in new if each not in old]
    parts = [f"{what} {word}: {', '.join(each)}" for word, each in (("removed", gone), ("added", come)) if each]
    return "; ".join(parts) or f"{what} changed"


def _licenses(states: list[dict[str, Any]]) -> list[str]:
    return sorted({SKUS[state["skuId"]].name for state in states})


def _methods(methods: list[dict[str, Any]]) -> list[str]:
    return [method["@odata.type"].rpartition(".")[2].removesuffix("AuthenticationMethod") for method in methods]


def _name(tenant: State, thing: Mapping[str, Any], key: str) -> str:
    named = thing.get("displayName") or thing.get("telephoneNumber")
    return named or _person(tenant, str(thing.get("owner") or key))


def _person(tenant: State, key: str) -> str:
    user = tenant["users"].get(key) or tenant["deleted_users"].get(key)
    return user["displayName"] if user else key


def _label(tenant: State, value: object) -> str:
    """Return what people know a value by; ids of people become names."""
    if isinstance(value, dict):
        return _label(tenant, next((value[name] for name in _NAMED_BY if name in value), str(value)))
    return "none" if value in (None, "", [], {}) else _person(tenant, str(value))[:_SHOWN]


def _reply(reply: Mapping[str, str]) -> str:
    text = " ".join(re.sub(r"<[^>]*>", "", reply["InternalMessage"]).split())
    return text[:_SHOWN]


def _spaced(name: str) -> str:
    """Write "ForwardingAddress" and "send_as" as words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").lower()
