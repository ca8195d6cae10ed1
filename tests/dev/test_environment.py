import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from dev.environment import UnfitError, ensure, find_python, venv_python, version_of
from dev.processes import ROOT, wait_until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="stands in for programs with shell scripts")

GOOD = 'echo "{version}"'
BROKEN = "echo 'command not found' >&2; exit 127"


def all_but_the_tool(names: Iterable[str]) -> set[str]:
    return set(names) - {"__main__.py", "arguments.py", "environment.py"}


def program(file: Path, script: str) -> Path:
    """Put a shell script where a program is looked for."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def python(file: Path, version: str) -> Path:
    return program(file, GOOD.format(version=version))


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing on the PATH but what a test puts there."""
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "first"), str(tmp_path / "second")]))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that is ready: .venv and Azurite are there, with a note of every call."""
    root = tmp_path / "checkout"
    files = ("requirements-dev.txt", "dev/package-lock.json", "dev/node_modules/azurite/index.js")
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    calls = f'echo "$0 $*" >> {tmp_path}/calls\n'
    program(venv_python(root), calls + '[ "$1" = -c ] && echo 3.12 || true')
    program(tmp_path / "first" / "node", 'echo "v20.1.0"')
    program(tmp_path / "first" / "npm", calls + f"/bin/mkdir -p {root}/dev/node_modules")
    ensure(root)
    (tmp_path / "calls").unlink()
    return root


def calls(tmp_path: Path) -> str:
    file = tmp_path / "calls"
    return file.read_text() if file.exists() else ""


def installed(tmp_path: Path) -> str:
    """Return the calls but those that ask a Python for its version."""
    return "".join(line for line in calls(tmp_path).splitlines(keepends=True) if "sys.version_info" not in line)


def test_the_newest_python_is_taken(tmp_path: Path) -> None:
    python(tmp_path / "first" / "python3.11", "3.11")
    newest = python(tmp_path / "second" / "python3.13", "3.13")

    assert find_python() == (newest, "3.13")


def test_one_that_is_asked_for_is_taken(tmp_path: Path) -> None:
    wanted = python(tmp_path / "first" / "python3.11", "3.11")
    python(tmp_path / "first" / "python3.13", "3.13")

    assert find_python("3.11") == (wanted, "3.11")


def test_a_broken_shim_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "first" / "python3.13", BROKEN)
    works = python(tmp_path / "second" / "python3.13", "3.13")

    assert find_python() == (works, "3.13")


def test_a_program_that_is_another_version_is_passed_over(tmp_path: Path) -> None:
    python(tmp_path / "first" / "python3.13", "3.9")
    works = python(tmp_path / "second" / "python3.13", "3.13")

    assert find_python() == (works, "3.13")


def test_pyenv_is_searched_for_the_newest_patch(tmp_path: Path) -> None:
    program(tmp_path / "first" / "python3.13", BROKEN)
    versions = tmp_path / "pyenv" / "versions"
    python(versions / "3.13.9" / "bin" / "python", "3.13")
    newest = python(versions / "3.13.10" / "bin" / "python", "3.13")

    assert find_python("3.13") == (newest, "3.13")


def test_the_running_python_is_the_last_resort() -> None:
    running = f"{sys.version_info.major}.{sys.version_info.minor}"

    found, version = find_python(running)

    assert version == running
    assert version_of(found) == running


def test_a_python_that_is_not_supported_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnfitError, match=r"^Python 3\.9 is not supported: ask for one of 3\.13, 3\.12, 3\.11\.$"):
        ensure(tmp_path, "3.9")


def test_what_is_ready_is_left_alone(checkout: Path, tmp_path: Path) -> None:
    assert ensure(checkout) == venv_python(checkout)
    assert installed(tmp_path) == ""


def test_other_requirements_are_installed(checkout: Path, tmp_path: Path) -> None:
    (checkout / "requirements-dev.txt").write_text("other")

    ensure(checkout)
    assert "-m pip install" in calls(tmp_path)

    (tmp_path / "calls").unlink()
    ensure(checkout)
    assert installed(tmp_path) == ""


def test_another_azurite_is_installed(checkout: Path, tmp_path: Path) -> None:
    (checkout / "dev" / "package-lock.json").write_text("other")

    ensure(checkout)

    assert "npm ci" in calls(tmp_path)


def test_another_python_that_is_asked_for_makes_the_environment_anew(checkout: Path, tmp_path: Path) -> None:
    base = program(tmp_path / "first" / "python3.11", f'echo "$0 $*" >> {tmp_path}/calls\n[ "$1" = -c ] && echo 3.11')
    with pytest.raises(UnfitError):
        ensure(checkout, "3.11")

    assert f"{base} -m venv --clear {checkout / '.venv'}" in calls(tmp_path)


def test_a_failed_installation_shows_its_end_and_is_tried_again(checkout: Path, tmp_path: Path) -> None:
    (checkout / "requirements-dev.txt").write_text("other")
    script = '[ "$1" = -c ] && echo 3.12 && exit 0\necho "no such package: other"; exit 1'
    program(venv_python(checkout), script)

    for _ in range(2):
        with pytest.raises(UnfitError, match="no such package: other\nThe Python packages could not be installed"):
            ensure(checkout)
    assert installed(tmp_path) == ""


@pytest.mark.parametrize(
    ("node", "npm", "message"),
    [
        ("exit", "9.2.0", "{node} does not run; install Node 18 or newer and run this again."),
        ("", "9.2.0", "Node is missing; install Node 18 or newer with npm and run this again."),
        ("v20.1.0", "", "npm is missing; install Node 18 or newer with npm and run this again."),
        ("v16.20.2", "9.2.0", "Node 16.20.2 is too old; install Node 18 or newer and run this again."),
    ],
)
def test_an_unfit_node_is_told_in_one_sentence(
    checkout: Path, tmp_path: Path, node: str, npm: str, message: str
) -> None:
    (checkout / "dev" / "package-lock.json").write_text("other")
    for name, version in (("node", node), ("npm", npm)):
        (tmp_path / "first" / name).unlink()
        if version:
            program(tmp_path / "first" / name, f"echo {version}" if version != "exit" else BROKEN)

    with pytest.raises(UnfitError) as told:
        ensure(checkout)

    assert str(told.value) == message.format(node=tmp_path / "first" / "node")
    assert told.value.code == 2


@pytest.mark.parametrize("damage", ["exit 1", '[ "$2" = "${2#*ensurepip}" ] && exit 1; echo 3.12'])
def test_a_broken_environment_is_made_anew(checkout: Path, tmp_path: Path, damage: str) -> None:
    program(venv_python(checkout), damage)
    base = program(tmp_path / "first" / "python3.13", f'echo "$0 $*" >> {tmp_path}/calls\n[ "$1" = -c ] && echo 3.13')
    with pytest.raises(UnfitError):
        ensure(checkout)

    assert f"{base} -m venv --clear {checkout / '.venv'}" in calls(tmp_path)


def test_an_environment_that_was_moved_with_its_folder_is_made_anew(checkout: Path, tmp_path: Path) -> None:
    moved = checkout.rename(tmp_path / "moved")
    base = program(tmp_path / "first" / "python3.13", f'echo "$0 $*" >> {tmp_path}/calls\n[ "$1" = -c ] && echo 3.13')
    with pytest.raises(UnfitError):
        ensure(moved)

    assert f"{base} -m venv --clear {moved / '.venv'}" in calls(tmp_path)


def test_a_python_without_its_venv_module_is_told_with_the_package(tmp_path: Path) -> None:
    program(tmp_path / "first" / "python3.12", 'case "$2" in *ensurepip*) exit 1;; esac\necho 3.12')

    with pytest.raises(
        UnfitError, match=r"^Python 3\.12 is here without its venv module; .*`apt install python3-venv`"
    ):
        find_python("3.12")


def test_azurite_is_installed_from_what_is_there_without_advertisements(checkout: Path, tmp_path: Path) -> None:
    (checkout / "dev" / "package-lock.json").write_text("other")

    ensure(checkout)

    assert {"--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"} <= set(calls(tmp_path).split())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_an_interrupted_installation_ends_what_it_has_started_and_waits_for_it(
    checkout: Path, tmp_path: Path, number: int, code: int
) -> None:
    (checkout / "dev" / "package-lock.json").write_text("other")
    shutil.copytree(ROOT / "dev", checkout / "dev", dirs_exist_ok=True, ignore=lambda _, names: all_but_the_tool(names))
    (checkout / "dev" / "__init__.py").write_text("")
    script = f"echo $$ > {tmp_path}/npm; /bin/sleep 60 & echo $! > {tmp_path}/its; wait"
    program(tmp_path / "first" / "npm", script)
    process = subprocess.Popen([sys.executable, str(checkout / "dev"), "check"], start_new_session=True)  # noqa: S603 - our own interpreter
    wait_until(lambda: (tmp_path / "its").exists() and (tmp_path / "its").read_text() != "", 30, "npm ran")

    process.send_signal(number)

    assert process.wait(30) == code
    for file in ("npm", "its"):
        wait_until(lambda file=file: not is_running((tmp_path / file).read_text()), 30, f"{file} was gone")


def is_running(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{int(pid)}/stat")
    # Nobody may be there to take the exit code of what was somebody else's child.
    return not (status.exists() and ") Z " in status.read_text())


def test_an_installation_shows_counts_instead_of_lines(checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (checkout / "requirements-dev.txt").write_text("other")
    many = 'for n in $(/usr/bin/seq 60); do echo "Collecting package$n"; done'
    program(venv_python(checkout), f'[ "$1" = -c ] && echo 3.12 && exit 0\n{many}')

    ensure(checkout)

    told = capfd.readouterr().err
    assert "  25 packages\n  50 packages\n" in told
    assert "Collecting" not in told
    assert max(map(len, told.splitlines())) <= 80
