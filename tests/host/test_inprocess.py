"""The hub that tests drive by hand: any order, any loss, any repetition."""

import random
from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import pytest

from dev.host.durable.inprocess import InProcessHub, replay
from dev.host.durable.shim_v1 import ReplayError

Flow = Generator[Any, Any, Any]


def lanes(context: df.DurableOrchestrationContext) -> Flow:
    """Two steps at once, an hour's wait that an event may cut short, two more steps."""
    first = yield context.task_all([context.call_activity("step", n) for n in range(2)])
    timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    event = context.wait_for_external_event("go")
    winner = yield context.task_any([timer, event])
    if winner == event:
        timer.cancel()
    second = yield context.call_activity_with_retry("step", df.RetryOptions(1000, 3), 2)
    return [*first, second]


def hub_of(step: Callable[[int], object], flow: Callable[..., Flow] = lanes) -> InProcessHub:
    return InProcessHub({"lanes": flow}, {"step": step})


@pytest.mark.parametrize("seed", range(50))
def test_any_order_with_losses_and_repetitions_gives_one_answer(seed: int) -> None:
    chance = random.Random(seed)
    ran = []

    def step(number: int) -> int:
        ran.append(number)
        if number == 2 and ran.count(2) == 1:
            raise ValueError("once")
        return number * 10

    hub = hub_of(step)
    hub.start("lanes", "i")
    if chance.random() < 0.5:
        hub.raise_event("i", "go")
    for _ in range(300):
        work = hub.ready()
        if not work and not hub.advance():
            break
        if work:
            fate = chance.random()
            hub.execute(chance.choice(work), record=fate > 0.3, deliveries=2 if fate > 0.8 else 1)
        if chance.random() < 0.1:
            hub.crash()
    assert hub.status("i")["output"] == [0, 10, 20]
    kinds = [event["EventType"] for event in hub.history("i")]
    first_ends = {e["TaskScheduledId"]: e["EventType"] for e in reversed(hub.history("i")) if "TaskScheduledId" in e}
    assert list(first_ends.values()).count("TaskCompleted") == 3
    assert kinds.count("ExecutionCompleted") == 1


def test_a_result_that_is_lost_comes_back_after_the_lease_or_a_crash() -> None:
    ran = []
    hub = hub_of(lambda number: ran.append(number) or number)
    hub.start("lanes", "i")
    hub.execute(hub.ready()[0])
    one, two = hub.ready()
    assert (one.kind, one.name, one.instance_id) == ("activity", "step", "i")
    hub.execute(one, record=False)
    assert hub.ready() == [two]
    hub.crash()
    assert set(hub.ready()) == {one, two}
    hub.execute(two, record=False)
    assert hub.ready() == [one]
    hub.execute(one)
    assert [work.kind for work in hub.ready()] == ["turn"]
    assert hub.advance()
    assert {work.kind for work in hub.ready()} == {"turn", "activity"}
    assert ran == [0, 1, 0]


def test_an_activity_that_ended_twice_stays_twice_in_the_history_and_counts_once() -> None:
    answers = iter([1, 2, 3, 4, 5, 6])
    hub = hub_of(lambda _: next(answers))
    hub.start("lanes", "i")
    hub.execute(hub.ready()[0])
    hub.execute(hub.ready()[0], deliveries=2)
    hub.run(lambda work: work[0])
    ends = [event["TaskScheduledId"] for event in hub.history("i") if event["EventType"] == "TaskCompleted"]
    assert ends.count(0) == 2
    assert hub.status("i")["output"] == [1, 3, 4]


def test_a_recorded_activity_cannot_be_delivered() -> None:
    hub = hub_of(lambda number: number)
    hub.start("lanes", "i")
    hub.execute(hub.ready()[0])
    one, _ = hub.ready()
    hub.execute(one, deliveries=2)
    with pytest.raises(LookupError):
        hub.execute(one)


def test_one_task_after_the_other_can_be_taken_from_a_set() -> None:
    def rolling(context: df.DurableOrchestrationContext) -> Flow:
        left = [context.call_activity("step", number) for number in range(4)]
        results = []
        while left:
            done = yield context.task_any(left)
            left.remove(done)
            results.append((yield context.call_activity("step", done.result + 10)))
        return sorted(results)

    for seed in range(20):
        hub = hub_of(lambda number: number, rolling)
        hub.start("lanes", "i")
        hub.run(random.Random(seed).choice)
        assert hub.status("i")["output"] == [10, 11, 12, 13]
        replay(rolling, hub.history("i"))


