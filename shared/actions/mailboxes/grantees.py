"""The people who are given something of the leaver's: who is meant, and under which names Microsoft shows them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - pydantic reads the field's type
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from shared.actions import portal_form
from shared.actions.outcome import Finding, Outcome, finding_of_state
from shared.actions.reads.snapshot import Read
from shared.base import clock, identifiers
from shared.microsoft365.exchange import exchange_cmdlets
from shared.microsoft365.graph import graph_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from shared.actions.catalogue import View
    from shared.actions.reads.snapshot import Snapshot


@dataclass(frozen=True)
class Params:
    """The people, each by object id or address, and until when; None: for good."""

    to: list[str]
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse an empty list and what cannot name a person; drop doubles."""
        clock.check_offset(self.until)
        if not self.to:
            raise ValueError("to names nobody")
        for name in self.to:
            identifiers.check_person(name)
        object.__setattr__(self, "to", list({name.casefold(): name for name in self.to}.values()))


def from_portal(form: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    """Read the choices of a picker of the portal's form; None where nobody is chosen."""
    people = portal_form.people(form.get(key.lower()), key)
    return {"to": people} if people else None


@dataclass(frozen=True)
class Grantee:
    """A person, or a group of people, of the tenant.

    `kind` is Exchange's RecipientTypeDetails, "" for what is no recipient; `upn` is "" for a group. `names` are all
    under which Exchange may show the grantee in a list, in lower case.
    """

    id: str
    name: str
    upn: str
    kind: str
    names: frozenset[str]

    @property
    def is_group(self) -> bool:
        """Return whether it stands for its members."""
        return "Group" in self.kind


def account_reads(to: str) -> tuple[Read[Any], ...]:
    """Return what finds a person in the directory: an address may be a user principal name or a mail address."""
    by_name = Read(
        _key("account", to), f"The account of {to}", "graph", lambda _: graph_calls.get_user(to), _same, _kept
    )
    if identifiers.is_guid(to):
        return (by_name,)
    title = f"The owner of the address {to}"
    find = graph_calls.find_users_by_address(to)
    return by_name, Read(_key("address", to), title, "graph", lambda _: find, _same, _kept_only)


def recipient_read(to: str) -> Read[Any]:
    """Return what finds a recipient in Exchange, which also knows groups and has names of its own for everybody."""
    call = exchange_cmdlets.get_recipient(to)
    return Read(_key("recipient", to), f"The recipient {to}", "exchange", lambda _: call, _same, _only_one)


def find(to: str, snapshot: Snapshot, *, as_recipient: bool) -> Grantee | None:
    """Return who is meant by `to`, None where there is nobody; raises `UnreadError`."""
    account: dict[str, Any] = {}
    for read in account_reads(to):
        account = account or _found(read, snapshot)
    recipient = _found(recipient_read(to), snapshot) if as_recipient else {}
    if not account and not recipient:
        return None
    upn: str = account.get("userPrincipalName") or ""
    kind: str = recipient.get("RecipientTypeDetails") or ""
    names: list[str | None] = [upn, account.get("mail"), *(recipient.get(name) for name in _RECIPIENT_NAMES)]
    if "Group" in kind:  # people share display names, and a list of rights shows them by other ones
        names.append(recipient.get("DisplayName"))
    object_id: str = account.get("id") or recipient.get("ExternalDirectoryObjectId") or to
    shown: str = account.get("displayName") or recipient.get("DisplayName") or to
    return Grantee(object_id, shown, upn, kind, frozenset(n.casefold() for n in (*names, object_id) if n))


def findings(
    view: View,
    refuse: Callable[[Grantee], str | None],
    has: Callable[[Grantee, Snapshot], bool],
    *,
    done: Callable[[Grantee], str],
    already: str,
    as_recipient: bool = True,
) -> list[Finding]:
    """Judge each person that is named: `has` tells whether they have it in a snapshot, `refuse` why they cannot."""
    judged: dict[str, Finding] = {}
    for to in view.params["to"]:
        grantee = find(to, view.now, as_recipient=as_recipient)
        if grantee is None:
            judged[to] = Finding(Outcome.failed, f"There is nobody called {to} in this tenant.", to, to)
            continue
        refusal = "This is the leaver." if grantee.id == view.person.id else refuse(grantee)
        judged[grantee.id] = (
            Finding(Outcome.failed, refusal, grantee.id, grantee.name)
            if refusal
            else finding_of_state(
                before=has(grantee, view.first),
                now=has(grantee, view.now),
                done=done(grantee),
                already=already,
                item=grantee.id,
                name=grantee.name,
            )
        )
    return list(judged.values())


def by_id(names: Iterable[str], snapshot: Snapshot, *, as_recipient: bool = True) -> dict[str, Grantee]:
    """Return those of the people who exist, by the object ids that are their items' ids."""
    found = [find(name, snapshot, as_recipient=as_recipient) for name in names]
    return {grantee.id: grantee for grantee in found if grantee}


_RECIPIENT_NAMES: Final = ("Identity", "Name", "Alias", "DistinguishedName", "PrimarySmtpAddress")
_MAX_KEY_CHARS: Final = 320
_ACCOUNT_NAMES: Final = ("id", "displayName", "userPrincipalName", "mail")


def _key(kind: str, to: str) -> str:
    """Name the read of one person: storage takes it for a key, which is short and has no slashes, # or ?."""
    name = quote(to.casefold(), safe="@").replace("%", "=")
    return f"{kind} {name if len(name) <= _MAX_KEY_CHARS else hashlib.sha256(name.encode()).hexdigest()}"


def _found(read: Read[Any], snapshot: Snapshot) -> dict[str, Any]:
    return snapshot.get(read) or {}


def _same(raw: Any) -> Any:  # noqa: ANN401 - Microsoft's JSON
    return raw


def _kept(account: Any, _: object) -> Any:  # noqa: ANN401 - Microsoft's JSON
    return {name: account.get(name) for name in _ACCOUNT_NAMES}


def _kept_only(page: Any, person: object) -> Any:  # noqa: ANN401 - Microsoft's JSON
    return _kept(page["value"][0], person) if len(page["value"]) == 1 else None


def _only_one(rows: Any, _: object) -> Any:  # noqa: ANN401 - Microsoft's JSON
    return rows[0] if len(rows) == 1 else None
