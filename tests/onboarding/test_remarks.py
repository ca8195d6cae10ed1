"""What plans and submissions say of permissions that were not granted, and what knowing it costs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from shared.microsoft365.app_roles import EXCHANGE, GRAPH, SHAREPOINT
from shared.offboarding.request import parsing
from shared.offboarding.request.submit import Submissions

if TYPE_CHECKING:
    from shared.offboarding.request.submission import Submission

    Site = Any

LATER = "2040-01-01T00:00:00Z"
ONEDRIVE = {"grant_onedrive_access": {"to": [seed.CY]}}


def _submission(actions: dict[str, Any]) -> Submission:
    body = {"tenant": seed.FABRIKAM, "users": [seed.BO], "actions": actions, "scheduled_for": LATER}
    return parsing.parse(json.dumps(body).encode(), max_users=1)


def _sent(site: Site) -> list[str]:
    """Return what was asked: the services called, and each token."""
    requests = [sent for sent in site.simulator.requests() if "openid-configuration" not in sent["url"]]
    return sorted("token" if sent["service"] == "login" else sent["service"] for sent in requests)


def test_a_plan_knows_what_was_granted_by_a_service_that_it_does_not_ask(site: Site) -> None:
    site.revoke("Exchange.ManageAsApp", "exchange")
    planned = Submissions(site.app()).plan(_submission({"set_out_of_office": {"internal": "Gone"}}))

    assert any("Exchange.ManageAsApp" in warning for warning in planned.warnings)
    assert _sent(site) == ["graph", "graph", "token", "token"], "one batch more counts what the person has"


def test_a_plan_signs_in_to_nothing_that_it_does_not_use(site: Site) -> None:
    Submissions(site.app()).plan(_submission({"disable_sign_in": True}))

    assert _sent(site) == ["graph", "graph", "token"]


def test_a_submission_says_what_its_own_token_shows_and_asks_for_no_other(site: Site) -> None:
    site.revoke("UserAuthenticationMethod.ReadWrite.All")
    site.revoke("Exchange.ManageAsApp", "exchange")
    actions = {"remove_mfa_methods": True, "set_out_of_office": {"internal": "Gone"}}
    submitted = Submissions(site.app()).submit(_submission(actions), "operator")

    (text,) = [text for text in submitted.general if "not granted" in text]
    assert "UserAuthenticationMethod.ReadWrite.All (Microsoft Graph)" in text
    assert text.endswith("These steps need it: Remove sign-in methods.")
    assert _sent(site) == ["graph", "token"]


def test_a_sign_in_that_does_not_answer_costs_the_remark_and_not_the_plan(site: Site) -> None:
    app = site.app()
    app.microsoft365.sign_in(seed.FABRIKAM, app.microsoft365.audiences[GRAPH])
    site.revoke("Exchange.ManageAsApp", "exchange")
    site.simulator.faults([{"service": "login", "kind": "status", "status": 500}])
    planned = Submissions(app).plan(_submission({"set_out_of_office": {"internal": "Gone"}}))

    assert not any("not granted" in warning for warning in planned.warnings)


def test_what_sharepoint_granted_is_known_once_the_app_has_a_token_for_it(site: Site) -> None:
    app = site.app()
    site.revoke("Sites.FullControl.All", "sharepoint")
    assert SHAREPOINT not in app.microsoft365.permissions_granted(seed.FABRIKAM)
    site.check(app)

    planned = Submissions(app).plan(_submission(ONEDRIVE))

    assert any("Sites.FullControl.All" in warning for warning in planned.warnings)


def test_an_app_that_is_not_in_the_tenant_was_granted_nothing(site: Site) -> None:
    site.simulator.arrange(seed.FABRIKAM, "consent", present=False)

    assert site.app().microsoft365.permissions_granted(seed.FABRIKAM) == dict.fromkeys(
        (GRAPH, EXCHANGE, SHAREPOINT), frozenset()
    )


@pytest.mark.parametrize("action", ["remove_groups", "delete_user"])
def test_a_plan_names_the_groups_whose_last_owner_leaves(site: Site, action: str) -> None:
    made = {"nickname": "solo", "name": "Solo", "kind": "team", "members": [seed.BO]}
    site.simulator.arrange("fabrikam.example", "group", create=made, set={"owners": [seed.BO]})
    made = {"nickname": "duo", "name": "Duo", "kind": "team", "members": [seed.BO]}
    site.simulator.arrange("fabrikam.example", "group", create=made, set={"owners": [seed.BO, seed.CY]})

    planned = Submissions(site.app()).plan(_submission({action: True}))

    (text,) = [text for text in planned.warnings if "last owner" in text]
    assert "Solo" in text
    assert "Duo" not in text


def test_a_plan_says_when_the_successor_forwards_back(site: Site) -> None:
    forwarding = {"ForwardingAddress": seed.BO}
    site.simulator.arrange("fabrikam.example", "mailbox", mailbox=seed.CY, set=forwarding)

    planned = Submissions(site.app()).plan(_submission({"forward_email": {"to": "cy@fabrikam.example"}}))

    assert any("in a circle" in text for text in planned.warnings)
