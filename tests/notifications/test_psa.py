"""Tickets: one for an offboarding, in the queue of the right client, and notes from then on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dev.tenant import seed
from shared.actions.outcome import Outcome
from shared.notifications.psa import autotask
from shared.notifications.settings.preferences import Preferences
from shared.notifications.transport.answer import Answer
from shared.offboarding.lifecycle.operations import Operations

FAILED = {"disable_sign_in": Outcome.done, "remove_groups": Outcome.failed}


def _destination(office: Any, system: str, **more: Any) -> dict[str, Any]:
    keys, origin = office.sinks.keys, office.sinks.origin
    if system == "halo":
        return office.halo(**more)
    if system == "connectwise":
        return {
            "id": "connectwise",
            "system": "connectwise",
            "url": f"{origin}/connectwise",
            "company": keys["connectwise_company"],
            "public_key": keys["connectwise_public"],
            "private_key": keys["connectwise_private"],
            "app_id": keys["connectwise_app"],
            "board": "Service",
            "clients": {seed.FABRIKAM: "fabrikam"},
            **more,
        }
    return {
        "id": "autotask",
        "system": "autotask",
        "url": f"{origin}/autotask",
        "username": keys["autotask_user"],
        "secret": keys["autotask_secret"],
        "integration_code": keys["autotask_code"],
        "queue": 8,
        "clients": {seed.FABRIKAM: "15"},
        **more,
    }


SYSTEMS = ("halo", "connectwise", "autotask")
WRONG = {
    "halo": {"client_secret": "wrong"},
    "connectwise": {"private_key": "wrong"},
    "autotask": {"secret": "wrong"},
}


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_offboarding_makes_a_ticket_of_the_mapped_client(office: Any, system: str) -> None:
    office.settings(psa=[_destination(office, system)])

    ended = office.end(1, FAILED, notify=("psa",))

    delivery = office.only(ended)
    assert delivery.state == "delivered", delivery.message
    assert delivery.reference == "1001"
    (ticket,) = office.sinks.arrived(system)
    assert "fabrikam" in str(ticket["body"]) or "15" in str(ticket["body"])
    assert ended.id in str(ticket["body"])


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_next_run_writes_a_note_into_the_same_ticket(office: Any, system: str) -> None:
    office.settings(psa=[_destination(office, system)])
    first = office.end(1, FAILED, notify=("psa",))
    again = Operations(office.app, "operator").retry(first.id).offboarding

    second = office.deliver(office.finish(again))

    assert [one.state for one in second.deliveries] == ["delivered", "delivered"]
    assert {one.reference for one in second.deliveries} == {"1001"}
    assert [one["title"].startswith("Note on 1001") for one in office.sinks.arrived(system)] == [False, True]


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_answer_that_was_lost_makes_no_second_ticket_and_no_note(office: Any, system: str) -> None:
    office.settings(psa=[_destination(office, system)])
    office.sinks.faults({"match": "POST .*[Tt]ickets$", "kind": "lost", "count": 1})
    ended = office.end(1, notify=("psa",))
    assert office.only(ended).state == "pending"

    for _ in range(3):
        office.tick()

    assert office.only(ended).state == "delivered"
    assert len(office.sinks.arrived(system)) == 1


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_tenant_without_a_client_has_no_ticket_made_anywhere(office: Any, system: str) -> None:
    office.settings(psa=[_destination(office, system, clients={seed.CONTOSO: "contoso"})])

    delivery = office.only(office.end(1, notify=("psa",)))

    assert delivery.state == "dead"
    assert "not mapped" in delivery.message
    assert office.sinks.requests() == []


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_ticket_that_the_request_names_gets_a_note(office: Any, system: str) -> None:
    office.settings(psa=[_destination(office, system)])
    office.end(1, notify=("psa",))

    ended = office.end(2, notify=("psa",), ticket="1001")
    repeated = office.deliver(ended)

    assert office.only(repeated).reference == "1001"
    assert [one["title"] for one in office.sinks.arrived(system)][1:] == ["Note on 1001"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_ticket_of_another_client_gets_nothing(office: Any, system: str) -> None:
    other = "contoso" if system == "connectwise" else "12"
    office.settings(psa=[_destination(office, system, clients={seed.FABRIKAM: other})])
    office.end(1, notify=("psa",))
    office.settings(psa=[_destination(office, system)])

    ended = office.end(2, notify=("psa",), ticket="1001")
    delivery = office.only(office.deliver(ended))

    assert (delivery.state, delivery.reference) == ("delivered", "1002")
    assert "belongs to another client" in delivery.message
    assert [one["body"].get("note_on") for one in office.sinks.arrived(system)] == [None, None]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("number", ["4711", "T-1"])
def test_a_ticket_that_does_not_exist_costs_nobody_the_result(office: Any, system: str, number: str) -> None:
    office.settings(psa=[_destination(office, system)])

    delivery = office.only(office.end(1, FAILED, notify=("psa",), ticket=number))

    assert (delivery.state, delivery.reference) == ("delivered", "1001")
    assert f"has no ticket {number}" in delivery.message
    (ticket,) = office.sinks.arrived(system)
    assert f"has no ticket {number}" in str(ticket["body"])
    assert "Remove from groups" in str(ticket["body"])


def test_autotask_is_not_asked_again_about_values_that_it_does_not_take(office: Any) -> None:
    office.settings(psa=[_destination(office, "autotask", clients={seed.FABRIKAM: "4711"})])

    delivery = office.only(office.end(1, notify=("psa",)))

    assert (delivery.state, delivery.attempts, delivery.status) == ("dead", 1, 500)
    assert delivery.message == "Autotask PSA answered 500: Invalid value: companyID."


def test_what_is_pretty_printed_is_told_in_its_own_words() -> None:
    said = {"code": "InvalidObject", "message": "ticket object is invalid", "errors": [{"message": "board is closed"}]}
    refusal = Answer(400, {}, json.dumps(said, indent=8).encode()).refusal("ConnectWise PSA")

    assert str(refusal) == "ConnectWise PSA answered 400: board is closed"
    assert not refusal.retry


def test_autotask_finds_a_ticket_by_the_number_that_people_see(office: Any) -> None:
    office.settings(psa=[_destination(office, "autotask")])
    office.end(1, notify=("psa",))

    assert office.only(office.end(2, notify=("psa",), ticket="T20300101.1001")).reference == "1001"


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_settings_can_be_checked(office: Any, system: str) -> None:
    good, wrong = _destination(office, system), {**_destination(office, system), **WRONG[system], "id": "wrong"}
    office.settings(psa=[good, wrong])
    results = {one.destination: one for one in _preferences(office).test()}

    assert results[system].delivered
    assert not results["wrong"].delivered
    assert office.sinks.arrived() == []


def test_a_client_that_is_no_number_is_refused_before_it_is_sent(office: Any) -> None:
    office.settings(psa=[_destination(office, "halo", clients={seed.FABRIKAM: "fabrikam"})])

    assert "not the number of a client" in office.only(office.end(1, notify=("psa",))).message


def test_autotask_credentials_go_to_no_zone_but_autotasks() -> None:
    assert autotask._is_zone("https://webservices6.autotask.net/atservicesrest", "https://webservices.autotask.net")
    for url in (
        "http://webservices6.autotask.net/atservicesrest",
        "https://webservices6.autotask.net.evil.example/atservicesrest",
        "https://evil.example/webservices6.autotask.net",
        "https://webservices6.autotask.net@evil.example/",
        "",
    ):
        assert not autotask._is_zone(url, "https://webservices.autotask.net")


def _preferences(office: Any) -> Preferences:
    return Preferences(office.app)
