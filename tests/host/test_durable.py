"""Orchestrations through the SDK's client and the management API."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import SampleHost

HUB = "/runtime/webhooks/durabletask"
ACTIVITIES_AT_ONCE = "AzureFunctionsJobHost__extensions__durableTask__maxConcurrentActivityFunctions"


@pytest.mark.parametrize("value", [1, "text", [1, 2], {"a": [None]}, None, True])
def test_input_comes_back_as_output(host: "SampleHost", value: object) -> None:
    instance_id = f"value-{type(value).__name__}"
    status = host.run("nothing", instance_id, value)
    assert (status["runtimeStatus"], status["output"]) == ("Completed", value)
    if value is not None:
        assert status["input"] == json.dumps(value)


def test_activities_run_in_sequence_and_their_failures_can_be_caught(host: "SampleHost") -> None:
    items = [{"id": "seq1", "answer": {"a": 1}}, {"id": "seq2", "fail": "bad"}, {"id": "seq3"}]
    status = host.run("sequence", "sequence", items)
    assert status["output"] == [{"a": 1}, "Activity function 'work' failed:  ValueError: bad", None]
    assert status["customStatus"] == {"done": 2}
    assert [note for note in host.notes() if note.startswith("seq")] == ["seq1", "seq2", "seq3"]


def test_a_fan_out_adds_up(host: "SampleHost") -> None:
    assert host.run("fan_out", "fan", 100)["output"] == 9900


def test_retries_wait_between_attempts(new_host: "Callable[..., SampleHost]") -> None:
    host = new_host()
    items = [{"id": "once", "answer": 1}, {"id": "twice", "fail_until": 2, "answer": 2}]
    host.begin("stubborn", "r", items)
    host.wait(lambda: host.notes() and host.log.read_text().count("attempt 1") == 1)
    assert host.notes().count("twice") == 1
    host.wait(lambda: host.advance(5) and host.notes().count("twice") == 2)
    assert host.ended("r")["output"] == [1, 2]


def test_exhausted_retries_fail(new_host: "Callable[..., SampleHost]") -> None:
    host = new_host()
    host.begin("stubborn", "r", [{"id": "never", "fail": "no"}])
    host.wait(lambda: host.advance(5) and host.status("r")["runtimeStatus"] == "Failed")
    assert host.notes().count("never") == 3
    status = host.ended("r")
    assert status["runtimeStatus"] == "Failed"
    assert "ValueError: no" in status["output"]


def test_an_event_beats_the_timer_which_is_cancelled(host: "SampleHost") -> None:
    host.begin("patient", "event")
    host.call("raise_event", instance_id="event", event_name="go", event_data={"x": 1})
    status = host.ended("event")
    assert status["output"] == {"event": {"x": 1}}


def test_the_timer_fires_when_the_clock_has_moved(new_host: "Callable[..., SampleHost]") -> None:
    host = new_host()
    host.begin("patient", "timer")
    host.wait(lambda: host.status("timer")["runtimeStatus"] == "Running")
    before = datetime.fromisoformat(host.advance(3500)["now"])
    assert host.status("timer")["runtimeStatus"] == "Running"
    host.advance(101)
    status = host.ended("timer")
    assert datetime.fromisoformat(status["output"]["at"]) >= before + timedelta(seconds=99)
    assert status["lastUpdatedTime"] > status["createdTime"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("unknown", "The function 'no_such_activity' doesn't exist"),
        ("sub", "call_sub_orchestrator is not served"),
        ("new", "continue_as_new is not served"),
        ("entity", "call_entity is not served"),
        ("http", "call_http is not served"),
        ("raise", "Orchestrator function 'faulty' failed: 'missing'"),
    ],
)
def test_what_cannot_be_done_fails_the_instance_and_is_logged(host: "SampleHost", kind: str, text: str) -> None:
    status = host.run("faulty", f"faulty-{kind}", kind)
    assert status["runtimeStatus"] == "Failed"
    assert text in status["output"]
    assert f"ERROR host.durable: instance faulty-{kind} failed" in host.log.read_text()


def test_changed_code_fails_as_non_deterministic(host: "SampleHost") -> None:
    host.begin("faulty", "changed", "changed")
    host.wait(lambda: "changed" in host.notes())
    host.notes_file.with_name("notes.txt.changed").touch()
    host.call("raise_event", instance_id="changed", event_name="go")
    status = host.ended("changed")
    assert status["output"].startswith("Orchestrator function 'faulty' failed: Non-Deterministic workflow detected")
    assert "ERROR host.durable: instance changed failed" in host.log.read_text()


def test_terminate_suspend_and_resume(host: "SampleHost") -> None:
    host.begin("patient", "t")
    host.call("suspend", instance_id="t", reason="pause")
    host.call("raise_event", instance_id="t", event_name="go", event_data=1)
    assert host.status("t")["runtimeStatus"] == "Suspended"
    assert "error" in host.call("suspend", instance_id="t", reason="again")
    host.call("resume", instance_id="t", reason="on")
    assert host.ended("t")["output"] == {"event": 1}
    host.begin("patient", "u")
    host.call("terminate", instance_id="u", reason="enough")
    status = host.ended("u")
    assert (status["runtimeStatus"], status["output"]) == ("Terminated", "enough")
    assert "gone" in host.call("raise_event", instance_id="u", event_name="go")["error"]


def test_an_id_is_taken_until_its_instance_has_ended(host: "SampleHost") -> None:
    host.begin("patient", "twice")
    assert "already exists" in str(host.call("start_new", orchestration_function_name="nothing", instance_id="twice"))
    host.call("terminate", instance_id="twice", reason="")
    host.ended("twice")
    assert host.run("nothing", "twice", 5)["output"] == 5


def test_clients_are_told_what_does_not_exist(host: "SampleHost") -> None:
    assert "doesn't exist" in host.call("start_new", orchestration_function_name="nowhere")["error"]
    assert "@bad" in host.call("start_new", orchestration_function_name="nothing", instance_id="@bad")["error"]
    assert host.status("nobody") is None
    assert "No instance" in host.call("raise_event", instance_id="nobody", event_name="go")["error"]
    assert "501" in host.call("rewind", instance_id="nobody", reason="")["error"]


def test_history_shows_what_was_called(host: "SampleHost") -> None:
    host.run("sequence", "history", [{"id": "h", "answer": "secret"}])
    events = host.call("get_status", instance_id="history", show_history=True)["history"]
    assert [event["EventType"] for event in events] == ["ExecutionStarted", "TaskCompleted", "ExecutionCompleted"]
    assert (events[0]["FunctionName"], events[1]["FunctionName"]) == ("sequence", "work")
    assert "Result" not in events[1]
    events = host.call("get_status", instance_id="history", show_history=True, show_history_output=True)["history"]
    assert events[1]["Result"] == '"secret"'


def test_queries_filter_and_page(host: "SampleHost") -> None:
    for number in range(3):
        host.run("nothing", f"query{number}")
    host.begin("patient", "query3")
    found = host.call("get_status_by", instance_id_prefix="query")
    assert [status["instanceId"] for status in found] == ["query0", "query1", "query2", "query3"]
    found = host.call("get_status_by", instance_id_prefix="query", runtime_status=["Completed"])
    assert len(found) == 3
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert host.call("get_status_by", instance_id_prefix="query", created_time_from=tomorrow) == []
    assert len(host.call("get_status_all")) >= 4
    page = host.request("GET", f"{HUB}/instances?instanceIdPrefix=query&top=3", key="durable-key")
    token = page.headers["x-ms-continuation-token"]
    rest = host.request(
        "GET", f"{HUB}/instances?instanceIdPrefix=query&top=3", key="durable-key",
        headers={"x-ms-continuation-token": token},
    )  # fmt: skip
    assert [each["instanceId"] for each in rest.json()] == ["query3"]
    assert "x-ms-continuation-token" not in rest.headers


def test_purging_by_id_removes_what_runs_too(host: "SampleHost") -> None:
    host.run("nothing", "purge1")
    host.begin("patient", "purge2")
    assert host.call("purge_instance_history", instance_id="purge1") == 1
    assert host.call("purge_instance_history", instance_id="purge2") == 1
    assert host.status("purge1") is None
    assert host.status("purge2") is None


def test_purge_by_time(new_host: "Callable[..., SampleHost]") -> None:
    host = new_host()
    host.run("nothing", "old")
    host.begin("patient", "running")
    cut = datetime.fromisoformat(host.advance(10)["now"]).isoformat()
    host.run("nothing", "new")
    assert host.call("purge_instance_history_by", created_time_from="2000-01-01T00:00:00+00:00",
                     created_time_to=cut, runtime_status=["Completed"]) == 1  # fmt: skip
    assert [status["instanceId"] for status in host.call("get_status_all")] == ["new", "running"]


def test_the_check_status_response_leads_to_the_status(host: "SampleHost") -> None:
    host.run("nothing", "check", 3)
    answer = host.request("POST", "/v1/call/check_status", json={"instance_id": "check"})
    assert answer.status_code == 202
    assert answer.headers["Retry-After"] == "10"
    assert len(answer.json()) == 9
    status = host.request("GET", answer.headers["Location"].removeprefix(host.url))
    assert (status.status_code, status.json()["output"]) == (200, 3)


def test_the_webhook_starts_and_raises(host: "SampleHost") -> None:
    answer = host.request("POST", f"{HUB}/orchestrators/patient/hook", key="durable-key")
    assert answer.status_code == 202
    target = answer.json()["sendEventPostUri"].replace("{eventName}", "go").removeprefix(host.url)
    assert host.request("POST", target, data="x", headers={"Content-Type": "text/plain"}).status_code == 400
    assert host.request("POST", target, data="{", headers={"Content-Type": "application/json"}).status_code == 400
    assert host.request("POST", target, json=json.dumps(7)).status_code == 202
    assert host.ended("hook")["output"] == {"event": 7}
    assert host.request("POST", target, json="7").status_code == 410


@pytest.mark.parametrize(("threads", "first"), [("2", "waits"), ("3", "runs")])
def test_turns_share_the_workers_pool_with_activities(
    new_host: "Callable[..., SampleHost]", tmp_path: Path, threads: str, first: str
) -> None:
    gate = tmp_path / "gate"
    host = new_host(settings={"PYTHON_THREADPOOL_THREAD_COUNT": threads, ACTIVITIES_AT_ONCE: "2"})
    for number in range(2):
        host.begin("sequence", f"busy{number}", [{"id": number, "gate": str(gate)}])
    host.wait(lambda: len(host.notes()) == 2)
    host.begin("nothing", "turn", "end")
    if first == "waits":
        assert host.request("GET", "/v1/work").status_code == 404  # the host itself is not kept waiting
        assert host.status("turn")["runtimeStatus"] in ("Pending", "Running")
        gate.touch()
    assert host.ended("turn")["runtimeStatus"] == "Completed"
    gate.touch()


def test_activities_are_limited_by_host_json(new_host: "Callable[..., SampleHost]", tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    host = new_host(settings={ACTIVITIES_AT_ONCE: "3"})
    for number in range(5):
        host.begin("sequence", f"i{number}", [{"id": number, "gate": str(gate)}])
    host.wait(lambda: len(host.notes()) == 3)
    host.wait(lambda: all(host.status(f"i{number}")["runtimeStatus"] == "Running" for number in range(5)))
    assert len(host.notes()) == 3
    gate.touch()
    for number in range(5):
        host.ended(f"i{number}")
    assert len(host.notes()) == 5
