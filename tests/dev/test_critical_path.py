from datetime import UTC, datetime, timedelta

import pytest

from dev.bench.critical_path import count_rounds, length
from shared.actions.plan import Node

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def at(*seconds: float) -> list[datetime]:
    return [BEGAN + timedelta(seconds=each) for each in seconds]


@pytest.mark.parametrize(
    ("seconds", "rounds"),
    [((), 0), ((0,), 1), ((0, 0.01), 1), ((0, 0.21, 0.42), 3), ((0, 0.1, 0.21), 2), ((0.21, 0), 2)],
)
def test_requests_that_overlap_are_one_round(seconds: tuple[float, ...], rounds: int) -> None:
    assert count_rounds(at(*seconds), 0.2) == rounds


def test_steps_side_by_side_take_as_long_as_the_longest() -> None:
    assert length([Node("one"), Node("two")], {"one": 2, "two": 3}) == 3


def test_a_chain_takes_the_sum() -> None:
    nodes = [Node("one"), Node("two", after=("one",)), Node("three", requires=("two",))]

    assert length(nodes, {"one": 1, "two": 2, "three": 3}) == 6


def test_a_lane_takes_one_at_a_time_and_others_go_on_beside_it() -> None:
    nodes = [Node("one", lane="mailbox"), Node("two", lane="mailbox"), Node("three", after=("one",))]

    assert length(nodes, {"one": 2, "two": 2, "three": 1}) == 4


def test_a_node_without_requests_takes_no_time() -> None:
    nodes = [Node("last", after=("first", "none")), Node("none", after=("first",)), Node("first")]

    assert length(nodes, {"first": 1, "last": 1}) == 2


def test_a_plan_that_waits_for_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="waits for itself"):
        length([Node("one", after=("two",)), Node("two", after=("one",))], {})
