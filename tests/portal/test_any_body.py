"""No body of any shape breaks an endpoint of the portal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dev.tenant import seed
from shared.actions import catalogue
from triggers.answers import json_answer

if TYPE_CHECKING:
    Front = Any

pytestmark = pytest.mark.long

_POSTS = (
    "ExecOffboardUser",
    "AddScheduledItem",
    "RemoveScheduledItem",
    "ListTenants",
    "ExecUserSettings",
    "EditTenantOffboardingDefaults",
    "ExecNotificationConfig",
    "ExecAddAlert",
    "ExecUserBookmarks",
)
_KEYS = [
    "tenantFilter",
    "user",
    "Scheduled",
    "enabled",
    "date",
    "value",
    "label",
    "rawData",
    "postExecution",
    "webhook",
    "reference",
    "OOO",
    "forward",
    "KeepCopy",
    "RunNow",
    "RowKey",
    "id",
    "currentSettings",
    "offboardingDefaults",
    "customerId",
    "email",
    "webhookAuthType",
    "webhookAuthHeaders",
    "logsToInclude",
    "bookmarks",
]
_PORTAL_KEYS = [action.portal_key for action in catalogue.all_actions().values() if action.portal_key]
_VALUES = st.sampled_from(
    [
        "fabrikam.example",
        seed.FABRIKAM,
        "AllTenants",
        "bo@fabrikam.example",
        seed.BO,
        "<p></p>",
        "true",
        "https://x.example",
    ]
)
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | _VALUES
_JSON = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*_KEYS, *_PORTAL_KEYS]) | st.text(max_size=4), inner, max_size=6)
    ),
    max_leaves=12,
)
_FORMS = st.dictionaries(st.sampled_from([*_KEYS, *_PORTAL_KEYS]), _JSON, max_size=8)


@pytest.mark.parametrize(
    "broken", [b'"\\ud800"', b'{"\\udfff":1}', b'"x\\u0000"', b"NaN", b"Infinity", b"-Infinity", b"1e999", b"\xff"]
)
@pytest.mark.parametrize("path", [*_POSTS, "offboardings", "offboardings/plan", "offboardings/bulk"])
def test_what_is_not_json_or_cannot_be_written_again_is_refused(front: Front, path: str, broken: bytes) -> None:
    for form in (b'{"currentSettings":{"a":%b}}', b'{"logsToInclude":[%b]}', b'{"reference":%b}'):
        body = form % broken
        answer = front.post(path, body, role="admin")
        assert answer.status_code == 400
        assert "not valid JSON" in answer.text
    for shown in ("ListUserSettings", "ListNotificationConfig"):
        assert front.get(shown, role="admin").status_code == 200


@pytest.mark.parametrize("path", ["settings/notifications", "tenants/contoso.example/defaults", "defaults"])
def test_settings_hold_nothing_that_cannot_be_written_again(front: Front, path: str) -> None:
    assert front.send("PUT", path, b'{"actions":{},"email":["\\ud800"]}', role="admin").status_code == 400


def test_no_stored_value_makes_an_answer_fail() -> None:
    body = {"text": "a\ud800b", "numbers": [float("nan"), float("inf"), 1.5]}

    assert json.loads(json_answer(body).get_body()) == {"text": "a\ufffdb", "numbers": [None, None, 1.5]}


def _recognisable(secret: Any) -> Any:
    """Make every text a canary: a secret that is a word of every day would be found everywhere."""
    if isinstance(secret, dict):
        return {name: _recognisable(part) for name, part in secret.items()}
    if isinstance(secret, list):
        return [_recognisable(part) for part in secret]
    return f"{secret}?canary" if isinstance(secret, str) else secret


@pytest.mark.parametrize("path", _POSTS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(body=_JSON | _FORMS | _FORMS)
def test_no_body_breaks_it(front: Front, path: str, body: Any) -> None:
    if isinstance(body, dict) and isinstance(body.get("tenantFilter"), str) and path == "ExecOffboardUser":
        body["Scheduled"] = {"enabled": True, "date": 4_000_000_000}
    if isinstance(body, dict):
        body |= {name: _recognisable(body[name]) for name in ("webhook", "webhookAuthHeaders") if name in body}
    status = front.post(path, json.dumps(body).encode(), role="admin").status_code

    assert status < 500, body


@pytest.mark.parametrize("path", _POSTS)
@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b'"\\ud800"', b"[" * 5000, b"null", b"NaN", b'{"user": 1e999}']
)
def test_no_bytes_break_it(front: Front, path: str, body: bytes) -> None:
    assert front.post(path, body, role="admin").status_code < 500


@pytest.mark.parametrize(
    "path", ["ListScheduledItems", "ListScheduledItemDetails", "ListLogs", "ListGraphRequest", "me"]
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.dictionaries(
        st.sampled_from(
            [
                "tenantFilter",
                "tenantFilter[value]",
                "RowKey",
                "Id",
                "SearchTitle",
                "ScheduledTaskId",
                "$top",
                "$select",
                "Endpoint",
                "nextLink",
                "Type",
            ]
        ),
        st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
        | st.sampled_from(["users", "*", "fabrikam.example"]),
        max_size=5,
    )
)
def test_no_query_breaks_it(front: Front, path: str, query: dict[str, str]) -> None:
    assert front.get(f"{path}?{urlencode(query)}", role="admin").status_code < 500
