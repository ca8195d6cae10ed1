import pytest

from dev import docs
from dev.__main__ import parser
from dev.checks import announced, processes, run_docs, selected
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


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ([], ["-m", "not long"]),
        (["-x"], ["-m", "not long", "-x"]),
        (["--all"], []),
        (["--all", "-x"], ["-x"]),
        (["tests/campaign"], ["tests/campaign"]),
        (["-k", "killed"], ["-k", "killed"]),
        (["-mlong"], ["-mlong"]),
    ],
)
def test_what_takes_long_is_left_out_unless_all_or_certain_tests_are_asked_for(
    arguments: list[str], given: list[str]
) -> None:
    assert selected(arguments) == given


def test_tests_are_announced_with_their_time_and_how_to_run_a_part() -> None:
    said = announced(None, with_long_ones=False)

    assert said.startswith("The tests but those that take long: about 4 minutes on two cores")
    assert "python3 dev test --all" in said
    assert "python3 dev test tests/unit" in said
    assert announced(312, with_long_ones=True).startswith("All tests: 5 minutes the last time here.")


def test_writing_the_pages_says_which_are_different(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_docs(parser().parse_args(["docs"])) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"{path.relative_to(ROOT)}: unchanged" for path in docs.pages()]


def test_pinning_says_what_is_different() -> None:
    assert told("requirements.txt", {"a==1", "b==1"}, {"a==2", "b==1"}) == "requirements.txt: 2 packages, -a==1, +a==2"
    assert told("requirements.txt", {"a==1"}, {"a==1"}) == "requirements.txt: 1 packages, unchanged"
