"""The small parts: schedules, routes, keys, the app's tables."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dev.host.addresses import path_of, query_of
from dev.host.app import AppError, describe_function, read_host_json, resolve
from dev.host.clock import Clock, from_text, to_text
from dev.host.durable.views import history_view
from dev.host.http import FrontDoor
from dev.host.keys import Keys
from dev.host.ncron import Schedule
from dev.host.routes import compile_route, find_route


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("0 */5 * * * *", "2026-01-01T00:00:00", "2026-01-01T00:05:00"),
        ("0 */5 * * * *", "2026-01-01T23:59:59", "2026-01-02T00:00:00"),
        ("*/5 * * * *", "2026-01-01T00:04:59", "2026-01-01T00:05:00"),
        ("30 0 9-17/4 * * Mon-Fri", "2026-01-02T17:00:31", "2026-01-05T09:00:30"),
        ("0 0 0 29 feb *", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("0 0 12 13 * 5", "2026-01-01T00:00:00", "2026-02-13T12:00:00"),
        ("5/20 1,2 3 * * *", "2026-01-01T03:01:05", "2026-01-01T03:01:25"),
        ("0 0 0 * * SUN", "2026-01-01T00:00:00", "2026-01-04T00:00:00"),
        ("* * * * * *", "2026-12-31T23:59:59.500000", "2027-01-01T00:00:00"),
    ],
)
def test_schedules_name_their_times(expression: str, after: str, expected: str) -> None:
    found = Schedule(expression).next(datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "expression", ["", "* * * *", "0 60 * * * *", "0 0 0 30 2 *", "0 0 0 * * 8", "a * * * * *", "0 */0 * * * *"]
)
def test_schedules_that_name_nothing_are_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"is not|names no time"):
        Schedule(expression)


@pytest.mark.parametrize(
    ("path", "function", "parameters"),
    [
        ("/api/users/me", "literal", {}),
        ("/API/Users/ME/", "literal", {}),
        ("/api/users/7", "number", {"id": "7"}),
        ("/api/users/ann%2Fb", "free", {"name": "ann%2Fb"}),
        ("/api/users/%61nn%ff%C3%A9", "free", {"name": "ann%ffé"}),
        ("/api/users/a%0Ab", "free", {"name": "a\nb"}),
        ("/api/users/+7", "number", {"id": "+7"}),
        ("/api/users/2147483648", "free", {"name": "2147483648"}),
        ("/api/users/-2147483648", "number", {"id": "-2147483648"}),
        ("/api/x/../users/./me", "literal", {}),
        ("/api/x/%2e%2e/users/me", "literal", {}),
        ("/api/users/ann/x/", "rest", {"tail": "users/ann/x/"}),
        ("/api/users/ann/x", "rest", {"tail": "users/ann/x"}),
        ("/api/files/a.tar.gz", "file", {"name": "a.tar", "kind": "gz"}),
        ("/api/page", "page", {}),
        ("/api/page/2", "page", {"number": "2"}),
    ],
)
def test_the_most_particular_route_answers(path: str, function: str, parameters: dict[str, str]) -> None:
    templates = {
        "rest": "{*tail}",
        "free": "users/{name}",
        "number": "users/{id:int}",
        "literal": "users/me",
        "file": "files/{name}.{kind}",
        "page": "page/{number:int?}",
    }
    routes = [compile_route(name, f"api/{template}", ["get"]) for name, template in templates.items()]
    route, values = find_route(routes, "GET", path_of(path))
    assert route.function == function
    if function != "file":
        assert values == parameters
    assert find_route(routes, "POST", path) is None


@pytest.mark.parametrize("template", ["a/{b:regex(x)}", "a/{b", "a/{b=1}"])
def test_routes_that_are_not_served_name_their_function(template: str) -> None:
    with pytest.raises(ValueError, match="function f"):
        compile_route("f", template, [])


@pytest.mark.parametrize("path", ["/api//users/me", "/api/users//", "/api/users/me//"])
def test_an_empty_segment_is_no_path_of_ours(path: str) -> None:
    assert find_route([compile_route("f", "api/{*rest}", [])], "GET", path_of(path)) is None


def test_a_function_without_methods_gets_every_method() -> None:
    routes = [compile_route("f", "api/x", []), compile_route("g", "api/y", ["get"])]
    assert find_route(routes, "BREW", "/api/x")
    assert find_route(routes, "get", "/api/y")
    assert find_route(routes, "BREW", "/api/y") is None


@pytest.mark.parametrize(
    ("target", "query"),
    [
        ("/x?a=1&A=2&b=", {"a": "1,2", "b": ""}),
        ("/x?Code=k", {"Code": "k"}),
        ("/x?a=%ff%41+%2F", {"a": "%ffA /"}),
        ("/x", {}),
    ],
)
def test_names_of_a_query_are_one_in_any_case(target: str, query: dict[str, str]) -> None:
    assert query_of(target) == query


def test_keys_are_made_once_and_can_be_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOST_KEYS_JSON", raising=False)
    file = tmp_path / "keys.json"
    first, second = Keys.load(file), Keys.load(file)
    assert (first.master, first.default, first.system) == (second.master, second.default, second.system)
    assert first.master != first.default
    assert file.stat().st_mode & 0o077 == 0
    monkeypatch.setenv("HOST_KEYS_JSON", json.dumps({"master": "m", "functions": {"f": "k"}}))
    given = Keys.load(file)
    assert (given.master, given.default) == ("m", first.default)
    assert given.open_function("function", "f", "k")
    assert not given.open_function("function", "g", "k")
    assert not given.open_function("admin", "f", "k")
    assert not given.open_durable(None)


def test_bindings_that_are_not_served_name_their_function() -> None:
    trigger = {"type": "activityTrigger", "name": "x"}
    assert describe_function("f", [trigger]).kind == "activityTrigger"
    for bindings in ([{"type": "queueTrigger", "name": "q"}], [trigger, {"type": "queue", "name": "out"}], []):
        with pytest.raises(AppError, match="function f"):
            describe_function("f", bindings)


@pytest.mark.parametrize("route", ["admin", "Admin/tick", "/runtime/x", "administrators"])
def test_routes_that_the_host_reserves_are_refused(route: str) -> None:
    trigger = {"type": "httpTrigger", "name": "req", "route": route, "methods": ["post"]}
    function = describe_function("f", [trigger, {"type": "http", "name": "$return", "direction": "OUT"}])

    async def nothing(*_: object) -> None: ...

    with pytest.raises(AppError, match="conflicts with one or more built in routes"):
        FrontDoor([function], "api", Keys("", "", {}, {}), nothing)


def test_the_environment_overrides_host_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "host.json").write_text('{"extensions": {"durableTask": {"hubName": "%HUB%", "maxItems": 1}}}')
    monkeypatch.setenv("AzureFunctionsJobHost__extensions__durabletask__maxItems", "2")
    monkeypatch.setenv("AzureFunctionsJobHost__logging__level", "x")
    config = read_host_json(tmp_path)
    assert config == {"extensions": {"durableTask": {"hubName": "%HUB%", "maxItems": "2"}}, "logging": {"level": "x"}}
    monkeypatch.setenv("HUB", "mine")
    assert resolve(config["extensions"]["durableTask"]["hubName"]) == "mine"
    with pytest.raises(AppError, match="NO_SUCH"):
        resolve("%NO_SUCH%")


def test_times_compare_as_texts() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 6, UTC)
    assert from_text(to_text(moment)) == moment
    assert from_text("2026-01-02T03:04:05") == moment.replace(microsecond=0)
    assert to_text(moment) < to_text(moment.replace(microsecond=7))
    with pytest.raises(ValueError, match="forward"):
        Clock().advance(moment - moment.replace(hour=4))


def test_the_history_view_shows_what_has_not_ended_yet() -> None:
    history = [
        {"EventType": "OrchestratorStarted", "Timestamp": "t0"},
        {"EventType": "TaskScheduled", "EventId": 0, "Name": "a", "Timestamp": "t1"},
        {"EventType": "TimerCreated", "EventId": 1, "FireAt": "t9", "Timestamp": "t1"},
        {"EventType": "TimerFired", "TimerId": 1, "Timestamp": "t9"},
    ]
    assert history_view(history, show_output=False) == [
        {"EventType": "TaskScheduled", "Name": "a", "Timestamp": "t1"},
        {"EventType": "TimerFired", "Timestamp": "t9", "ScheduledTime": "t1"},
    ]
