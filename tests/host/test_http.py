"""HTTP functions, their keys, and the host's own endpoints."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import SampleHost


def test_a_request_arrives_as_in_azure(host: "SampleHost") -> None:
    answer = host.request(
        "POST", "/V1/Echo/b%20b/7?a=1&a=2&empty=", data=b"body", headers={"User-Agent": "tests"}
    )  # fmt: skip
    assert answer.status_code == 201
    said = answer.json()
    assert said["params"] == {"name": "b b", "number": "7"}
    assert said["query"] == {"a": "1,2"}
    assert said["body"] == "body"
    assert said["agent"] == "tests"
    assert said["url"].startswith(host.url)
    assert said["settings"] == ["SampleHub", "file"]


def test_cookies_and_content_type_leave_as_set(host: "SampleHost") -> None:
    answer = host.request("GET", "/v1/echo/x")
    assert answer.headers["content-type"] == "application/json"
    assert answer.cookies.get_dict() == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/v1/echo/x"), ("GET", "/v1/echo/x/seven"), ("GET", "/api/echo/x"), ("GET", "/v1/work"), ("GET", "/")],
)
def test_what_no_route_answers_is_not_found(host: "SampleHost", method: str, path: str) -> None:
    assert host.request(method, path).status_code == 404


def test_a_failing_function_answers_500_without_a_body(host: "SampleHost") -> None:
    answer = host.request("GET", "/v1/broken")
    assert (answer.status_code, answer.content) == (500, b"")
    assert "ValueError: boom" in host.log.read_text()


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/v1/guarded", None, 401),
        ("/v1/guarded", "wrong", 401),
        ("/v1/guarded", "guarded-key", 200),
        ("/v1/guarded", "default-key", 200),
        ("/v1/guarded", "master-key", 200),
        ("/v1/master", "default-key", 401),
        ("/v1/master", "master-key", 200),
        ("/admin/host/status", "default-key", 401),
        ("/admin/host/status", "master-key", 200),
        ("/_host/clock", None, 401),
        ("/runtime/webhooks/durabletask/instances", "default-key", 401),
        ("/runtime/webhooks/durabletask/instances", "durable-key", 200),
        ("/runtime/webhooks/durabletask/instances", "master-key", 200),
    ],
)
def test_keys_open_what_they_are_for(host: "SampleHost", path: str, key: str | None, status: int) -> None:
    assert host.request("GET", path, key=key).status_code == status
    if key:
        assert host.request("GET", f"{path}?code={key}").status_code == status


def test_a_wrong_key_in_the_header_beats_a_right_one_in_the_query(host: "SampleHost") -> None:
    assert host.request("GET", "/v1/guarded?code=default-key", key="wrong").status_code == 401


def test_the_app_follows_the_hosts_clock(new_host: "Callable[..., SampleHost]") -> None:
    host = new_host()
    before = host.advance(0)
    host.advance(86400)
    now = host.request("GET", "/v1/echo/x").json()["now"]
    assert now > before["now"].replace("Z", "+00:00")
    assert now[:10] > before["now"][:10]
    assert host.request("GET", "/_host/clock", key="master-key").json()["offset"] == 86400
    host.restart()
    assert host.request("GET", "/_host/clock", key="master-key").json()["offset"] == 86400


@pytest.mark.parametrize("body", ["", "[]", '{"advance": -1}', '{"advance": "soon"}', "{}"])
def test_the_clock_refuses_nonsense(host: "SampleHost", body: str) -> None:
    assert host.request("POST", "/_host/clock", key="master-key", data=body).status_code == 400


def test_user_code_that_blocks_does_not_stop_the_host(host: "SampleHost", tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    for number in range(8):
        host.begin("sequence", f"block{number}", [{"id": "block", "gate": str(gate)}])
    assert host.request("GET", "/v1/echo/x").status_code == 201
    gate.touch()
    for number in range(8):
        assert host.ended(f"block{number}")["runtimeStatus"] == "Completed"


def test_termination_stops_it_cleanly(new_host: "Callable[..., SampleHost]") -> None:
    host = new_host()
    assert host.stop() == 0
    with pytest.raises(requests.ConnectionError):
        host.request("GET", "/v1/echo/x")
