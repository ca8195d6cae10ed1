"""What a machine needs before anything can start: a fit Python, .venv with the packages, Node, npm and Azurite.

Runs under the machine's own Python, whichever that is: standard library only. Progress goes to stderr, because stdout
belongs to the commands.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

SUPPORTED = ("3.13", "3.12", "3.11")
OLDEST_NODE = 18

_PROBE = "import ensurepip, sqlite3, ssl, sys, venv; print('%d.%d' % sys.version_info[:2])"
_BARE_PROBE = "import sys; print('%d.%d' % sys.version_info[:2])"
# What an interrupted or a copied installation lacks first.
_VENV_PROBE = "import pip, sys; print('%d.%d' % sys.version_info[:2])"
_GRACE_SECONDS = 10
_SAY_EVERY = 25
_HOMEBREW = ("/opt/homebrew/bin", "/usr/local/bin", "/home/linuxbrew/.linuxbrew/bin")


class UnfitError(Exception):
    """This machine or this checkout cannot run the tool; the message is one sentence that says what to do."""

    code = 2


class InstallationError(UnfitError):
    """What was installed did not go in; the message ends with what the installer said last."""

    code = 1


def ensure(root: Path, wanted: str | None = None) -> Path:
    """Return the Python of .venv, made ready with everything else that is needed; quick where all is ready already."""
    if wanted is not None and wanted not in SUPPORTED:
        raise UnfitError(f"Python {wanted} is not supported: ask for one of {', '.join(SUPPORTED)}.")
    node_stamp, azurite = root / "dev" / "node_modules" / ".stamp.json", _digest(root, "dev/package-lock.json")
    has_azurite = _read(node_stamp).get("packages") == azurite
    npm = find_npm(is_needed=not has_azurite)

    python = venv_python(root)
    stamp, packages = root / ".venv" / "stamp.json", _digest(root, "requirements-dev.txt")
    kept, folder = _read(stamp), str((root / ".venv").resolve())
    is_whole = is_running(python) or (python.exists() and version_of(python, _VENV_PROBE) is not None)
    # The programs in .venv name the folder in which it was made; a stamp of before this was written says nothing of it.
    is_in_place = kept.get("folder", folder) == folder
    is_current = kept.get("packages") == packages and wanted in {None, kept.get("python")}
    if not (is_whole and is_in_place and is_current):
        if not is_in_place:
            _say("The folder was moved or copied, so .venv is made anew")
        version = _build(root, wanted, is_kept=is_whole and is_in_place)
        stamp.write_text(json.dumps({"packages": packages, "python": version, "folder": folder}), encoding="utf-8")
    if not has_azurite:
        _install_azurite(npm, root / "dev")
        node_stamp.write_text(json.dumps({"packages": azurite}), encoding="utf-8")
    return python


def is_running(python: Path) -> bool:
    """Return whether this process runs in the environment of that Python."""
    return Path(sys.prefix).resolve() == python.parent.parent.resolve()


def venv_python(root: Path) -> Path:
    """Return where .venv has its Python."""
    return root / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def find_python(wanted: str | None = None) -> tuple[Path, str]:
    """Return the newest supported Python that really runs and can make environments, and its version."""
    incomplete: list[str] = []
    for version in [wanted] if wanted else SUPPORTED:
        for candidate in _candidates(version):
            if version_of(candidate) == version:
                return candidate, version
            if version_of(candidate, _BARE_PROBE) == version:
                incomplete.append(version)
    if incomplete:
        raise UnfitError(
            f"Python {incomplete[0]} is here without its venv module; install that (Debian and Ubuntu: "
            f"`apt install python3-venv`, or python{incomplete[0]}-venv for a second Python) and run this again."
        )
    if wanted:
        raise UnfitError(f"Python {wanted} was not found here; install it with its venv module or ask for another.")
    raise UnfitError(
        f"No Python {SUPPORTED[-1]} to {SUPPORTED[0]} with its venv module was found; "
        f"install Python {SUPPORTED[0]} and run this again."
    )


def find_npm(*, is_needed: bool) -> str:
    """Return npm, if it is needed; raises `UnfitError` where it or Node is missing or too old."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or (is_needed and not npm):
        missing = "npm" if node else "Node"
        raise UnfitError(f"{missing} is missing; install Node {OLDEST_NODE} or newer with npm and run this again.")
    version = _answer(node, "--version")
    if not version or not re.search(r"\d", version):
        raise UnfitError(f"{node} does not run; install Node {OLDEST_NODE} or newer and run this again.")
    if _by_number(Path(version))[0] < OLDEST_NODE:
        found = version.lstrip("v")
        raise UnfitError(f"Node {found} is too old; install Node {OLDEST_NODE} or newer and run this again.")
    return npm or ""


