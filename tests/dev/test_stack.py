import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from dev import receivers
from dev.processes import ROOT, is_free, wait_until
from dev.stack import Stack
from dev.tenant import seed

pytestmark = pytest.mark.long

_PATIENCE = 60
ACTIONS = ("disable_sign_in", "revoke_sessions", "convert_to_shared", "remove_licenses")


class Started:
    """`python3 dev start` as a process."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        folder.mkdir(exist_ok=True)
        self._out, self._err = folder / "out.txt", folder / "err.txt"
        code = "from dev import __main__ as tool, start; raise SystemExit(start.run_start(tool.parser().parse_args()))"
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, "-c", code, "start", *arguments],
                cwd=ROOT,
                stdout=out,
                stderr=err,
            )

    def ready(self) -> dict[str, Any]:
        wait_until(lambda: "\n" in self.out or self.process.poll() is not None, _PATIENCE, "the line was printed")
        assert self.process.poll() is None, self.err
        assert self.out.count("\n") == 1
        return json.loads(self.out)

    def code(self) -> int:
        return self.process.wait(_PATIENCE)

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()


Start = Callable[..., Started]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Started] = []

    def start(*arguments: str) -> Started:
        started.append(Started(tmp_path / f"start{len(started)}", *arguments))
        return started[-1]

    yield start
    for each in started:
        each.process.terminate()
        each.process.wait(_PATIENCE)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _methods(told: dict[str, Any]) -> list[str]:
    return [each["method"] for each in requests.get(told["tenant"] + "/_sim/requests", timeout=30).json()]


def _port(origin: str) -> int:
    return int(origin.rpartition(":")[2])


def test_a_line_says_where_everything_is_and_sigterm_stops_it(start: Start) -> None:
    started = start()
    told = started.ready()

    assert set(told) == {"api", "tenant", "storage", "receivers", "keys", "pids"}
    assert set(told["pids"]) == {"host", "tenant", "storage", "receivers"}
    page = requests.get(f"{told['api']}/api/docs?code={told['keys']['host']}", timeout=30)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "POST</b> <code>/offboardings</code>" in page.text
    listing = requests.get(
        told["api"] + "/api/offboardings", headers={"x-functions-key": told["keys"]["host"]}, timeout=30
    )
    assert listing.json() == {"items": [], "next": None}
    assert requests.get(told["tenant"] + "/_sim/requests", timeout=30).ok

    started.process.send_signal(signal.SIGTERM)
    assert started.code() == 0
    assert not any(_is_running(pid) for pid in told["pids"].values())
    assert started.err == ""


def test_a_terminal_that_is_closed_stops_it(start: Start) -> None:
    started = start()
    told = started.ready()

    started.process.send_signal(signal.SIGHUP)

    assert started.code() == 0
    assert not any(_is_running(pid) for pid in told["pids"].values())


@pytest.mark.parametrize("auth", ["function-key", "static-web-apps", "app-service"])
def test_the_receivers_are_set_up_as_destinations_whoever_says_who_is_calling(start: Start, auth: str) -> None:
    told = start("--auth", auth, "--set", "BULK_LIMIT=5").ready()

    settings = requests.get(
        told["api"] + "/api/settings/notifications",
        headers={"x-functions-key": told["keys"]["host"], **receivers.principal(auth)},
        timeout=30,
    )

    assert {channel: len(given) for channel, given in settings.json().items()} == {"webhook": 2, "email": 1, "psa": 1}
    assert told["receivers"] in settings.text


def test_any_setting_can_be_given(start: Start) -> None:
    told = start("--set", "FUNCTION_KEY_ROLE=reader").ready()

    refused = requests.put(
        told["api"] + "/api/defaults", json=None, headers={"x-functions-key": told["keys"]["host"]}, timeout=30
    )

    assert refused.status_code == 403


def test_a_setting_that_nobody_reads_is_told(start: Start) -> None:
    started = start("--set", "BULK_LIMITS=5")

    assert started.code() == 2
    assert started.err == "There is no setting BULK_LIMITS; shared/app/settings.py lists all.\n"


def test_in_a_terminal_six_lines_tell_people_what_to_do_and_the_commands_work(tmp_path: Path) -> None:
    leader, follower = os.openpty()
    code = "from dev import __main__ as tool, start; raise SystemExit(start.run_start(tool.parser().parse_args()))"
    error = tmp_path / "err.txt"
    with error.open("w") as stderr:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", code, "start"], cwd=ROOT, stdout=follower, stderr=stderr
        )
    try:
        wait_until(lambda: error.read_text().count("\n") >= 6 or process.poll() is not None, _PATIENCE, "it was told")
        lines = error.read_text().splitlines()
        answers = {line[:9].strip(): subprocess.check_output(["sh", "-c", line[9:]], text=True) for line in lines[3:]}  # noqa: S603, S607 - what it says to type
        arrived = lines[2].partition("(the API), ")[2].partition(" ")[0]
        wait_until(lambda: len(requests.get(arrived, timeout=30).json()) == 3, _PATIENCE, "messages had arrived")
    finally:
        process.terminate()
        assert process.wait(_PATIENCE) == 0
        os.close(leader)
        os.close(follower)

    assert len(lines) == 6
    assert "until you press Ctrl-C" in lines[0]
    assert json.loads(answers["Plan"])["steps"][0]["name"] == "disable_sign_in"
    assert json.loads(answers["Submit"])["offboardings"][0]["user"]["upn"] == "bo@fabrikam.example"
    assert json.loads(answers["Status"])["items"][0]["user"]["upn"] == "bo@fabrikam.example"


@pytest.mark.parametrize("part", ["host", "tenant", "storage", "receivers"])
def test_the_death_of_a_part_ends_all_and_says_which(start: Start, part: str) -> None:
    started = start()
    told = started.ready()

    os.kill(told["pids"][part], signal.SIGKILL)

    names = {"host": "The app's host", "tenant": "The simulated tenant", "storage": "The table service"}
    names["receivers"] = "The receivers"
    assert started.code() == 1
    assert started.err.startswith(f"{names[part]} has ended unexpectedly")
    assert not any(_is_running(pid) for pid in told["pids"].values())


def test_a_state_keeps_keys_addresses_and_what_the_tenants_hold(start: Start, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    first = start("--state", state)
    before = first.ready()
    arranged = {"tenant": "contoso.example", "op": "user", "create": {"alias": "kept"}}
    assert requests.post(before["tenant"] + "/_sim/arrange", json=arranged, timeout=30).ok
    first.process.send_signal(signal.SIGINT)
    assert first.code() == 0

    after = start("--state", state).ready()

    assert {**after, "pids": None} == {**before, "pids": None}
    kept = requests.get(after["tenant"] + "/_sim/state?tenant=contoso.example", timeout=30).json()
    assert any(user["userPrincipalName"] == "kept@contoso.example" for user in kept["users"].values())


def test_after_a_crash_of_the_host_the_same_state_carries_an_offboarding_to_its_end(
    start: Start, tmp_path: Path
) -> None:
    state = str(tmp_path / "state")
    first = start("--state", state)
    told = first.ready()
    assert requests.post(told["tenant"] + "/_sim/latency", json={"graph": 300, "exchange": 300}, timeout=30).ok
    order = {"tenant": "contoso.example", "users": [seed.LIA], "actions": dict.fromkeys(ACTIONS, True)}
    key = {"x-functions-key": told["keys"]["host"]}
    accepted = requests.post(told["api"] + "/api/offboardings", json=order, headers=key, timeout=30)
    path = f"/api/offboardings/{accepted.json()['offboardings'][0]['id']}"
    wait_until(lambda: "PATCH" in _methods(told), _PATIENCE, "the first step wrote")

    os.kill(told["pids"]["host"], signal.SIGKILL)
    assert first.code() == 1
    told = start("--state", state).ready()

    def status() -> int:
        return requests.get(told["api"] + path + "/status", headers=key, timeout=30).status_code

    wait_until(lambda: status() == 200, 2 * _PATIENCE, "the offboarding ended")
    details = requests.get(told["api"] + path, headers=key, timeout=30).json()
    assert details["state"] == "Completed", details
    tenant = requests.get(told["tenant"] + "/_sim/state?tenant=contoso.example", timeout=30).json()
    user, mailbox = tenant["users"][seed.LIA], tenant["mailboxes"][seed.LIA]
    assert not user["accountEnabled"]
    assert user["session_revocations"] >= 1
    assert user["licenseAssignmentStates"] == []
    assert mailbox["RecipientTypeDetails"] == "SharedMailbox"


def test_a_state_in_use_is_left_alone(start: Start, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    start("--state", state).ready()

    second = start("--state", state)

    assert second.code() == 1
    assert "is in use" in second.err


def test_a_taken_port_is_told_in_one_sentence(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        started = start("--port", str(port))
        assert started.code() == 1

    assert started.err == f"Port {port} is in use; choose another with --port, or leave it out to get a free one.\n"


def test_an_unknown_way_of_signing_in_is_told(start: Start) -> None:
    started = start("--auth", "handshake")

    assert started.code() == 2
    assert "AUTH_MODE 'handshake' is not known" in started.err


def test_where_a_secret_may_go_can_be_given_with_it(start: Start) -> None:
    told = start("--set", "NOTIFICATION_SECRET_PSA=x", "--set", "NOTIFICATION_ORIGIN_PSA=https://psa.example").ready()

    assert told["api"]


def test_the_host_is_killed_and_comes_back_at_its_address(stack: Stack) -> None:
    stack.kill_host()
    assert is_free(_port(stack.api))

    stack.restart_host()

    assert stack.get("/api/offboardings").ok
