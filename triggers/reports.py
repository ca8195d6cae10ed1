"""Reports: pages to look at, to print and to hand to an auditor, and the records that they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.app import services
from shared.base import clock
from shared.base.problems import refused
from shared.offboarding.lookup import Lookup
from triggers.answers import csv_answer, html_answer, json_answer, moment, query
from triggers.routing import route

if TYPE_CHECKING:
    import azure.functions as func

    from shared.access.caller import Caller
    from shared.offboarding.reports.page import Made
    from shared.offboarding.reports.record import Record


@route("GET offboardings/{id}/report", query=("format", "zone"))
def get_report(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Get all that is known of an offboarding as a page, or as the record that the page shows."""
    from shared.offboarding.reports import page, record

    wanted = _format(req, "html", "json")
    made = _made(req)
    lookup = Lookup(services.current(), caller.scope)
    offboarding, details = lookup.details(req.route_params["id"])
    known = record.of(offboarding, details, lookup.audit(offboarding.id))
    if wanted == "json":
        return _with_digest(known, made)
    return html_answer(page.of_offboarding(known, made), page.styles())


@route("GET tenants/{tenant}/report", query=("since", "until", "format", "zone"))
def get_tenant_report(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Sum up a tenant's offboardings of a time: as a page, a table or a record."""
    from shared.offboarding.reports import page, tenant_record

    wanted = _format(req, "html", "csv", "json")
    made = _made(req)
    known = tenant_record.of(
        services.current(), caller.scope, req.route_params["tenant"], moment(req, "since"), moment(req, "until")
    )
    if wanted == "csv":
        return csv_answer(tenant_record.to_csv(known), f"offboardings-{known['tenant']['domain']}.csv")
    if wanted == "json":
        return _with_digest(known, made)
    return html_answer(page.of_tenant(known, made), page.styles())


def _format(req: func.HttpRequest, first: str, *others: str) -> str:
    wanted = query(req).get("format", first)
    if wanted not in {first, *others}:
        raise refused(400, "invalid_request", f"format must be one of {', '.join((first, *others))}.", "format")
    return wanted


def _made(req: func.HttpRequest) -> Made:
    from shared.offboarding.reports import page

    return page.Made(clock.now(), page.zone_of(query(req).get("zone", "")))


def _with_digest(known: Record, made: Made) -> func.HttpResponse:
    from shared import __version__
    from shared.offboarding.reports import record

    body = {"sha256": record.digest(known), "made_at": clock.to_text(made.at), "version": __version__, "record": known}
    return json_answer(body)
