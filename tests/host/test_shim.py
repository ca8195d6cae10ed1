"""The replay of the SDK's actions against hand-made histories."""

import json
from typing import Any

import pytest

from dev.host.durable.model import CreateTimer, Decision, ScheduleActivity, Turn
from dev.host.durable.shim_v1 import (
    InvocationError,
    ReplayError,
    activity_failure,
    carry_out,
    context_json,
    decide,
    worker_exit,
)
from dev.host.durable.store import Event

Action = dict[str, Any]
T = "2030-01-01T00:00:00.000000Z"
RETRY = {"firstRetryIntervalInMilliseconds": 5000, "maxNumberOfAttempts": 2}


def call(name: str) -> Action:
    return {"actionType": 0, "functionName": name, "input": "1"}


def retried(name: str) -> Action:
    return {"actionType": 1, "functionName": name, "input": "1", "retryOptions": RETRY}


def timer(*, cancelled: bool = False) -> Action:
    return {"actionType": 5, "fireAt": T, "isCanceled": cancelled}


def event(name: str) -> Action:
    return {"actionType": 6, "externalEventName": name, "reason": 0}


def any_of(*actions: list[Action]) -> Action:
    return {"actionType": 11, "compoundActions": list(actions)}


def all_of(*actions: list[Action]) -> Action:
    return {"actionType": 12, "compoundActions": list(actions)}


def happened(kind: str, **fields: object) -> Event:
    return {"EventType": kind, "Timestamp": T, **fields}


def scheduled(id_: int, name: str) -> Event:
    return happened("TaskScheduled", EventId=id_, Name=name, Input="1")


def completed(id_: int) -> Event:
    return happened("TaskCompleted", TaskScheduledId=id_, Result="1")


def failed(id_: int) -> Event:
    return happened("TaskFailed", TaskScheduledId=id_, Reason="r", Details="d")


def created(id_: int) -> Event:
    return happened("TimerCreated", EventId=id_, FireAt=T)


def fired(id_: int) -> Event:
    return happened("TimerFired", TimerId=id_, FireAt=T)


def raised(name: str) -> Event:
    return happened("EventRaised", Name=name, Input="1")


START = happened("ExecutionStarted", Name="f", Input=None, InstanceId="i", ExecutionId="e")


def turn(*turns: list[Event]) -> Turn:
    """Lay out a history: the events of each turn, the last of which is new."""
    history = []
    for number, events in enumerate(turns):
        first = [happened("OrchestratorStarted"), *([START] if number == 0 else []), *events]
        history += first if number == len(turns) - 1 else [*first, happened("OrchestratorCompleted")]
    return Turn("i", "e", "f", None, history, len(history) - len(first), ())


def answer(turn: Turn, *actions: list[Action], done: bool = False, **state: object) -> Decision:
    return carry_out(turn, json.dumps({"isDone": done, "actions": [list(actions)], **state}))


def commands(decision: Decision) -> list[tuple[int, str]]:
    return [
        (command.task_id, command.name if isinstance(command, ScheduleActivity) else command.fire_at)
        for command in decision.commands
    ]


def test_actions_are_taken_one_at_a_time() -> None:
    assert commands(answer(turn([]), call("a"), call("b"))) == [(0, "a")]
    assert commands(answer(turn([scheduled(0, "a")], [completed(0)]), call("a"), call("b"))) == [(1, "b")]


def test_compound_actions_start_together_and_await_one_or_all() -> None:
    assert commands(answer(turn([]), all_of(call("a"), call("b")), call("c"))) == [(0, "a"), (1, "b")]
    both = [scheduled(0, "a"), scheduled(1, "b")]
    assert commands(answer(turn(both, [completed(1)]), all_of(call("a"), call("b")), call("c"))) == []
    assert commands(answer(turn(both, [completed(1)]), any_of(call("a"), call("b")), call("c"))) == [(2, "c")]
    assert commands(answer(turn([]), all_of(), call("c"))) == [(0, "c")]


def test_a_failed_part_does_not_end_the_wait_for_the_others() -> None:
    history = turn([scheduled(0, "a"), scheduled(1, "b")], [failed(0)])
    decision = answer(history, all_of(call("a"), call("b")), call("c"), done=True)
    assert (commands(decision), decision.completion) == ([], None)


def test_the_end_comes_when_every_action_has_been_awaited() -> None:
    assert answer(turn([]), call("a"), done=True, output=1).completion is None
    decision = answer(turn([scheduled(0, "a")], [completed(0)]), call("a"), done=True, output={"x": 1}, customStatus=2)
    assert (decision.completion.status, decision.completion.output) == ("Completed", '{"x": 1}')
    assert decision.custom_status == "2"


def test_a_wait_for_older_tasks_adds_no_action_and_is_run_ahead_of() -> None:
    # task_any([a, b]), then task_any([b]), then c: the second wait is not in the list.
    actions = [any_of(call("a"), call("b")), call("c")]
    first = [scheduled(0, "a"), scheduled(1, "b")]
    assert commands(answer(turn(first, [completed(0)]), actions[0])) == []
    assert commands(answer(turn(first, [completed(0)], [completed(1)]), *actions)) == [(2, "c")]
    assert (
        commands(answer(turn(first, [completed(0)], [completed(1), scheduled(2, "c")], [completed(2)]), *actions)) == []
    )


