from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant import seed

if TYPE_CHECKING:
    import requests

    from dev.tenant.by_hand import Caller
    from dev.tenant.messages import Json
    from dev.tenant.process import Simulator

JSON = {"Content-Type": "application/json"}
ADA = f"/users/{seed.ADA}"


def item(number: int, method: str, url: str, body: Json = None, **more: object) -> dict[str, Any]:
    headers = {"headers": JSON, "body": body} if body is not None else {}
    return {"id": str(number), "method": method, "url": url, **headers, **more}


def by_id(response: requests.Response) -> dict[str, dict[str, Any]]:
    assert response.status_code == 200, response.text
    return {each["id"]: each for each in response.json()["responses"]}


def test_responses_come_in_an_order_of_their_own(caller: Caller) -> None:
    response = caller.batch(*(item(number, "GET", f"{ADA}?$select=id") for number in range(20)))
    ids = [each["id"] for each in response.json()["responses"]]
    assert sorted(ids) == sorted(str(number) for number in range(20))
    assert ids != [str(number) for number in range(20)]


def test_more_than_twenty_are_refused(caller: Caller) -> None:
    response = caller.batch(*(item(number, "GET", ADA) for number in range(21)))
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "BadRequest"


def test_an_item_without_content_has_no_body(caller: Caller, sim: Simulator) -> None:
    answers = by_id(caller.batch(item(1, "PATCH", ADA, {"accountEnabled": False}), item(2, "GET", ADA)))
    assert answers["1"]["status"] == 204
    assert "body" not in answers["1"]
    assert answers["2"]["status"] == 200
    assert sim.state("fabrikam.example")["users"][seed.ADA]["accountEnabled"] is False


def test_what_depends_on_a_failure_is_not_run(caller: Caller, sim: Simulator) -> None:
    answers = by_id(
        caller.batch(
            item(1, "GET", "/users/nobody@fabrikam.example"),
            item(2, "PATCH", ADA, {"accountEnabled": False}, dependsOn=["1"]),
        )
    )
    assert answers["1"]["status"] == 404
    assert answers["2"]["status"] == 424
    assert sim.state("fabrikam.example")["users"][seed.ADA]["accountEnabled"] is True


def test_one_throttled_item_in_a_successful_batch(caller: Caller, sim: Simulator) -> None:
    rule = {"service": "graph", "match": "PATCH /v1.0/users", "kind": "throttle", "retry_after": 2, "count": 1}
    sim.faults([rule])
    answers = by_id(caller.batch(item(1, "PATCH", ADA, {"accountEnabled": False}), item(2, "GET", ADA)))
    assert answers["1"]["status"] == 429
    assert answers["1"]["headers"]["Retry-After"] == "2"
    assert answers["2"]["status"] == 200


def test_a_write_without_content_type_or_body_spoils_the_whole_batch(caller: Caller, sim: Simulator) -> None:
    for spoilt in (
        {"id": "2", "method": "POST", "url": f"{ADA}/revokeSignInSessions"},
        {"id": "2", "method": "PATCH", "url": ADA, "body": {"accountEnabled": False}},
    ):
        response = caller.batch(item(1, "PATCH", ADA, {"accountEnabled": False}), spoilt)
        assert response.status_code == 400
        assert "does not contain Content-Type header or body" in response.json()["error"]["message"]
    assert sim.state("fabrikam.example")["users"][seed.ADA]["accountEnabled"] is True


def test_malformed_batches(caller: Caller) -> None:
    assert caller.graph("POST", "/$batch", {"requests": []}).status_code == 400
    assert caller.batch(item(1, "GET", ADA), item(1, "GET", ADA)).status_code == 400
    assert caller.batch(item(1, "GET", ADA, dependsOn=["7"])).status_code == 400
    assert caller.batch(item(1, "GET", ADA, timeout=3)).status_code == 400


def test_versions_do_not_mix(caller: Caller) -> None:
    url = f"{ADA}/authentication/signInPreferences"
    assert by_id(caller.batch(item(1, "GET", url)))["1"]["status"] == 404
    assert by_id(caller.batch(item(1, "GET", url), version="beta"))["1"]["status"] == 200


def test_pages_of_an_item_lead_back_to_the_same_place(caller: Caller, sim: Simulator) -> None:
    url = f"{ADA}/memberOf/microsoft.graph.group?$count=true&$top=5&$select=id"
    answer = by_id(caller.batch(item(1, "GET", url, headers={"ConsistencyLevel": "eventual"})))["1"]["body"]
    assert answer["@odata.count"] == 13
    assert answer["@odata.nextLink"].startswith(f"{sim.graph}/v1.0{ADA}/memberOf")
