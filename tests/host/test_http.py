"""HTTP functions, their keys, and the host's own endpoints."""

import gzip
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

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
    [
        ("PUT", "/v1/echo/x"),
        ("GET", "/v1/echo/x/seven"),
        ("GET", "/api/echo/x"),
        ("GET", "/v1/work"),
        ("GET", "/v1//echo/x"),
    ],
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
        ("/v1/master", "default-key", 403),
        ("/v1/master", "wrong", 401),
        ("/v1/master", "master-key", 200),
        ("/admin/host/status", "default-key", 403),
        ("/admin/nothing", None, 401),
        ("/admin/nothing", "master-key", 404),
        ("/runtime/webhooks/nothing", None, 401),
        ("/runtime/webhooks/nothing", "master-key", 404),
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
        assert host.request("GET", f"{path}?CODE={key}").status_code == status


def test_who_has_no_key_is_told_how_to_sign_in(host: "SampleHost") -> None:
    for path in ("/v1/guarded", "/admin/host/status", "/runtime/webhooks/durabletask/instances"):
        assert host.request("GET", path).headers["WWW-Authenticate"] == "Bearer"


def test_a_chunked_body_arrives_empty(host: "SampleHost") -> None:
    answer = host.request("POST", "/v1/echo/x", data=iter([b"bo", b"dy"]))
    assert (answer.status_code, answer.json()["body"]) == (201, "")


def test_a_compressed_body_arrives_as_it_is(host: "SampleHost") -> None:
    body = gzip.compress(b"body")
    answer = host.request("POST", "/v1/size", data=body, headers={"Content-Encoding": "gzip"})
    assert answer.text == str(len(body))


def test_answers_come_in_chunks(host: "SampleHost") -> None:
    answer = host.request("GET", "/v1/echo/x")
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in answer.headers


def test_an_answer_with_a_header_that_is_not_ascii_is_500(host: "SampleHost") -> None:
    assert host.request("GET", "/v1/header?value=plain").headers["X-Value"] == "plain"
    assert host.request("GET", "/v1/header?value=caf%C3%A9").status_code == 500


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ("GET /v1/echo/x HTTP/1.1\r\nX: " + 28 * 1024 * "x", 201),
        ("GET /v1/echo/x HTTP/1.1\r\nX: " + 41 * 1024 * "x", 431),
        ("GET /v1/echo/x HTTP/1.1" + 101 * "\r\nX: x", 431),
        ("GET /v1/echo/x?" + 8 * 1024 * "x" + " HTTP/1.1", 414),
        ("GET /v1/echo/%00 HTTP/1.1", 400),
        ("GET /v1/echo/x HTTP/1.1\r\nX: caf\xe9", 400),
        ("GET /v1/echo/x HTTP/1.0", 500),
    ],
    ids=lambda value: str(value)[:40],
)
def test_requests_have_the_limits_of_azures_web_server(host: "SampleHost", lines: str, status: int) -> None:
    server = urlsplit(host.url)
    with socket.create_connection((server.hostname, server.port), 30) as connection:
        connection.sendall(f"{lines}\r\nHost: x\r\nConnection: close\r\n\r\n".encode("latin-1"))
        assert int(connection.recv(100).split()[1]) == status


@pytest.mark.parametrize(("disabled", "status"), [("true", 204), ("", 200)])
def test_the_root_shows_azures_page_unless_it_is_switched_off(
    new_host: "Callable[..., SampleHost]", disabled: str, status: int
) -> None:
    assert new_host(settings={"AzureWebJobsDisableHomepage": disabled}).request("GET", "/").status_code == status


def test_without_its_host_name_no_function_with_a_client_runs(new_host: "Callable[..., SampleHost]") -> None:
    host = new_host(settings={"WEBSITE_HOSTNAME": ""})
    assert host.request("POST", "/v1/call/get_status_all", json={}).status_code == 500
    assert "Webhooks are not configured" in host.log.read_text()
    assert host.request("GET", "/v1/echo/x").status_code == 201


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
