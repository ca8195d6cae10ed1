"""What is wrong with a body is told in the words of the API, with what should be there instead."""

import json
from typing import Any

import pytest

import function_app  # noqa: F401 - puts the actions into the catalogue
from shared.base.problems import RefusedError
from shared.notifications.settings import destinations
from shared.offboarding.request import parsing

WHOLE = {"tenant": "fabrikam.example", "users": ["ada@fabrikam.example"], "actions": {"disable_sign_in": True}}


def told_of_request(**more: Any) -> dict[str, str]:
    with pytest.raises(RefusedError) as refused:
        parsing.parse(json.dumps({**WHOLE, **more}).encode(), 5)
    return {problem.field: problem.message for problem in refused.value.problems}


def told_of_destinations(body: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(RefusedError) as refused:
        destinations.parse(json.dumps(body).encode())
    return {problem.field: problem.message for problem in refused.value.problems}


@pytest.mark.parametrize(
    ("action", "given", "example"),
    [
        ("forward_email", True, '{"to": …}'),
        ("forward_email", "cy@fabrikam.example", '{"to": …}'),
        ("set_out_of_office", True, '{"internal": …}'),
        ("grant_send_as", ["cy@fabrikam.example"], '{"to": …}'),
    ],
)
def test_an_action_with_parameters_shows_them(action: str, given: object, example: str) -> None:
    told = told_of_request(actions={action: given})

    assert told == {f"actions.{action}": f"This action has parameters: give {example}."}


@pytest.mark.parametrize(
    ("body", "field", "near"),
    [
        ({"actions": {"disable_signin": True}}, "actions.disable_signin", "disable_sign_in"),
        (
            {"actions": {"forward_email": {"to": "a@b.example", "keepcopy": True}}},
            "actions.forward_email.keepcopy",
            "keep_copy",
        ),
        ({"schedule_for": None}, "schedule_for", "scheduled_for"),
    ],
)
def test_a_name_that_is_not_known_leads_to_the_one_that_was_meant(body: dict[str, Any], field: str, near: str) -> None:
    assert told_of_request(**body)[field] == f"This field is not known. Did you mean {near}?"


def test_a_name_that_is_like_no_other_leads_nowhere() -> None:
    assert told_of_request(color="red") == {"color": "This field is not known."}
    # The field of another body.
    assert told_of_request(ids=[]) == {"ids": "This field is not known."}


def test_too_few_are_told() -> None:
    assert told_of_request(users=[]) == {"users": "At least 1 must be given."}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"webhooks": []}, {"webhooks": "This field is not known. Did you mean webhook?"}),
        ({"email": [{"id": "a", "to": "x"}]}, {"email.0.to": "This must be a list."}),
        ({"email": [{"to": ["x@y.example"]}]}, {"email.0.id": "This field is missing."}),
        ({"email": [{"id": "a", "to": ["x"]}]}, {"email.0.to.0": "'x' is not a mail address."}),
        ({"psa": [{"id": "a"}]}, {"psa.0.system": "This field is missing."}),
        (
            {"psa": [{"id": "a", "system": "halo"}]},
            {"psa.0.system": "This must be one of 'halopsa', 'connectwise', 'autotask'."},
        ),
        (
            {"psa": [{"id": "a", "system": "halopsa", "url": "https://x.example", "client_id": "x"}]},
            {"psa.0.client_secret": "This field is missing."},
        ),
        (
            {"webhook": [{"id": "a", "url": "x", "format": "teams", "auth": {"kind": "bearer", "tokn": "canary"}}]},
            {
                "webhook.0.auth.token": "This field is missing.",
                "webhook.0.auth.tokn": "This field is not known. Did you mean token?",
            },
        ),
    ],
)
def test_destinations_are_told_of_in_the_same_words(body: dict[str, Any], told: dict[str, str]) -> None:
    assert told_of_destinations(body) == told
