"""The command line of `python3 dev`. Like `__main__`, it is read by whatever Python the machine has.

What is wrong with it is said in one sentence, before any work begins: exit code 2.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import NoReturn, Sequence  # noqa: UP035 - older Pythons read this

COMMANDS = {
    "start": "run the app, its storage and the simulated Microsoft 365 until stopped",
    "demo": "offboard somebody from start to end and show what happens",
    "test": "run the tests, with --all also those that take long; other arguments go to pytest",
    "check": "run the linter, the formatter, the type checker and the import rules",
    "bench": "measure an offboarding",
    "docs": "write the pages that follow from the code",
    "pin": "write requirements*.txt anew from requirements*.in",
    "package": "build what is deployed, and try it in a clean environment",
}
_LAST_PORT = 65_535
_MEGABYTE = 1024 * 1024
_ROOM = 100 * _MEGABYTE
_NEED_ROOM = ("start", "demo", "test", "bench", "package")


class Tool(argparse.ArgumentParser):
    """A command line whose mistakes are told in one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end."""
        message = message.replace("argument ", "", 1) if message.startswith("argument ") else message
        self.exit(2, f"{message.rstrip('.')}. See `python3 dev --help`.\n")


def parser() -> argparse.ArgumentParser:
    """Build the command line."""
    tool = Tool(prog="python3 dev", description="Develop, try and test the offboarding backend.")
    about = "build .venv with this Python (3.11 to 3.13)"
    tool.add_argument("--python", metavar="X.Y", help=about)
    commands = tool.add_subparsers(dest="command", metavar="COMMAND")
    made = {name: commands.add_parser(name, help=text, description=text) for name, text in COMMANDS.items()}
    for command in made.values():
        # Without a default: it would take the place of what stands before the command.
        command.add_argument("--python", metavar="X.Y", default=argparse.SUPPRESS, help=about)
    start = made["start"]
    start.add_argument("--port", type=_port, default=0, help="port of the app (default: a free one)")
    start.add_argument(
        "--state", type=_folder, metavar="DIR", help="store all data here, so a later start continues from it"
    )
    start.add_argument("--auth", default="function-key", metavar="MODE", help="the app's AUTH_MODE")
    start.add_argument(
        "--set", type=_setting, action="append", default=[], metavar="NAME=VALUE", help="any setting of the app"
    )
    start.add_argument("--json", action="store_true", help="print one line of JSON, as where there is no terminal")
    made["demo"].add_argument("--json", type=_file, metavar="FILE", help="write the result here as well")
    made["demo"].add_argument(
        "--html", type=_folder, metavar="FOLDER", help="write the reports of its offboardings here"
    )
    latency = "delay of each simulated request in ms (default 100)"
    made["demo"].add_argument("--latency", type=_milliseconds, default=100, metavar="MS", help=latency)
    for name in ("start", "demo"):
        made[name].add_argument(
            "--host",
            choices=("embedded", "func"),
            default="embedded",
            help="what hosts the app: this project's own host (default), or Azure Functions Core Tools",
        )
    made["bench"].add_argument("case", nargs="*", help="what to measure (default: everything)")
    made["bench"].add_argument("--json", type=_file, metavar="FILE", help="write the figures here as well")
    made["pin"].add_argument("--upgrade", action="store_true", help="to the newest versions that the .in files allow")
    made["package"].add_argument("--out", type=_file, metavar="FILE.zip", help="keep the package here")
    return tool


def missing_tests(arguments: Sequence[str], root: Path) -> list[str]:
    """Return the files and folders among pytest's arguments that are not there."""
    named: list[str] = []
    before = ""
    for each in arguments:
        # What follows an option may be its value: an expression, a folder to make.
        if not each.startswith("-") and not before.startswith("-"):
            named.append(each.partition("::")[0])
        before = each
    return [name for name in named if not (root / name).exists()]


def lack_of_room(command: str, state: Path | None, free: int | None = None) -> str | None:
    """Say which folder has too little room for the data of a command; None where there is enough.

    Args:
        command: what is to be run.
        state: the folder of `start --state`.
        free: how many bytes are free; asked of the system unless given.
    """
    if command not in _NEED_ROOM:
        return None
    try:
        folder = Path(state or tempfile.gettempdir())
        while not folder.exists():
            folder = folder.parent
        left = shutil.disk_usage(str(folder)).free if free is None else free
    except OSError as error:
        return f"There is no folder for temporary files ({error}); set TMPDIR to one that can be written."
    if left >= _ROOM:
        return None
    instead = "choose another with --state" if state else "set TMPDIR to another folder"
    return f"{folder} has {left // _MEGABYTE} MB free, and {_ROOM // _MEGABYTE} are needed; make room or {instead}."


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is not a port; give a number from 1 to {_LAST_PORT}, or 0 for any")
    return int(text)


def _milliseconds(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not a number of milliseconds; give 0 or more")
    return int(text)


def _setting(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not name or not sign:
        raise argparse.ArgumentTypeError(f"{text} is not a setting; write NAME=VALUE")
    return name, value


def _folder(text: str) -> Path:
    """Take a folder that is there and can be written, or that can be made."""
    folder = Path(text).resolve()
    existing = folder
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir():
        raise argparse.ArgumentTypeError(f"{existing} is a file; give a folder")
    try:
        with tempfile.TemporaryFile(dir=str(existing)):
            return folder
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{existing} cannot be written: {error.strerror}") from None


def _file(text: str) -> Path:
    """Take a file that can be written, as is found out by opening it: before the work, whose result would be lost."""
    file = Path(text)
    is_new = not file.exists()
    try:
        with file.open("ab"):
            pass
        if is_new:
            file.unlink()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text} cannot be written: {error.strerror}") from None
    return file
