"""Our API over HTTP, on the whole stack: what a caller sees."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import azure.functions as func
import pytest
import requests

from dev.tenant import seed
from shared.access.caller import Caller
from shared.access.policy import Role
from shared.access.scope import EVERYTHING
from shared.base.problems import RefusedError
from triggers import routing
from triggers.directory import get_health

if TYPE_CHECKING:
    from conftest import Leaver

    from dev.stack import Stack

BLOCK = {"disable_sign_in": True}


def body(user: str, actions: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"tenant": "fabrikam.example", "users": [user], "actions": actions or BLOCK, **more}


def test_an_offboarding_is_accepted_carried_out_and_polled_to_its_end(stack: Stack, leaver: Leaver) -> None:
    actions = BLOCK | {"reset_password": True, "convert_to_shared": True, "remove_licenses": True}

    accepted = stack.post("/api/offboardings", body(leaver.upn, actions, reference="T-1"))

    assert accepted.status_code == 202
    promised = accepted.json()["offboardings"][0]
    assert accepted.headers["Location"] == promised["statusQueryGetUri"]
    assert accepted.headers["Retry-After"].isdecimal()
    assert promised["user"] == {"id": leaver.id, "upn": leaver.upn, "display_name": promised["user"]["display_name"]}
    details = stack.wait_for_end(promised["id"])
    assert (details["state"], details["reason"], details["reference"]) == ("Completed", None, "T-1")
    assert {step["name"]: step["outcome"] for step in details["steps"]} == dict.fromkeys(actions, "done")
    assert all(step["started_at"] and step["ended_at"] and step["message"] for step in details["steps"])
    assert stack.simulator.state("fabrikam.example")["users"][leaver.id]["accountEnabled"] is False


def test_the_status_has_the_keys_of_durable_functions_and_no_link_into_the_hub(stack: Stack, leaver: Leaver) -> None:
    accepted = stack.post("/api/offboardings", body(leaver.upn)).json()["offboardings"][0]
    stack.wait_for_end(accepted["id"])

    status = stack.get(f"/api/offboardings/{accepted['id']}/status")

    assert set(status.json()) == {
        "name",
        "instanceId",
        "runtimeStatus",
        "input",
        "customStatus",
        "output",
        "createdTime",
        "lastUpdatedTime",
    }
    assert status.json()["runtimeStatus"] == "Completed"
    assert "code=" not in status.text
    assert "runtime/webhooks" not in status.text


def test_a_plan_tells_steps_and_warnings_and_writes_nothing(stack: Stack, leaver: Leaver) -> None:
    actions = {"remove_licenses": True, "disable_sign_in": True, "remove_groups": True}
    before = len(stack.get("/api/offboardings?limit=200").json()["items"])

    answer = stack.post("/api/offboardings/plan", body(leaver.upn, actions)).json()

    names = [step["name"] for step in answer["steps"]]
    assert names.index("disable_sign_in") < names.index("remove_groups") < names.index("remove_licenses")
    assert any("30 days" in warning for warning in answer["warnings"])
    assert len(stack.get("/api/offboardings?limit=200").json()["items"]) == before


@pytest.mark.parametrize(
    ("sent", "status", "field"),
    [
        (b"not json", 400, ""),
        (b"", 400, ""),
        (b"[1, 2]", 400, ""),
        (b"{}", 400, "tenant"),
        (json.dumps({"tenant": "fabrikam.example", "users": [], "actions": BLOCK}).encode(), 400, "users"),
        (json.dumps(body("ada@fabrikam.example", {"fly": True})).encode(), 400, "actions.fly"),
        (json.dumps(body("ada@fabrikam.example", colour="red")).encode(), 400, "colour"),
        (json.dumps(body("nobody@fabrikam.example")).encode(), 404, "users.0"),
        (json.dumps(body("a@b.example") | {"tenant": "unknown.example"}).encode(), 404, "tenant"),
        (json.dumps(body("a@b.example") | {"tenant": seed.MSP}).encode(), 404, "tenant"),
        (b"x" * 70_000, 413, ""),
    ],
)
def test_bad_input_is_named_and_nothing_is_stored(stack: Stack, sent: bytes, status: int, field: str) -> None:
    before = stack.get("/api/offboardings").json()["items"]

    answer = stack.send("POST", "/api/offboardings", sent)

    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    assert problem["code"]
    assert problem["correlation_id"]
    assert field in {each["field"] for each in problem["problems"]}
    assert stack.get("/api/offboardings").json()["items"] == before


def test_contradictory_actions_are_refused_and_both_are_named(stack: Stack, leaver: Leaver) -> None:
    actions = {"delete_user": True, "forward_email": {"to": "cy@fabrikam.example"}}

    answer = stack.post("/api/offboardings", body(leaver.upn, actions))

    assert answer.status_code == 422
    assert "delete_user" in answer.text
    assert "forward_email" in answer.text


@pytest.mark.parametrize("path", ["/api/offboardings", "/api/offboardings/abc", "/api/offboardings/abc/status"])
def test_a_call_without_the_key_gets_nothing(stack: Stack, path: str) -> None:
    assert stack.get(path, {"x-functions-key": ""}).status_code == 401
    assert stack.get(path, {"x-functions-key": "wrong"}).status_code == 401


def test_an_unknown_offboarding_is_404(stack: Stack) -> None:
    for suffix in ("", "/status"):
        answer = stack.get(f"/api/offboardings/e5df0000000{suffix}")
        assert answer.status_code == 404
        assert answer.json()["code"] == "offboarding_not_found"


def test_while_microsoft_does_not_answer_nothing_is_stored(stack: Stack, leaver: Leaver) -> None:
    rule = {"service": "graph", "match": "POST", "kind": "status", "status": 503, "probability": 1, "count": 50}
    stack.simulator.faults([rule])
    try:
        answer = stack.post("/api/offboardings", body(leaver.upn))
    finally:
        stack.simulator.faults([])

    assert answer.status_code == 503
    assert answer.headers["Retry-After"].isdecimal()
    assert stack.post("/api/offboardings", body(leaver.upn)).status_code == 202


def test_the_portals_form_is_accepted(stack: Stack, leaver: Leaver) -> None:
    form = {
        "Scheduled": {"enabled": False, "date": 1795416300},
        "tenantFilter": {"value": "fabrikam.example", "label": "Fabrikam", "type": "Tenant"},
        "user": [{"label": "x", "value": leaver.upn, "rawData": {"id": leaver.id}}],
        "DisableSignIn": True,
        "ResetPass": True,
        "HideFromGAL": False,
        "OOO": "<p></p>",
        "postExecution": {"webhook": False, "email": False, "psa": False},
        "reference": "",
        "HIDDEN_defaultsSource": "tenant",
    }

    answer = stack.post("/api/ExecOffboardUser", form)

    assert answer.status_code == 200
    (result,) = answer.json()["Results"]
    assert result["state"] == "success"
    assert "password" in result["resultText"]
    details = stack.wait_for_end(result["details"]["id"])
    assert [step["name"] for step in details["steps"]] == ["disable_sign_in", "reset_password"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Scheduled": {"enabled": True}}, "no date"),
        ({"user": []}, "user"),
        ({"tenantFilter": ""}, "tenant"),
        ({"DisableSignIn": False}, "No action"),
    ],
)
def test_the_portal_is_told_what_is_wrong(stack: Stack, change: dict[str, Any], said: str) -> None:
    form = {"tenantFilter": "fabrikam.example", "user": ["ada@fabrikam.example"], "DisableSignIn": True}

    answer = stack.post("/api/ExecOffboardUser", form | change)

    assert answer.status_code in {400, 422}
    assert any(said in text for text in answer.json()["Results"])


def test_an_offboarding_lives_its_life_over_http(stack: Stack, leaver: Leaver) -> None:
    planned = stack.post("/api/offboardings", body(leaver.upn, scheduled_for="2099-01-01T00:00:00+01:00"))
    one = f"/api/offboardings/{planned.json()['offboardings'][0]['id']}"
    assert stack.get(one).json()["state"] == "Planned"
    assert stack.get(f"{one}/status").status_code == 202

    moved = stack.send("PATCH", one, {"scheduled_for": "2098-01-01T00:00:00Z"})
    assert moved.json()["scheduled_for"] == "2098-01-01T00:00:00.000Z"
    again = stack.post("/api/offboardings", body(leaver.upn))
    assert (again.status_code, again.json()["code"]) == (409, "already_under_way")

    assert stack.post(f"{one}/run-now").status_code == 202
    assert stack.wait_for_end(planned.json()["offboardings"][0]["id"])["state"] == "Completed"
    assert stack.post(f"{one}/retry").status_code == 409
    assert stack.post(f"{one}/cancel").status_code == 409
    assert stack.send("DELETE", one).status_code == 204
    assert stack.get(one).status_code == 404


def test_bulk_answers_for_each(stack: Stack, leaver: Leaver) -> None:
    planned = stack.post("/api/offboardings", body(leaver.upn, scheduled_for="2099-01-01T00:00:00Z")).json()
    known = planned["offboardings"][0]["id"]

    answer = stack.post("/api/offboardings/bulk", {"action": "cancel", "ids": [known, "unknown1"]})

    assert [result["status"] for result in answer.json()["results"]] == [202, 404]
    assert stack.get(f"/api/offboardings/{known}").json()["reason"] == "cancelled"


def test_a_repeated_submission_with_the_same_key_answers_with_the_first(stack: Stack, leaver: Leaver) -> None:
    headers = {"Idempotency-Key": leaver.upn}

    first = stack.post("/api/offboardings", body(leaver.upn), headers)
    second = stack.post("/api/offboardings", body(leaver.upn), headers)
    other = stack.post("/api/offboardings", body(leaver.upn, reference="x"), headers)

    assert first.json()["offboardings"][0]["id"] == second.json()["offboardings"][0]["id"]
    assert other.status_code == 409


def test_the_timer_starts_what_is_due_when_its_time_comes(stack: Stack, leaver: Leaver) -> None:
    soon = stack.post("/api/offboardings", body(leaver.upn, scheduled_for="2090-01-01T00:00:00Z")).json()
    one = soon["offboardings"][0]["id"]
    assert stack.send("PATCH", f"/api/offboardings/{one}", {"scheduled_for": "2020-01-01T00:00:00Z"}).status_code == 422
    stack.send("PATCH", f"/api/offboardings/{one}", {"scheduled_for": None})

    stack.advance(61)

    assert stack.wait_for_end(one)["state"] == "Completed"


@pytest.mark.parametrize("path", ["offboardings", "tenants/fabrikam.example/users", "access"])
@pytest.mark.parametrize(
    "token",
    [
        pytest.param("!!", id="not a token"),
        pytest.param("%F0%B7%82%85", id="not ASCII"),
        pytest.param(base64.urlsafe_b64encode(b"job|x").decode(), id="a token of something else"),
    ],
)
def test_what_no_page_answered_is_no_page(stack: Stack, path: str, token: str) -> None:
    assert stack.get(f"/api/{path}?next={token}").status_code == 400


@pytest.mark.parametrize("path", ["offboardings?top=2", "tenants?Refresh=true&x=1", "health?x=1", "defaults?a=b"])
def test_a_parameter_that_nothing_reads_is_refused(stack: Stack, path: str) -> None:
    answer = stack.get(f"/api/{path}")

    assert answer.status_code == 400
    assert "is not known" in answer.json()["detail"]


def test_a_number_of_thousands_of_digits_is_refused(stack: Stack) -> None:
    assert stack.get(f"/api/offboardings?limit={'9' * 5000}").status_code == 400


def test_the_page_of_the_api_is_there_only_where_a_setting_allows_it(stack: Stack) -> None:
    answer = stack.get("/api/docs")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "API_PAGE" in answer.json()["detail"]


def test_a_body_that_the_host_lost_is_refused_with_what_to_do(stack: Stack, leaver: Leaver) -> None:
    sent = json.dumps(body(leaver.upn)).encode()
    headers = {"x-functions-key": stack.key, "Content-Type": "application/json"}

    answer = requests.post(f"{stack.api}/api/offboardings", data=iter([sent]), headers=headers, timeout=60)

    assert (answer.status_code, answer.json()["code"]) == (411, "length_required")
    assert "Content-Length" in answer.json()["detail"]


def test_names_of_query_parameters_are_read_in_any_case(stack: Stack) -> None:
    assert stack.get("/api/offboardings?Limit=0").status_code == 400
    assert stack.get("/api/offboardings?LIMIT=1").status_code == 200
    assert stack.get("/api/offboardings?limit=1&Limit=2").status_code == 400  # the host makes it "1,2"


def test_health_says_what_keeps_the_host_from_starting_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEBSITE_HOSTNAME")

    with pytest.raises(RefusedError, match="WEBSITE_HOSTNAME is not set") as caught:
        get_health(func.HttpRequest("GET", "/api/health", body=b""), Caller("", Role.nobody, EVERYTHING))

    assert caught.value.status == 503


def test_a_header_of_ours_is_always_ascii() -> None:
    answer = routing._labelled(func.HttpResponse(headers={"Location": "/a?b=c&d=%20", "X-Name": "Zoë, 1"}), "id")

    assert dict(answer.headers) == {"Location": "/a?b=c&d=%20", "X-Name": "Zo%C3%AB, 1", "X-Correlation-Id": "id"}
