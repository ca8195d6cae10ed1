import pytest

from dev import docs
from dev.__main__ import parser
from dev.checks import announced, processes, run_docs
from dev.pin import told
from dev.processes import ROOT


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


def test_all_tests_are_announced_with_their_time_and_how_to_run_a_part() -> None:
    assert announced(None).startswith("All tests: about 13 minutes on two cores")
    assert announced(312).startswith("All tests: 5 minutes the last time here.")
    assert "python3 dev test tests/unit" in announced(40)


def test_writing_the_pages_says_which_are_different(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_docs(parser().parse_args(["docs"])) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"{path.relative_to(ROOT)}: unchanged" for path in docs.pages()]


def test_pinning_says_what_is_different() -> None:
    assert told("requirements.txt", {"a==1", "b==1"}, {"a==2", "b==1"}) == "requirements.txt: 2 packages, -a==1, +a==2"
    assert told("requirements.txt", {"a==1"}, {"a==1"}) == "requirements.txt: 1 packages, unchanged"