def test_retries_number_a_timer_after_every_failure_even_the_last() -> None:
    actions = [all_of(retried("a"), retried("b")), call("c")]
    first = [scheduled(0, "a"), scheduled(1, "b")]
    assert commands(answer(turn(first, [failed(1)]), *actions)) == [(2, "2030-01-01T00:00:05.000000Z")]
    second = [failed(1), created(2)]
    assert commands(answer(turn(first, second, [failed(0), fired(2)]), *actions)) == [
        (3, "2030-01-01T00:00:05.000000Z"),
        (4, "b"),
    ]
    third = [failed(0), fired(2), created(3), scheduled(4, "b")]
    assert commands(answer(turn(first, second, third, [failed(4)]), *actions)) == [(5, T)]
    fourth = [failed(4), created(5)]
    decision = answer(turn(first, second, third, fourth, [fired(5), fired(3)]), *actions)
    assert commands(decision) == [(6, "a")]


def test_events_are_kept_until_somebody_waits_and_names_ignore_case() -> None:
    assert commands(answer(turn([raised("Go")]), event("go"), call("a"))) == [(0, "a")]
    assert commands(answer(turn([raised("stop")]), event("go"), call("a"))) == []
    two = [event("go"), event("go"), call("a")]
    assert commands(answer(turn([raised("go")]), *two)) == []
    assert commands(answer(turn([raised("go"), raised("go")]), *two)) == [(0, "a")]


def test_a_cancelled_timer_does_not_keep_the_instance_open() -> None:
    history = turn([created(0)], [raised("go")])
    decision = answer(history, any_of(event("go"), timer(cancelled=True)), done=True)
    assert decision.completion.status == "Completed"
    assert decision.cancelled_timers == {0}


@pytest.mark.parametrize(
    ("history", "actions"),
    [
        (turn([scheduled(0, "a")], [completed(0)]), [call("b")]),
        (turn([scheduled(0, "a")], [completed(0)]), [timer()]),
        (turn([created(0)], [fired(0)]), [call("a")]),
        (turn([scheduled(0, "a")], [completed(0)]), [event("go")]),
    ],
)
def test_actions_that_contradict_the_history_are_refused(history: Turn, actions: list[Action]) -> None:
    with pytest.raises(ReplayError, match="Non-Deterministic workflow detected"):
        answer(history, *actions)
    decision = decide(history, json.dumps({"isDone": False, "actions": [actions]}))
    assert decision.completion.immediate
    assert "Orchestrator function 'f' failed: Non-Deterministic" in decision.completion.output


def test_what_a_contradicting_turn_started_is_sent_all_the_same() -> None:
    history = turn([scheduled(0, "a")], [completed(0)])
    decision = decide(history, json.dumps({"isDone": False, "actions": [[all_of(call("b"), call("c"))]]}))
    assert commands(decision) == [(0, "b"), (1, "c")]
    assert decision.completion.immediate


def test_a_custom_status_over_16_kb_fails_the_run() -> None:
    fits, too_large = "x" * (8 * 1024 - 2), "x" * (8 * 1024 - 1)
    assert decide(turn([]), json.dumps({"isDone": False, "actions": [], "customStatus": fits})).completion is None
    decision = decide(turn([]), json.dumps({"isDone": False, "actions": [[call("a")]], "customStatus": too_large}))
    assert decision.completion.status == "Failed"
    assert "must not exceed 16 KB" in decision.completion.output


def test_a_failure_without_the_sdks_label_in_a_later_turn_reads_as_non_deterministic() -> None:
    decision = decide(turn([scheduled(0, "a")], [completed(0)]), worker_exit())
    assert "Non-Deterministic workflow detected" in decision.completion.output
    assert "named 'a'" in decision.completion.output
    assert "exited with code 137" in decide(turn([]), worker_exit()).completion.output


@pytest.mark.parametrize("kind", [2, 3, 4, 7, 8, 9, 99])
def test_what_is_not_served_is_refused(kind: str) -> None:
    with pytest.raises(ReplayError, match="not served"):
        answer(turn([]), {"actionType": kind})


def test_a_raising_orchestrator_fails_after_its_actions() -> None:
    state = json.dumps({"isDone": False, "actions": [[call("a")]], "error": "boom"})
    error = InvocationError(f"Exception: boom\n\n$OutOfProcData$:{state}")
    assert carry_out(turn([scheduled(0, "a")]), error).completion is None
    completion = carry_out(turn([scheduled(0, "a")], [completed(0)]), error).completion
    assert json.loads(completion.output) == "Orchestrator function 'f' failed: boom"


def test_an_error_outside_the_replay_fails_at_once() -> None:
    completion = carry_out(turn([]), InvocationError("TypeError: x", "stack")).completion
    assert "(Result: Failure\nException: TypeError: x\nStack: stack)" in json.loads(completion.output)
    assert completion.immediate


def test_the_context_is_what_the_sdk_reads() -> None:
    context = json.loads(context_json(turn([scheduled(0, "a")], [completed(0)])))
    assert [event["IsPlayed"] for event in context["history"]] == [True] * 4 + [False] * 2
    assert [event["EventType"] for event in context["history"]] == [12, 0, 4, 13, 12, 5]
    assert context["history"][1]["Version"] == ""
    assert context["history"][2]["Input"] == '["1"]'
    assert context["isReplaying"]


def test_an_activitys_failure_is_worded_as_dotnet_does() -> None:
    reason, details = activity_failure("a", InvocationError("ValueError: boom"))
    assert reason == "Activity function 'a' failed:  ValueError: boom"
    assert json.loads(details)["Message"] == " ValueError: boom"


def test_timers_become_commands() -> None:
    assert answer(turn([]), timer()).commands == [CreateTimer(0, T)]
