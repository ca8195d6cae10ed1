import pytest

from dev.checks import processes


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        ([], ["-n", "2"]),
        (["tests/unit", "-x"], ["-n", "2"]),
        (["tests/unit/test_plan.py::test_one"], []),
        (["-n0"], []),
        (["-n", "4"], []),
        (["--numprocesses=1"], []),
    ],
)
def test_tests_run_on_two_processes_unless_something_else_is_asked_for(arguments: list[str], chosen: list[str]) -> None:
    assert processes(arguments) == chosen
