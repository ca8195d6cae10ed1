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
import subprocess
import sys
from pathlib import Path

SUPPORTED = ("3.13", "3.12", "3.11")
OLDEST_NODE = 18

_PROBE = "import ensurepip, sqlite3, ssl, sys, venv; print('%d.%d' % sys.version_info[:2])"
_HOMEBREW = ("/opt/homebrew/bin", "/usr/local/bin", "/home/linuxbrew/.linuxbrew/bin")


class UnfitError(Exception):
    """This machine or this checkout cannot run the tool; the message is one sentence that says what to do."""


def ensure(root: Path, wanted: str | None = None) -> Path:
    """Return the Python of .venv, made ready with everything else that is needed; quick where all is ready already."""
    if wanted is not None and wanted not in SUPPORTED:
        raise UnfitError(f"Python {wanted} is not supported: ask for one of {', '.join(SUPPORTED)}.")
    node_stamp, azurite = root / "dev" / "node_modules" / ".stamp.json", _digest(root, "dev/package-lock.json")
    has_azurite = _read(node_stamp).get("packages") == azurite
    npm = find_npm(is_needed=not has_azurite)

    python = venv_python(root)
    stamp, packages = root / ".venv" / "stamp.json", _digest(root, "requirements-dev.txt")
    kept = _read(stamp)
    if kept.get("packages") != packages or not python.exists() or wanted not in {None, kept.get("python")}:
        version = _build(root, wanted)
        stamp.write_text(json.dumps({"packages": packages, "python": version}), encoding="utf-8")
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
    for version in [wanted] if wanted else SUPPORTED:
        for candidate in _candidates(version):
            if version_of(candidate) == version:
                return candidate, version
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
    if is_needed:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
        if not version or _by_number(Path(version))[0] < OLDEST_NODE:
            found = version.lstrip("v") or "(which does not run)"
            raise UnfitError(f"Node {found} is too old; install Node {OLDEST_NODE} or newer and run this again.")
    return npm or ""


def version_of(python: Path) -> str | None:
    """Ask a Python for its version; None for a broken shim and for one that cannot make environments."""
    try:
        answer = subprocess.run(  # noqa: PLW1510 - a broken shim fails, which is an answer
            [str(python), "-c", _PROBE], capture_output=True, text=True, timeout=20
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


def _build(root: Path, wanted: str | None) -> str:
    python, version = venv_python(root), None
    if python.exists():
        version = version_of(python)
    if version not in ([wanted] if wanted else SUPPORTED):
        base, version = find_python(wanted)
        _say(f"Making .venv with Python {version}")
        _run([str(base), "-m", "venv", "--clear", str(root / ".venv")], "The environment .venv could not be made")
    _say("Installing the Python packages into .venv; the first time this takes about a minute")
    _run(
        [str(python), "-m", "pip", "install", "--progress-bar", "off", "-r", str(root / "requirements-dev.txt")],
        "The Python packages could not be installed",
        shown=re.compile(r"^(?:Collecting|Downloading|Installing) "),
    )
    return str(version)


def _install_azurite(npm: str, folder: Path) -> None:
    _say("Installing Azurite, the table service, into dev/node_modules; this takes about half a minute")
    # Install scripts are not needed and would run code of 400 packages.
    command = [npm, "ci", "--prefix", str(folder), "--ignore-scripts", "--loglevel=error"]
    _run(command, "Azurite could not be installed")


def _run(command: list[str], failure: str, shown: re.Pattern[str] | None = None) -> None:
    """Run a command, showing the lines of its output that tell about progress; all of them where it fails."""
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            if shown and shown.match(line):
                _say("  " + line.rstrip()[:110])
    if process.returncode:
        raise UnfitError(
            "\n".join([*lines[-15:], f"{failure}: read the lines above, put it right and run this again."])
        )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _digest(root: Path, *names: str) -> str:
    return hashlib.sha256(b"\0".join((root / name).read_bytes() for name in names)).hexdigest()


def _read(stamp: Path) -> dict[str, str]:
    try:
        return json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
