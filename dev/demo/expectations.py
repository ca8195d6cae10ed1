"""How the tenant must look when an action has succeeded, read from the simulation and not from what the app says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from dev.tenant import belongings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dev.tenant.belongings import Belonging

    State = Mapping[str, Any]


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
        return belongings.account(self.after, self.leaver)

    @property
    def mailbox(self) -> State:
        """The leaver's mailbox as it is."""
        return belongings.mailbox(self.after, self.leaver)

    @property
    def site(self) -> State:
        """The leaver's OneDrive."""
        return self.after["sites"][self.was["site"]]


def _is_shared(case: Case) -> bool:
    return case.mailbox["RecipientTypeDetails"] == "SharedMailbox" and case.mailbox["conversion"] is None


def _answers(case: Case) -> bool:
    reply = case.mailbox["auto_reply"]
    messages = (reply["InternalMessage"], reply["ExternalMessage"])
    return reply["AutoReplyState"] == "Enabled" and all("I have left the company" in each for each in messages)


def _forwards(case: Case) -> bool:
    return case.mailbox["ForwardingAddress"] == case.colleague and case.mailbox["DeliverToMailboxAndForward"]


def _opens(case: Case, who: str, *, automapping: bool) -> bool:
    return any(
        entry["User"] == who and "FullAccess" in entry["AccessRights"] and entry["AutoMapping"] is automapping
        for entry in case.mailbox["permissions"]
    )


def _is_deleted(case: Case) -> bool:
    return case.leaver not in case.after["users"] and case.leaver in case.after["deleted_users"]


_DONE: dict[str, tuple[str, Callable[[Case], bool]]] = {
    "convert_to_shared": ("the mailbox is a shared mailbox", _is_shared),
    "delete_user": ("the account is among the deleted ones", _is_deleted),
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


def _is_gone(belonging: Belonging, case: Case) -> bool:
    return belonging.is_gone(case.after, case.leaver)


_TAKEN = {name: (each.words, partial(_is_gone, each)) for name, each in belongings.all_belongings().items()}

EXPECTATIONS: Mapping[str, tuple[str, Callable[[Case], bool]]] = {**_DONE, **_TAKEN}
"""For every action: what must be so, in words and as a test; what is taken away says so itself."""


def unmet(case: Case, actions: Iterable[str]) -> list[str]:
    """Return what the tenant does not agree with; an action that nobody wrote an expectation for is one of them."""
    problems: list[str] = []
    for action in actions:
        if action not in EXPECTATIONS:
            problems.append(
                f"{action}: dev/tenant/belongings and dev/demo/expectations.py do not say how the tenant must look"
            )
            continue
        words, holds = EXPECTATIONS[action]
        if not holds(case):
            problems.append(f"{action}: expected that {words}, but that is not so")
    return problems
