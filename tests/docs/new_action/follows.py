"""What follows from the declaration of the new action; runs in the copy that has it."""

import json

import function_app
from dev import docs
from shared.actions import plan
from shared.offboarding.request import parsing
from triggers.openapi.document import document

NAME = "remove_administrative_units"


def test_there_is_a_function_of_its_name() -> None:
    assert NAME in {function.get_function_name() for function in function_app.app.get_functions()}


def test_the_plan_has_it_in_its_place() -> None:
    made = plan.make([NAME, "disable_sign_in"])
    (step,) = [node for node in made.steps if node.name == NAME]

    assert "disable_sign_in" in step.after
    assert made.refusals == ()


def test_the_api_takes_it_and_describes_it() -> None:
    body = {"tenant": "contoso.example", "users": ["lia@contoso.example"], "actions": {NAME: True}}

    assert parsing.parse(json.dumps(body).encode(), 10).actions == {NAME: {}}
    assert f'"{NAME}"' in json.dumps(document("https://offboarding.example"))


def test_the_pages_name_it_and_its_permission() -> None:
    pages = {path.name: text for path, text in docs.pages().items()}

    assert f"| `{NAME}` |" in pages["README.md"]
    assert NAME in pages["permissions.md"]
    assert "5eb59dd3-1da2-4329-8733-9dabdc435916" in pages["app-registration.json"]
