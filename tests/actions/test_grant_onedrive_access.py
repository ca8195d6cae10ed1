"""Colleagues are let into the leaver's OneDrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed
from shared.actions import catalogue
from shared.base.problems import RefusedError

if TYPE_CHECKING:
    from dev.lab import Lab

from onedrives import SHARING, access, calls, onedrive


def test_colleagues_are_let_in(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, access(seed.CY, "bo@fabrikam.example"))

    assert result.offboarding.state == "Completed"
    assert result.items("grant_onedrive_access") == {"Cy Brandt": "done", "Bo Haugen": "done"}
    assert onedrive(lab)["admins"] == [seed.ADA, seed.CY, seed.BO]
    assert onedrive(lab)["url"] in result.steps["grant_onedrive_access"].items[0].message


def test_an_administrator_already_is_not_made_one_again(lab: Lab) -> None:
    lab.offboard(seed.ADA, access(seed.CY))

    result = lab.offboard(seed.ADA, access(seed.CY, seed.BO))

    assert result.items("grant_onedrive_access") == {"Cy Brandt": "already_done", "Bo Haugen": "done"}
    assert (calls(result).count("ensureuser"), calls(result).count("getuserbyid")) == (2, 1)


def test_a_colleague_without_a_sharepoint_license_is_explained(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, access(seed.NO_MAILBOX, seed.CY))

    assert result.items("grant_onedrive_access") == {"Nils Aalto": "failed", "Cy Brandt": "done"}
    assert "no SharePoint license" in result.message("grant_onedrive_access")


def test_one_who_does_not_exist_fails_and_the_others_go_on(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, access("nobody@fabrikam.example", seed.CY))

    assert result.items("grant_onedrive_access") == {
        "nobody@fabrikam.example": "failed",
        "Cy Brandt": "done",
    }


def test_a_person_named_by_id_by_address_and_by_alias_is_one_person(lab: Lab) -> None:
    result = lab.offboard(seed.ADA, access(seed.CY, "CY@fabrikam.example", "cy@fabrikam.onmicrosoft.example"))

    assert result.items("grant_onedrive_access") == {"Cy Brandt": "done"}
    assert calls(result).count("ensureuser") == 1


def test_licenses_go_after_the_onedrive_is_handed_over(lab: Lab) -> None:
    for order in range(5):
        lab.simulator.reset()
        result = lab.offboard(seed.ADA, access(seed.CY) | SHARING | {"remove_licenses": True}, order=order, force=True)
        urls = [f"{sent['url']} {[item['url'] for item in sent['items']]}" for sent in result.requests]
        writes = [n for n, url in enumerate(urls) if "getuserbyid" in url]
        assert max(writes) < next(n for n, url in enumerate(urls) if "assignLicense" in url)


def test_a_list_without_anybody_is_refused_at_submit(lab: Lab) -> None:
    with pytest.raises(RefusedError):
        lab.submit(seed.ADA, access())


def test_the_portals_picker_is_read() -> None:
    action = catalogue.get("grant_onedrive_access")

    assert action.from_portal({"onedriveaccess": [{"label": "Cy", "value": seed.CY}]}) == {"to": [seed.CY]}
    assert action.from_portal({}) is None