def test_time_moves_to_the_next_timer() -> None:
    hub = hub_of(lambda number: number)
    hub.start("lanes", "i", {"x": 1})
    before = hub.clock.now()
    hub.run(lambda work: work[-1])
    assert hub.clock.now() - before == timedelta(hours=1)
    assert hub.status("i")["input"] == '{"x": 1}'
    assert not hub.advance()


def test_an_instance_with_open_tasks_has_not_ended() -> None:
    def hasty(context: df.DurableOrchestrationContext) -> Flow:
        yield context.task_any([context.call_activity("step", n) for n in range(2)])
        return "done"

    hub = hub_of(lambda number: number, hasty)
    hub.start("lanes", "i")
    hub.execute(hub.ready()[0])
    hub.execute(hub.ready()[0])
    hub.execute(next(work for work in hub.ready() if work.kind == "turn"))
    assert hub.status("i")["runtimeStatus"] == "Running"
    hub.run(lambda work: work[0])
    assert hub.status("i")["output"] == "done"


def test_termination_drops_what_comes_later() -> None:
    hub = hub_of(lambda number: number)
    hub.start("lanes", "i")
    hub.execute(hub.ready()[0])
    hub.terminate("i", "enough")
    hub.run(lambda work: work[0])
    assert (hub.status("i")["runtimeStatus"], hub.status("i")["output"]) == ("Terminated", "enough")
    assert hub.ready() == []


def test_what_is_started_in_the_turn_of_a_termination_runs() -> None:
    ran = []
    hub = hub_of(lambda number: ran.append(number) or number)
    hub.start("lanes", "i")
    hub.terminate("i", "enough")
    hub.run(lambda work: work[0])
    assert hub.status("i")["runtimeStatus"] == "Terminated"
    assert ran == [0, 1]


def test_coroutines_and_decorated_functions_run_too() -> None:
    app = df.DFApp()

    @app.orchestration_trigger(context_name="context")
    def decorated(context: df.DurableOrchestrationContext) -> Flow:
        return (yield context.call_activity("step", 1))

    async def step(number: int) -> int:
        return number + 1

    hub = InProcessHub({"lanes": decorated}, {"step": step})
    hub.start("lanes", "i")
    hub.run(lambda work: work[0])
    assert hub.status("i")["output"] == 2


def test_stored_histories_judge_changed_code() -> None:
    hub = hub_of(lambda number: number)
    hub.start("lanes", "i")
    hub.run(lambda work: work[0])
    history = hub.history("i")
    assert replay(lanes, history).completion.status == "Completed"

    def longer(context: df.DurableOrchestrationContext) -> Flow:
        answers = yield from lanes(context)
        yield context.call_activity("step", 3)
        return answers

    def earlier(context: df.DurableOrchestrationContext) -> Flow:
        yield context.wait_for_external_event("never")
        return (yield from lanes(context))

    def other(context: df.DurableOrchestrationContext) -> Flow:
        yield context.call_activity("other", 0)

    def richer(context: df.DurableOrchestrationContext) -> Flow:
        answers = yield from lanes(context)
        return [*answers, "more"]

    for changed in (longer, earlier, other, richer):
        with pytest.raises(ReplayError, match="Non-Deterministic"):
            replay(changed, history)


def test_the_history_of_a_running_instance_can_be_replayed_at_every_turn() -> None:
    hub = hub_of(lambda number: number)
    hub.start("lanes", "i")
    seen = 0
    while hub.ready() or hub.advance():
        for work in hub.ready()[:1]:
            hub.execute(work)
            if hub.history("i"):
                replay(lanes, hub.history("i"))
                seen += 1
    assert seen > 5


def test_a_hub_that_never_rests_is_reported() -> None:
    def restless(context: df.DurableOrchestrationContext) -> Flow:
        while True:
            yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))

    hub = hub_of(lambda number: number, restless)
    hub.start("lanes", "i")
    with pytest.raises(RuntimeError, match="come to rest"):
        hub.run(lambda work: work[0], most=20)
