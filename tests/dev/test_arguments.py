"""What is wrong with a command line is told in one sentence before any work begins."""

import subprocess
import sys
from pathlib import Path

import pytest

from dev.arguments import lack_of_room, missing_tests, parser
from dev.processes import ROOT
from dev.start import unknown_settings

HELP = " See `python3 dev --help`.\n"


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(arguments)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.endswith(HELP)
    assert told.count("\n") == 1
    return told.removesuffix(HELP)


@pytest.mark.parametrize("port", ["99999", "-1", "http", "65536"])
def test_what_is_no_port_is_told(capsys: pytest.CaptureFixture[str], port: str) -> None:
    told = refused(capsys, "start", f"--port={port}")

    assert told == f"--port: {port} is not a port; give a number from 1 to 65535, or 0 for any."


def test_a_negative_port_is_told_also_without_a_sign_of_equality(capsys: pytest.CaptureFixture[str]) -> None:
    assert "-1" in refused(capsys, "start", "--port", "-1")


def test_a_negative_latency_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        refused(capsys, "demo", "--latency", "-5") == "--latency: -5 is not a number of milliseconds; give 0 or more."
    )


def test_a_state_that_is_a_file_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "state"
    file.touch()

    assert refused(capsys, "start", "--state", str(file)) == f"--state: {file} is a file; give a folder."
    below = refused(capsys, "start", "--state", str(file / "below"))
    assert below == f"--state: {file} is a file; give a folder."


@pytest.mark.parametrize(("command", "option"), [("demo", "--json"), ("bench", "--json"), ("package", "--out")])
def test_a_result_that_could_not_be_written_is_told_before_the_work(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str, option: str
) -> None:
    nowhere = tmp_path / "nowhere" / "file"

    assert refused(capsys, command, option, str(tmp_path)) == f"{option}: {tmp_path} cannot be written: Is a directory."
    told = refused(capsys, command, option, str(nowhere))
    assert told == f"{option}: {nowhere} cannot be written: No such file or directory."


def test_looking_whether_a_result_can_be_written_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "result.json"

    assert parser().parse_args(["demo", "--json", str(file)]).json == file
    assert not file.exists()
    file.write_text("kept")
    parser().parse_args(["demo", "--json", str(file)])
    assert file.read_text() == "kept"


@pytest.mark.parametrize(
    "arguments", [("--python", "3.12", "start"), ("start", "--python", "3.12"), ("test", "--python", "3.12", "-x")]
)
def test_the_python_may_stand_before_or_after_the_command(arguments: tuple[str, ...]) -> None:
    given, _ = parser().parse_known_args(arguments)

    assert given.python == "3.12"


def test_a_setting_is_a_name_and_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    given = parser().parse_args(["start", "--set", "BULK_LIMIT=5", "--set", "PROTECTED_USERS=a=b"])

    assert given.set == [("BULK_LIMIT", "5"), ("PROTECTED_USERS", "a=b")]
    assert refused(capsys, "start", "--set", "BULK_LIMIT") == "--set: BULK_LIMIT is not a setting; write NAME=VALUE."


def test_settings_that_nobody_reads_are_told() -> None:
    given = [("BULK_LIMIT", "5"), ("NOTIFICATION_SECRET_X", "s"), ("TICK_SCHEDULE", "x"), ("BULK_LIMITS", "5")]

    assert unknown_settings(given) == ["BULK_LIMITS"]


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (["tests/unit", "-x"], []),
        (["tests/nope.py"], ["tests/nope.py"]),
        (["tests/nope.py::test_one", "tests/unit"], ["tests/nope.py"]),
        (["-k", "plan or graph"], []),
        ([], []),
    ],
)
def test_tests_that_are_not_there_are_told(arguments: list[str], missing: list[str]) -> None:
    assert missing_tests(arguments, ROOT) == missing


def test_a_full_disk_is_told_where_it_matters(tmp_path: Path) -> None:
    assert lack_of_room("check", None, 0) is None
    assert lack_of_room("demo", None, 200 * 1024 * 1024) is None
    told = lack_of_room("start", tmp_path / "new", 3 * 1024 * 1024)
    assert told == f"{tmp_path} has 3 MB free, and 100 are needed; make room or choose another with --state."
    assert str(lack_of_room("demo", None, 0)).endswith("make room or set TMPDIR to another folder.")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["test", "tests/nope.py"], "there is no tests/nope.py." + HELP),
        (["check", "--fast"], "unknown arguments: --fast." + HELP),
        (["start", "--python", "3.9"], "Python 3.9 is not supported: ask for one of 3.13, 3.12, 3.11.\n"),
    ],
)
def test_the_tool_says_one_sentence_and_ends_with_2(arguments: list[str], told: str) -> None:
    ran = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "dev", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stderr) == (2, told)
