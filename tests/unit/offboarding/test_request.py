"""What our API accepts, and in which words it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

import function_app
from shared.base.problems import RefusedError
from shared.jobs.storage import rows
from shared.offboarding.request import parsing, submission

GOOD: dict[str, Any] = {
    "tenant": "fabrikam.example",
    "users": ["ada@fabrikam.example"],
    "actions": {"disable_sign_in": True},
}


def parse(body: dict[str, Any]) -> parsing.Submission:
    assert function_app.app
    return parsing.parse(json.dumps(body).encode(), max_users=100)


def refusal(body: object) -> RefusedError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(RefusedError) as caught:
        parsing.parse(raw, max_users=100)
    return caught.value


def fields(error: RefusedError) -> set[str]:
    return {problem.field for problem in error.problems}


def test_the_smallest_request() -> None:
    submission = parse(GOOD)

    assert submission.actions == {"disable_sign_in": {}}
    assert submission.scheduled_for is None


def test_switched_off_actions_are_not_selected() -> None:
    submission = parse(GOOD | {"actions": {"disable_sign_in": True, "reset_password": False, "forward_email": None}})

    assert list(submission.actions) == ["disable_sign_in"]


def test_parameters_arrive_with_their_defaults() -> None:
    submission = parse(GOOD | {"actions": {"forward_email": {"to": "cy@fabrikam.example"}}})

    assert submission.actions["forward_email"] == {"to": "cy@fabrikam.example", "keep_copy": False}


@pytest.mark.parametrize("body", [b"", b"no", b"\xff\xfe", b"[]", b"null", b"1", b'"x"', b"{", b"[" * 5000])
def test_what_is_not_an_object_is_refused(body: bytes) -> None:
    assert refusal(body).status == 400


def test_every_problem_is_told_at_once() -> None:
    error = refusal(
        {"tenant": "no tenant", "users": ["nobody"], "actions": {"forward_email": {}, "fly": True}, "colour": "red"}
    )

    assert error.status == 400
    assert {"tenant", "users.0", "actions.forward_email.to", "actions.fly", "colour"} <= fields(error)


def test_missing_fields_are_named() -> None:
    assert fields(refusal({})) == {"tenant", "users", "actions"}


def test_no_action_is_refused() -> None:
    assert fields(refusal(GOOD | {"actions": {}})) == {"actions"}
    assert fields(refusal(GOOD | {"actions": {"disable_sign_in": False}})) == {"actions"}


def test_a_body_over_the_limit_is_413() -> None:
    assert refusal(b"{" + b" " * submission.MAX_BODY_BYTES).status == 413


def test_too_many_users() -> None:
    users = [f"u{n}@fabrikam.example" for n in range(101)]

    assert fields(refusal(GOOD | {"users": users})) == {"users"}


@pytest.mark.parametrize(
    "moment", ["2026-11-30T17:00:00", "tomorrow", 5, "5", "1700000000", "2026-11-30T17:00Z", "2026-11-30 17:00:00Z"]
)
def test_a_moment_needs_a_date_a_time_and_a_zone(moment: object) -> None:
    error = refusal(GOOD | {"scheduled_for": moment})
    assert (error.status, fields(error)) == (400, {"scheduled_for"})


@pytest.mark.parametrize(
    "moment",
    ["2026-13-01T00:00:00Z", "2026-06-30T23:59:60Z", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"],
)
def test_a_moment_outside_of_the_calendar_is_refused(moment: str) -> None:
    error = refusal(GOOD | {"scheduled_for": moment})
    assert (error.status, fields(error)) == (422, {"scheduled_for"})


@pytest.mark.parametrize("moment", ["2026-11-30T17:00:00+01:00", "2026-11-30t16:00:00.0000001z"])
def test_a_moment_is_written_as_the_internet_does(moment: str) -> None:
    scheduled = parse(GOOD | {"scheduled_for": moment}).scheduled_for
    assert scheduled == datetime(2026, 11, 30, 16, tzinfo=UTC)


@pytest.mark.parametrize("text", ["two\nlines", "turned\u202eround", "hid\u200bden", "\x7f", "\u2028", "\u2066x"])
def test_a_reference_is_what_it_looks_like(text: str) -> None:
    assert fields(refusal(GOOD | {"reference": text})) == {"reference"}


@pytest.mark.parametrize("text", ["", "TICKET-42", "Größe №5 日本語", "a" * 200])
def test_a_reference_is_one_line_of_any_language(text: str) -> None:
    assert parse(GOOD | {"reference": text}).reference == text


@pytest.mark.parametrize("user", ["", "ada", "a b@x.example", "ada@", "@x.example", "ada\u202e@x.example", "x" * 400])
def test_users_are_addresses_or_object_ids(user: str) -> None:
    assert fields(refusal(GOOD | {"users": [user]})) == {"users.0"}


def test_a_message_never_carries_control_characters_of_the_input() -> None:
    error = refusal(GOOD | {"users": ["ada\u202e\x07@x.example"]})

    assert all(problem.message.isprintable() for problem in error.problems)


@pytest.mark.parametrize("text", ["", "<p></p>", "<p>&nbsp;</p>", "  "])
def test_a_message_of_tags_alone_is_empty(text: str) -> None:
    assert refusal(GOOD | {"actions": {"set_out_of_office": {"internal": text}}}).status == 422


def test_nobody_is_told_twice() -> None:
    body = {"tenant": "fabrikam.example", "users": ["a@fabrikam.example"], "actions": {"disable_sign_in": True}}

    submission = parsing.parse(json.dumps({**body, "notify": ["webhook", "email"] * 500}).encode(), max_users=1)
    assert submission.notify == ("webhook", "email")
    actions, notify, *_ = parsing.parse_defaults(json.dumps({"actions": {}, "notify": ["psa"] * 500}).encode())
    assert (actions, notify) == ({}, ("psa",))


def test_values_are_not_converted() -> None:
    assert refusal(GOOD | {"actions": {"disable_sign_in": "yes"}}).status == 400
    assert refusal(GOOD | {"force": "true"}).status == 400
    assert fields(refusal(GOOD | {"actions": {"disable_sign_in": True, "forward_email": 0}}))


def test_what_is_stored_fits_a_property() -> None:
    text = "<p>" + "x" * 11_000 + "</p>"
    submission = parse(GOOD | {"actions": {"set_out_of_office": {"internal": text, "external": text}}})

    assert len(json.dumps(submission.actions)) < rows.MAX_PROPERTY_CHARS
