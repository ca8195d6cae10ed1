"""The description of the API is there to be read: every field says what it means, and every example is a true one."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

import function_app  # noqa: F401 - puts the actions into the catalogue
from shared.notifications.settings import destinations
from shared.offboarding.request import parsing
from triggers.openapi import words
from triggers.openapi.document import document
from triggers.openapi.page import page

DOCUMENT = document("https://offboarding.example")
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS = [(path, method, one) for path, way in DOCUMENT["paths"].items() for method, one in way.items()]


def fields(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, list):
        for each in schema:
            yield from fields(each)
    elif isinstance(schema, dict):
        yield from schema.get("properties", {}).items()
        for each in schema.values():
            yield from fields(each)


FIELDS = [(f"{component}.{name}", field) for component, schema in SCHEMAS.items() for name, field in fields(schema)]


def validator(schema: dict[str, Any]) -> Any:
    return jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def test_every_field_says_what_it_means() -> None:
    assert len(FIELDS) > 200
    assert [name for name, field in FIELDS if not field.get("description", "").endswith(".")] == []


def test_every_field_that_can_be_many_things_shows_one() -> None:
    open_ended = [name for name, field in FIELDS if field.get("type") in {"string", "integer"} and "enum" not in field]
    shown = {name for name, field in FIELDS if "examples" in field or "const" in field or "format" in field}

    assert sorted(set(open_ended) - shown - NEED_NONE) == []


NEED_NONE = {
    # Texts that are mostly empty, or ids that nobody reads.
    *("Audit.client_request_id", "Audit.request_id", "Tenants.problem", "Actions.problem"),
    *("TenantCheck.why", "TenantCheck.do", "Given.HaloPsa.hosted_tenant"),
    "Given.activities__forward_email__Params.to",
    "Given.activities__hand_over_ownership__Params.to",
    *("PlannedRestoration.restores",),
}


@pytest.mark.parametrize(
    ("name", "field"), [(n, f) for n, f in FIELDS if "examples" in f], ids=lambda each: str(each)[:60]
)
def test_an_example_is_what_its_field_takes(name: str, field: dict[str, Any]) -> None:
    for example in field["examples"]:
        assert validator(field).is_valid(example), (name, example)


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=lambda each: str(each)[:60])
def test_an_operation_has_a_tag_a_description_and_an_example_of_its_body(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    assert set(operation["tags"]) <= set(words.TAGS), path
    assert len(operation["description"]) > len(operation["summary"])
    for parameter in operation["parameters"]:
        assert parameter["description"].endswith("."), method
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]["application/json"]
        assert validator(content["schema"]).is_valid(content["example"])


def test_the_examples_of_bodies_are_accepted() -> None:
    bodies = {name: json.dumps(body).encode() for name, body in words.BODIES.items()}

    assert parsing.parse(bodies.pop("OffboardingRequest"), 1).tenant == "fabrikam.example"
    assert parsing.parse_defaults(bodies.pop("Defaults"))
    assert parsing.parse_schedule(bodies.pop("Schedule"))
    assert parsing.parse_restore(bodies.pop("Restore"))
    assert parsing.parse_until(bodies.pop("Until"))
    assert parsing.parse_bulk(bodies.pop("Bulk"))
    assert destinations.parse(bodies.pop("NotificationSettings")).webhook
    assert bodies == {}


def test_every_word_is_used() -> None:
    used = {name.removeprefix("Given.") for name, _ in FIELDS}
    names = {name.rpartition(".")[2] for name in used}

    assert [name for name in words.FIELDS if name.partition(" (")[0] not in used | names] == []


def test_the_page_shows_every_operation_and_field_and_loads_nothing() -> None:
    shown = page(DOCUMENT)

    for path, method, operation in OPERATIONS:
        assert f'<b class="method">{method.upper()}</b> <code>{path}</code>' in shown
        assert f'<details id="{operation["operationId"]}">' in shown
    for name in ("actions.forward_email.keep_copy", "webhook.auth.token", "steps.items.outcome"):
        assert f"<td><code>{name}</code></td>" in shown
    assert re.findall(r"<(?:script|link|img|iframe|form)|@import|url\(| (?:src|href)=\"(?!#)", shown) == []


def test_the_page_escapes_what_it_shows() -> None:
    assert "<script>" not in page({**DOCUMENT, "info": {"title": "<script>", "description": "<script>"}})
