"""What a request says that cannot be as it was meant is told before anything is stored."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from shared.base.problems import RefusedError
from shared.notifications.settings import destinations
from shared.notifications.settings.preferences import Preferences
from shared.offboarding.request import parsing
from shared.offboarding.request.submit import Planned, Submissions

if TYPE_CHECKING:
    from dev.lab import Lab

BLOCK = {"disable_sign_in": True}


def plan(lab: Lab, users: list[str], actions: dict[str, Any], **more: Any) -> Planned:
    body = {"tenant": "fabrikam.example", "users": users, "actions": actions, **more}
    return Submissions(lab.app).plan(parsing.parse(json.dumps(body).encode(), max_users=100))


@pytest.mark.parametrize(
    "actions",
    [
        {"forward_email": {"to": "ada@fabrikam.example", "keep_copy": False}},
        {"grant_mailbox_access": {"to": [seed.ADA]}},
        {"grant_onedrive_access": {"to": ["cy@fabrikam.example", "bo@fabrikam.example"]}},
        {"forward_email": {"to": "ADA@fabrikam.onmicrosoft.example", "keep_copy": False}},
    ],
)
def test_nobody_who_leaves_takes_over(lab: Lab, actions: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match="Name somebody who stays") as caught:
        plan(lab, ["ada@fabrikam.example", "bo@fabrikam.example"], actions)

    assert (caught.value.status, caught.value.code) == (422, "successor_leaves")


def test_a_successor_whom_nobody_knows_is_told(lab: Lab) -> None:
    to = ["ghost@fabrikam.example", "cy@fabrikam.example"]
    planned = plan(lab, ["ada@fabrikam.example"], {"grant_send_as": {"to": to}})

    (told,) = [text for text in planned.warnings if "has the address" in text]
    assert "ghost@fabrikam.example" in told


@pytest.mark.parametrize("action", ["grant_mailbox_access", "grant_send_as", "grant_onedrive_access"])
def test_nobody_outside_is_given_a_right(lab: Lab, action: str) -> None:
    with pytest.raises(RefusedError, match="is not an address of fabrikam") as caught:
        plan(lab, ["ada@fabrikam.example"], {action: {"to": ["eve@outside.example"]}})

    assert (caught.value.status, caught.value.code) == (422, "successor_outside")


def test_an_address_elsewhere_is_not_looked_for(lab: Lab) -> None:
    forward = {"forward_email": {"to": "ada@elsewhere.example", "keep_copy": False}}

    assert not [text for text in plan(lab, ["ada@fabrikam.example"], forward).warnings if "has the address" in text]


def test_a_person_is_found_by_a_mail_address(lab: Lab) -> None:
    planned = plan(lab, ["Ada@fabrikam.onmicrosoft.example"], BLOCK)

    assert [user.id for user in planned.found.users] == [seed.ADA]
    assert "Ada@fabrikam.onmicrosoft.example is an address of ada@fabrikam.example." in planned.warnings


def test_results_that_nobody_would_be_told_are_warned_of(lab: Lab) -> None:
    planned = plan(lab, ["ada@fabrikam.example"], BLOCK, notify=["webhook", "email"])
    assert [text for text in planned.warnings if text.startswith("Nobody will be told")] == [
        "Nobody will be told by webhook: no destination is set up for it.",
        "Nobody will be told by email: no destination is set up for it.",
    ]

    lab.app.settings.notification_secrets["NOTIFICATION_SECRET_HALO"] = "canary-of-halo"
    lab.app.settings.notification_origins["NOTIFICATION_ORIGIN_HALO"] = "https://halo.example"
    secret = {"setting": "NOTIFICATION_SECRET_HALO"}
    named = {"NOTIFICATION_ORIGIN_HALO": "https://halo.example"}
    lab.app = replace(lab.app, settings=replace(lab.app.settings, notification_origins=named))
    halo = {"id": "halo", "system": "halopsa", "url": "https://halo.example", "client_id": "x", "client_secret": secret}
    psa = [halo | {"clients": {seed.CONTOSO: "12"}}]
    new = destinations.parse_json({"psa": psa, "email": [{"id": "noc", "to": ["noc@msp.example"]}]})
    Preferences(lab.app).put(new, "op@msp.example")
    planned = plan(lab, ["ada@fabrikam.example"], BLOCK, notify=["psa", "email"])
    assert "halo will not be told: tenant fabrikam.example is not mapped to a client of the PSA system." in (
        planned.warnings
    )
    assert "noc will not be told: MAIL_TENANT and MAIL_SENDER are not set." in planned.warnings


def test_a_plan_counts_what_people_have(lab: Lab) -> None:
    ada, bo = plan(lab, [seed.ADA, seed.BO], BLOCK).has

    assert ada.startswith("ada@fabrikam.example: ")
    assert "group" in ada
    assert "Microsoft 365 E3 (SPE_E3)" in bo


def test_a_plan_is_made_without_numbers_where_they_cannot_be_had(lab: Lab) -> None:
    lab.simulator.faults([{"service": "graph", "match": "memberOf", "kind": "status", "status": 403}])

    (bo,) = plan(lab, [seed.BO], BLOCK).has
    assert bo == "bo@fabrikam.example: 1 license (Microsoft 365 E3 (SPE_E3))."
