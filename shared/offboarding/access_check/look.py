"""Looking: one Graph and one Exchange batch for all areas, then the OneDrive; nothing is changed."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from shared.actions.reads.account import USER
from shared.actions.reads.perform import perform
from shared.base import clock
from shared.offboarding.access_check import areas
from shared.offboarding.access_check.verdict import AreaFound, Check

if TYPE_CHECKING:
    from datetime import datetime

    from shared.actions.mailboxes.scan import Scans
    from shared.actions.reads.snapshot import Person, Read, Snapshot
    from shared.microsoft365.cloud import TenantClients
    from shared.microsoft365.http.errors import MicrosoftError
    from shared.offboarding.access_check.areas import Area, Meant


def look(
    person: Person,
    clients: TenantClients,
    scans: Scans,
    *,
    since: datetime | None = None,
    meant: Meant = MappingProxyType({}),
) -> tuple[Check, list[MicrosoftError]]:
    """Look at everything a person might still get at; returns what was found, and the errors worth asking again.

    Costs at most four requests beside what the scans of the tenant ask: Graph in both its versions, Exchange,
    SharePoint.

    Args:
        person: who.
        clients: of the tenant.
        scans: of the tenant.
        since: when the account was blocked; None where that is not known.
        meant: what actions of an offboarding left, which may look open and is `left` while it is so.
    """
    everywhere = areas.all_areas()
    now, again = perform(areas.gathered(area.reads(since) for area in everywhere), person, clients)
    if now.values.get(USER.name, "unread") is None:
        return Check(clock.now(), tuple(areas.gone(area) for area in everywhere)), again
    later = areas.gathered(_later(area, now, person) for area in everywhere)
    asked = {*now.values, *now.errors}
    if later := [read for read in later if read.name not in asked]:
        seen, more = perform(later, person, clients, now)
        now, again = seen.with_fallback(now), [*again, *more]
    found: list[AreaFound] = []
    for area in everywhere:
        try:
            surveyed = area.survey(now, person, clients, scans)
            one = area.look(surveyed.with_fallback(now) if surveyed else now, person, since)
        except areas.FAILURES as error:
            one = areas.unknown(area, areas.reason(error))
        found.append(areas.as_meant(one, meant, now).shortened())
    return Check(clock.now(), tuple(found)), again


def _later(area: Area, now: Snapshot, person: Person) -> tuple[Read[object], ...]:
    try:
        return area.reads_later(now, person)
    except areas.FAILURES:
        return ()
