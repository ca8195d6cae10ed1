"""Every route, called by everybody who might."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

import function_app
from dev.tenant import seed
from shared.access.policy import Role
from shared.access.routes import ROUTES

if TYPE_CHECKING:
    from dev.stack import Stack

    Front = Any

_QUERY = "tenantFilter=fabrikam.example&Endpoint=users&RowKey=0&$top=1"
_CALLS = [(method, name) for name in ROUTES for method in name.partition(" ")[0].split(",")]
_CLOSED = [(method, name) for method, name in _CALLS if ROUTES[name] is not None]
_IDS = [f"{method} {name.partition(' ')[2]}" for method, name in _CALLS]
_CLOSED_IDS = [f"{method} {name.partition(' ')[2]}" for method, name in _CLOSED]


def _path(name: str) -> str:
    path = name.partition(" ")[2].replace("{id}", "0" * 31).replace("{tenant}", "fabrikam.example")
    return f"{path}?{_QUERY}"


def _registered() -> dict[str, Any]:
    triggers = [
        binding
        for builder in function_app.app._function_builders
        for binding in json.loads(
            json.dumps([b.get_dict_repr() for b in builder._function.get_bindings()], default=str)
        )
        if binding["type"] == "httpTrigger"
    ]
    return {f"{','.join(t['methods'])} {t['route']}": t for t in triggers}


def test_every_registered_route_is_in_the_table_and_no_other() -> None:
    assert set(_registered()) == set(ROUTES)


def test_only_health_is_open() -> None:
    assert [name for name, role in ROUTES.items() if role is None] == ["GET health"]
    assert [name for name, trigger in _registered().items() if trigger.get("authLevel")] == ["GET health"]


def test_waking_the_app_needs_an_admin(front: Front) -> None:
    assert front.post("tick", None, role="editor").status_code == 403
    assert front.post("tick", None, role="admin").status_code == 200


def test_health_says_nothing(stack: Stack) -> None:
    answer = stack.get("/api/health", {"x-functions-key": ""})
    assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize(("method", "name"), _CALLS, ids=_IDS)
def test_behind_a_front_only_the_signed_in_come_in(front: Front, method: str, name: str) -> None:
    wrong = {"auth_typ": "aad", "claims": [{"typ": "roles", "val": "admin"}, {"typ": "oid", "val": "1"}]}
    nobodies = [
        {},
        {"x-functions-key": front.stack.key},
        {"x-ms-client-principal": base64.b64encode(json.dumps(wrong).encode()).decode()},
        {"x-ms-client-principal": "not base64", "x-ms-client-principal-name": "op@msp.example"},
    ]
    for headers in nobodies:
        path = _path(name) if ROUTES[name] else name.partition(" ")[2]
        answer = front.stack.send(method, f"/api/{path}", {}, {"x-functions-key": "", **headers})
        assert answer.status_code == (200 if ROUTES[name] is None else 401), headers


@pytest.mark.parametrize(("method", "name"), _CLOSED, ids=_CLOSED_IDS)
def test_a_role_opens_what_the_table_says(front: Front, method: str, name: str) -> None:
    for portal_role, role in {"sales": 0, "readonly": 1, "editor": 2, "admin": 3}.items():
        status = front.send(method, _path(name), {}, role=portal_role).status_code
        assert status < 500
        assert (status == 403) == (role < (ROUTES[name] or Role.nobody)), (portal_role, status)


@pytest.mark.parametrize(("method", "name"), _CLOSED, ids=_CLOSED_IDS)
def test_with_function_keys_only_a_key_comes_in(stack: Stack, front: Front, method: str, name: str) -> None:
    principal = {"x-ms-client-principal": front.principal("admin")}
    path = f"/api/{_path(name)}"

    assert stack.send(method, path, {}, {"x-functions-key": "", **principal}).status_code == 401
    assert stack.send(method, path, {}, {"x-functions-key": "wrong", **principal}).status_code == 401
    opened = stack.send(method, path, {}, principal).status_code
    assert (opened == 403) == ((ROUTES[name] or Role.nobody) > Role.operator)


def _planned(front: Front) -> str:
    body = {
        "tenant": seed.FABRIKAM,
        "users": [front.stack.simulator.arrange(seed.FABRIKAM, "user", create={"alias": "other", "name": "Other"})],
        "actions": {"disable_sign_in": True},
        "scheduled_for": "2030-01-01T00:00:00Z",
    }
    answer = front.post("offboardings", body)
    assert answer.status_code == 202, answer.text
    return answer.json()["offboardings"][0]["id"]


@pytest.fixture(scope="module")
def planned(front: Front) -> str:
    return _planned(front)


@pytest.mark.parametrize("role", ["contoso", "nowhere"])
def test_another_tenants_offboarding_does_not_exist(front: Front, planned: str, role: str) -> None:
    gone: list[tuple[str, str, Any]] = [
        ("GET", f"offboardings/{planned}", None),
        ("GET", f"offboardings/{planned}/status", None),
        ("PATCH", f"offboardings/{planned}", {"scheduled_for": None}),
        ("DELETE", f"offboardings/{planned}", None),
        ("POST", f"offboardings/{planned}/run-now", None),
        ("POST", f"offboardings/{planned}/retry", None),
        ("POST", f"offboardings/{planned}/cancel", None),
        ("POST", f"offboardings/{planned}/notifications/resend", None),
        ("GET", f"ListScheduledItemDetails?RowKey={planned}", None),
        ("GET", f"ListLogs?ScheduledTaskId={planned}", None),
    ]
    for method, path, body in gone:
        assert front.send(method, path, body, role=role).status_code == 404, path
    # The portal's row actions tell refusals in their results: it is the same one as for what never was.
    for path, body in (("AddScheduledItem", {"RunNow": True}), ("RemoveScheduledItem", {})):
        others, nobodys = (
            front.post(path, body | {"RowKey": key}, role=role).json()["Results"] for key in (planned, "unknown")
        )
        assert others == nobodys
        assert others["state"] == "error"
    bulk = front.post("offboardings/bulk", {"action": "delete", "ids": [planned]}, role=role)
    assert bulk.json()["results"][0]["status"] == 404
    assert front.get(f"ListScheduledItems?Id={planned}", role=role).json() == []
    listed = front.get("offboardings", role=role).json()["items"]
    assert planned not in {item["id"] for item in listed}
    assert front.get(f"offboardings/{planned}").json()["state"] == "Planned"


@pytest.mark.parametrize("role", ["contoso", "nowhere"])
def test_another_tenant_does_not_exist(front: Front, role: str) -> None:
    body = {"tenant": "fabrikam.example", "users": ["bo@fabrikam.example"], "actions": {"disable_sign_in": True}}
    form = {"tenantFilter": "fabrikam.example", "user": ["bo@fabrikam.example"], "DisableSignIn": True}
    gone: list[tuple[str, str, Any]] = [
        ("POST", "offboardings", body),
        ("POST", "offboardings", body | {"tenant": seed.FABRIKAM}),
        ("POST", "offboardings/plan", body),
        ("GET", "offboardings?tenant=fabrikam.example", None),
        ("GET", "tenants/fabrikam.example/users", None),
        ("GET", f"tenants/{seed.FABRIKAM}/defaults", None),
        ("PUT", "tenants/fabrikam.example/defaults", {"actions": {}}),
        ("POST", "ExecOffboardUser", form),
        ("GET", "ListScheduledItems?tenantFilter=fabrikam.example", None),
        ("GET", "ListGraphRequest?Endpoint=users&tenantFilter=fabrikam.example", None),
        ("GET", "ListMailboxes?tenantFilter=fabrikam.example", None),
        ("GET", "ListTenantDetails?tenantFilter=fabrikam.example", None),
        ("POST", "EditTenantOffboardingDefaults", {"customerId": seed.FABRIKAM, "offboardingDefaults": {}}),
    ]
    for method, path, content in gone:
        assert front.send(method, path, content, role=role).status_code == 404, path
    tenants = {"contoso": {"contoso.example"}, "nowhere": set[str]()}[role]
    assert {t["domain"] for t in front.get("tenants", role=role).json()["items"]} == tenants
    assert {t["defaultDomainName"] for t in front.get("ListTenants", role=role).json()} == tenants


def test_deleting_a_user_needs_its_right_also_to_start_what_another_planned(front: Front) -> None:
    user = front.stack.simulator.arrange(seed.FABRIKAM, "user", create={"alias": "doomed", "name": "Doomed"})
    body = {"tenant": seed.FABRIKAM, "users": [user], "actions": {"delete_user": True}}
    body["scheduled_for"] = "2030-01-01T00:00:00Z"

    assert front.post("offboardings", body).json()["code"] == "action_forbidden"
    planned = front.post("offboardings", body, role="admin").json()["offboardings"][0]["id"]
    assert front.post(f"offboardings/{planned}/run-now", None).status_code == 403
    assert front.send("PATCH", f"offboardings/{planned}", {"scheduled_for": None}).status_code == 403
    assert front.get(f"offboardings/{planned}").json()["state"] == "Planned"


def test_many_at_once_need_a_right(front: Front) -> None:
    many = [f"person{number}@fabrikam.example" for number in range(21)]
    body = {"tenant": "fabrikam.example", "users": many, "actions": {"disable_sign_in": True}}
    bulk = {"action": "delete", "ids": [f"{number:031}" for number in range(21)]}

    assert front.post("offboardings", body).json()["code"] == "too_many_at_once"
    assert front.post("offboardings", body, role="admin").status_code == 404
    assert front.post("offboardings/bulk", bulk).json()["code"] == "too_many_at_once"
    assert front.post("offboardings/bulk", bulk, role="admin").status_code == 200


def test_who_asked_stands_in_the_record(front: Front, planned: str) -> None:
    assert front.get(f"offboardings/{planned}").json()["requested_by"] == "op@msp.example"


@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 404)])
def test_a_page_of_another_site_changes_nothing(front: Front, site: str, status: int) -> None:
    headers = {"x-ms-client-principal": front.principal("editor"), "x-functions-key": "", "Sec-Fetch-Site": site}

    assert front.stack.send("POST", "/api/offboardings/0/cancel", None, headers).status_code == status
    assert front.stack.send("GET", "/api/offboardings", None, headers).status_code == 200
    headers["Authorization"] = "Bearer token"
    assert front.stack.send("POST", "/api/offboardings/0/cancel", None, headers).status_code == 404


@pytest.mark.parametrize(("origin", "status"), [("https://evil.example", 403), ("null", 403), ("own", 404), ("", 404)])
def test_a_browser_that_says_only_its_pages_origin_is_held_to_it(front: Front, origin: str, status: int) -> None:
    headers = {"x-ms-client-principal": front.principal("editor"), "x-functions-key": ""}
    headers |= {"Origin": front.stack.api if origin == "own" else origin} if origin else {}

    assert front.stack.send("POST", "/api/offboardings/0/cancel", None, headers).status_code == status
