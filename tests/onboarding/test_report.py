"""From facts to a report, without anybody being asked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

import function_app
from shared.actions import catalogue, permissions
from shared.actions.catalogue import EXCHANGE_ADMIN, graph_permission
from shared.microsoft365.app_roles import BROADER, EXCHANGE, GRAPH, SHAREPOINT
from shared.microsoft365.http.errors import from_exchange
from shared.offboarding.onboarding import report
from shared.offboarding.onboarding.advice import Advice
from shared.offboarding.onboarding.report import Facts, Probe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.offboarding.onboarding.report import Report

assert function_app.app

ACTIONS = list(catalogue.all_actions().values())
ALL = {
    api: frozenset(p.name for action in ACTIONS for p in permissions.needed_by(action) if p.api == api)
    for api in (GRAPH, EXCHANGE, SHAREPOINT)
}
NOW = datetime(2026, 11, 23, tzinfo=UTC)
ADVICE = Advice("client", "https://login.example", "tenant")


def _report(changed: Mapping[str, Probe]) -> Report:
    probes = {api: Probe(names) for api, names in ALL.items()} | changed
    return report.make(Facts("tenant", probes), ACTIONS, ADVICE, NOW)


def test_with_all_permissions_and_no_error_all_is_ready() -> None:
    made = _report({})

    assert made.ready
    assert (made.tenant_id, made.checked_at) == ("tenant", NOW)


@pytest.mark.parametrize(
    ("api", "name"), sorted((api, name) for api, names in ALL.items() for name in names), ids=lambda text: text
)
def test_each_permission_is_missed_where_it_is_needed_and_nowhere_else(api: str, name: str) -> None:
    without = ALL[api] - {name, *BROADER.get(name, ())}
    made = _report({api: Probe(without)})

    needing = {a.name for a in ACTIONS if any((p.api, p.name) == (api, name) for p in permissions.needed_by(a))}
    missed = {state.name for state in made.actions if name in {p.name for p in state.missing}}
    assert missed == needing
    assert not any(state.ready for state in made.actions if state.name in missed)


@pytest.mark.parametrize("api", [GRAPH, EXCHANGE, SHAREPOINT])
def test_a_token_that_does_not_show_its_permissions_proves_nothing(api: str) -> None:
    made = _report({api: Probe(None)})

    using = {a.name for a in ACTIONS if any(p.api == api for p in permissions.needed_by(a))}
    assert {state.name for state in made.actions if not state.ready} == using
    assert all("could not be read" in state.why for state in made.actions if state.name in using)
    assert not any(state.missing for state in made.actions)


def test_reasons_of_two_services_are_both_told_once() -> None:
    refused = from_exchange(403, {}, b"\x00" * 64)
    made = _report({EXCHANGE: Probe(ALL[EXCHANGE], refused), GRAPH: Probe(ALL[GRAPH] - {"Calendars.ReadWrite"})})

    state = next(state for state in made.actions if state.name == "remove_calendar_permissions")
    assert state.why.count("Calendars.ReadWrite") == state.why.count("no Exchange role") == 1
    assert "adminconsent" in state.do
    assert "Exchange Administrator" in state.do


def test_what_is_not_known_is_not_remarked() -> None:
    assert list(permissions.remarks([action.name for action in ACTIONS], {})) == []


def test_a_remark_names_the_permission_and_every_step_that_fails() -> None:
    chosen = ["forward_email", "convert_to_shared", "disable_sign_in"]
    (text,) = permissions.remarks(chosen, {GRAPH: ALL[GRAPH], EXCHANGE: frozenset()})

    assert EXCHANGE_ADMIN.name in text
    assert "Forward e-mail, Convert to a shared mailbox" in text
    assert "Block sign-in" not in text


def test_a_broader_permission_is_as_good() -> None:
    wanted = graph_permission("User.Read.All")

    assert permissions.lacks(wanted, {GRAPH: frozenset()})
    assert not permissions.lacks(wanted, {GRAPH: frozenset({"Directory.Read.All"})})
    assert not permissions.lacks(wanted, {EXCHANGE: frozenset()})
