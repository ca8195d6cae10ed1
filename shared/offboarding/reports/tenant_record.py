"""The record of a tenant's offboardings in a time: what became of each, how long it took, which licenses it freed."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from shared.actions import catalogue
from shared.actions.directory import license_names
from shared.actions.outcome import OPENS_GATE, Outcome
from shared.base import clock
from shared.base.threads import Threads
from shared.jobs import sheets
from shared.jobs.records import Kind, State
from shared.offboarding.lookup import MAX_PAGE, ListFilter, Lookup

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from shared.access.scope import Scope
    from shared.app.services import Services
    from shared.jobs.records import Offboarding, Step
    from shared.offboarding.reports.record import Record

MOST: Final = 500
"""How many offboardings a report reads, the newest: one request each."""

_AT_ONCE: Final = 8
_CONTAIN: Final = ("disable_sign_in", "revoke_sessions", "reset_password")
"""The actions behind which nobody works with the account any more."""

Ended = tuple["Offboarding", dict[str, "Step"]]


def of(services: Services, scope: Scope, tenant: str, since: datetime | None, until: datetime | None) -> Record:
    """Read a tenant's offboardings and sum them up; raises `RefusedError` 404."""
    lookup = Lookup(services, scope)
    listed: list[Offboarding] = []
    start = None
    while len(listed) <= MOST:
        page, start = lookup.page(ListFilter(tenant, since=since, until=until), start, MAX_PAGE)
        listed += page
        if start is None:
            break
    shown = listed[:MOST]
    with Threads(_AT_ONCE, "report") as threads:
        steps = list(threads.map(services.store.steps, [one.id for one in shown]))
    tenant_id = lookup.tenant_id(tenant)
    domain = shown[0].request.tenant.domain if shown else tenant
    record = summed_up(list(zip(shown, steps, strict=True)), services.settings.licence_prices)
    return {
        "tenant": {"id": tenant_id, "domain": domain},
        "since": clock.to_text(since) if since else None,
        "until": clock.to_text(until) if until else None,
        "is_cut": len(listed) > MOST,
        **record,
    }


def summed_up(known: Sequence[Ended], prices: Mapping[str, float]) -> Record:
    """Sum up offboardings and their steps: pure."""
    rows = [_row(offboarding, steps) for offboarding, steps in known]
    licenses = list(_licenses(known, prices))
    worths = [each["worth"] for each in licenses if each["worth"] is not None]
    return {
        "offboardings": rows,
        "results": dict(sorted(Counter(row["result"] for row in rows).items())),
        "actions": list(_actions(known)),
        "licenses": licenses,
        "worth": round(sum(worths), 2) if worths else None,
        "seconds_to_contained": _middle(row["seconds_to_contained"] for row in rows),
        "seconds_to_finished": _middle(row["seconds_to_finished"] for row in rows),
        "open": [row for row in rows if row["left_to_do"] or row["result"] in {"planned", "running"}],
    }


def _row(offboarding: Offboarding, steps: Mapping[str, Step]) -> Record:
    left = [step for step in steps.values() if step.outcome and step.outcome not in OPENS_GATE]
    due = max(offboarding.scheduled_for or offboarding.requested_at, offboarding.requested_at)
    contained = _contained(steps) if offboarding.request.kind is Kind.offboarding else None
    result = offboarding.state.value.casefold()
    return {
        "id": offboarding.id,
        "kind": offboarding.request.kind.value,
        "user": offboarding.request.person.upn,
        "name": offboarding.request.person.display_name,
        "result": "attention" if offboarding.state is State.completed and left else result,
        "message": offboarding.message,
        "reference": offboarding.request.reference,
        "due_at": clock.to_text(due),
        "ended_at": clock.to_text(offboarding.ended_at) if offboarding.ended_at else None,
        "seconds_to_contained": _seconds(due, contained),
        "seconds_to_finished": _seconds(due, offboarding.ended_at),
        "left_to_do": [catalogue.title_of(step.name) for step in left],
    }


def _contained(steps: Mapping[str, Step]) -> datetime | None:
    """Return since when nobody works with the account; None where one of those steps was not selected or not done."""
    done = [step for name in _CONTAIN if (step := steps.get(name)) and step.outcome in OPENS_GATE]
    moments = [moment for step in done if (moment := step.written_at or step.ended_at)]
    return max(moments) if len(moments) == len(_CONTAIN) else None


def _seconds(since: datetime, until: datetime | None) -> int | None:
    return max(round((until - since).total_seconds()), 0) if until else None


def _middle(seconds: Iterable[int | None]) -> int | None:
    known = sorted(each for each in seconds if each is not None)
    return known[len(known) // 2] if known else None


def _actions(known: Sequence[Ended]) -> Iterable[Record]:
    counts: dict[str, Counter[str]] = {}
    for _, steps in known:
        for step in steps.values():
            if step.outcome:
                counts.setdefault(step.name, Counter())[step.outcome.value] += 1
    for name, each in sorted(counts.items(), key=lambda pair: catalogue.title_of(pair[0])):
        yield {"title": catalogue.title_of(name), **{outcome.value: each[outcome.value] for outcome in Outcome}}


def _licenses(known: Sequence[Ended], prices: Mapping[str, float]) -> Iterable[Record]:
    """Count the licenses that offboardings took back, by product; a person who had one twice freed one."""
    freed: Counter[str] = Counter()
    names: dict[str, str] = {}
    for offboarding, steps in known:
        step = steps.get("remove_licenses")
        if step is None or offboarding.request.kind is not Kind.offboarding:
            continue
        skus = {item.id.partition("/")[0]: item.name for item in step.items if item.outcome is Outcome.done}
        names |= {sku: _GIVEN_BY.sub("", name) for sku, name in skus.items()}
        freed.update(list(skus))
    for sku, count in sorted(freed.items(), key=lambda pair: names[pair[0]]):
        part = license_names.part_number(sku)
        price = prices.get(part.casefold())
        worth = None if price is None else round(price * count, 2)
        yield {"sku": part or sku, "name": names[sku], "count": count, "price": price, "worth": worth}


_GIVEN_BY: Final = re.compile(r" \(from [^()]*\)$")

_COLUMNS: Final = (
    "id",
    "kind",
    "user",
    "name",
    "result",
    "message",
    "reference",
    "due_at",
    "ended_at",
    "seconds_to_contained",
    "seconds_to_finished",
)


def to_csv(record: Record) -> str:
    """Return the offboardings of a record as a table."""
    rows: list[Sequence[Any]] = [
        [*(row[name] for name in _COLUMNS), ", ".join(row["left_to_do"])] for row in record["offboardings"]
    ]
    return sheets.to_csv([*_COLUMNS, "left_to_do"], rows)
