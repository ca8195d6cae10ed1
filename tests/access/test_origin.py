"""From where somebody asked is recorded as the proxies before the app say it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed
from shared.access.caller import authorised
from shared.access.scope import Scope
from shared.offboarding.request import parsing
from shared.offboarding.request.submit import Submissions

if TYPE_CHECKING:
    from dev.lab import Lab


def origin(lab: Lab, header: str | None) -> str:
    settings = replace(lab.app.settings, auth_mode="function-key")
    headers = {} if header is None else {"x-forwarded-for": header}
    return authorised("POST offboardings", settings, headers).scope.origin


@pytest.mark.parametrize("header", ["203.0.113.7", "203.0.113.7:4711", "[2001:db8::1]:443", "10.0.0.1, 203.0.113.7"])
def test_addresses_are_recorded_as_they_came(lab: Lab, header: str) -> None:
    assert origin(lab, header) == header


def test_of_many_the_last_are_kept_which_the_callers_own_proxies_did_not_write(lab: Lab) -> None:
    assert origin(lab, ", ".join(["10.0.0.1"] * 50 + ["203.0.113.7"])).endswith("10.0.0.1, 203.0.113.7")
    assert len(origin(lab, ", ".join(["10.0.0.1"] * 50))) <= 100


@pytest.mark.parametrize("header", [None, "", "<b>here</b>", "203.0.113.7\nx", "boss's office", "::1; DROP"])
def test_what_is_no_address_is_not_recorded(lab: Lab, header: str | None) -> None:
    assert origin(lab, header) == ""


def test_a_decision_says_from_where(lab: Lab) -> None:
    body = b'{"tenant": "fabrikam.example", "users": ["%s"], "actions": {"disable_sign_in": true}}' % seed.ADA.encode()
    submission = parsing.parse(body, max_users=1)
    (stored,) = Submissions(lab.app, Scope(origin="203.0.113.7")).submit(submission, "operator").offboardings

    kept = lab.app.store.get(stored.id)
    assert kept
    assert kept.events[0].origin == "203.0.113.7"
