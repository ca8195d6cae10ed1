"""What a tenant's offboardings came to."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from shared.access.scope import EVERYTHING, Scope
from shared.app.declared import prices
from shared.base.problems import RefusedError
from shared.offboarding.reports import page, tenant_record

if TYPE_CHECKING:
    from dev.lab import Lab


from reporting import HALF, MADE


def report(lab: Lab, tenant: str = "fabrikam.example", scope: Scope = EVERYTHING) -> dict[str, Any]:
    return tenant_record.of(lab.app, scope, tenant, None, None)


def test_it_has_a_row_for_each_and_says_what_is_open(lab: Lab, half_failed: dict[str, Any]) -> None:
    lab.offboard(seed.BO, {"disable_sign_in": True})
    lab.submit(seed.CY, {"disable_sign_in": True}, scheduled_for="2030-02-01T00:00:00Z")
    told = report(lab)

    assert told["results"] == {"completed": 1, "failed": 1, "planned": 1}
    assert {row["user"] for row in told["offboardings"]} == {f"{who}@fabrikam.example" for who in ("ada", "bo", "cy")}
    assert {row["user"]: row["left_to_do"] for row in told["open"]} == {
        "cy@fabrikam.example": [],
        half_failed["user"]["upn"]: ["Convert to a shared mailbox", "Remove licenses"],
    }
    of = {row["title"]: row for row in told["actions"]}
    assert of["Block sign-in"]["done"] == 2
    assert of["Convert to a shared mailbox"]["failed"] == 1


def test_it_says_how_long_it_took_until_the_account_was_closed(lab: Lab) -> None:
    lab.offboard(seed.ADA, {"disable_sign_in": True, "revoke_sessions": True, "reset_password": True})
    lab.offboard(seed.BO, {"disable_sign_in": True})
    told = {row["user"]: row for row in report(lab)["offboardings"]}

    assert told["ada@fabrikam.example"]["seconds_to_contained"] is not None
    assert told["bo@fabrikam.example"]["seconds_to_contained"] is None


def test_it_counts_the_licenses_that_were_freed_and_what_they_are_worth(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, {"convert_to_shared": True, "remove_licenses": True, "remove_groups": True})
    told = tenant_record.summed_up([(result.offboarding, result.steps)], prices("spe_e3=35.70, MCOEV=7.5"))

    counts = {one["sku"]: (one["count"], one["worth"]) for one in told["licenses"]}
    assert counts["SPE_E3"] == (1, 35.7)
    assert counts["MCOEV"] == (1, 7.5)
    assert counts["FLOW_FREE"] == (1, None)
    assert told["worth"] == 43.2


def test_the_table_has_a_line_for_each(lab: Lab, half_failed: dict[str, Any]) -> None:
    lines = list(csv.DictReader(io.StringIO(tenant_record.to_csv(report(lab)))))

    assert [line["user"] for line in lines] == [half_failed["user"]["upn"]]
    assert lines[0]["left_to_do"] == "Convert to a shared mailbox, Remove licenses"


def test_a_tenant_without_any_has_a_report(lab: Lab) -> None:
    told = report(lab, seed.CONTOSO)

    assert told["offboardings"] == []
    assert "Nothing." in page.of_tenant(told, MADE)


def test_who_does_not_see_the_tenant_gets_none(lab: Lab) -> None:
    lab.offboard(seed.ADA, HALF)

    with pytest.raises(RefusedError) as caught:
        report(lab, scope=Scope(tenants=frozenset({seed.CONTOSO})))
    assert caught.value.status == 404


@pytest.mark.parametrize("text", ["SPE_E3", "SPE_E3=", "=3", "A=1,5=", "A=-1", "A=1e9", "A=nan"])
def test_prices_are_amounts(text: str) -> None:
    with pytest.raises(ValueError, match="must be names with amounts"):
        prices(text)
