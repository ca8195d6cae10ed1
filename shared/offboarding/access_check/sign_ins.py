"""Sign-ins after the account was blocked: somebody got in all the same, or the block was undone for a while."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from shared.actions.catalogue import graph_permission
from shared.actions.reads.account import USER
from shared.actions.reads.snapshot import Person, Read, Snapshot
from shared.base import clock
from shared.microsoft365.graph import graph_calls
from shared.offboarding.access_check.verdict import AreaFound, Thing, Verdict

if TYPE_CHECKING:
    from shared.actions.mailboxes.scan import Scans
    from shared.microsoft365.cloud import TenantClients

PERMISSION: Final = graph_permission("AuditLog.Read.All")
_MOST_NAMED: Final = 20
_LOOKED_BACK: Final = timedelta(days=7)
"""Tenants without a license for it keep sign-ins for seven days (Learn: "Microsoft Entra data retention")."""
_ARRIVES_WITHIN: Final = timedelta(minutes=10)
"""A sign-in that was under way when the account was blocked is no finding."""


def _keep(page: Any, _: Person) -> list[dict[str, Any]]:  # noqa: ANN401 - Microsoft's JSON
    names = ("id", "createdDateTime", "appDisplayName")
    return [{name: row.get(name) for name in names} for row in page["value"][:_MOST_NAMED]]


def _parse(raw: Any) -> tuple[dict[str, Any], ...]:  # noqa: ANN401 - as it was kept
    return tuple(raw or ())


def _read(since: datetime | None) -> Read[tuple[dict[str, Any], ...]]:
    begin = max(since or clock.now() - _LOOKED_BACK, clock.now() - _LOOKED_BACK)
    return Read(
        "sign_ins",
        "The sign-ins",
        "graph",
        lambda person: graph_calls.get_sign_ins(person.id, clock.to_text(begin)),
        _parse,
        _keep,
        absent=frozenset(),
    )


class SignIns:
    """Successful sign-ins of the last seven days, later than the block; the audit log knows them after minutes."""

    title = "Recent sign-ins"
    action = "revoke_sessions"

    def reads(self, since: datetime | None) -> tuple[Read[Any], ...]:
        """Ask the audit log."""
        return (USER, _read(since))

    def reads_later(self, now: Snapshot, person: Person) -> tuple[Read[Any], ...]:
        """Ask nothing more."""
        del now, person
        return ()

    def survey(self, now: Snapshot, person: Person, clients: TenantClients, scans: Scans) -> Snapshot | None:
        """Find out nothing more."""
        del now, person, clients, scans

    def look(self, now: Snapshot, person: Person, since: datetime | None) -> AreaFound:
        """Judge by the block, or by when sessions were revoked last; while the account is enabled, that says it all."""
        del person
        user, rows = now.get(USER), now.get(_read(since))
        if user is None:
            return AreaFound(self.title, self.action, "The account no longer exists.")
        if user.enabled and since is None:
            return AreaFound(self.title, self.action, "The account is enabled: sign-ins are nothing unusual.")
        blocked = since or (clock.from_text(user.sessions_valid_from) if user.sessions_valid_from else None)
        late = [
            row
            for row in rows
            if blocked is None or clock.from_text(row["createdDateTime"]) > blocked + _ARRIVES_WITHIN
        ]
        when = f" since {clock.in_words(blocked)}" if blocked else " in the last seven days"
        things = tuple(Thing(row["id"], _name(row), Verdict.open, f"Somebody signed in{when}.") for row in late)
        return AreaFound(self.title, self.action, "" if things else f"Nobody signed in{when}.", things)


def _name(row: dict[str, Any]) -> str:
    when = clock.in_words(clock.from_text(row["createdDateTime"]))
    return f"{row['appDisplayName'] or 'An app'}, {when}"