def version_of(python: Path, probe: str = _PROBE) -> str | None:
    """Ask a Python for its version; None for a broken shim and for one that cannot make environments."""
    return _answer(str(python), "-c", probe)


def _answer(*command: str) -> str | None:
    """Return what a program says; None where it does not run or fails."""
    try:
        answer = subprocess.run(  # noqa: PLW1510 - a broken program fails, which is an answer
            list(command), capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def _candidates(version: str) -> list[Path]:
    """List where a Python of this version may be: the PATH first, then what is usually installed beside it."""
    name = f"python{version}.exe" if os.name == "nt" else f"python{version}"
    folders = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    found = [Path(folder) / name for folder in (*folders, *_HOMEBREW)]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found += [each / "bin" / "python" for each in sorted(pyenv.glob(version + ".*"), key=_by_number, reverse=True)]
    # The Python behind an environment, so that .venv does not hang on one that may be deleted.
    found.append(Path(getattr(sys, "_base_executable", None) or sys.executable))
    return [each for each in dict.fromkeys(found) if each.exists()]


def _by_number(folder: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", folder.name)]


def _build(root: Path, wanted: str | None, *, is_kept: bool) -> str:
    python, version = venv_python(root), None
    if is_kept:
        version = version_of(python)
    if version not in ([wanted] if wanted else SUPPORTED):
        base, version = find_python(wanted)
        _say(f"Making .venv with Python {version}")
        _run([str(base), "-m", "venv", "--clear", str(root / ".venv")], "The environment .venv could not be made")
    _say("Installing the Python packages into .venv (the first time about a minute)")
    _run(
        [str(python), "-m", "pip", "install", "--progress-bar", "off", "-r", str(root / "requirements-dev.txt")],
        "The Python packages could not be installed",
        counted=re.compile(r"^Collecting "),
    )
    return str(version)


def _install_azurite(npm: str, folder: Path) -> None:
    _say("Installing Azurite, the table service, into dev/node_modules (half a minute)")
    # Install scripts are not needed and would run code of 400 packages.
    quiet = ["--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"]
    _run([npm, "ci", "--prefix", str(folder), *quiet], "Azurite could not be installed")


def _run(command: list[str], failure: str, counted: re.Pattern[str] | None = None) -> None:
    """Run a command, counting the lines that tell about progress; shows the end of its output where it fails.

    It runs in a session of its own, so that Ctrl-C reaches this process alone, which then ends it and waits: what it
    left half done, or went on doing, would break the next run.
    """
    lines: list[str] = []
    count = 0
    is_posix = os.name == "posix"
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=is_posix
    )
    try:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            if counted and counted.match(line):
                count += 1
                _count(count)
        code = process.wait()
    except BaseException:
        _end(process)
        raise
    finally:
        if process.stdout:
            process.stdout.close()
    if counted and count and sys.stderr.isatty():
        _say("")
    if code:
        end = "\n".join([*lines[-15:], f"{failure}. See the output above, fix the cause, and run the command again."])
        raise InstallationError(end)


def _end(process: subprocess.Popen[str]) -> None:
    """End a program and all that it has started, and wait until it is gone."""
    if os.name != "posix":
        process.kill()
        process.wait()
        return
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(_GRACE_SECONDS)
        # What it had started may have heard nothing.
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _count(count: int) -> None:
    """Show how far it is: in one line that moves in a terminal, now and then elsewhere."""
    if sys.stderr.isatty():
        print(f"\r  {count} packages", end="", file=sys.stderr, flush=True)
    elif not count % _SAY_EVERY:
        _say(f"  {count} packages")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _digest(root: Path, *names: str) -> str:
    return hashlib.sha256(b"\0".join((root / name).read_bytes() for name in names)).hexdigest()


def _read(stamp: Path) -> dict[str, str]:
    try:
        return json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
