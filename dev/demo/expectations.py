"""How the tenant must look when an action has succeeded, read from the simulation and not from what the app says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    State = Mapping[str, Any]


_EXCHANGE_OWN_RULES = ("Junk E-Mail Rule", "Microsoft.Exchange.")


@dataclass(frozen=True)
class Case:
    """A tenant before and after, and whose offboarding is looked at; people are object ids."""

    before: State
    after: State
    leaver: str
    colleague: str
    """Who takes over."""
    other: str
    """Who gets access to the mailbox that does not show up in Outlook by itself."""

    @property
    def was(self) -> State:
        """The leaver's account before."""
        return self.before["users"][self.leaver]

    @property
    def user(self) -> State:
        """The leaver's account as it is."""
        return _living_or_deleted(self.after, "users", self.leaver)

    @property
    def mailbox(self) -> State:
        """The leaver's mailbox as it is."""
        return _living_or_deleted(self.after, "mailboxes", self.leaver)

    @property
    def other_mailboxes(self) -> list[State]:
        """Everybody else's mailboxes."""
        return [mailbox for owner, mailbox in self.after["mailboxes"].items() if owner != self.leaver]

    @property
    def site(self) -> State:
        """The leaver's OneDrive."""
        return self.after["sites"][self.was["site"]]


def _living_or_deleted(tenant: State, kind: str, key: str) -> State:
    return tenant[kind].get(key) or tenant[f"deleted_{kind}"][key]


def _left_groups(case: Case) -> bool:
    """Dynamic groups keep their members by a rule; everything else must be gone."""
    left = [group for group in case.after["groups"].values() if case.leaver in group["members"]]
    return all("DynamicMembership" in group["groupTypes"] for group in left)


def _is_shared(case: Case) -> bool:
    return case.mailbox["RecipientTypeDetails"] == "SharedMailbox" and case.mailbox["conversion"] is None


def _has_no_license(case: Case) -> bool:
    return not case.user["licenseAssignmentStates"] and not case.mailbox["mailbox_lost"]


def _has_only_the_password(case: Case) -> bool:
    kinds = {method["@odata.type"] for method in case.user["methods"]}
    return kinds <= {"#microsoft.graph.passwordAuthenticationMethod"}


def _cancelled_meetings(case: Case) -> bool:
    ahead = [meeting for meeting in case.mailbox["meetings"] if meeting["attendees"] and meeting["days"] > 0]
    return all(meeting["cancelled"] for meeting in ahead)


def _answers(case: Case) -> bool:
    reply = case.mailbox["auto_reply"]
    messages = (reply["InternalMessage"], reply["ExternalMessage"])
    return reply["AutoReplyState"] == "Enabled" and all("I have left the company" in each for each in messages)


def _forwards(case: Case) -> bool:
    return case.mailbox["ForwardingAddress"] == case.colleague and case.mailbox["DeliverToMailboxAndForward"]


def _forwards_nothing(case: Case) -> bool:
    return not case.mailbox["ForwardingAddress"] and not case.mailbox["ForwardingSmtpAddress"]


def _has_no_rule(case: Case) -> bool:
    return all(rule["Name"].startswith(_EXCHANGE_OWN_RULES) for rule in case.mailbox["rules"])


def _has_no_number(case: Case) -> bool:
    return all(number["assignmentTargetId"] != case.leaver for number in case.after["numbers"].values())


def _opens(case: Case, who: str, *, automapping: bool) -> bool:
    return any(
        entry["User"] == who and "FullAccess" in entry["AccessRights"] and entry["AutoMapping"] is automapping
        for entry in case.mailbox["permissions"]
    )


def _has_no_mailbox(case: Case) -> bool:
    return not any(
        case.leaver in (*(entry["User"] for entry in mailbox["permissions"]), *mailbox["send_as"])
        or case.leaver in mailbox["GrantSendOnBehalfTo"]
        for mailbox in case.other_mailboxes
    )


def _has_no_calendar(case: Case) -> bool:
    return not any(entry["user"] == case.leaver for mailbox in case.other_mailboxes for entry in mailbox["calendar"])


def _is_deleted(case: Case) -> bool:
    return case.leaver not in case.after["users"] and case.leaver in case.after["deleted_users"]


EXPECTATIONS: dict[str, tuple[str, Callable[[Case], bool]]] = {
    "cancel_meetings": ("no meeting with others is left ahead", _cancelled_meetings),
    "clear_immutable_id": ("the anchor is gone", lambda case: not case.user["onPremisesImmutableId"]),
    "convert_to_shared": ("the mailbox is a shared mailbox", _is_shared),
    "delete_user": ("the account is among the deleted ones", _is_deleted),
    "disable_forwarding": ("mail is not forwarded", _forwards_nothing),
    "disable_onedrive_sharing": ("nothing in OneDrive is shared", lambda case: case.site["SharingCapability"] == 0),
    "disable_sign_in": ("the account is disabled", lambda case: not case.user["accountEnabled"]),
    "forward_email": ("mail goes to the colleague, with a copy kept", _forwards),
    "grant_mailbox_access": (
        "the other opens the mailbox, without automapping",
        lambda case: _opens(case, case.other, automapping=False),
    ),
    "grant_mailbox_access_automap": (
        "the colleague opens the mailbox, with automapping",
        lambda case: _opens(case, case.colleague, automapping=True),
    ),
    "grant_onedrive_access": ("the colleague opens OneDrive", lambda case: case.colleague in case.site["admins"]),
    "grant_send_as": ("the colleague sends as the leaver", lambda case: case.colleague in case.mailbox["send_as"]),
    "grant_send_on_behalf": (
        "both send on behalf of the leaver",
        lambda case: {case.colleague, case.other} <= set(case.mailbox["GrantSendOnBehalfTo"]),
    ),
    "hide_from_address_lists": ("the mailbox is hidden", lambda case: case.mailbox["HiddenFromAddressListsEnabled"]),
    "remove_calendar_permissions": ("no other calendar is open to the leaver", _has_no_calendar),
    "remove_groups": ("no group but dynamic ones is left", _left_groups),
    "remove_inbox_rules": ("no rule but Exchange's own is left", _has_no_rule),
    "remove_licenses": ("no license is left, and the mailbox survived that", _has_no_license),
    "remove_mailbox_permissions": ("no other mailbox is open to the leaver", _has_no_mailbox),
    "remove_mfa_methods": ("no sign-in method but the password is left", _has_only_the_password),
    "remove_mobile_devices": ("no mobile device is left", lambda case: not case.mailbox["devices"]),
    "remove_teams_number": ("no telephone number is assigned", _has_no_number),
    "reset_password": (
        "the password was reset",
        lambda case: case.user["password_resets"] > case.was["password_resets"],
    ),
    "revoke_sessions": (
        "the sessions were revoked",
        lambda case: case.user["session_revocations"] > case.was["session_revocations"],
    ),
    "set_out_of_office": ("mail is answered with the message", _answers),
}
"""For every action: what must be so, in words and as a test."""


def unmet(case: Case, actions: Iterable[str]) -> list[str]:
    """Return what the tenant does not agree with; an action that nobody wrote an expectation for is one of them."""
    problems: list[str] = []
    for action in actions:
        if action not in EXPECTATIONS:
            problems.append(f"{action}: nothing is said in dev/demo/expectations.py about how the tenant must look")
            continue
        words, holds = EXPECTATIONS[action]
        if not holds(case):
            problems.append(f"{action}: expected that {words}, but that is not so")
    return problems
